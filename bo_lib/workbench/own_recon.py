"""A firm's own reconciliation: any two or three canonical tables, of the day's files or of the books, named in a rules file.

Nothing of it is code: ``kind: tables``, and for each side the ``table`` (and ``sender``, ``format``) that it is read from. Two
sides are compared row by row; with a ``third`` the sums of each key are, and who is alone is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.books import Book
from bo_lib.config import ParameterError
from bo_lib.model.findings import Finding, Outcome, Place, error, warning
from bo_lib.model.tables import TABLES
from bo_lib.recon import Reconciliation, Rules, not_compared, reconcile_tables
from bo_lib.recon.files import ColumnError, prepare
from bo_lib.recon.rules import Side
from bo_lib.recon.sqltext import arrow
from bo_lib.recon.three_way import PARTY, reconcile_three

if TYPE_CHECKING:
    from bo_lib.workbench.recon_desk import ReconDesk

BOOKS: dict[str, Callable[[Book, Side, date, date], pa.Table]] = {  # the books, the side, its first day and its last
    "books.positions": lambda book, side, *_: book.positions("trade" if side.basis == "any" else side.basis),
    "books.cash": lambda book, *_: book.cash(),
    "books.cash_movements": lambda book, _, first, last: book.cash_movements(first, last),
    "books.open_trades": lambda book, *_: book.open_trades,
    "books.trial_balance": lambda book, *_: book.trial_balance(),
}  # fmt: skip


def own_tables(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The sides as their rules name them. Raises ``ParameterError`` for a table or a column that there is not."""
    sides = {"left": rules.left, "right": rules.right} | ({"third": rules.third} if rules.third else {})
    found = {name: _rows(desk, rules, name, side) for name, side in sides.items()}
    missing = [_missing(desk, side) for name, side in sides.items() if found[name] is None]
    if missing:
        return not_compared(rules, desk.day, desk.fund.id, missing)
    there = {name: rows for name, rows in found.items() if rows is not None}
    result = _three_sides(desk, rules, there) if rules.third else _two_sides(desk, rules, there)
    return Outcome(result, result.findings)


def _two_sides(desk: ReconDesk, rules: Rules, found: Mapping[str, pa.Table]) -> Reconciliation:
    made, findings = _prepared(rules, found)
    before = {b.item.scope for b in desk.open_breaks() if b.item.recon == rules.name}
    return reconcile_tables(
        made["left"], made["right"], rules, desk.day, fund=desk.fund.id, findings=findings, compared=before,
        value=lambda row, amount: _value(desk, rules, row, amount),
    )  # fmt: skip


def _three_sides(desk: ReconDesk, rules: Rules, found: Mapping[str, pa.Table]) -> Reconciliation:
    """Sums of each key, each party's against the two others."""
    if rules.date:
        raise ParameterError(f"reconciliation {rules.name}: date: three sides are compared by their sums; take out `date`")
    with_third = _against_third(rules)
    one, said = _prepared(rules, {name: found[name] for name in ("left", "right")})
    two, more = _prepared(with_third, {"left": found["left"], "right": found["third"]})
    sides = ((rules, "left", one["left"]), (rules, "right", one["right"]), (with_third, "right", two["right"]))
    amount = pa.decimal128(38, max(rows[rules.amount].type.scale for *_, rows in sides))
    passes = tuple(step.model_copy(update={"equal": (*rules.scope, *step.equal), "scope": ()}) for step in rules.passes)
    return reconcile_three(
        {(getattr(by, name)).name: _sums(by, name, rows, amount) for by, name, rows in sides},
        rules.model_copy(update={"scope": (PARTY,), "passes": passes, "exclusions": ()}), desk.day, fund=desk.fund.id,
        value=lambda row, amount: _value(desk, rules, row, amount), findings=list(dict.fromkeys([*said, *more])),
    )  # fmt: skip


def _against_third(rules: Rules) -> Rules:
    """The rules of ours against the third side, as if it were theirs."""
    columns = tuple(c.model_copy(update={"right": c.header("third")}) for c in rules.file_columns)
    exclusions = tuple(e.model_copy(update={"side": "right"}) for e in rules.exclusions if e.side == "third")
    return rules.model_copy(update={"right": rules.third, "file_columns": columns, "exclusions": exclusions})


def _sums(rules: Rules, side: str, rows: pa.Table, amount: pa.DataType) -> pa.Table:
    """One row a key, as text, with the sum of its rows that no exclusion names."""
    key = [name for name in rules.columns if name != rules.amount]
    kept = rows.filter(pa.array([not _excluded(rules, side, r) for r in rows.to_pylist()], pa.bool_()))
    named = pa.table({**{n: kept[n].cast(pa.string()) for n in key}, rules.amount: kept[rules.amount].cast(amount)})
    return named.group_by(key).aggregate([(rules.amount, "sum")]).rename_columns([*key, rules.amount])


def _rows(desk: ReconDesk, rules: Rules, name: str, side: Side) -> pa.Table | None:
    """The rows of a side; None when no file of it came for the day."""
    first = desk.fund.inception if side.days == "all" else desk.day
    if side.table in BOOKS:
        return BOOKS[side.table](desk.known.book().value, side, first, desk.day)
    if side.table not in TABLES:
        raise ParameterError(f"reconciliation {rules.name}: {name}.table: {_which(side.table)}")
    table, known = TABLES[side.table], desk.known
    files = [f for f in known.files if not side.sender or f.payload["sender"] == side.sender]
    files = [f for f in files if table.name in f.payload["tables"] and (not side.format or f.payload["format"] == side.format)]
    if not any(f.effective_date == desk.day and not f.payload["refused"] for f in files):
        return None
    named = {f.id for f in files}
    parts = [part for file, part in known.parts(table, first, desk.day) if file.id in named]
    rows = pa.concat_tables([table.empty(), *parts], promote_options="default")
    has_account = "account" in table.names and not table.schema.field("account").nullable
    return known.with_account_ids(rows) if has_account else rows


def _which(table: str) -> str:
    near = difflib.get_close_matches(table, [*TABLES, *BOOKS], 1, 0.4)
    there = f"did you mean {near[0]!r}?" if near else f"there are {', '.join([*TABLES, *BOOKS])}"
    return f"no table {table!r}; {there}" if table else f"name the table that this side is read from; {there}"


def _missing(desk: ReconDesk, side: Side) -> Finding:
    what = " ".join(filter(None, (side.sender, side.format, side.table)))
    return warning("side-missing", f"no {what} of {desk.day}", Place(field=side.name), expected=str(desk.day), todo="ask for it")


def _prepared(rules: Rules, found: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], list[Finding]]:
    """The columns that the rules compare, under their names, in types that compare without loss."""
    import duckdb

    con = duckdb.connect()
    names = {"left": rules.left.name, "right": rules.right.name}
    try:
        for name, rows in found.items():
            raw = rows.rename_columns([f":{column}" for column in rows.column_names])
            con.register(f"{name}_raw", raw.append_column("row", pa.array(range(rows.num_rows), pa.int32())))
        said = prepare(con, rules, names, {"left": (), "right": ()}, {"left": frozenset(), "right": frozenset()})
        read = {name: arrow(con, f"select * exclude (row) from {name}_in order by row") for name in found}  # noqa: S608
        made = {name: rows.rename_columns([c.removeprefix(":") for c in rows.column_names]) for name, rows in read.items()}
    except ColumnError as reason:
        raise ParameterError(f"reconciliation {rules.name}: {reason}") from None
    finally:
        con.close()
    findings = list(said.findings)
    for name, rows in made.items():
        lost = [r[rules.amount] is None and not _excluded(rules, name, r) for r in rows.to_pylist()]
        if any(lost):
            letter = f"{sum(lost)} rows of {names[name]} have no {rules.amount} and are compared with nothing"
            findings.append(error("amount-missing", letter, Place(field=rules.amount), todo="exclude them, or ask the sender"))
        amounts = pc.fill_null(rows[rules.amount], Decimal(0))
        made[name] = rows.set_column(rows.column_names.index(rules.amount), rules.amount, amounts).filter(
            pc.invert(pa.array(lost, pa.bool_()))
        )
    return made, findings


def _excluded(rules: Rules, side: str, row: Mapping[str, Any]) -> bool:
    return any(e.side == side and row[e.field] in e.equals for e in rules.exclusions)


def _value(desk: ReconDesk, rules: Rules, row: Mapping[str, Any], amount: Decimal) -> Decimal | None:
    """Quantities at the last price, money at the rate of its currency; anything else has no value."""
    if rules.amount == "quantity":
        return desk.position_in_base(row["isin"], amount) if row.get("isin") else None
    return desk.cash_in_base(row["currency"], amount) if row.get("currency") else None
