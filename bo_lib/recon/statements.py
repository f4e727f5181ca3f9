"""Statements before matching: today's, complete, once, and each continuing the one before."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.model.findings import Finding, Place, Severity, error, info, warning
from bo_lib.model.money import ZERO

Row = Mapping[str, Any]
Scope = tuple[str, str]  # account, currency


@dataclass
class Chain:
    """The statements of one account and currency that count, in order, and what was found on the way.

    Findings are those of ``day``; what was found on the days before was said then.
    """

    scope: Scope
    day: date
    statements: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True when the day's statement is there and nothing is wrong with it."""
        return self.covers(self.day) and not any(f.severity is Severity.ERROR for f in self.findings)

    @property
    def last(self) -> Row:
        return self.statements[-1]

    def covers(self, day: date) -> bool:
        return bool(self.statements) and self.last["statement_date"] == day


def _place(row: Row, name: str = "statement_date") -> Place:
    return Place(file=row["statement_id"], at=row.get("at") or "", field=name, sha256=row.get("file") or "")


def _order(row: Row) -> tuple[date, list[int]]:
    return row["statement_date"], [int(part) for part in re.findall(r"\d+", row.get("number") or "")]


def chains(statements: Iterable[Row], expected: Iterable[Scope], day: date, incomplete: Collection[str] = ()) -> dict[Scope, Chain]:
    """Statements per account and currency up to ``day``: others refused, repeated ones dropped, gaps named.

    statements: rows of table STATEMENTS with the books' account ids; the optional column ``business_date`` is the day the
    file was delivered for. expected: accounts and currencies that owe a statement of ``day``. incomplete: hashes of files that
    were cut.
    """
    found = {scope: Chain(scope, day) for scope in expected}
    by_scope: dict[Scope, list[Row]] = defaultdict(list)
    for row in statements:
        scope = (row["account"], row["currency"] or "")
        chain = found.setdefault(scope, Chain(scope, day))
        letter = _cut(row) if row.get("file") in incomplete else _refusal(row, day)
        if letter and day in (row["statement_date"], row.get("business_date"), None):
            chain.findings.append(letter)
        if not letter:
            by_scope[scope].append(row)
    for scope, chain in found.items():
        _append_all(chain, sorted(by_scope[scope], key=_order))
        if not chain.covers(day):
            chain.findings.append(_missing(chain, day))
    return found


def _cut(row: Row) -> Finding:
    said = f"statement {row.get('number') or ''} of {row['statement_date']} is in a file that was cut; not compared"
    return error("statement-cut", said, _place(row), todo="ask for the file again")


def _refusal(row: Row, day: date) -> Finding | None:
    stated, delivered = row["statement_date"], row.get("business_date")
    if stated is None:
        return error("statement-without-date", "a statement without a date proves nothing; refused", _place(row), expected=str(day))
    if delivered is not None and delivered != stated:
        said = f"the statement of {stated} was delivered as that of {delivered}; refused, not matched"
        return error(
            "statement-of-another-day", said, _place(row), found=str(stated), expected=str(delivered), todo="ask for the right day"
        )
    if stated > day:
        return info("statement-later", f"the statement of {stated} is for a later day; left for then", _place(row))
    return None


def _append_all(chain: Chain, rows: list[Row]) -> None:
    known: dict[tuple[date, str], Row] = {}
    for row in rows:
        key = (row["statement_date"], row.get("number") or "")
        if key in known:
            letters = [_again(known[key], row)]
        else:
            known[key], letters = row, _continuity(chain, row)
        if row["statement_date"] == chain.day:
            chain.findings += letters
        if known[key] is not row:
            continue
        chain.statements.append(row)


def _again(first: Row, row: Row) -> Finding:
    """A second statement with the number and date of a first: a repetition, or a contradiction."""
    name = f"statement {row.get('number') or ''} of {row['statement_date']}"
    if (first["opening"], first["closing"]) == (row["opening"], row["closing"]):
        return warning("statement-duplicate", f"{name} came twice; counted once", _place(row))
    return error(
        "statement-contradicts",
        f"a second {name} has other balances; the first one counts",
        _place(row, "closing"),
        found=str(row["closing"]),
        expected=str(first["closing"]),
        todo="ask the bank which one stands",
    )


def _continuity(chain: Chain, row: Row) -> list[Finding]:
    found = []
    if row.get("proven") is False:
        said = f"opening {row['opening']} and its movements do not give the closing {row['closing']}"
        found.append(
            error("statement-unproven", said, _place(row, "closing"), found=str(row["closing"]), todo="ask for the whole statement")
        )
    if not chain.statements:
        return found
    before = chain.last
    if row["opening"] != before["closing"]:
        name = f"statement {row.get('number') or ''} of {row['statement_date']}"
        found.append(
            error(
                "statement-gap",
                f"{name} does not open where that of {before['statement_date']} closed",
                _place(row, "opening"),
                found=str(row["opening"]),
                expected=str(before["closing"]),
                todo="ask for the statement between",
            )
        )
    elif (skipped := _skipped(before, row)) is not None:
        found.append(
            warning("statement-number", f"the number goes from {skipped}, though the balances continue", _place(row, "number"))
        )
    return found


def _skipped(before: Row, row: Row) -> str | None:
    """The jump of the statement number, when it neither continues nor (a page) repeats; a new year may start again at 1."""
    one, other = _order(before)[1][:1], _order(row)[1][:1]
    if not one or not other or other[0] in (one[0], one[0] + 1) or other[0] == 1:
        return None
    return f"{before['number']} to {row['number']}"


def _missing(chain: Chain, day: date) -> Finding:
    account, currency = chain.scope
    last = f"; the last is of {chain.last['statement_date']}" if chain.statements else "; there is none at all"
    said = f"no statement of {day} for {account} {currency}".rstrip() + last
    return error(
        "statement-missing",
        said,
        Place(field="statement_date"),
        expected=str(day),
        todo="ask for it; the account waits, its breaks stay as they are",
    )


def unshown(chain: Chain, movements: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Movements that no statement shows, though the balances have them: where one statement does not open as the one before
    closed, and where one does not add up. Rows of CASH_MOVEMENTS, so that they take part in matching and proof.

    movements: those of the chain's statements.
    """
    shown: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for row in movements:
        shown[row["statement_id"], row.get("file")] += row["amount"]
    before: Row | None = None
    for row in chain.statements:
        if row["opening"] is None or row["closing"] is None:
            continue
        name = f"statement {row.get('number') or ''} of {row['statement_date']}"
        gap = row["opening"] - before["closing"] if before else ZERO
        rest = row["closing"] - row["opening"] - shown[row["statement_id"], row.get("file")]
        for code, amount, text in (
            ("GAP", gap, f"{name} does not continue the one before"),
            ("REST", rest, f"{name} does not add up"),
        ):
            if amount:
                yield {
                    "statement_id": row["statement_id"], "account": row["account"], "currency": row["currency"], "amount": amount,
                    "booking_date": row["statement_date"], "value_date": row["statement_date"], "reference": None,
                    "bank_reference": None, "code": code, "text": text, "reversal": False, "file": row.get("file"), "at": code,
                }  # fmt: skip
        before = row
