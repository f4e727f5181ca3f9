"""The financial statements of a period under one framework, and the proof that every figure ties.

Computed once, as tables; XLSX, PDF, JSON and pages are renderings of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.close.highlights import ClassPeriod, Distribution, financial_highlights, shared, turnover_pct
from bo_lib.close.layouts import Statement, of_balances, of_flows
from bo_lib.close.ledger import Period, summed
from bo_lib.close.schedules import condensed_schedule, notes, roll_forwards, schedule_of_investments
from bo_lib.close.tables import STATEMENT, TIES
from bo_lib.close.terms import FairValueLevels, Layout
from bo_lib.model.money import ZERO
from bo_lib.model.tables import built
from bo_lib.nav import ClassState, Strike

BALANCE_SHEET, RESULTS = ("asset", "liability"), ("income", "expense")
PREFIX = {"position": "P", "operations": "O", "cash_flows": "F"}
_CAPITAL = {"capital:subscribe": "Units issued", "capital:call": "Capital called", "capital:redeem": "Units redeemed",
            "capital:distribute": "Distributions"}  # fmt: skip
Observed = Mapping[date, Mapping[str, ClassState]]


@dataclass(frozen=True)
class Sources:
    """What the statements are made of. ``observed``: the classes as struck, from the opening day on; ``prior``: the period before.

    ``realised``: table REALISED. ``terms``: layout and levels.
    """

    of: Period
    struck: Strike
    instruments: pa.Table
    realised: pa.Table
    observed: Observed
    levels: FairValueLevels
    days_in_year: int
    prior: Period | None = None

    @property
    def opening(self) -> Mapping[str, ClassState]:
        return self.observed.get(self.of.opened, {})


@dataclass(frozen=True)
class Financials:
    """``statements`` by id, in order; the other tables as in ``bo_lib.close.tables``. ``ties``: table TIES."""

    framework: str
    titles: Mapping[str, str]
    of: Period
    statements: Mapping[str, Statement]
    investments: pa.Table
    condensed: pa.Table
    highlights: pa.Table
    rolled: pa.Table
    notes: pa.Table
    realised: pa.Table
    turnover_pct: Decimal | None
    ties: pa.Table

    @property
    def net_assets(self) -> Decimal:
        return self.statements["position"].totals["net_assets"]

    @cached_property
    def broken(self) -> list[dict[str, Any]]:
        """Ties that do not hold."""
        return [row for row in self.ties.to_pylist() if row["difference"]]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """Everything by name: statements, schedules, notes, trial balance and general ledger."""
        made = {name: statement.table for name, statement in self.statements.items()}
        return made | {
            "condensed": self.condensed, "investments": self.investments, "highlights": self.highlights, "notes": self.notes,
            "roll_forwards": self.rolled, "realised": self.realised, "trial_balance": self.of.balances, "ties": self.ties,
        }  # fmt: skip


def financials(given: Sources, layout: Layout) -> Financials:
    """Statements, schedules and ties of a period under ``layout``."""
    of, struck, prior = given.of, given.struck, given.prior
    net = of.total("closing", *BALANCE_SHEET)
    position = of_balances(
        layout.position, "P", of.rows, BALANCE_SHEET, lambda r: r["closing"], (of.rows, lambda r: r["opening"]), net
    )
    before = (prior.rows, _change) if prior else None
    operations = of_balances(layout.operations, "O", of.rows, RESULTS, _change, before)
    cash = _with_balances(of_flows(layout.cash_flows, "F", of.flows, prior.flows if prior else None), of, prior)
    changes = _changes(layout, operations, of, prior)
    statements = {"position": position, "operations": operations, "changes": changes, "cash_flows": cash}
    investments = schedule_of_investments(struck, given.instruments, given.levels)
    units = {name: state.units for name, state in given.opening.items()}
    rolled = roll_forwards(of, investments, units, struck)
    value = sum((abs(r["closing"]) for r in _securities(of)), ZERO) + sum((abs(r["opening"]) for r in _securities(of)), ZERO)
    dealt = [abs(of.flows.get(f, ZERO) + of.flows.get(f"{f}:gain", ZERO)) for f in ("purchases", "disposals")]
    made = Financials(
        layout.framework, layout.titles, of, statements, investments, condensed_schedule(investments, net),
        financial_highlights(_classes(given), (of.day - of.opened).days, given.days_in_year), rolled,
        notes(of, struck, investments), _within(given.realised, of), turnover_pct(dealt[0], dealt[1], value / 2), TIES.empty(),
    )  # fmt: skip
    return Financials(**{**vars(made), "ties": built(TIES, _ties(made, given))})


def _change(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row["closing"] - row["opening"])


def _securities(of: Period) -> list[dict[str, Any]]:
    return [r for r in of.rows if r["ledger"] in ("investments", "unrealised_appreciation")]


def _investment_income(of: Period) -> list[dict[str, Any]]:
    """Income and expense but for gains."""
    return [r for r in of.rows if r["type"] in RESULTS and not r["ledger"].endswith("_gain") and r["ledger"] != "swap_income"]


def _within(realised: pa.Table, of: Period) -> pa.Table:
    day = realised["effective_date"]
    until, after = (pa.scalar(d, pa.date32()) for d in (of.day, of.opened))
    return realised.filter(pc.and_(pc.less_equal(day, until), pc.greater(day, after)))


class _Lines:
    """Lines of a statement that is not laid out by balances."""

    def __init__(self, prefix: str = "") -> None:
        self.rows: list[dict[str, Any]] = []
        self.prefix, self.coded = prefix, 0

    def add(self, part: str, kind: str, item: str, amount: Decimal | None = None, before: Decimal | None = None) -> None:
        self.coded += kind == "line"
        code = f"{self.prefix}{self.coded}" if kind == "line" and self.prefix else None
        self.rows.append({"n": len(self.rows) + 1, "part": part, "kind": kind, "item": item, "amount": amount,
                          "comparative": before, "code": code, "of_net_assets_pct": None})  # fmt: skip


def _with_balances(cash: Statement, of: Period, prior: Period | None) -> Statement:
    """The statement of cash flows with the cash it begins and ends with, which come from the balances."""
    opening, closing = (sum((r[name] for r in of.rows if r["ledger"] == "cash"), ZERO) for name in ("opening", "closing"))
    first = sum((r["opening"] for r in prior.rows if r["ledger"] == "cash"), ZERO) if prior else None
    more = _Lines()
    more.rows = cash.table.to_pylist()
    more.add("opening", "total", "Cash at the beginning", opening, first)
    more.add("closing", "total", "Cash at the end", closing, opening if prior else None)
    return Statement(cash.title, cash.clause, built(STATEMENT, more.rows), {**cash.totals, "opening": opening, "closing": closing})


def _changes(layout: Layout, operations: Statement, of: Period, prior: Period | None) -> Statement:
    """Operations, capital by kind and class, and net assets from the beginning to the end, which come from the balances."""
    lines, sides = _Lines("C"), BALANCE_SHEET
    titles = {part.id: part.total for part in layout.operations.parts}
    result = next(part for part in layout.operations.parts if part.id == "result")
    compared = {r["part"]: r["comparative"] for r in operations.table.to_pylist() if r["kind"] == "total"}
    lines.add("operations", "heading", "Operations")
    for part, sign in result.adds.items():
        before = compared.get(part)
        lines.add("operations", "line", titles[part], sign * operations.totals[part], None if before is None else sign * before)
    lines.add("operations", "total", titles["result"], operations.totals["result"], compared.get("result"))
    moved, earlier = _capital(of), _capital(prior) if prior else {}
    lines.add("capital", "heading", "Capital transactions")
    for key in sorted(moved.keys() | earlier.keys()):
        lines.add("capital", "line", " ".join(filter(None, key)), moved.get(key, ZERO), earlier.get(key, ZERO) if prior else None)
    capital, before_capital = sum(moved.values(), ZERO), sum(earlier.values(), ZERO) if prior else None
    lines.add("capital", "total", "Net change from capital transactions", capital, before_capital)
    opening, closing = of.total("opening", *sides), of.total("closing", *sides)
    first = prior.total("opening", *sides) if prior else None
    lines.add("opening", "total", "Net assets at the beginning", opening, first)
    lines.add("closing", "total", "Net assets at the end", closing, opening if prior else None)
    totals = {"operations": operations.totals["result"], "capital": capital, "opening": opening, "closing": closing}
    return Statement(layout.titles.get("changes", "Statement of changes in net assets"), "", built(STATEMENT, lines.rows), totals)


def capital(of: Period) -> dict[tuple[str, str], tuple[str, Decimal]]:
    """(what, class) -> flow and increase of net assets by equity: units issued, redeemed, distributions; other equity by ledger."""
    equity = pa.array(sorted({r["ledger"] for r in of.rows if r["type"] == "equity"}), pa.string())
    sums = summed(of.flowing.filter(pc.is_in(of.flowing["ledger"], equity)), ("flow", "share_class"), ("base",))
    named = (((_CAPITAL.get(r["flow"], r["flow"].replace("_", " ")), r["share_class"]), r) for r in sums.to_pylist())
    return {key: (r["flow"], -r["base"]) for key, r in named if r["base"]}


def _capital(of: Period) -> dict[tuple[str, str], Decimal]:
    return {key: amount for key, (_, amount) in capital(of).items()}


def _classes(given: Sources) -> list[ClassPeriod]:
    """Every class of the strike over the period; income of the fund goes to the classes by their average net assets.

    Averages of units are over all strikes, those of net assets over the opening and the month-ends (ASC 946-205-50-13).
    """
    of, days = given.of, sorted(given.observed)
    ends = [d for n, d in enumerate(days) if n == 0 or n + 1 == len(days) or days[n + 1].month != d.month]
    average = {name: _mean([_state(given, d, name).net_assets for d in ends]) for name in given.struck.rows}
    fees = {(r["ledger"], r["share_class"]): _change(r) for r in of.rows if r["type"] == "expense" and r["share_class"]}
    common = -sum((_change(r) for r in _investment_income(of) if not r["share_class"]), ZERO)
    spent = sum((_change(r) for r in of.rows if r["type"] == "expense" and not r["share_class"]), ZERO)
    income, expenses = shared(common, average), shared(spent, average)
    return [_class(given, name, days, average[name], fees, income[name], expenses[name]) for name in given.struck.rows]


def _class(
    given: Sources, name: str, days: Sequence[date], average: Decimal, fees: Mapping[tuple[str, str], Decimal], income: Decimal,
    expenses: Decimal,
) -> ClassPeriod:  # fmt: skip
    row = given.struck.rows[name]
    own = sum((amount for (ledger, of_class), amount in fees.items() if of_class == name and ledger != "performance_fee"), ZERO)
    states = [_state(given, d, name) for d in days]
    navs = [s.nav_per_unit for s in states if s.nav_per_unit is not None]
    units = _mean([s.units for s in states if s.units] or [row["units"]])
    per_base = given.struck.rates.rate(given.of.base_currency, row["currency"])
    paid = _capital(given.of)
    drawn = sum((paid.get((what, name), ZERO) for what in ("Distributions", "Capital called")), ZERO)
    distributed = (Distribution(-drawn * per_base / units),) if drawn and units else ()
    return ClassPeriod(
        name, row["currency"], navs[0] if navs else row["nav_per_unit"], row["nav_per_unit"] or ZERO, units, average, income - own,
        expenses + own, fees.get(("performance_fee", name), ZERO), distributed, per_base, row["net_assets"], row["units"],
    )  # fmt: skip


def _state(given: Sources, day: date, name: str) -> ClassState:
    none = ClassState(share_class=name, nav_date=day, net_assets=ZERO, units=ZERO)
    return given.observed[day].get(name, none)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, ZERO) / len(values) if values else ZERO


# Ties ----------------------------------------------------------------------------------------------------------------


def _ties(made: Financials, given: Sources) -> Iterator[dict[str, Any]]:
    for statement, figure, against, amount, other in _held(made, given):
        yield {"statement": statement, "figure": figure, "against": against, "amount": amount, "other": other,
               "difference": amount - other}  # fmt: skip


Tie = tuple[str, str, str, Decimal, Decimal]


def _held(made: Financials, given: Sources) -> Iterator[Tie]:
    yield from _tied_ledger(made.of)
    yield from _tied_statements(made, given)
    yield from _tied_schedules(made, given)
    for (what, item), steps in _rolls(made.rolled).items():
        moved = sum((amount for step, amount in steps.items() if step != "closing"), ZERO)
        yield (f"roll-forward of {what}", f"closing {item}".rstrip(), "opening and what moved it", steps["closing"], moved)
    for row in made.highlights.to_pylist():
        rolled = row["opening_nav"] + row["net_investment_income"] + row["gains"] - row["distributions"]
        figure = f"closing NAV {row['share_class']}"
        yield ("financial highlights", figure, "opening and per unit figures", row["closing_nav"], rolled)


def _tied_ledger(of: Period) -> Iterator[Tie]:
    every = ("asset", "liability", "equity", "income", "expense")
    yield ("trial balance", "debits less credits at the beginning", "nothing", of.total("opening", *every), ZERO)
    yield ("trial balance", "debits less credits at the end", "nothing", of.total("closing", *every), ZERO)
    lines = pc.sum(of.lines["base"]).as_py() or ZERO
    yield ("general ledger", "debits less credits of all lines", "nothing", lines, ZERO)
    moved = sum((r["opening"] + r["movement"] + r["mark"] - r["closing"] for r in of.rows), ZERO)
    yield ("trial balance", "opening, movements and marks less closing", "nothing", moved, ZERO)
    yield ("general ledger", "lines", "lines of the trial balance", Decimal(of.lines.num_rows),
           Decimal(sum(r["last"] - r["first"] + 1 for r in of.rows)))  # fmt: skip


def _tied_statements(made: Financials, given: Sources) -> Iterator[Tie]:
    of, s, struck = made.of, made.statements, given.struck
    net, result, changes, cash = made.net_assets, s["operations"].totals["result"], s["changes"].totals, s["cash_flows"].totals
    yield ("position", "net assets", "the NAV as struck", net, struck.net_assets)
    yield ("position", "net assets", "the classes", net, sum((r["net_assets"] for r in struck.rows.values()), ZERO))
    yield ("position", "net assets", "equity and results on the ledger", net, -of.total("closing", "equity", *RESULTS))
    booked = of.total("opening", *RESULTS) - of.total("closing", *RESULTS)
    yield ("operations", "result", "income and expense on the ledger", result, booked)
    rolled = changes["opening"] + changes["operations"] + changes["capital"]
    yield ("changes", "net assets at the end", "beginning, operations and capital", changes["closing"], rolled)
    yield ("changes", "net assets at the end", "position", changes["closing"], net)
    yield ("changes", "operations", "operations", changes["operations"], result)
    yield ("cash flows", "cash at the end", "beginning and change", cash["closing"], cash["opening"] + cash["change"])
    yield ("cash flows", "net change in cash", "cash on the ledger", cash["change"], of.change("cash"))
    for name in ("operating", "financing"):
        shown = [r for r in s["cash_flows"].table.to_pylist() if r["part"] == name and r["kind"] == "line"]
        yield ("cash flows", f"net cash from {name}", "its lines", cash[name], sum((r["amount"] for r in shown), ZERO))
    if given.opening:
        struck_before = sum((c.net_assets for c in given.opening.values()), ZERO)
        yield ("changes", "net assets at the beginning", "the NAV before as struck", changes["opening"], struck_before)
    if given.prior:
        yield ("changes", "net assets at the beginning", "end of the period before", changes["opening"],
               given.prior.total("closing", *BALANCE_SHEET))  # fmt: skip


def _tied_schedules(made: Financials, given: Sources) -> Iterator[Tie]:
    of, held = made.of, made.investments.to_pylist()
    value, cost = (sum((r[name] for r in held), ZERO) for name in ("fair_value", "cost"))
    yield ("schedule of investments", "fair value", "trial balance", value, sum((r["closing"] for r in _securities(of)), ZERO))
    yield ("schedule of investments", "cost", "trial balance", cost,
           sum((r["closing"] for r in of.rows if r["ledger"] == "investments"), ZERO))  # fmt: skip
    short = [r for r in made.condensed.to_pylist() if r["kind"] == "line"]
    yield ("condensed schedule", "fair value", "schedule of investments", sum((r["fair_value"] for r in short), ZERO), value)
    levels = [r for r in made.notes.to_pylist() if r["note"] == "fair value" and "currency forward" not in r["item"]]
    yield ("notes", "fair value by level", "schedule of investments", sum((r["amount"] for r in levels), ZERO), value)
    money = [r for r in made.notes.to_pylist() if r["note"] == "currency"]
    exposed = made.net_assets + sum((a.amount for a in given.struck.accruals if a.currency != of.base_currency), ZERO)
    yield ("notes", "net exposure of all currencies", "net assets", sum((r["amount"] for r in money), ZERO), exposed)
    gains = [r["price_gain_base"] + r["currency_gain_base"] for r in made.realised.to_pylist()]
    booked = -sum((of.flows.get(f"{f}:gain", ZERO) for f in ("purchases", "disposals")), ZERO)
    yield ("realised gains", "gains by lot", "general ledger", sum(gains, ZERO), booked)
    for name, row in given.struck.rows.items():
        steps = _rolls(made.rolled).get(("units", name), {})
        yield ("roll-forward of units", f"closing {name}", "units as struck", steps.get("closing", ZERO), row["units"])
    income = sum((c.net_investment_income - c.incentive for c in _classes(given)), ZERO)
    results = -sum(map(_change, _investment_income(of)), ZERO)
    yield ("financial highlights", "net investment income of all classes", "operations", income, results)


def _rolls(rolled: pa.Table) -> dict[tuple[str, str], dict[str, Decimal]]:
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in rolled.to_pylist():
        found.setdefault((row["of"], row["item"] or ""), {})[row["step"]] = row["amount"]
    return found
