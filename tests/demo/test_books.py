"""What happens behind the files: nothing is lost in the ledgers, and the administrator's NAV adds up."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from bo_lib.config import Cycles, load, load_fund
from bo_lib.demo.bonds import accrued
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox
from bo_lib.demo.market import Market
from bo_lib.demo.simulation import Desk
from bo_lib.model.dates import is_business_day

from .conftest import REPOSITORY

FUNDS = ("GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE")
Row = dict[str, str | Decimal]


def sheet(path: Path, name: str) -> list[Row]:
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()
    return [
        {str(h): Decimal(repr(v)) if isinstance(v, float) else str(v) for h, v in zip(header, row, strict=True)} for row in rows
    ]


def packs(outputs: Path, fund: str) -> dict[str, list[Row]]:
    paths = sorted((outputs / "inbox").glob(f"*/MERIDIAN/nav_{fund}_*"))
    return {path.parts[-3]: sheet(path, "NAV Pack") for path in paths}


def figure(pack: list[Row], component: str, share_class: str = "", item: str = "", name: str = "Amount") -> Decimal:
    (row,) = (r for r in pack if (r["Component"], r["Class"], r["Item"]) == (component, share_class, item))
    assert isinstance(row[name], Decimal)
    return row[name]


@pytest.mark.parametrize("fund", FUNDS)
def test_classes_add_up_to_the_fund_and_components_to_its_net_assets(clean: Path, fund: str) -> None:
    found = packs(clean, fund)
    assert len(found) == (21 if fund == "GLOBAL-EQ-LS" else 22)
    for day, pack in found.items():
        total = figure(pack, "net_assets")
        parts = ("holding", "cash", "receivable", "payable", "accrual", "forward")
        assert total == sum(r["Amount"] for r in pack if r["Component"] in parts), day
        assert total == sum(r["Amount"] for r in pack if r["Component"] == "net_assets" and r["Class"]), day


@pytest.mark.parametrize("fund", FUNDS)
def test_opening_books_balance_and_bear_the_opening_classes(clean: Path, fund: str) -> None:
    path = clean / f"inbox/2026-05-29/MERIDIAN/opening_{fund}.xlsx"
    balances, lots, classes = sheet(path, "Balances"), sheet(path, "Lots"), sheet(path, "Classes")
    assert sum(r["Balance Base"] for r in balances) + sum(r["Cost Base"] for r in lots) == 0
    equity = sum(r["Balance Base"] for r in balances if r["Ledger"] in ("capital", "retained_earnings"))
    net_assets = {r["Share Class"]: r["Amount"] for r in classes if r["Component"] == "net_assets"}
    assert -equity == net_assets.pop("") == sum(net_assets.values())
    units = {r["Share Class"]: r["Quantity"] for r in classes if r["Component"] == "units"}
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in sheet(path, "Register"):
        held[str(row["Share Class"])] += Decimal(row["Units"])
    assert fund == "HARBOUR-PE" or held == units


def test_performance_fee_is_a_fifth_of_the_gain_above_the_mark(clean: Path) -> None:
    for pack in packs(clean, "GLOBAL-EQ-LS").values():
        owed = -figure(pack, "accrual", "S-2025-01", "performance_fee")
        before = figure(pack, "net_assets", "S-2025-01") + owed
        gain = before - Decimal("112.40") * figure(pack, "units", "S-2025-01", name="Quantity")
        assert abs(owed - gain / 5) <= Decimal("0.005") and owed > 0


def test_a_friday_strike_accrues_one_day_and_a_monday_strike_three(clean: Path) -> None:
    found = packs(clean, "HARBOUR-PE")
    fees = {day: -figure(found[day], "accrual", "LP", "management_fee") for day in ("2026-06-04", "2026-06-05", "2026-06-08")}
    yearly = Decimal(31_000_000) * 200 / 10000
    assert fees["2026-06-05"] - fees["2026-06-04"] == round(yearly / 365, 2)
    assert fees["2026-06-08"] - fees["2026-06-05"] == round(yearly * 3 / 365, 2)


def test_the_large_subscription_deals_at_the_swung_price(clean: Path) -> None:
    found = packs(clean, "EURO-UCITS")
    price = round(figure(found["2026-06-24"], "nav_per_unit", "A", name="Price") * Decimal("1.0020"), 4)
    issued = figure(found["2026-06-25"], "units", "A", name="Quantity") - figure(found["2026-06-24"], "units", "A", name="Quantity")
    assert issued == (3_200_000 / price).quantize(Decimal("0.001"), ROUND_DOWN)


def test_capital_called_by_commitment_arrives_on_the_due_date(clean: Path) -> None:
    found = packs(clean, "HARBOUR-PE")
    cash = {day: figure(pack, "cash", item="EUR") for day, pack in found.items()}
    assert cash["2026-06-17"] - cash["2026-06-16"] == 31_000_000 * Decimal("0.05")
    assert all(figure(pack, "units", "LP", name="Quantity") == 1 for pack in found.values())


def test_the_hedge_moves_the_hedged_class_alone(clean: Path) -> None:
    pack = packs(clean, "EURO-UCITS")["2026-06-01"]
    forward = sum(r["Amount"] for r in pack if r["Component"] == "forward")
    opening = {
        c: figure_of(sheet(clean / "inbox/2026-05-29/MERIDIAN/opening_EURO-UCITS.xlsx", "Classes"), c) for c in ("A", "H-USD")
    }
    gain = {c: figure(pack, "net_assets", c) - opening[c] for c in opening}
    # same fee rate, so the same return but for the forwards
    assert forward and abs((gain["H-USD"] - forward) / opening["H-USD"] - gain["A"] / opening["A"]) < Decimal("1e-8")


def figure_of(rows: list[Row], share_class: str) -> Decimal:
    (row,) = (r for r in rows if r["Component"] == "net_assets" and r["Share Class"] == share_class)
    return Decimal(row["Amount"])


@pytest.mark.parametrize("fund_id", FUNDS)
def test_the_ledger_conserves_cash_securities_and_what_is_owed(fund_id: str) -> None:
    fund = load_fund(REPOSITORY, fund_id)
    cycles = load(REPOSITORY / "parameters/rules/settlement_cycles.yaml", Cycles)
    market = Market(7, 1, fund.inception, date(2026, 6, 30))
    desk, errors = Desk(fund, market, cycles, 1), Errors(on=False)
    book = desk.book
    for day in market.days[1:]:
        if not is_business_day(day, fund.calendar):
            continue
        out, cash_before = Outbox(day), dict(book.cash)
        desk.run(out, errors)
        owed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for due in book.dues:
            owed[due.ledger, due.currency] += due.amount
        assert {k: v for k, v in owed.items() if v} == {k: v for k, v in book.owed.items() if v}
        unsettled = defaultdict(Decimal)
        for trade in book.trades.values():
            unsettled[trade.isin] += trade.sign * trade.quantity
        for isin, quantity in book.position.items():
            assert book.settled[isin] + unsettled[isin] == quantity, (day, isin)
        moved = {c: desk.custodian.closing[c] - cash_before[c] for c in cash_before}
        assert moved == {c: book.cash[c] - cash_before[c] for c in cash_before}
        assert sum(book.register.values()) == (0 if fund.kind == "closed_end" else sum(book.units.values()))


def test_accrued_interest_agrees_with_quantlib() -> None:
    import QuantLib as ql

    market = Market(7, 1, date(2026, 5, 29), date(2026, 5, 29))
    bonds = [s for s in market.securities.values() if s.is_bond]
    for bond in bonds:
        schedule = ql.Schedule(
            ql.Date(bond.maturity.day, bond.maturity.month, 2020),
            ql.Date(bond.maturity.day, bond.maturity.month, bond.maturity.year),
            ql.Period(12 // bond.coupons_per_year, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,
        )  # fmt: skip
        icma = ql.ActualActual(ql.ActualActual.ISMA, schedule)
        basis = icma if bond.day_count == "ACT/ACT ICMA" else ql.Thirty360(ql.Thirty360.BondBasis)
        oracle = ql.FixedRateBond(0, 1_000_000, schedule, [float(bond.coupon_pct) / 100], basis)
        for day in (
            date(2026, 5, 29),
            date(2026, 5, 31),
            date(2026, 6, 15),
            date(2026, 6, 30),
            date(2026, 12, 31),
            date(2028, 2, 29),
        ):
            if day < bond.maturity:
                expected = oracle.accruedAmount(ql.Date(day.day, day.month, day.year)) * 10_000
                assert abs(accrued(bond, Decimal(1_000_000), day) - Decimal(expected)) <= Decimal("0.0051"), (bond.name, day)
    assert {b.day_count for b in bonds} == {"ACT/ACT ICMA", "30/360 US"}
