"""Form N-PORT of real funds, rolled forward by the code of the close: what ties, and what a filing leaves out.

A filing states closing net assets, sales, reinvestments and redemptions, realised and unrealised gains and the total return of
each month; neither opening net assets nor income nor distributions. The opening is rolled back from the returns, and what the
roll-forward does not explain is then the income of the quarter, which has to be one that such a fund can have.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from lxml import etree

from bo_lib import feeds
from bo_lib.close import RollForward, roll_forward
from bo_lib.close.tables import ADJUSTED_BALANCE
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built

FILINGS = sorted((Path(__file__).parents[3] / "shared" / "corpora" / "sec" / "nport").glob("*.xml"))
pytestmark = pytest.mark.skipif(not FILINGS, reason="the corpus of real filings is not there")
Record = Callable[[str, object], None]
MONTHS = ("1", "2", "3")
INCOME_PCT_MAX = Decimal("2.5")  # of opening net assets, in a quarter: a bond fund that borrows


class Filed(NamedTuple):
    totals: dict[str, Decimal]
    holdings: Decimal
    returns: list[tuple[Decimal, Decimal]]  # the lowest and the highest of the classes, in percent, month by month


def filed(path: Path) -> Filed:
    tables = feeds.read(path).value.tables
    totals = {r["item"]: r["amount"] for r in tables["filing_totals"].to_pylist()}
    held = sum((r["market_value"] for r in tables["holdings"].to_pylist()), ZERO)
    classes = etree.fromstring(path.read_bytes().strip()).findall(".//{*}monthlyTotReturn")
    months = [[Decimal(c.get(f"rtn{m}")) for c in classes] for m in MONTHS]
    return Filed(totals, held, [(min(of), max(of)) for of in months])


def flow(of: Filed, month: str) -> Decimal:
    sums = of.totals
    return sums[f"mon{month}Flow.sales"] + sums[f"mon{month}Flow.reinvestment"] - sums[f"mon{month}Flow.redemption"]


def opening(of: Filed, pick: int) -> Decimal:
    """Net assets at the beginning of the quarter, rolled back by the ``pick``th return: flows count at the end of their month."""
    net = of.totals["netAssets"]
    for month, returns in reversed(list(zip(MONTHS, of.returns, strict=True))):
        net = (net - flow(of, month)) / (1 + returns[pick] / 100)
    return round_to(net, 2)


def rolled(of: Filed, begun: Decimal) -> RollForward:
    """The quarter as the filing states it."""
    stated = {
        ("income", "realised_gain"): sum(of.totals[f"othMon{m}.netRealizedGain"] for m in MONTHS),
        ("income", "unrealised_gain"): sum(of.totals[f"othMon{m}.netUnrealizedAppr"] for m in MONTHS),
        ("equity", "capital"): sum((flow(of, m) for m in MONTHS), ZERO),
    }
    after = built(ADJUSTED_BALANCE, (
        {"type": kind, "ledger": ledger, "currency": "USD", "local": -amount, "base": -amount, "marks": ZERO, "adjusted": -amount}
        for (kind, ledger), amount in stated.items()
    ))  # fmt: skip
    return roll_forward(ADJUSTED_BALANCE.empty(), after, begun, of.totals["netAssets"])


@pytest.mark.parametrize("path", FILINGS, ids=lambda p: p.stem)
def test_net_assets_are_assets_less_liabilities(path: Path) -> None:
    totals = filed(path).totals
    assert totals["totAssets"] - totals["totLiabs"] == totals["netAssets"]


@pytest.mark.parametrize("path", FILINGS, ids=lambda p: p.stem)
def test_what_the_roll_forward_leaves_over_is_income_that_such_a_fund_can_have(path: Path, record_property: Record) -> None:
    of = filed(path)
    found = sorted((rolled(of, opening(of, pick)) for pick in (0, 1)), key=lambda r: r.difference)
    for roll in found:
        assert roll.opening + roll.operations + roll.capital + roll.difference == roll.closing
    pct = [roll.difference * 100 / roll.opening for roll in found]
    roll = found[0]
    left = " to ".join(f"{r.difference:,.0f} ({p:.2f} %)" for r, p in zip(found, pct, strict=True))
    said = f"closing {roll.closing:,.0f}, gains {roll.operations:,.0f} and capital {roll.capital:,.0f} as stated; opening"
    record_property("roll_forward", f"{said} {roll.opening:,.0f} by the returns; income less distributions, not stated, {left}")
    assert pct[0] < INCOME_PCT_MAX and pct[1] > -INCOME_PCT_MAX and pct[1] - pct[0] < 1


def test_no_two_filings_are_of_one_fund_in_a_row() -> None:
    """Then closing net assets of the first would be the stated opening of the second; until then the returns have to do."""
    funds = [next(iter(feeds.read(p).value.tables["holdings"]["account"].to_pylist())) for p in FILINGS]
    assert len(set(funds)) == len(funds)
