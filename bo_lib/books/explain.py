"""From a figure of the books to its journal lines, the events behind them, and the line of the file each came from."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.money import ZERO
from bo_lib.model.tables import AMOUNT, COUNT, DATE, QUANTITY, TEXT, Column, Table, built

if TYPE_CHECKING:
    from bo_lib.books.book import Book
    from bo_lib.books.state import Line

EXPLAINED = Table("explained", "journal lines that add up to a figure, each with its event and source", ("event_id", "line"), (
    Column("event_id", TEXT, "event the line comes from", True),
    Column("line", COUNT, "ordinal within the event", True),
    Column("kind", TEXT, "trade, dividend, …; of what is no event: mark, opening, share", True),
    Column("effective_date", DATE, "accounting date", True),
    Column("ledger", TEXT, "ledger account", True),
    Column("account", TEXT, "custody or bank account"),
    Column("isin", TEXT, "instrument"),
    Column("share_class", TEXT, "class"),
    Column("currency", TEXT, "currency of local", True),
    Column("local", AMOUNT, "amount in currency: debit positive", True),
    Column("base", AMOUNT, "amount in base currency: debit positive", True),
    Column("quantity", QUANTITY, "change of position, signed"),
    Column("reference", TEXT, "trade, deal or order reference"),
    Column("text", TEXT, "what it is, for people"),
    Column("file", TEXT, "SHA-256 of the source file"),
    Column("at", TEXT, "its line or element"),
))  # fmt: skip


MARK = "mark"


class Tie(NamedTuple):
    """A figure as another computation states it, and what the lines add up to."""

    figure: str
    stated: Decimal
    summed: Decimal

    @property
    def difference(self) -> Decimal:
        return self.stated - self.summed


@dataclass(frozen=True)
class Explained:
    """``lines``: table EXPLAINED, in order of posting; ``marks``: the same, of the strike; ``ties``: what they were held against.

    ``value`` in ``unit`` (a currency; empty for a quantity) is the figure, ``column`` of the lines what makes it up.
    """

    figure: str
    value: Decimal
    unit: str
    column: str
    lines: pa.Table
    marks: pa.Table
    ties: tuple[Tie, ...]

    @property
    def holds(self) -> bool:
        return not any(tie.difference for tie in self.ties)


def explain(book: Book, figure: str, marks: pa.Table | None = None, also: Sequence[str] = ()) -> Outcome[Explained | None]:
    """The lines behind a ledger balance (``cash``, ``cash/USD``, ``cash/ALPINE/USD``) or a position (an ISIN).

    A part after the ledger's name is an account, a currency, a class or an ISIN. Held against the trial balance, a position
    against the open lots too. ``marks``: table JOURNAL, the lines by which a strike brings the ledger to market; they are kept
    apart, and are all there is of ``unrealised_gain``. ``also``: figures that somebody else explains, for the letter.
    """
    name, *parts = figure.strip().split("/")
    marked = list(_mark_rows(marks))
    isins = {line.isin for _, _, line in book.lines() if line.ledger == "investments"}
    ledger, isin = ("investments", name) if name in isins else (name, "")
    its = list(line_rows(book, lambda line: line.ledger == ledger and isin in ("", line.isin)))
    its += [row for row in marked if row["ledger"] == ledger and not isin]
    if not its:
        known = {*(line.ledger for _, _, line in book.lines()), *(row["ledger"] for row in marked), *isins, *also}
        return Outcome(None, (_unknown("figure-unknown", f"the books have no figure {name!r}", name, known),))
    narrowed = _narrowed(name, parts, its)
    if narrowed.findings:
        return Outcome(None, narrowed.findings)
    return Outcome(_position(book, figure, name, narrowed.value) if isin else _ledger(book, figure, its, narrowed.value))


def _mark_rows(marks: pa.Table | None) -> Iterable[dict[str, Any]]:
    for row in marks.to_pylist() if marks is not None else ():
        yield {**{name: row.get(name) for name in EXPLAINED.names}, "kind": MARK}


def line_rows(book: Book, wanted: Callable[[Line], bool]) -> Iterable[dict[str, Any]]:
    """The journal lines that are ``wanted`` as rows of EXPLAINED."""
    for entry, number, line in book.lines():
        if not wanted(line):
            continue
        sha256, _, at = entry.event.source.partition("#")
        yield {
            "event_id": entry.event.event_id, "line": number, "kind": entry.event.kind, "effective_date": entry.day,
            **{key: value or None for key, value in line._asdict().items()},
            "local": line.local, "base": line.base, "file": sha256 or None, "at": at or None,
        }  # fmt: skip


_PARTS = ("account", "currency", "share_class", "isin")


def _narrowed(name: str, parts: Sequence[str], rows: list[dict[str, Any]]) -> Outcome[list[dict[str, Any]]]:
    """The rows that have every part in one of their columns; a letter for a part that none has."""
    for part in parts:
        fitting = [row for row in rows if part in (row[key] for key in _PARTS)]
        if not fitting:
            known = {row[key] for row in rows for key in _PARTS} - {None}
            return Outcome([], (_unknown("figure-part-unknown", f"{name} has no part {part!r}", part, known),))
        rows = fitting
    return Outcome(rows)


def _ledger(book: Book, figure: str, rows: list[dict[str, Any]], kept: list[dict[str, Any]]) -> Explained:
    booked, marked = ([row for row in kept if (row["kind"] == MARK) is mark] for mark in (False, True))
    keys = {_balance(row) for row in booked}
    balances = [row for row in book.trial_balance().to_pylist() if _balance(row) in keys]
    whole = len(booked) == sum(_balance(row) in keys and row["kind"] != MARK for row in rows)  # an ISIN is finer than a balance
    ties = _ties("trial balance", balances, booked) if booked and whole else ()
    if ties and booked[0]["ledger"] == "investments":  # not only the same lines summed otherwise: lots are kept apart from them
        lots = [lot for lot in book.lots().to_pylist() if ("investments", lot["account"], None, lot["currency"]) in keys]
        costs = [{"currency": lot["currency"], "local": lot["cost_local"], "base": lot["cost_base"]} for lot in lots]
        ties = (*ties, *_ties("cost of the open lots", costs, booked))
    currencies = {row["currency"] for row in booked}
    one = len(currencies) == 1 and any(row["local"] for row in booked)
    column, unit = ("local", currencies.pop()) if one else ("base", book.base_currency)
    value = _sum(booked or marked, column)
    return Explained(figure, value, unit, column, built(EXPLAINED, booked), built(EXPLAINED, marked), ties)


def _balance(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["ledger"], row["account"], row["share_class"], row["currency"]


def _position(book: Book, figure: str, isin: str, kept: list[dict[str, Any]]) -> Explained:
    accounts = {row["account"] for row in kept}
    held = [row for row in book.positions().to_pylist() if row["isin"] == isin and row["account"] in accounts]
    lots = [row for row in book.lots().to_pylist() if row["isin"] == isin and row["account"] in accounts]
    ties = (
        Tie("quantity of the position", _sum(held, "quantity"), _sum(kept, "quantity")),
        Tie("quantity of the open lots", _sum(lots, "quantity"), _sum(kept, "quantity")),
        Tie("cost of the open lots, local", _sum(lots, "cost_local"), _sum(kept, "local")),
        Tie("cost of the open lots, base", _sum(lots, "cost_base"), _sum(kept, "base")),
    )
    return Explained(figure, _sum(kept, "quantity"), "", "quantity", built(EXPLAINED, kept), EXPLAINED.empty(), ties)


def _ties(what: str, balances: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> tuple[Tie, ...]:
    """Local by currency, and base."""
    stated, summed = (_by_currency(given) for given in (balances, rows))
    local = [Tie(f"{what}, {currency}", stated[currency], summed[currency]) for currency in sorted({*stated, *summed})]
    return (*local, Tie(f"{what}, base", _sum(balances, "base"), _sum(rows, "base")))


def _by_currency(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["currency"]] += row["local"]
    return sums


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> Decimal:
    return sum((row[name] or ZERO for row in rows), ZERO)


def _unknown(code: str, message: str, found: str, known: Iterable[str]) -> Finding:
    near = difflib.get_close_matches(found, sorted(known), 3, 0.4)
    expected = f"such as {', '.join(near)}" if near else f"one of {len(set(known))}: a ledger account, an ISIN, nav or a class"
    return error(code, message, Place(), found=found, expected=expected, todo="bo book trial-balance lists the ledger accounts")
