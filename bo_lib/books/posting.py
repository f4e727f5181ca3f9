"""Which postings each kind of event makes, and on which day. The rules themselves stand in ``post_*.py``.

A rule gets the event, the state it may change, the setting and the day it posts on, and returns journal lines that
balance per currency and in base. It raises ``Refused`` before it has changed anything when the event cannot be posted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from bo_lib.books import post_actions as actions
from bo_lib.books import post_contracts as contracts
from bo_lib.books import post_money as money
from bo_lib.books import post_reorganisations as reorganisations
from bo_lib.books import post_trades as trades
from bo_lib.books import post_transfers as transfers
from bo_lib.books.state import Line, Setting, State


class Rule(NamedTuple):
    """One posting of an event: the day it falls on, and the function that makes its lines."""

    day: Callable[[Any], date]
    post: Callable[[Any, State, Setting, date], list[Line]]


def _effective(event: Any) -> date:
    return event.effective_date  # type: ignore[no-any-return]


def _payment_date(event: Any) -> date:
    return max(event.payment_date, event.effective_date)  # type: ignore[no-any-return]


def _value_date(event: Any) -> date:
    return max(event.settlement_date, event.effective_date)  # type: ignore[no-any-return]


def _maturity_date(event: Any) -> date:
    return max(event.maturity_date, event.effective_date)  # type: ignore[no-any-return]


def _contractual(event: Any) -> date:
    """Capital may be paid before the units are in the books."""
    return event.settlement_date  # type: ignore[no-any-return]


# A further kind of event is a further row.
RULES: dict[str, tuple[Rule, ...]] = {
    "opening_lot": (Rule(_effective, trades.opening_lot),),
    "opening_balance": (Rule(_effective, money.opening_balance),),
    "trade": (Rule(_effective, trades.trade),),
    "settlement": (Rule(_effective, trades.settlement),),
    "fx_deal": (Rule(_effective, money.deal_agreed), Rule(_value_date, money.deal_settled)),
    "dividend": (Rule(_effective, actions.dividend), Rule(_payment_date, money.paid)),
    "coupon": (Rule(_effective, actions.coupon), Rule(_payment_date, money.paid)),
    "split": (Rule(_effective, actions.stock_split),),
    "rights_issue": (Rule(_effective, actions.rights_issue),),
    "rights_exercise": (Rule(_effective, actions.rights_exercise), Rule(_payment_date, money.paid)),
    "capital": (Rule(_effective, money.capital), Rule(_contractual, money.capital_paid)),
    "accrual": (Rule(_effective, money.accrual),),
    "payment": (Rule(_effective, money.payment),),
    "manual_journal": (Rule(_effective, money.manual_journal),),
    "spin_off": (Rule(_effective, reorganisations.spin_off),),
    "merger": (Rule(_effective, reorganisations.merger), Rule(_payment_date, money.paid)),
    "cash_in_lieu": (Rule(_effective, reorganisations.cash_in_lieu), Rule(_payment_date, money.paid)),
    "return_of_capital": (Rule(_effective, reorganisations.return_of_capital), Rule(_payment_date, money.paid)),
    "transfer": (Rule(_effective, transfers.transfer),),
    "in_kind": (Rule(_effective, transfers.in_kind),),
    "redemption": (Rule(_effective, reorganisations.redemption), Rule(_payment_date, money.paid)),
    "amortisation": (Rule(_effective, contracts.amortisation),),
    "index_fixing": (Rule(_effective, contracts.index_fixing),),
    "variation_margin": (Rule(_effective, contracts.variation_margin), Rule(_payment_date, money.paid)),
    "option_exercise": (Rule(_effective, contracts.option_exercise), Rule(_payment_date, money.paid)),
    "swap_payment": (Rule(_effective, contracts.swap_payment), Rule(_payment_date, money.paid)),
    "money_deal": (Rule(_effective, contracts.money_placed), Rule(_maturity_date, contracts.money_repaid)),
}
