"""The general ledger of a period: what stood at its beginning, every line since, and the marks that bring it to value.

All statements add up these lines and nothing else, so that every figure can be followed back to journal lines, to events and
to lines of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.books import Book
from bo_lib.close.tables import BALANCES, GENERAL_LEDGER, SOURCED_JOURNAL
from bo_lib.config import ChartOfAccounts
from bo_lib.model.events import Capital, Event, Reversal
from bo_lib.model.money import ZERO

BY_INSTRUMENT = ("investments", "unrealised_appreciation", "interest_receivable")
GAINS = ("realised_gain", "realised_currency_gain")
# Kinds of events that buy and sell: what they move between investments, gains and money is purchases and proceeds.
DEALING = (
    "trade", "redemption", "rights_exercise", "option_exercise", "merger", "cash_in_lieu", "return_of_capital",
)  # fmt: skip
_KEY = ("ledger", "part", "share_class", "currency")
_TYPES = ("asset", "liability", "equity", "income", "expense")
_LINE = ("event_id", "line", "effective_date", "ledger", "account", "isin", "share_class", "currency", "local", "base", "quantity",
         "reference", "text", "kind", "own_date", "file", "at")  # fmt: skip


def sourced_journal(book: Book) -> pa.Table:
    """The journal with, on every line, the kind of its event, the date it belongs to, and the file it came from.

    A reversal is of the kind it reverses; capital is subscribe, redeem, call or distribute. Table SOURCED_JOURNAL.
    """
    journal = book.journal
    by_id = {entry.event.event_id: entry.event for entry, _, _ in book.lines()}
    ids = journal["event_id"].combine_chunks().dictionary_encode()
    events = [by_id[i] for i in ids.dictionary.to_pylist()]
    more = {
        "kind": [_kind(e, by_id) for e in events], "own_date": [e.belongs_to for e in events],
        "file": [e.source.partition("#")[0] or None for e in events], "at": [e.source.partition("#")[2] or None for e in events],
    }  # fmt: skip
    for name, values in more.items():
        field = SOURCED_JOURNAL.schema.field(name)
        column = pa.array(values, field.type).take(ids.indices)
        journal = journal.append_column(field, pc.coalesce(column, journal["effective_date"]) if name == "own_date" else column)
    return journal.cast(SOURCED_JOURNAL.schema)


def _kind(event: Event, by_id: Mapping[str, Event]) -> str:
    of = by_id.get(event.reverses, event) if isinstance(event, Reversal) else event
    return of.action.lower() if isinstance(of, Capital) else of.kind


@dataclass(frozen=True)
class Period:
    """``lines``: table GENERAL_LEDGER; the lines of one balance stand together, in the order of ``balances`` (table BALANCES).

    ``opened`` is the day whose close the period begins with. Amounts are in base currency, debit positive.
    """

    fund: str
    base_currency: str
    opened: date
    day: date
    lines: pa.Table
    balances: pa.Table

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return self.balances.to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def moved(self) -> pa.Table:
        """The lines of the period without the opening balances."""
        return self.lines.filter(pc.not_equal(self.lines["section"], "opening"))

    @cached_property
    def flowing(self) -> pa.Table:
        """``moved`` with a column ``flow`` (see ``flows``)."""
        return flows(self)

    @cached_property
    def flows(self) -> dict[str, Decimal]:
        """Flow -> sum in base currency, debit positive."""
        sums = summed(self.flowing, ("flow",), ("base",))
        return dict(zip(sums["flow"].to_pylist(), sums["base"].to_pylist(), strict=True))

    def change(self, *ledgers: str) -> Decimal:
        """What balances of these ledgers moved by, marks included."""
        return sum((row["closing"] - row["opening"] for row in self.rows if row["ledger"] in ledgers), ZERO)

    def total(self, name: str, *types: str) -> Decimal:
        """A column of the balances of some types."""
        return sum((row[name] for row in self.rows if row["type"] in types), ZERO)


def period(
    fund: str, base_currency: str, journal: pa.Table, marked_before: pa.Table, marked: pa.Table, opened: date, day: date,
    chart: ChartOfAccounts,
) -> Period:  # fmt: skip
    """The general ledger from the close of ``opened`` to that of ``day``.

    ``journal``: table SOURCED_JOURNAL of the books as of ``day``. ``marked_before`` and ``marked``: the marks of both days (table
    JOURNAL); the earlier are part of the opening balances and are taken back in the period.
    """
    until = pa.scalar(opened, pa.date32())
    before, since = (journal.filter(test(journal["effective_date"], until)) for test in (pc.less_equal, pc.greater))
    since = since.filter(pc.less_equal(since["effective_date"], pa.scalar(day, pa.date32())))
    first = _opening(pa.concat_tables([_lines(before), _lines(marked_before, "mark")]), opened)
    parts = [
        ("opening", first), ("movement", _lines(since)), ("mark", _taken_back(_lines(marked_before, "mark"))),
        ("mark", _lines(marked, "mark")),
    ]  # fmt: skip
    lines = pa.concat_tables([part.append_column("section", pa.array([name] * part.num_rows, pa.string())) for name, part in parts])
    lines, balances = _ordered(lines, chart)
    return Period(fund, base_currency, opened, day, lines, balances)


def _lines(journal: pa.Table, kind: str = "") -> pa.Table:
    """The columns of a ledger line, empty text instead of none in its key; ``part`` says what the balance is of."""
    if kind:
        nothing = {"kind": kind, "own_date": None, "file": None, "at": None}
        for name, value in nothing.items():
            field = SOURCED_JOURNAL.schema.field(name)
            values = journal["effective_date"] if name == "own_date" else pa.array([value] * journal.num_rows, field.type)
            journal = journal.append_column(field, values)
    table = journal.select(_LINE)
    ledger, nobody = table["ledger"], pa.scalar("", pa.string())
    of_forward = pc.if_else(pc.equal(ledger, "forward_value"), table["reference"], nobody)
    part = pc.if_else(pc.is_in(ledger, pa.array(BY_INSTRUMENT)), table["isin"], of_forward)
    classes = table.column_names.index("share_class")
    table = table.set_column(classes, "share_class", pc.fill_null(table["share_class"], ""))
    return _nullable(table.append_column("part", pc.fill_null(part, "")))


def _nullable(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))


def _taken_back(lines: pa.Table) -> pa.Table:
    for name in ("local", "base", "quantity"):
        lines = lines.set_column(lines.column_names.index(name), name, pc.negate(lines[name]))
    return lines.set_column(
        lines.column_names.index("text"), "text", pa.array(["mark before, taken back"] * lines.num_rows, pa.string())
    )


def summed(lines: pa.Table, keys: Sequence[str], amounts: Sequence[str]) -> pa.Table:
    """Sums of decimals by text columns, exact."""
    table = lines.select([*keys, *amounts])
    for name in keys:  # text as numbers: grouped several times faster
        table = table.set_column(
            table.column_names.index(name), name, pc.fill_null(table[name], "").combine_chunks().dictionary_encode()
        )
    made = table.unify_dictionaries().group_by(list(keys)).aggregate([(name, "sum") for name in amounts])
    columns = [made[name].cast(pa.string()) for name in keys]
    columns += [pc.fill_null(made[f"{name}_sum"], 0).cast(lines.schema.field(name).type) for name in amounts]
    return pa.table(columns, names=[*keys, *amounts])


def _opening(lines: pa.Table, opened: date) -> pa.Table:
    """One line per balance at the beginning."""
    sums = summed(lines, _KEY, ("local", "base", "quantity"))
    zero = pa.scalar(0, sums.schema.field("base").type)
    sums = sums.filter(pc.or_(pc.not_equal(sums["base"], zero), pc.not_equal(sums["local"], zero)))
    said = {"event_id": "opening", "line": 1, "effective_date": opened, "own_date": opened, "kind": "opening",
            "text": "brought forward"}  # fmt: skip
    for name in lines.column_names:
        if name not in sums.column_names:
            kind = lines.schema.field(name).type
            values = sums["part"] if name == "isin" else pa.array([said.get(name)] * sums.num_rows, kind)
            sums = sums.append_column(name, values)
    return _nullable(sums.select(lines.column_names))


def _ordered(lines: pa.Table, chart: ChartOfAccounts) -> tuple[pa.Table, pa.Table]:
    """The lines sorted by balance and numbered, and the balances with the numbers of their lines."""
    sums = summed(lines, (*_KEY, "section"), ("local", "base", "quantity"))
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in sums.to_pylist():
        key = tuple(row[name] for name in _KEY)
        fresh = {**dict(zip(_KEY, key, strict=True)), "type": chart.type_of(key[0]), **dict.fromkeys(_AMOUNTS, 0)}
        made = found.setdefault(key, fresh)
        made[row["section"]] += row["base"]
        made["local"] += row["local"]
        made["closing"] += row["base"]
    ordered = sorted(found.values(), key=lambda r: (_TYPES.index(r["type"]), *(r[name] for name in _KEY)))
    rank = pa.array(["\x1f".join(r[name] for name in _KEY) for r in ordered], pa.string())
    name = pc.binary_join_element_wise(*(lines[k].cast(pa.string()) for k in _KEY), "\x1f")
    lines = lines.append_column("rank", pc.index_in(name, rank))
    section = pc.index_in(lines["section"], pa.array(["opening", "movement", "mark"]))
    lines = lines.append_column("order", section)
    keys = [(k, "ascending") for k in ("rank", "order", "effective_date", "event_id", "line")]
    lines = lines.sort_by(keys)
    counts = dict(zip(*(c.to_pylist() for c in lines["rank"].value_counts().flatten()), strict=True)) if lines.num_rows else {}
    at = 1
    for n, row in enumerate(ordered):
        row["first"], row["last"] = at, at + counts[n] - 1
        at += counts[n]
    lines = lines.append_column("n", pa.array(range(1, lines.num_rows + 1), pa.int64()))
    lines = lines.select(GENERAL_LEDGER.names).cast(GENERAL_LEDGER.schema)
    return lines, pa.Table.from_pylist(ordered, schema=BALANCES.schema)


_AMOUNTS = ("opening", "movement", "mark", "closing", "local")


def flows(of: Period) -> pa.Table:
    """Table of the period's lines with a column ``flow``: what each line is to a statement of cash flows.

    Cash by what moved it (``cash:dividend:in``, at the rate of its day: ASC 830-230-45-1) and by rates (``cash:rates``: marks, and
    what left at another cost); lines of purchases and disposals with the gains in them (``purchases``, ``purchases:gain``); other
    results, among them currency on money; capital by what it is (``capital:subscribe``); else the ledger's name.
    """
    lines = of.moved
    results = {row["ledger"] for row in of.rows if row["type"] in ("income", "expense")}
    ledger, kind, zero = lines["ledger"], lines["kind"], pa.scalar(0, lines.schema.field("base").type)
    way = pc.if_else(pc.less(lines["base"], zero), "out", "in")
    flow: Any = pc.if_else(pc.is_in(ledger, pa.array(sorted(results), pa.string())), "results", ledger)
    on_money = pc.and_(pc.equal(ledger, "realised_currency_gain"), pc.is_null(lines["isin"]))
    dealing = pc.and_not(pc.is_in(kind, pa.array(DEALING)), on_money)
    dealt = lines.filter(pc.and_(dealing, pc.is_in(ledger, pa.array(["investments", *GAINS]))))
    sums = summed(dealt, ("event_id",), ("base",))
    for name, test in (("purchases", pc.greater), ("disposals", pc.less_equal)):
        events = sums.filter(test(sums["base"], zero))["event_id"]
        chosen = pc.and_(dealing, pc.is_in(lines["event_id"], events))
        flow = pc.if_else(pc.and_(chosen, pc.equal(ledger, "investments")), name, flow)
        flow = pc.if_else(pc.and_(chosen, pc.is_in(ledger, pa.array(GAINS))), f"{name}:gain", flow)
    flow = pc.if_else(pc.equal(ledger, "capital"), pc.binary_join_element_wise("capital", kind, ":"), flow)
    rates = pc.or_(pc.equal(lines["section"], "mark"), pc.equal(lines["local"], pa.scalar(0, lines.schema.field("local").type)))
    moved = pc.if_else(rates, "cash:rates", pc.binary_join_element_wise("cash", kind, way, ":"))
    return lines.append_column("flow", pc.if_else(pc.equal(ledger, "cash"), moved, flow))
