"""The facade: one fund on one business date, in the words of the desk."""

from __future__ import annotations

from bo_lib.workbench.desk import Desk

__all__ = ["Desk"]
