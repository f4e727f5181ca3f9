"""Small and random general ledgers for tests of the statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from bo_lib.close import FairValueLevels, Layout, Period, period
from bo_lib.close.tables import SOURCED_JOURNAL
from bo_lib.config import ChartOfAccounts, load
from bo_lib.model.tables import JOURNAL, built
from tests.nav.demonstration import ROOT

CHART = load(ROOT / "parameters" / "rules" / "chart_of_accounts.yaml", ChartOfAccounts)
LEVELS = load(ROOT / "parameters" / "rules" / "fair_value_levels.yaml", FairValueLevels)
LAYOUTS = {name: load(ROOT / "parameters" / "statements" / f"{name}.yaml", Layout) for name in ("us_gaap", "ifrs")}
OPENED, DAY = date(2026, 5, 29), date(2026, 6, 30)
LEDGERS = [*CHART.types, "management_fee", "management_fee_payable", "strange_fee", "strange_fee_payable"]
KINDS = ("trade", "settlement", "dividend", "coupon", "fx_deal", "subscribe", "redeem", "distribute", "accrual", "payment",
         "manual_journal", "merger", "amortisation", "money_deal")  # fmt: skip
CENTS = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-2))


def lines(
    event_id: str, day: date, kind: str, *amounts: tuple[str, str], isin: str = "", share_class: str = ""
) -> list[dict[str, Any]]:
    """Rows of one event: (ledger, amount in base currency), debit positive."""
    about = {"event_id": event_id, "fund": "F", "effective_date": day, "own_date": day, "kind": kind, "currency": "USD"}
    return [
        {**about, "line": n, "ledger": ledger, "local": Decimal(amount), "base": Decimal(amount), "isin": isin or None,
         "share_class": share_class or None}
        for n, (ledger, amount) in enumerate(amounts, 1)
    ]  # fmt: skip


def journal(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return built(SOURCED_JOURNAL, rows)


def marks(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return built(JOURNAL, ({k: v for k, v in row.items() if k in JOURNAL.names} for row in rows))


def ledger(rows: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]] = (), after: Sequence[dict[str, Any]] = ()) -> Period:
    return period("F", "USD", journal(rows), marks(before), marks(after), OPENED, DAY, CHART)


@st.composite
def books(draw: st.DrawFn) -> Period:
    """Any balanced lines on any ledgers, before and in the period, and marks that pair an asset with a gain."""
    rows: list[dict[str, Any]] = []
    for n in range(draw(st.integers(0, 12))):
        day = draw(st.sampled_from([date(2026, 5, 4), OPENED, date(2026, 6, 1), date(2026, 6, 18), DAY]))
        amounts = draw(st.lists(CENTS, min_size=1, max_size=3))
        chosen = [draw(st.sampled_from(LEDGERS)) for _ in range(len(amounts) + 1)]
        legs = zip(chosen, map(str, [*amounts, -sum(amounts)]), strict=True)
        isin, share_class = draw(st.sampled_from(["", "XS1", "XS2"])), draw(st.sampled_from(["", "A", "B"]))
        rows += lines(f"e{n}", day, draw(st.sampled_from(KINDS)), *legs, isin=isin, share_class=share_class)
    return ledger(rows, draw(_marks(OPENED)), draw(_marks(DAY)))


@st.composite
def _marks(draw: st.DrawFn, day: date) -> list[dict[str, Any]]:
    pairs = st.tuples(st.sampled_from(["unrealised_appreciation", "cash", "forward_value"]), CENTS)
    found = []
    for n, (asset, amount) in enumerate(draw(st.lists(pairs, max_size=4))):
        found += lines(f"m{n}", day, "mark", (asset, str(amount)), ("unrealised_gain", str(-amount)), isin="XS1")
    return found
