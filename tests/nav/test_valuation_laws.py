"""Any book at any prices and rates: each holding is what one would compute by hand, and the ledger with its marks agrees."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.books import replay
from bo_lib.model import events as ev
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS
from bo_lib.nav import Priced, value
from bo_lib.nav.tables import CANDIDATES
from bo_lib.nav.valuation import marks, net_assets_by_ledger, unvalued

D = Decimal
DAY = date(2026, 6, 1)
PLACES = {"EUR": "0.01", "USD": "0.01", "JPY": "1", "KWD": "0.001", "XXX": "0.01"}  # XXX: no rate is known
KINDS = [("equity", None), ("government_bond", None), ("bill", None), ("option", D(100)), ("fund", None)]
QUANTITIES = st.one_of(st.integers(-5000, 5000).map(D), st.decimals("-9e13", "9e13", places=3), st.decimals("-1", "1", places=10))
PRICES = st.one_of(st.none(), st.just(D(0)), st.decimals("0.0001", "2000", places=4), st.decimals("1e6", "9e8", places=6))
RATE = st.decimals("0.0001", "500", places=6)


class Holding(NamedTuple):
    currency: str
    kind: tuple[str, Decimal | None]
    quantities: list[Decimal]  # by account
    price: Decimal | None


HOLDINGS = st.builds(
    Holding, st.sampled_from(list(PLACES)), st.sampled_from(KINDS), st.lists(QUANTITIES, min_size=1, max_size=3), PRICES
)


def isin(n: int) -> str:
    return f"I{n}"


def terms(n: int, h: Holding) -> dict[str, Any]:
    kind, multiplier = h.kind
    bond = {"coupon_pct": D(0), "maturity": date(2031, 6, 1)} if kind == "government_bond" else {}
    return {"isin": isin(n), "name": isin(n), "kind": kind, "currency": h.currency, "multiplier": multiplier, **bond}


def lots(n: int, h: Holding) -> list[ev.Event]:
    return [
        ev.OpeningLot(
            event_id=f"{n}/{k}", fund="F", effective_date=DAY, account=f"A{k}", isin=isin(n), quantity=q, currency=h.currency,
            cost_local=round(q / 3, 2), cost_base=round(q / 7, 2), acquired=DAY,
        )
        for k, q in enumerate(h.quantities) if q
    ]  # fmt: skip


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(D(PLACES[currency]), ROUND_HALF_UP)


@settings(max_examples=150, deadline=None)
@given(st.lists(HOLDINGS, max_size=6), st.fixed_dictionaries({"USD": RATE, "JPY": RATE, "KWD": RATE}))
def test_a_book_is_worth_what_one_computes_by_hand(holdings: list[Holding], per_euro: dict[str, Decimal]) -> None:
    master = INSTRUMENTS.build(terms(n, h) for n, h in enumerate(holdings)).value
    events = [lot for n, h in enumerate(holdings) for lot in lots(n, h)]
    book = replay(events, base_currency="EUR", instruments=master, rates=lambda _: Rates(per_euro), until=DAY).value
    priced = Priced(DAY, {isin(n): h.price for n, h in enumerate(holdings) if h.price is not None}, CANDIDATES.empty())
    valued = value(book, priced, Rates(per_euro), master, "EUR", DAY)

    found = {row["item"]: row for row in valued.value.held.to_pylist()}
    said: dict[str, int] = defaultdict(int)
    for n, h in enumerate(holdings):
        if not any(h.quantities):
            assert isin(n) not in found
            continue
        row, quantity, (kind, multiplier) = found[isin(n)], sum(h.quantities, D(0)), h.kind
        worth = quantity * (h.price or 0) * (multiplier or 1) / (100 if kind in ("government_bond", "bill") else 1)
        local, rate = rounded(worth, h.currency), {"EUR": D(1), **per_euro}.get(h.currency)
        base, cost = rounded(local / rate, "EUR") if rate else D(0), sum((round(q / 7, 2) for q in h.quantities), D(0))
        assert (row["quantity"], row["price"], row["local"], row["base"]) == (quantity, h.price, local, base)
        assert (row["cost_base"], row["unrealised_base"]) == (cost, base - cost)
        said["holding-unpriced"] += h.price is None
        said["rate-missing"] |= rate is None

    assert valued.value.net_assets == sum((row["base"] for row in valued.value.rows), D(0))
    marked = marks(book, valued.value, "F")
    assert marked["line"].to_pylist() == list(range(1, marked.num_rows + 1))
    assert not any(row["local"] == row["base"] == 0 for row in marked.to_pylist())
    assert net_assets_by_ledger(book, marked) == valued.value.net_assets and not unvalued(book, valued.value)
    codes = [f.code for f in valued.findings]
    assert {code: codes.count(code) for code in said} == said
