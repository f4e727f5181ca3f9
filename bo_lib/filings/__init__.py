"""Filings: what is owed, for which period, by when."""

from bo_lib.filings.calendar import OBLIGATIONS, due_date, obligations

__all__ = ["OBLIGATIONS", "due_date", "obligations"]
