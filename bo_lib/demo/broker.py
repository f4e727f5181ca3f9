"""NORTHGATE, the prime broker: CSV and XLSX in American style (dates MM/DD/YYYY, thousands separators, shorts in parentheses)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bo_lib.demo.custodians import Custodian
from bo_lib.demo.files import Outbox, csv_text, plain, xlsx_bytes
from bo_lib.demo.ledger import Holding, Notice, Statement, Status
from bo_lib.model.money import ZERO

DATES = "%m/%d/%Y"
POSITIONS = "Account|As Of|ISIN|Description|Quantity|Price|Ccy|Market Value".split("|")
BALANCES = "Account|Ccy|As Of|Statement No|Opening|Closing".split("|")
ACTIVITY = "Account|Ccy|As Of|Entry Date|Value Date|Amount|Client Ref|Our Ref|Type|Narrative|Reversal".split("|")
SETTLEMENTS = "Client Ref|Account|Status|Reason|ISIN|Side|Quantity|Ccy|Net Amount|Trade Date|Contract Date|Status Date".split("|")
ACTIONS = (
    "Event Ref|Account|Event|ISIN|Announced|Ex Date|Record Date|Pay Date|Direction|Ccy|Rate|Withholding %|New ISIN|New|Old"
    "|Eligible|Option|Movement"
).split("|")


class Northgate(Custodian):
    cash_file, holdings_file = "cash_{ymd}.xlsx", "positions_{ymd}.csv"
    settlement_file, action_file = "settlements_{ymd}.csv", "corporate_actions_{ymd}.csv"

    def write_cash(self, out: Outbox, statements: Sequence[Statement]) -> None:
        balances = [(s.account, s.currency, s.day, str(s.number), s.opening, s.closing) for s in statements]
        activity = [
            (
                *(s.account, s.currency, s.day, e.booked, e.value, e.amount, e.reference),
                *(f"NG{out.ymd[2:]}{s.currency}{n:03d}", e.code, e.text, "Y" if e.reversal else "N"),
            )
            for s in statements
            for n, e in enumerate(s.entries, 1)
        ]
        sheets: dict[str, tuple[Sequence[str], list[Any]]] = {"Balances": (BALANCES, balances), "Activity": (ACTIVITY, activity)}
        out.put(self.path(self.cash_file, out), xlsx_bytes(sheets, DATES))

    def write_holdings(self, out: Outbox, holdings: Sequence[Holding]) -> None:
        number = self.account.custody
        rows = [(number, out.day, h.isin, h.name, _brackets(h.quantity), h.price, h.currency, _brackets(h.value)) for h in holdings]
        titles = (
            "Northgate Prime Services - Position Report",
            f"Client: Harbour Lane - As of {out.day:{DATES}} - Trade date basis",
        )
        out.put(self.path(self.holdings_file, out), csv_text(POSITIONS, rows, dates=DATES, titles=titles))

    def write_statuses(self, out: Outbox, statuses: Sequence[Status]) -> None:
        rows = []
        for s in statuses:
            t = s.trade
            what = (t.isin, "Receive" if t.sign > 0 else "Deliver", s.quantity, t.currency, s.amount)
            dates = (t.trade_date, t.settlement_date, s.day)
            rows.append((t.trade_id, self.account.custody, s.status.title(), s.reason, *what, *dates))
        out.put(self.path(self.settlement_file, out), csv_text(SETTLEMENTS, rows, dates=DATES))

    def write_notices(self, out: Outbox, notices: Sequence[Notice]) -> None:
        out.put(self.path(self.action_file, out), csv_text(ACTIONS, map(_action_row, notices), dates=DATES))


def _action_row(notice: Notice) -> tuple[Any, ...]:
    a, held = notice.action, notice.eligible or ZERO
    ratio = (a.new_isin, a.new or "", a.old or "")
    kind = ("CASH", "cash-1") if a.rate else ("SECU", "securities-1")
    money = ("DEBT" if held < 0 else "CRED", a.currency, a.rate or "", a.withholding_pct or "")
    dates = (a.announced, a.ex, a.record, a.pay)
    return (notice.reference, notice.account, a.caev, a.isin, *dates, *money, *ratio, _brackets(held), *kind)


def _brackets(number: Decimal) -> str:
    """Thousands separators, and parentheses round what is short."""
    text = f"{abs(Decimal(plain(number))):,f}"
    return f"({text})" if number < 0 else text
