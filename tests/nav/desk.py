"""A small fund for tests: two euro classes and a hedged dollar class, one American share, one bond, money in two currencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.books import Book, replay
from bo_lib.config import Fund
from bo_lib.model import events as ev
from bo_lib.model.findings import Outcome
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS, NAV_PACK, PRICES, TRIAL_BALANCE
from bo_lib.nav import ClassState, Priced, Strike, opening_state, select_prices, strike

D = Decimal
FRIDAY, MONDAY = date(2026, 5, 29), date(2026, 6, 1)
MASTER = INSTRUMENTS.build([
    {"isin": "SHARE", "name": "Share", "kind": "equity", "currency": "USD"},
    {"isin": "BOND", "name": "Bond", "kind": "government_bond", "currency": "EUR", "coupon_pct": D(4), "coupons_per_year": 2,
     "day_count": "ACT/ACT ICMA", "maturity": date(2030, 6, 15)},
]).value  # fmt: skip


def fund(**terms: Any) -> Fund:
    given = {
        "from": date(2026, 1, 1), "days_in_year": "365", "expenses": [{"name": "administration_fee", "amount_annual": 36500}],
        "classes": [
            {"id": "A", "currency": "EUR", "management_fee_bps_annual": 100},
            {"id": "B", "currency": "EUR", "management_fee_bps_annual": 50},
            {"id": "H", "currency": "USD", "hedged": True, "management_fee_bps_annual": 100},
        ],
    }  # fmt: skip
    return Fund.model_validate({
        "id": "TEST", "name": "Test", "kind": "fund", "domicile": "LU", "base_currency": "EUR", "calendar": "TARGET",
        "inception": FRIDAY,
        "price_sources": ["A"], "fx_source": "A", "terms": [{**given, **terms}],
    })  # fmt: skip


def at(day: date, usd: str = "1.25") -> Rates:
    return Rates({"USD": D(usd)})


def opening() -> list[ev.Event]:
    """1,000 shares at $100 (cost €70,000), a bond of 100,000 at par, €100,000 and $12,500 in cash: €290,000 and the interest."""
    common = {"fund": "TEST", "effective_date": FRIDAY}
    lots = [("SHARE", 1000, "USD", 80000, 70000), ("BOND", 100000, "EUR", 100000, 100000)]
    cash = [("EUR", 100000, 100000), ("USD", 12500, 10000)]
    return [
        *(ev.OpeningLot(event_id=f"lot {isin}", account="BANK", isin=isin, quantity=q, currency=c, cost_local=local, cost_base=base,
                        acquired=date(2025, 1, 2), **common) for isin, q, c, local, base in lots),
        *(ev.OpeningBalance(event_id=f"cash {c}", ledger="cash", account="BANK", currency=c, local=local, base=base, **common)
          for c, local, base in cash),
    ]  # fmt: skip


# €80,000 share + €100,000 bond + €1,813.19 interest + €110,000 cash
OPENING_NET_ASSETS = {"A": D("150000.00"), "B": D("100000.00"), "H": D("41813.19")}


def opening_classes() -> dict[str, ClassState]:
    units = {"A": (D(1500), D(100)), "B": (D(1000), D(100)), "H": (D(500), D("104.5330"))}
    common = {"fund": "TEST", "nav_date": FRIDAY, "currency": "EUR"}
    rows = [{**common, "component": "net_assets", "share_class": c, "amount": amount} for c, amount in OPENING_NET_ASSETS.items()]
    rows += [{**common, "component": "units", "share_class": c, "quantity": u} for c, (u, _) in units.items()]
    rows += [{**common, "component": "nav_per_unit", "share_class": c, "price": p} for c, (_, p) in units.items()]
    outcome = opening_state(NAV_PACK.build(rows).value, TRIAL_BALANCE.empty())
    assert outcome.ok
    return outcome.value


def book(events: Sequence[ev.Event], day: date, rates: Any = at) -> Book:
    outcome = replay([*opening(), *events], base_currency="EUR", instruments=MASTER, rates=rates, until=day)
    assert outcome.ok, [str(f) for f in outcome.findings]
    return outcome.value


def priced(day: date, share: str = "100", bond: str = "100") -> Priced:
    rows = [("SHARE", share, "USD"), ("BOND", bond, "EUR")]
    table = PRICES.build({"source": "A", "isin": i, "price_date": day, "price": D(p), "currency": c} for i, p, c in rows).value
    terms = fund()
    return select_prices(table, ["SHARE", "BOND"], ("A",), day, tolerances=terms.tolerances, instruments=MASTER).value


def struck(
    events: Sequence[ev.Event] = (),
    day: date = MONDAY,
    share: str = "100",
    bond: str = "100",
    usd: str = "1.25",
    previous: Any = None,
    **terms: Any,
) -> Outcome[Strike]:
    """The strike of Monday on these events; prices and rate as on Friday unless said otherwise."""

    def rates(on: date) -> Rates:
        return at(on, usd) if on > FRIDAY else at(on)

    before = opening_classes() if previous is None else previous
    return strike(book(events, day, rates), priced(day, share, bond), rates(day), fund(**terms), day, before, instruments=MASTER)


def capital(
    order: str, c: str, action: str, units: str, amount: str, base: str, currency: str = "EUR", day: date = MONDAY
) -> ev.Capital:
    return ev.Capital(
        event_id=order, fund="TEST", effective_date=day, order_id=order, investor="INV", share_class=c, action=action,
        units=D(units),
        amount=D(amount), amount_base=D(base), currency=currency, account="BANK", settlement_date=date(2026, 6, 3),
    )  # fmt: skip


def forward(deal: str, bought: str, sold: str, value: date, c: str = "H") -> ev.FxDeal:
    (buy_currency, buy), (sell_currency, sell) = bought.split(), sold.split()
    return ev.FxDeal(
        event_id=deal, fund="TEST", effective_date=FRIDAY, deal_id=deal, account="BANK", style="FORWARD", buy_currency=buy_currency,
        buy_amount=D(buy), sell_currency=sell_currency, sell_amount=D(sell), settlement_date=value, share_class=c,
    )  # fmt: skip
