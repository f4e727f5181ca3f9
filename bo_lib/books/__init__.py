"""Books: events folded into a double-entry journal and tax lots."""

from bo_lib.books.book import BOOK_CASH_MOVEMENTS, CASH_BALANCES, OPEN_TRADES, Book, Refusal
from bo_lib.books.lots import METHODS
from bo_lib.books.replay import replay

__all__ = ["BOOK_CASH_MOVEMENTS", "CASH_BALANCES", "METHODS", "OPEN_TRADES", "Book", "Refusal", "replay"]
