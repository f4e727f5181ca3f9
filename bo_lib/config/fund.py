"""The prospectus of a fund: its accounts, classes, fees and how it deals, by dated terms."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from bo_lib.config.files import Calendar, Days, Decimals, NotNegative, ParameterError, Strict
from bo_lib.model.money import Rounding

LotMethod = Literal["FIFO", "LIFO", "HIFO", "LOFO", "AVERAGE"]


class Account(Strict):
    """One account of a fund: the books' short name, and what the custodian calls its parts."""

    id: str
    custodian: str
    custody: str = ""  # safekeeping account number in holdings statements
    cash: dict[str, str] = Field(default_factory=dict)  # currency -> cash account number in cash statements
    position_basis: Literal["trade", "settlement"] = "settlement"


class Delivery(Strict):
    """A file somebody owes us every business day."""

    sender: str
    format: str  # as `bo read` names it
    account: str = ""
    due: time


class Tier(Strict):
    """The yearly rate of the slice of a fee's base above an amount of base currency; tiers cumulate."""

    above: NotNegative = Decimal(0)
    bps_annual: NotNegative


class ExpenseCap(Strict):
    """The adviser bears what a class costs above ``bps_annual`` of its net assets, performance fees apart.

    What it bears above ``contract_bps_annual`` may be recouped within ``recoup_years``, as far as both caps leave room.
    """

    bps_annual: NotNegative
    contract_bps_annual: NotNegative | None = None
    recoup_years: Days = 3
    clause: str = ""


class PerformanceFee(Strict):
    """A fee on gains, by one of four methods: a mark for the whole class (what subscribes later moves it), a series for each
    dealing date, equalisation by investor, or capital accounts of partners (reallocated to ``general_partner``, no expense).

    ``hurdle_pct_annual`` or ``benchmark`` (identifier of a total-return index among the prices) makes the hurdle. With
    ``reference_years`` the fee is on the gain over the benchmark since the period began, once the shortfalls of these years are
    made up (ESMA34-39-992); without, on the gain above the high-water mark.
    """

    rate_pct: NotNegative
    method: Literal["class", "series", "equalisation", "partnership"] = "series"
    hurdle: Literal["none", "soft", "hard"] = "none"
    hurdle_pct_annual: NotNegative = Decimal(0)
    benchmark: str = ""
    reference_years: int = Field(0, ge=0)
    crystallisation: Literal["monthly", "quarterly", "half_yearly", "yearly"] = "yearly"
    year_end_month: int = Field(12, ge=1, le=12)
    general_partner: str = ""  # investor id
    roll_up: bool = False  # series at their marks join the oldest such when a period ends
    clause: str = ""

    @model_validator(mode="after")
    def _whole(self) -> PerformanceFee:
        if self.hurdle != "none" and not (self.hurdle_pct_annual or self.benchmark):
            raise ValueError("a hurdle needs hurdle_pct_annual or benchmark")
        if self.reference_years and (self.reference_years < 5 or not self.benchmark or self.crystallisation != "yearly"):
            raise ValueError("a reference period has at least five years, a benchmark and yearly crystallisation")
        if self.method in ("equalisation", "partnership") and (self.hurdle != "none" or self.reference_years):
            raise ValueError(f"{self.method} goes with a high-water mark alone, not with a hurdle or a reference period")
        return self


class Distribution(Strict):
    """A distribution as declared: who holds units at the close of ``record`` gets the rate, in class currency, on ``payable``.

    The NAV is without it from the business day after.
    """

    record: date
    payable: date
    rate_per_unit: Annotated[Decimal, Field(gt=0)]
    clause: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Distribution:
        if self.payable <= self.record:
            raise ValueError(f"payable {self.payable} is not after the record date {self.record}")
        return self


class ShareClass(Strict):
    """A class or series of units. ``hedged`` classes carry their own forwards."""

    id: str
    isin: str = ""
    currency: str
    policy: Literal["accumulating", "distributing"] = "accumulating"
    distributions: tuple[Distribution, ...] = ()
    hedged: bool = False
    management_fee_bps_annual: NotNegative = Decimal(0)
    management_fee_tiers: tuple[Tier, ...] = ()  # in place of one rate
    waiver_bps_annual: NotNegative = Decimal(0)  # of the management fee, given up for the time being
    expense_cap: ExpenseCap | None = None
    performance_fee: PerformanceFee | None = None  # in place of the fund's
    unit_decimals: Decimals = 4
    nav_decimals: Decimals = 4
    nav_rounding: Rounding = Rounding.HALF_UP
    high_water_mark: NotNegative | None = None  # per unit, when the class is taken over or opened; the strike moves it on
    period_start: date | None = None  # of the crystallisation period, when taken over; empty: the day taken over
    benchmark_start: NotNegative | None = None  # the benchmark's level at the start of that period
    clause: str = ""

    @model_validator(mode="after")
    def _whole(self) -> ShareClass:
        if self.distributions and self.policy != "distributing":
            raise ValueError(f"class {self.id} is {self.policy} and has distributions")
        return self


class Expense(Strict):
    """A yearly expense in base currency, of the whole fund or one class, accrued over calendar days.

    An amount, or ``tiers`` of net assets with a minimum. A budgeted amount is spread over what is left of its days, so that
    ``expected_annual``, once better known, makes no step.
    """

    name: str
    amount_annual: NotNegative = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    minimum_annual: NotNegative = Decimal(0)
    share_class: str = ""
    budget_from: date | None = None
    budget_to: date | None = None
    expected_annual: NotNegative | None = None
    clause: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Expense:
        if "amount_annual" not in self.model_fields_set and not self.tiers:
            raise ValueError("an expense needs amount_annual or tiers")
        if (self.budget_from is None) != (self.budget_to is None):
            raise ValueError("a budget has both its days: budget_from and budget_to")
        return self


class Swing(Strict):
    """The NAV moves by ``factor_bps``, at most ``cap_bps``: once the net flow passes ``threshold_pct`` of net assets, or always.

    As a ``levy`` the NAV stays, and who deals on the side of the net flow pays the factor into the fund.
    """

    threshold_pct: NotNegative = Decimal(0)
    factor_bps: NotNegative
    factor_out_bps: NotNegative | None = None  # for net redemptions, where it differs
    mode: Literal["partial", "full"] = "partial"
    style: Literal["swing", "levy"] = "swing"
    cap_bps: NotNegative | None = None  # the most the prospectus allows, whatever the factor in force
    clause: str = ""


class Dealing(Strict):
    """How investors deal. A new series opens at ``series_price`` when ``new_series`` is set."""

    frequency: Literal["daily", "monthly", "none"]
    cut_off: time = time(12, 0)
    timezone: str = "UTC"
    settlement_days: Days = 3
    account: str = ""  # account that receives and pays
    minimum_first: NotNegative = Decimal(0)
    new_series: bool = False
    series_price: Annotated[Decimal, Field(gt=0)] = Decimal(100)
    clause: str = ""


class Tolerances(Strict):
    admin_bps: NotNegative = Decimal("0.5")  # of net assets, per component and class
    nav_move_pct: NotNegative = Decimal(3)  # unexplained by anything but size: warns
    price_move_pct: NotNegative = Decimal(15)
    price_source_pct: NotNegative = Decimal(1)
    price_stale_days: Days = 3  # weekdays without a change
    price_spread_pct: NotNegative = Decimal(5)  # from bid to ask, of the middle
    price_early_minutes: Days = 60  # of a price or rate, before the snapshot
    fx_move_pct: NotNegative = Decimal(5)
    fx_source_pct: NotNegative = Decimal("0.5")


class Terms(Strict):
    """What the prospectus says, from a date on."""

    start: date = Field(alias="from")
    classes: tuple[ShareClass, ...]
    expenses: tuple[Expense, ...] = ()
    performance_fee: PerformanceFee | None = None
    side_pockets: tuple[str, ...] = ()  # ISINs set aside for the partners of the first day of these terms
    swing: Swing | None = None
    dealing: Dealing = Dealing(frequency="none")
    fee_base: Literal["net_assets", "commitments"] = "net_assets"
    allocate_by: Literal["net_assets", "gross_assets"] = "net_assets"  # gross: performance fees not yet due for good added back
    days_in_year: Literal["actual", "365", "360"] = "actual"

    def share_class(self, class_id: str) -> ShareClass:
        return next(c for c in self.classes if c.id == class_id)


class DatedLotMethod(Strict):
    """Which lots a sale takes, from a date on; ties go by acquisition date, then lot id. ``basis`` empty: every basis."""

    start: date = Field(alias="from")
    method: LotMethod
    basis: str = ""


class Investor(Strict):
    id: str
    name: str
    country: str = ""
    cleared: bool = True  # identity checks passed: an investor that is not may hold an order, never units
    commitment: NotNegative = Decimal(0)


class Fund(Strict):
    id: str
    name: str
    kind: Literal["long_short", "ucits", "bond", "closed_end", "fund"]
    domicile: str
    base_currency: str
    calendar: Calendar
    administrator: str = ""
    inception: date
    lot_method: LotMethod = "FIFO"
    lot_methods: tuple[DatedLotMethod, ...] = ()  # changes of it, and bases that have one of their own
    price_sources: tuple[str, ...] = ()
    benchmark: str = ""  # identifier of an index among the prices: the NAV's move is held against its
    price_time: time | None = None  # of the snapshot of prices and rates; checked where vendors say theirs
    price_timezone: str = "UTC"
    price_sources_by_kind: dict[str, tuple[str, ...]] = Field(
        default_factory=dict
    )  # kind of instrument -> sources in order, in place of the above
    fx_source: str = ""
    accounts: tuple[Account, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    investors: tuple[Investor, ...] = ()
    tolerances: Tolerances = Tolerances()
    terms: tuple[Terms, ...]

    def on(self, day: date) -> Terms:
        """The terms in force on ``day``. Raises ``ParameterError`` before the first."""
        known = [terms for terms in self.terms if terms.start <= day]
        if not known:
            raise ParameterError(f"{self.id}: no terms in force on {day}; the first start on {min(t.start for t in self.terms)}")
        return max(known, key=lambda terms: terms.start)

    def lot_methods_of(self, basis: str = "") -> dict[date, str]:
        """Day -> lot method from then on; those of ``basis`` where it has its own."""
        own = [m for m in self.lot_methods if m.basis == basis] or [m for m in self.lot_methods if not m.basis]
        return {self.inception: self.lot_method, **{m.start: m.method for m in own}}

    def snapshot(self, day: date) -> datetime | None:
        """The moment prices and rates of ``day`` are of; None where the terms name none."""
        return datetime.combine(day, self.price_time, ZoneInfo(self.price_timezone)) if self.price_time else None

    def account(self, account_id: str) -> Account:
        return next(a for a in self.accounts if a.id == account_id)

    @cached_property
    def accounts_by_number(self) -> dict[str, Account]:
        """Custodians' numbers (custody and cash) -> the account they belong to."""
        return {number: a for a in self.accounts for number in (a.custody, *a.cash.values()) if number}
