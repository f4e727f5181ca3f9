"""What each desk shows: results of the rooms as reports. One module a desk."""
