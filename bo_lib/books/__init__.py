"""Books: events folded into a double-entry journal and tax lots."""

from bo_lib.books.book import BOOK_CASH_MOVEMENTS, CASH_BALANCES, OPEN_TRADES, Book, Refusal
from bo_lib.books.intake import ADJUSTMENTS, LATE_KINDS, WAITING, Admitted, adjustments, admit, corrected, resubmit, waiting
from bo_lib.books.lots import METHODS
from bo_lib.books.post_contracts import interest_to
from bo_lib.books.replay import replay
from bo_lib.books.wash_sales import PURCHASES, WASH_SALES, wash_sales

__all__ = [
    "ADJUSTMENTS", "BOOK_CASH_MOVEMENTS", "CASH_BALANCES", "LATE_KINDS", "METHODS", "OPEN_TRADES", "PURCHASES", "WAITING",
    "WASH_SALES", "Admitted", "Book", "Refusal", "adjustments", "admit", "corrected", "interest_to", "replay", "resubmit",
    "waiting", "wash_sales",
]  # fmt: skip
