"""The desk's language for tests: events in a line, bookings as a table of text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib.books import Book, replay
from bo_lib.config import Bases, ChartOfAccounts, load
from bo_lib.model import events as ev
from bo_lib.model.findings import Outcome
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS

_RULES = Path(__file__).parents[2] / "parameters" / "rules"
CHART, BASES = load(_RULES / "chart_of_accounts.yaml", ChartOfAccounts), load(_RULES / "bases.yaml", Bases)
SECURITIES = INSTRUMENTS.build(
    {"isin": isin, "name": isin, "kind": kind, "currency": currency, "multiplier": multiplier}
    for isin, kind, currency, multiplier in (
        ("EURO-SHARE", "equity", "EUR", None), ("US-SHARE", "equity", "USD", None), ("US-BOND", "corporate_bond", "USD", None),
        ("EURO-RIGHT", "right", "EUR", None), ("JP-SHARE", "equity", "JPY", None), ("EURO-NEW", "equity", "EUR", None),
        ("US-NEW", "equity", "USD", None), ("EURO-BILL", "bill", "EUR", None), ("US-LINKER", "inflation_linked_bond", "USD", None),
        ("US-FUTURE", "future", "USD", Decimal(50)), ("EURO-FUTURE", "future", "EUR", Decimal(10)),
        ("EURO-CALL", "option", "EUR", Decimal(100)), ("EURO-PUT", "option", "EUR", Decimal(100)), ("US-SWAP", "swap", "USD", None),
        ("EURO-COIN", "crypto", "EUR", None),
    )
).value  # fmt: skip
CURRENCY = dict(zip(SECURITIES["isin"].to_pylist(), SECURITIES["currency"].to_pylist(), strict=True))


def june(day: int) -> date:
    return date(2026, 6, day)


def rates(day: date) -> Rates:
    """The dollar falls by a cent a day: 1.10 for a euro on 1 June, 1.11 on 2 June, …; a euro is 170 yen."""
    return Rates({"USD": Decimal("1.09") + Decimal(day.day) / 100, "JPY": Decimal(170)})


def _common(event_id: str, day: int) -> dict[str, Any]:
    return {"event_id": event_id, "fund": "TEST", "effective_date": june(day), "source": "abc123#line 7"}


def trade(event_id: str, day: int, side: str, quantity: str | int, isin: str, price: str, **more: Any) -> ev.Trade:
    given = {
        "trade_id": event_id.upper(),
        "account": "BANK",
        "currency": CURRENCY.get(isin, "EUR"),
        "settlement_date": june(day + 2),
    }
    return ev.Trade(**_common(event_id, day), side=side, quantity=quantity, isin=isin, price=price, **{**given, **more})


def settled(event_id: str, day: int, trade_id: str, quantity: str | int, amount: str) -> ev.Settlement:
    return ev.Settlement(**_common(event_id, day), trade_id=trade_id.upper(), quantity=quantity, amount=amount)


def dividend(event_id: str, day: int, isin: str, rate: str, tax: str, pay: int) -> ev.Dividend:
    given = {"event_ref": event_id.upper(), "currency": CURRENCY[isin], "rate_per_share": rate, "withholding_pct": tax}
    return ev.Dividend(**_common(event_id, day), isin=isin, payment_date=june(pay), **given)


def coupon(event_id: str, day: int, isin: str, rate: str) -> ev.Coupon:
    given = {"event_ref": event_id.upper(), "currency": CURRENCY[isin], "rate_pct_of_nominal": rate}
    return ev.Coupon(**_common(event_id, day), isin=isin, payment_date=june(day), **given)


def split(event_id: str, day: int, isin: str, new: int, old: int) -> ev.Split:
    return ev.Split(**_common(event_id, day), event_ref=event_id.upper(), isin=isin, new=new, old=old)


def deal(event_id: str, day: int, style: str, bought: str, sold: str, value: int, **more: Any) -> ev.FxDeal:
    (buy_currency, buy_amount), (sell_currency, sell_amount) = bought.split(), sold.split()
    return ev.FxDeal(
        **_common(event_id, day), deal_id=event_id.upper(), account="BANK", style=style, buy_currency=buy_currency,
        buy_amount=buy_amount, sell_currency=sell_currency, sell_amount=sell_amount, settlement_date=june(value), **more,
    )  # fmt: skip


def rights(day: int) -> ev.RightsIssue:
    return ev.RightsIssue(
        event_id="r1", fund="TEST", effective_date=june(day), event_ref="R1", isin="EURO-SHARE", rights_isin="EURO-RIGHT",
        new=1, old=1, value_share=110, value_right=19,
    )  # fmt: skip


def exercise(day: int, quantity: int, pay: int) -> ev.RightsExercise:
    return ev.RightsExercise(
        event_id="x1", fund="TEST", effective_date=june(day), event_ref="X1", account="BANK", rights_isin="EURO-RIGHT",
        isin="EURO-SHARE", quantity=quantity, subscription_price=90, currency="EUR", payment_date=june(pay),
    )  # fmt: skip


def action(kind: str, event_id: str, day: int, isin: str, **fields: Any) -> ev.Event:
    """Any other kind of event; ``pay``: its payment date in June. Names that every event of the kind needs are filled in."""
    wanted = ev.KINDS[kind].model_fields
    given: dict[str, Any] = {
        "isin": isin, "event_ref": event_id.upper(), "reference": event_id.upper(), "deal_id": event_id.upper(), "account": "BANK",
        "currency": CURRENCY.get(isin, "EUR"), "payment_date": june(fields.pop("pay", day)),
    }  # fmt: skip
    known = {name: value for name, value in {**given, **fields}.items() if name in wanted}
    return ev.KINDS[kind](**_common(event_id, day), **known)


def capital(event_id: str, day: int, action: str, units: str, amount: str, base: str, currency: str, pay: int) -> ev.Capital:
    return ev.Capital(
        **_common(event_id, day), order_id=event_id.upper(), investor="INV-1", share_class="A", action=action, units=units,
        amount=amount, amount_base=base, currency=currency, account="BANK", settlement_date=june(pay),
    )  # fmt: skip


def accrual(event_id: str, day: int, name: str, amount: str) -> ev.Accrual:
    return ev.Accrual(**_common(event_id, day), name=name, currency="EUR", amount=amount)


def payment(event_id: str, day: int, ledger: str, amount: str, currency: str = "EUR") -> ev.Payment:
    return ev.Payment(
        **_common(event_id, day), reference=event_id.upper(), account="BANK", ledger=ledger, currency=currency, amount=amount
    )


def manual(event_id: str, day: int, maker: str, checker: str, *lines: tuple[str, str, str]) -> ev.ManualJournal:
    made = tuple(ev.JournalLine(ledger=name, currency=currency, local=amount, base=amount) for name, currency, amount in lines)
    return ev.ManualJournal(**_common(event_id, day), lines=made, reason="as agreed", maker=maker, checker=checker)


def reversal(event_id: str, day: int, reverses: str) -> ev.Reversal:
    return ev.Reversal(**_common(event_id, day), reverses=reverses, reason="booked in error")


def lot(event_id: str, isin: str, acquired: date, quantity: str, local: str, base: str, day: int = 1) -> ev.OpeningLot:
    given = {"account": "BANK", "currency": CURRENCY[isin]}
    return ev.OpeningLot(
        **_common(event_id, day), isin=isin, acquired=acquired, quantity=quantity, cost_local=local, cost_base=base, **given
    )


def balance(event_id: str, ledger: str, currency: str, local: str, base: str, account: str = "") -> ev.OpeningBalance:
    return ev.OpeningBalance(**_common(event_id, 1), ledger=ledger, account=account, currency=currency, local=local, base=base)


def keep(*events: ev.Event, **more: Any) -> Outcome[Book]:
    """The books of a euro fund."""
    given: dict[str, Any] = {"base_currency": "EUR", "instruments": SECURITIES, "rates": rates, "chart": CHART}
    return replay(events, **{**given, **more})


def booked(book: Book, event_id: str) -> str:
    """What an event posted: day of June, ledger, amount, currency, amount in euro."""
    rows = [row for row in book.journal.to_pylist() if row["event_id"] == event_id]
    return table((r["effective_date"].day, r["ledger"], r["local"], r["currency"], r["base"]) for r in rows)


def table(rows: Any) -> str:
    return "\n".join(" ".join(f"{cell.normalize():f}" if isinstance(cell, Decimal) else str(cell) for cell in row) for row in rows)


def text(block: str) -> str:
    """A block of expected text with its white space evened out."""
    return "\n".join(" ".join(line.split()) for line in block.strip().splitlines())


def balances(book: Book) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """(ledger, currency) -> local, base, over all accounts and classes; what is zero in both is left out."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for row in book.trial_balance().to_pylist():
        local, base = sums.get(key := (row["ledger"], row["currency"]), (Decimal(0), Decimal(0)))
        sums[key] = (local + row["local"], base + row["base"])
    return {key: both for key, both in sums.items() if any(both)}


def codes(outcome: Outcome[Book]) -> list[str]:
    return [finding.code for finding in outcome.findings]
