"""Books: events folded into a double-entry journal and tax lots."""

from bo_lib.books.book import BOOK_CASH_MOVEMENTS, CASH_BALANCES, OPEN_TRADES, Book, Refusal
from bo_lib.books.explain import EXPLAINED, Explained, Tie, explain, line_rows
from bo_lib.books.intake import (
    ADJUSTMENTS,
    LATE_KINDS,
    WAITING,
    Admitted,
    adjustments,
    admit,
    corrected,
    find_waiting,
    waiting,
    withdrawn,
)
from bo_lib.books.lots import METHODS
from bo_lib.books.post_contracts import interest_to
from bo_lib.books.replay import replay
from bo_lib.books.results import PROFIT_AND_LOSS, profit_and_loss, result
from bo_lib.books.wash_sales import PURCHASES, WASH_SALES, wash_sales

__all__ = [
    "ADJUSTMENTS", "BOOK_CASH_MOVEMENTS", "CASH_BALANCES", "EXPLAINED", "LATE_KINDS", "METHODS", "OPEN_TRADES",
    "PROFIT_AND_LOSS", "PURCHASES", "WAITING", "WASH_SALES", "Admitted", "Book", "Explained", "Refusal", "Tie", "adjustments",
    "admit", "corrected", "explain", "find_waiting", "interest_to", "line_rows", "profit_and_loss", "replay", "result",
    "waiting", "wash_sales", "withdrawn",
]  # fmt: skip
