"""The Back Office Workbench: everything after the investment decision."""
