"""The cash ladder: what comes, what goes, and what if the fails stay fails."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa

from bo_lib.model.tables import FX_DEALS
from bo_lib.settlement import cash_ladder, deal_flows, releasable
from bo_lib.settlement.ladder import FLOWS
from bo_lib.views.pages.settlement import ladder_report

DAYS = [date(2026, 6, day) for day in (2, 3, 4)]
BALANCES = pa.Table.from_pylist(
    [{"currency": "EUR", "balance": Decimal(100)}], pa.schema([("currency", pa.string()), ("balance", pa.decimal128(38, 6))])
)


def flows(*moves: tuple[str, int, str]) -> pa.Table:
    rows = [
        {
            "account": "A",
            "currency": "EUR",
            "value_date": date(2026, 6, day),
            "amount": Decimal(amount),
            "reference": name,
            "kind": "trade",
        }
        for name, day, amount in moves
    ]
    return pa.Table.from_pylist(rows, FLOWS.schema)


def test_balances_go_on_from_day_to_day() -> None:
    ladder = cash_ladder(BALANCES, flows(("T1", 2, "-30"), ("T2", 3, "50"), ("T0", 1, "5"), ("T9", 9, "1000")), DAYS).to_pylist()
    assert [(r["opening"], r["receipts"], r["payments"], r["closing"]) for r in ladder] == [
        (100, 5, -30, 75),
        (75, 50, 0, 125),
        (125, 0, 0, 125),
    ]


def test_failing_receipts_stand_apart_and_payments_do_not() -> None:
    ladder = cash_ladder(
        BALANCES, flows(("T1", 2, "-130"), ("T2", 2, "50")), DAYS, failing={"T1", "T2"}, lines={"EUR": Decimal(29)}
    ).to_pylist()
    assert [(r["closing"], r["failing_receipts"], r["closing_if_fails_settle"], r["within_line"]) for r in ladder] == [
        (-30, 50, 20, False), (-30, 0, 20, False), (-30, 0, 20, False),
    ]  # fmt: skip


def test_a_payment_is_released_only_within_the_line() -> None:
    ladder = cash_ladder(BALANCES, flows(("T1", 3, "-80")), DAYS)
    assert releasable(ladder, "EUR", DAYS[0], Decimal(20)) and not releasable(ladder, "EUR", DAYS[0], Decimal("20.01"))
    assert releasable(ladder, "EUR", DAYS[0], Decimal(30), line=Decimal(10)) and not releasable(ladder, "USD", DAYS[0], Decimal(1))


def test_a_currency_deal_moves_both_currencies() -> None:
    deal = {
        "deal_id": "F1", "status": "NEW", "kind": "SPOT", "account": "A", "buy_currency": "USD", "buy_amount": Decimal(110),
        "sell_currency": "EUR",
        "sell_amount": Decimal(100), "trade_date": DAYS[0], "settlement_date": DAYS[2],
    }  # fmt: skip
    ladder = cash_ladder(BALANCES, deal_flows(pa.Table.from_pylist([deal], FX_DEALS.schema)), DAYS).to_pylist()
    assert {(r["currency"], r["closing"]) for r in ladder if r["value_date"] == DAYS[2]} == {
        ("EUR", Decimal(0)),
        ("USD", Decimal(110)),
    }


def test_each_currency_that_moves_has_a_picture_of_its_own() -> None:
    balances = pa.Table.from_pylist(
        [{"currency": c, "balance": Decimal(100)} for c in ("EUR", "JPY", "USD")], schema=BALANCES.schema
    )
    deal = {"account": "A", "currency": "JPY", "value_date": DAYS[1], "amount": Decimal("-70"), "reference": "D", "kind": "fx"}
    moves = pa.concat_tables([flows(("T1", 2, "-30"), ("T2", 3, "50")), pa.Table.from_pylist([deal], FLOWS.schema)])
    report = ladder_report(cash_ladder(balances, moves, DAYS), DAYS[0])
    drawn = {s.title: s.chart.data["closing"].to_pylist() for s in report.sections if s.chart and s.chart.data}
    assert drawn == {"EUR by value date": [70, 120, 120], "JPY by value date": [100, 30, 30]}
