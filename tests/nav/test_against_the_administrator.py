"""Our strike and the administrator's, made by other code from the same prospectus, agree to the cent on every day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from bo_lib.demo import trading
from bo_lib.demo.market import Market
from bo_lib.model import events as ev
from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO
from bo_lib.nav import Strike, Valuation, attribute, opening_state, shadow, strike, value
from tests.nav.demonstration import Demonstration, demonstrate

FUNDS = ["GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE"]


@pytest.fixture(scope="module", params=FUNDS)
def month(request: pytest.FixtureRequest) -> tuple[Demonstration, list[tuple[Strike, Valuation]]]:
    demo = demonstrate(request.param, date(2026, 7, 2))
    return demo, list(strikes(demo))


def strikes(demo: Demonstration) -> Iterator[tuple[Strike, Valuation]]:
    """Each strike with yesterday's books valued again as known today."""
    state, accruals, previous = opening_state(demo.opening_pack, demo.opening_balances).value, [], demo.fund.inception
    for day in demo.days:
        before = value(
            demo.book(previous, accruals),
            demo.priced(previous),
            demo.rates(previous),
            demo.instruments,
            demo.fund.base_currency,
            previous,
        )
        outcome = strike(
            demo.book(day, accruals), demo.priced(day), demo.rates(day), demo.fund, day, state, instruments=demo.instruments
        )
        assert before.ok and outcome.ok, [str(f) for f in (*before.findings, *outcome.findings)][:5]
        state, accruals, previous = outcome.value.state, [*accruals, *outcome.value.accruals], day
        yield outcome.value, before.value


def test_every_strike_of_the_month_is_the_administrators(month: tuple[Demonstration, list[tuple[Strike, Valuation]]]) -> None:
    demo, struck = month
    assert len(struck) >= 22
    for s, _ in struck:
        result = shadow(s, demo.packs[s.day], Decimal("0.000001")).value
        off = [r for r in result.table.to_pylist() if r["difference"]]
        assert not off, (s.day, off[:3])
        assert result.verdict is Verdict.PASS
        assert {"net_assets", "units", "nav_per_unit", "holding", "cash", "accrual"} <= set(result.table["component"].to_pylist())


def test_lots_and_ledger_give_the_same_net_assets(month: tuple[Demonstration, list[tuple[Strike, Valuation]]]) -> None:
    for s, _ in month[1]:
        assert s.net_assets_ledger == s.net_assets == sum((r["base"] for r in s.components.to_pylist()), ZERO)
        assert sum(s.marked["base"].to_pylist(), ZERO) == 0


def test_every_move_is_explained_to_zero(month: tuple[Demonstration, list[tuple[Strike, Valuation]]]) -> None:
    for s, before in month[1]:
        opening = sum((c.net_assets for c in s.previous.values()), ZERO)
        roll = attribute(before, s, month[0].book(s.day, []).journal, struck_before=opening)
        assert roll.opening + sum(roll.by_cause.values(), ZERO) == roll.closing
        assert roll.residual == 0, (s.day, [r for r in roll.table.to_pylist() if r["cause"] == "residual"])
        assert roll.by_cause["late items"] == 0
        assert abs(roll.by_cause["rounding"]) < 1


def test_bonds_traded_over_their_coupons_agree_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration's managers keep away from coupons; here they do not, and trade most bonds every day."""
    monkeypatch.setattr(Market, "is_quiet", lambda *_: True)
    monkeypatch.setitem(trading.TRADES_A_DAY, "bond", 16)
    demo = demonstrate("GLOBAL-BOND", date(2026, 6, 29))
    coupons = [e for e in demo.events if isinstance(e, ev.Coupon)]
    over = {t.side for t in demo.events if isinstance(t, ev.Trade) for c in coupons
            if t.isin == c.isin and t.effective_date < c.effective_date <= t.settlement_date}  # fmt: skip
    assert over == {"BUY", "SELL"}
    for s, before in strikes(demo):
        off = [r for r in shadow(s, demo.packs[s.day], Decimal("0.000001")).value.table.to_pylist() if r["difference"]]
        assert not off, (s.day, off[:3])
        opening = sum((c.net_assets for c in s.previous.values()), ZERO)
        assert attribute(before, s, demo.book(s.day, []).journal, struck_before=opening).residual == 0
