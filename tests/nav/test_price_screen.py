"""The screen in columns passes an instrument only where every check of it alone would be silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.config import Tolerances
from bo_lib.model.events import Dividend
from bo_lib.model.tables import INSTRUMENTS, PRICES
from bo_lib.nav import PriceOverride, pricing, select_prices
from bo_lib.nav.price_screen import undoubted
from bo_lib.nav.tables import CANDIDATES

T = date(2026, 6, 11)
KINDS = {"ONE": ("equity", "EUR"), "PENNY": ("equity", "GBP"), "LOAN": ("government_bond", "USD"), "YEN": ("fund", "JPY")}
MASTER = INSTRUMENTS.build({"isin": i, "name": i, "kind": k, "currency": c} for i, (k, c) in KINDS.items()).value
AT = datetime(2026, 6, 11, 17, 30, tzinfo=ZoneInfo("Europe/Paris"))

USUAL = st.decimals("99", "101.5", places=4).map(str)
LEVELS = st.sampled_from(
    """100 100.01 99.5 101 114.99 115 85 0.000000000001 0.333333333333 1 9999 0 -5 98765432109876543
    123456789012345.123456789012""".split()
)
SENT_AT = st.sampled_from([None, None, "2026-06-11T17:00:00+02:00", "2026-06-11T09:00:00+02:00", "noon"])


WIDTHS = st.sampled_from([None] * 6 + [("-0.1", "0.1"), ("0.1", "-0.1"), ("-3", "3"), ("0.1", "0.2"), ("-1", "0"), ("-99", None)])


def around(price: Decimal, width: tuple[str, str | None] | None) -> dict[str, Decimal]:
    """Bid and ask, so many percent from the price."""
    low, high = width or (None, None)
    return {name: round(price * (100 + Decimal(pct)) / 100, 6) for name, pct in (("bid", low), ("ask", high)) if pct}


@st.composite
def quotes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some days of some sources: mostly a price near 100, now and then what can go wrong."""
    rows = []
    for isin in draw(st.sets(st.sampled_from([*KINDS, "OTHER"]), min_size=1)):
        own = KINDS.get(isin, ("", "EUR"))[1]
        spread = draw(st.sampled_from(["0", "0.3", "1.2"]))
        for back in draw(st.sets(st.integers(0, 6), max_size=7)) | {0}:
            for n, source in enumerate(draw(st.sampled_from(["A", "AB", "BA", "ABC", "B"]))):
                price = Decimal(draw(USUAL if draw(st.integers(0, 9)) else LEVELS)) + n * Decimal(spread)
                pence = own == "GBP" and draw(st.booleans())
                odd = draw(st.sampled_from([None, "CHF"])) if not draw(st.integers(0, 30)) else own
                price, currency = (price * 100, "GBX") if pence and abs(price) < 10**9 else (price, odd)
                row = {"source": source, "isin": isin, "price_date": T - timedelta(days=back), "quoted_at": draw(SENT_AT),
                       "price": price, "currency": currency, **around(price, draw(WIDTHS))}  # fmt: skip
                rows += [row] * (2 if not draw(st.integers(0, 60)) else 1)
    return draw(st.permutations(rows)) if len(rows) < 12 else rows


def overridden() -> PriceOverride:
    return PriceOverride("ONE", Decimal(90), "EUR", T, T, "tender at 90", "ana", "ben")


def paid() -> Dividend:
    return Dividend(event_id="d", fund="F", effective_date=T - timedelta(days=1), event_ref="D", isin="LOAN", currency="USD",
                    rate_per_share=Decimal(2), payment_date=T)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(quotes(), st.sampled_from(["0.5", "15", "20000"]).map(Decimal), st.booleans(), st.booleans(), st.booleans())
def test_a_pass_says_what_the_checks_would_have_said(
    rows: list[dict[str, Any]], move_pct: Decimal, timed: bool, by_kind: bool, acted: bool
) -> None:
    table, tolerances = PRICES.build(rows).value, Tolerances(price_move_pct=move_pct, price_source_pct=Decimal(2))
    more: dict[str, Any] = {
        "snapshot": AT if timed else None, "by_kind": {"equity": ("B", "A")} if by_kind else {},
        "overrides": [overridden()] if acted else [], "dividends": [paid()] if acted else [],
    }  # fmt: skip

    def select() -> Any:
        return select_prices(table, [*KINDS, "OTHER"], ("A", "B"), T, tolerances=tolerances, instruments=MASTER, **more)

    screened = select()
    with patch.object(pricing, "undoubted", lambda *_: CANDIDATES.empty()):
        alone = select()
    assert screened.value.table.equals(alone.value.table)
    assert screened.value.prices == alone.value.prices
    assert screened.findings == alone.findings


def steady(*isins: str, days: int = 30) -> pa.Table:
    """Two sources, prices that move a little every weekday."""
    dates = [d for n in range(days) if (d := T - timedelta(days=n)).weekday() < 5]
    return PRICES.build(
        {"source": s, "isin": i, "price_date": d, "price": Decimal(100) + d.day + k, "currency": KINDS[i][1],
         "bid": Decimal(99) + d.day, "ask": Decimal(101) + d.day}
        for d in dates for i in isins for k, s in ((Decimal(0), "A"), (Decimal("0.1"), "B"))
    ).value  # fmt: skip


def passed(table: pa.Table, *isins: str) -> list[str]:
    usual = [(i, KINDS[i][1], "A") for i in sorted(isins)]
    seen = undoubted(table, usual, T, Tolerances(), None)
    return [r["isin"] for r in seen.to_pylist() if r["chosen"]]


def test_an_ordinary_day_passes_whole() -> None:
    assert passed(steady("ONE", "LOAN", "YEN"), "ONE", "LOAN", "YEN") == ["LOAN", "ONE", "YEN"]
    assert passed(PRICES.empty(), "ONE") == passed(steady("ONE")) == []


def test_markets_open_at_the_weekend_leave_the_others_their_dates() -> None:
    weekend = [r | {"price_date": r["price_date"] - timedelta(days=4)} for r in steady("YEN", days=3).to_pylist()]
    table = pa.concat_tables([steady("ONE", "LOAN"), PRICES.build(weekend).value])
    assert passed(table, "ONE", "LOAN") == ["LOAN", "ONE"]


@pytest.mark.parametrize("times", ["100", "0.01"])
def test_a_unit_error_is_said_however_wide_the_tolerance(times: str) -> None:
    rows = [
        r | {n: r[n] * Decimal(times) for n in ("price", "bid", "ask") if r["price_date"] == T} for r in steady("ONE").to_pylist()
    ]
    wide = Tolerances(price_move_pct=Decimal(50000))
    outcome = select_prices(PRICES.build(rows).value, ["ONE"], ("A", "B"), T, tolerances=wide, instruments=MASTER)
    assert [f.code for f in outcome.findings] == ["price-unit", "price-unit", "price-missing"]
