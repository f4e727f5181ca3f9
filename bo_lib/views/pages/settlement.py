"""Settlement as reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.events import Event, Trade
from bo_lib.model.findings import Finding, Verdict
from bo_lib.settlement import SettlementDay, TradeDay
from bo_lib.views.pages.common import count, no_worse_than_attention, pick, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section

TRADE_COLUMNS = ("trade_id", "side", "isin", "quantity", "price", "currency", "effective_date", "settlement_date", "counterparty")
WATCH_COLUMNS = (
    "trade_id", "side", "isin", "quantity_open", "currency", "amount_open", "settlement_date", "days_late", "state", "says",
    "next_step",
)  # fmt: skip


def trades_report(booked: Sequence[Trade], checked: TradeDay, deals: Sequence[Event], findings: Sequence[Finding]) -> Report:
    """What was booked and what waits for a person, with the reason."""
    refused = [{**r.row, "effective_date": r.row["trade_date"], "reason": r.finding.message} for r in checked.refused]
    said = f"{count(len(booked), 'trade')} and {count(len(deals), 'currency deal')} booked, {len(refused)} refused."
    return Report(
        "trades", "Trades", no_worse_than_attention(verdict_of(findings)), said,
        (Figure("Booked", len(booked)), Figure("Currency deals", len(deals)), Figure("Refused", len(refused), alarm=bool(refused))),
        (
            Section("Booked", table=table([t.model_dump() for t in booked], TRADE_COLUMNS)),
            Section("Refused", "Nothing of these is in the books until somebody decides.", table(refused, (*TRADE_COLUMNS,
            "reason"))),
            Section("Currency deals", table=table([d.model_dump() for d in deals],
                    ("deal_id", "style", "buy_currency", "buy_amount", "sell_currency", "sell_amount", "effective_date",
                    "settlement_date", "share_class"))),
        ),
        tuple(findings),
    )  # fmt: skip


def settled_report(settled: Sequence[Event], day: SettlementDay, findings: Sequence[Finding], business_date: date) -> Report:
    """What the custodians confirmed today, and what of it does not fit our trades."""
    today = [e.model_dump() for e in settled if e.effective_date == business_date]
    earlier = [e.model_dump() for e in settled if e.effective_date != business_date]
    said = f"{count(len(settled), 'settlement')} booked"
    said += f", {len(earlier)} of them of earlier days" if earlier else ""
    said += f"; {count(len(day.unknown), 'message')} for no trade of ours." if day.unknown else "."
    columns = ("trade_id", "effective_date", "quantity", "amount")
    strange = table(
        day.unknown, ("reference", "status", "side", "isin", "quantity", "currency", "amount", "effective_date", "text")
    )
    return Report(
        "settled", "Settled", no_worse_than_attention(verdict_of(findings)), said,
        (
            Figure("Settled today", len(today)), Figure("Settled late", len(earlier)),
            Figure("Unknown messages", len(day.unknown), alarm=bool(day.unknown)),
        ),
        (
            Section("Settled", table=table([*today, *earlier], columns)),
            *([Section("Messages for no trade of ours", "Either a trade is missing in our books or the message is not for us.",
            strange)]
              if day.unknown else []),
        ),
        tuple(findings),
    )  # fmt: skip


def open_trades_report(watch: pa.Table, day: date) -> Report:
    """Traded and not settled, the latest first."""
    rows = watch.to_pylist()
    late = [row for row in rows if row["days_late"] > 0]
    said = f"{count(len(rows), 'open trade')}, {len(late)} past the intended date."
    by_state = _counted(rows)
    return Report(
        "open_trades", "Open trades", Verdict.ATTENTION if late else Verdict.PASS, said,
        (
            Figure("Open", len(rows)), Figure("Past due", len(late), alarm=bool(late)),
            Figure("Oldest, business days late", max((row["days_late"] for row in rows), default=0)),
        ),
        (Section("Open trades", table=pick(watch, *WATCH_COLUMNS), chart=Chart("bar", "state", "trades",
        title="Open trades by state", data=by_state) if rows else None),),
    )  # fmt: skip


def _counted(rows: Sequence[dict[str, Any]]) -> pa.Table:
    states = sorted({row["state"] for row in rows})
    names = [state.replace("_", " ") for state in states]
    return pa.table({"state": names, "trades": [sum(row["state"] == state for row in rows) for state in states]})


def ladder_report(ladder: pa.Table, day: date) -> Report:
    """Cash by currency over the next days; a closing below zero asks for attention."""
    rows = ladder.to_pylist()
    short = sorted({row["currency"] for row in rows if not row["within_line"]})
    said = f"Short of cash in {', '.join(short)}." if short else "Every currency stays above zero."
    worst = {c: min(row["closing"] for row in rows if row["currency"] == c) for c in sorted({row["currency"] for row in rows})}
    return Report(
        "cash_ladder", "Cash ladder", Verdict.ATTENTION if short else Verdict.PASS, said,
        tuple(Figure(f"Lowest {currency}", amount, alarm=currency in short) for currency, amount in worst.items()),
        (Section("By currency and value date", table=ladder), *(_moving(ladder, currency) for currency in _movers(rows))),
    )  # fmt: skip


def _movers(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Currencies whose balance changes over the days shown."""
    closings = {row["currency"]: {r["closing"] for r in rows if r["currency"] == row["currency"]} for row in rows}
    return [currency for currency, seen in closings.items() if len(seen) > 1]


def _moving(ladder: pa.Table, currency: str) -> Section:
    """A picture of its own: amounts of different currencies have no common axis."""
    of_it = ladder.filter(pc.equal(ladder["currency"], currency))
    return Section(f"{currency} by value date", chart=Chart("line", "value_date", "closing", unit=currency, data=of_it))
