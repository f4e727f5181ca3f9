"""Typed parameters: the firm, its funds and the rules of the trade, from YAML.

Every file under ``parameters/`` is read into one of the classes below. Unknown keys are refused with the nearest known
name; a wrong value is refused with the file and the field. Terms are dated: ``Fund.on(day)`` gives those in force.
"""

from __future__ import annotations

import difflib
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bo_lib.model.identifiers import same_person
from bo_lib.model.money import Rounding, decimal_from


class ParameterError(Exception):
    """A parameter file that cannot be used; the message names file, field, what was found and what to do."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_floats(cls, value: Any) -> Any:
        return decimal_from(value) if isinstance(value, float) else value


NotNegative = Annotated[Decimal, Field(ge=0)]
Days = Annotated[int, Field(ge=0)]
Decimals = Annotated[int, Field(ge=0, le=12)]
LotMethod = Literal["FIFO", "LIFO", "HIFO", "LOFO", "AVERAGE"]


class Account(Strict):
    """One account of a fund: the books' short name, and what the custodian calls its parts."""

    id: str
    custodian: str
    custody: str = ""  # safekeeping account number in holdings statements
    cash: dict[str, str] = {}  # currency -> cash account number in cash statements
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


def _known_calendar(names: str) -> str:
    from bo_lib.model.dates import CALENDARS

    for name in names.split("+"):
        if name not in CALENDARS:
            near = difflib.get_close_matches(name, CALENDARS, 1)
            raise ValueError(f"no calendar {name!r}; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(CALENDARS)}"))
    return names


Calendar = Annotated[str, AfterValidator(_known_calendar)]  # one of model.dates.CALENDARS, several joined by +


class Tolerances(Strict):
    admin_bps: NotNegative = Decimal("0.5")  # of net assets, per component and class
    nav_move_pct: NotNegative = Decimal(3)  # unexplained by anything but size: warns
    price_move_pct: NotNegative = Decimal(15)
    price_source_pct: NotNegative = Decimal(1)
    price_stale_days: Days = 3  # weekdays without a change
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
    price_sources_by_kind: dict[str, tuple[str, ...]] = {}  # kind of instrument -> sources in order, in place of the above
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


class Release(Strict):
    """How a NAV is released. Orders deal at the price that two people released, or (``struck``) at any strike nothing blocks.

    ``unattended``: two names that sign and release at once whatever nothing blocks; for a demonstration or a rehearsal.
    """

    dealing: Literal["released", "struck"] = "released"
    unattended: tuple[str, str] | None = None

    @field_validator("unattended")
    @classmethod
    def _two_people(cls, names: tuple[str, str] | None) -> tuple[str, str] | None:
        if names and same_person(*names):
            raise ValueError("preparer and reviewer are two people")
        return names


class Firm(Strict):
    """parameters/firm.yaml"""

    name: str
    funds: tuple[str, ...]
    store: str = "sqlite:///outputs/books.sqlite"
    inbox: Path = Path("outputs/inbox")
    outputs: Path = Path("outputs")
    calendar: Calendar = "TARGET"
    action_sources: tuple[str, ...] = ()  # vendors who announce every corporate action, beside the custodians
    deliveries: tuple[Delivery, ...] = ()  # market data and other files that belong to no single fund
    workers: int = Field(2, ge=1, le=64)
    four_eyes_above: NotNegative = Decimal(10000)
    release: Release = Release()
    schemas: Path | None = None  # folder of official ISO 20022 schemas (XSD), against which XML files are validated


class CloseTask(Strict):
    id: str
    title: str
    check: str = ""  # name of the check in bo_lib.close; without one the run of the notebook is the evidence
    notebook: str = ""  # where a person sees it
    owner: str
    reviewer: str
    due_business_day: int  # after month-end
    needs: tuple[str, ...] = ()


class Close(Strict):
    """parameters/close.yaml; tolerances are those of its checks."""

    tasks: tuple[CloseTask, ...]
    budget_tolerance_pct: NotNegative = Decimal(10)
    movement_tolerance_pct: NotNegative = Decimal(100)  # of an income or expense against the month before
    movement_above_bps: NotNegative = Decimal(1)  # of net assets: smaller movements are not looked at


class Filing(Strict):
    """One filing obligation, in force from a date. Deadlines count calendar or business days after the period's end."""

    form: str
    title: str
    start: date = Field(alias="from")
    until: date | None = None
    applies_to: tuple[str, ...]  # fund kinds or ids
    frequency: Literal["monthly", "quarterly", "yearly"]
    due_days: int
    day_kind: Literal["calendar", "business"] = "calendar"
    source: str


class Filings(Strict):
    """parameters/filings.yaml"""

    filings: tuple[Filing, ...]


class Cycle(Strict):
    """Settlement cycle of a market from a date on; ``source`` is the rule."""

    market: str
    instrument: str = "any"
    start: date = Field(alias="from")
    days: int
    calendar: str
    source: str


class Cycles(Strict):
    """parameters/rules/settlement_cycles.yaml"""

    cycles: tuple[Cycle, ...]


class LedgerAccount(Strict):
    """One ledger account of the chart."""

    name: str
    type: Literal["asset", "liability", "equity", "income", "expense"]
    says: str


class ChartOfAccounts(Strict):
    """parameters/rules/chart_of_accounts.yaml; every fee adds ``<name>`` (expense) and ``<name>_payable`` (liability)."""

    accounts: tuple[LedgerAccount, ...]

    @cached_property
    def types(self) -> dict[str, str]:
        return {account.name: account.type for account in self.accounts}

    def type_of(self, ledger: str) -> str:
        """asset, liability, equity, income or expense. A name outside the chart is a fee or its payable."""
        return self.types.get(ledger) or ("liability" if ledger.endswith("_payable") else "expense")


class Basis(Strict):
    """How one framework books events: where it differs from the others, and by which paragraph."""

    name: str
    says: str
    source: str
    transaction_costs: Literal["cost", "expense"] = "cost"  # commissions and taxes of trades
    amortisation: bool = True  # discount and premium of bonds into interest, and into the cost of the lot
    wash_sales: bool = False  # losses disallowed go into the cost of what replaced the shares sold
    ledgers: dict[str, str] = {}  # account -> the account that this basis keeps instead


class Bases(Strict):
    """parameters/rules/bases.yaml"""

    bases: tuple[Basis, ...]

    def of(self, name: str) -> Basis:
        """Raises ``ParameterError`` with the names there are."""
        found = next((basis for basis in self.bases if basis.name == name), None)
        if found is None:
            raise ParameterError(f"no basis {name!r}; known: {', '.join(basis.name for basis in self.bases)}")
        return found


ErrorCause = Literal["valuation", "fees", "swing", "cut_off"]


class NavErrorRule(Strict):
    """From which size on an error of the NAV is put right, and for whom; the words are explained at the head of its file."""

    domicile: str  # ISO 3166, or * for any
    kinds: tuple[str, ...]  # of funds, or *
    start: date = Field(alias="from")
    until: date | None = None
    threshold_pct: NotNegative = Decimal(0)
    per_unit: bool = False
    investors_pct: NotNegative = Decimal(0)
    de_minimis: NotNegative = Decimal(0)
    de_minimis_currency: str = ""
    always: tuple[ErrorCause, ...] = ()
    fund_always: tuple[ErrorCause, ...] = ()
    source: str


class NavErrorRules(Strict):
    """parameters/rules/nav_errors.yaml"""

    rules: tuple[NavErrorRule, ...]

    def of(self, domicile: str, kind: str, day: date) -> NavErrorRule | None:
        fitting = (r for r in self.rules if r.domicile in (domicile, "*") and (kind in r.kinds or "*" in r.kinds))
        return next((r for r in fitting if r.start <= day and (r.until is None or day <= r.until)), None)


class Day(Strict):
    """parameters/schedule.yaml: the graph of a business day."""

    id: str
    notebook: str
    when: Literal["daily", "month_end"] = "daily"
    needs: tuple[str, ...] = ()
    deadline_minutes: int = Field(15, gt=0)


class Schedule(Strict):
    day: tuple[Day, ...]


M = TypeVar("M", bound=Strict)


class _Loader(yaml.SafeLoader):
    """YAML without floats (amounts stay text until they are decimals) and without duplicate keys."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: loader.construct_scalar(node))


def _timestamp(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """A date; what only looks like one stays text, so that its field refuses it with file and line."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if doubled := {key for key in keys if keys.count(key) > 1}:
        raise yaml.MarkedYAMLError(problem=f"the key {sorted(doubled)[0]!r} stands twice", problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path, kind: type[M]) -> M:
    """One parameter file as ``kind``. Raises ``ParameterError`` with file, line or field, and what to do."""
    try:
        text = path.read_text("utf-8")
        data = yaml.load(text, Loader=_Loader)
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], 1)
        hint = f"; is it {near[0]}?" if near else "; `bo new DIR` makes an empty firm"
        raise ParameterError(f"{path}: no such parameter file{hint}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise ParameterError(f"{path}: not readable as YAML: {reason}") from reason
    try:
        return kind.model_validate(data)
    except ValidationError as reason:
        raise ParameterError("\n".join(_letter(path, text, kind, e) for e in reason.errors())) from None


def _letter(path: Path, text: str, kind: type[BaseModel], problem: Any) -> str:
    """One validation problem as a sentence: file, line, field, what was found, what was expected."""
    line = _line(yaml.compose(text, Loader=_Loader), problem["loc"])
    where = (f"line {line}: " if line else "") + ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        found = "" if problem["type"] == "missing" else f": found {str(problem['input'])[:80]!r}"
        return f"{path}: {where}{found}: {problem['msg']}"
    known = _fields_at(kind, problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
    return f"{path}: {where}: unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}")


def _line(node: yaml.Node | None, steps: tuple[str | int, ...]) -> int:
    """The line of the key at ``steps``, or of the nearest thing above it that is there; 0 for an empty file."""
    line = node.start_mark.line + 1 if node else 0
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = [(item, item) for item in node.value[step : step + 1]]
        else:
            found = []
        if not found:
            break
        key, node = found[0]
        line = key.start_mark.line + 1
    return line


def _fields_at(kind: Any, steps: tuple[str | int, ...]) -> list[str]:
    """Names a mapping may have at a place inside a model: walk the annotations along ``steps``."""
    for step in steps:
        if isinstance(step, str) and isinstance(kind, type) and issubclass(kind, BaseModel):
            found = [f for name, f in kind.model_fields.items() if step in (name, f.alias)]
            kind = _model_in(found[0].annotation) if found else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [f.alias or name for name, f in kind.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in getattr(annotation, "__args__", ()) if (m := _model_in(a))), None)


def load_firm(root: Path) -> Firm:
    return load(root / "parameters" / "firm.yaml", Firm)


def load_fund(root: Path, fund_id: str) -> Fund:
    """A fund's terms. Raises ``ParameterError``; for an unknown fund it names the nearest known one."""
    folder = root / "parameters" / "funds"
    path = folder / f"{fund_id}.yaml"
    if not path.exists():
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        near = difflib.get_close_matches(fund_id.upper(), known, 1)
        said = f"did you mean {near[0]}?" if near else f"known funds: {', '.join(known) or 'none yet'}"
        raise ParameterError(f"no fund {fund_id!r} in {folder}: {said}")
    fund = load(path, Fund)
    if fund.id != fund_id:
        raise ParameterError(f"{path}: id: found {fund.id!r}, expected {fund_id!r}, the name of the file")
    return fund
