"""Controls over statements of several files: wrong day, read twice, gaps and repeats in numbers, broken chains of balances."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Place, error, warning

Row = dict[str, Any]


def statement_checks(
    statements: pa.Table, earlier: pa.Table | None = None, business_date: date | None = None
) -> tuple[Finding, ...]:
    """Findings on ``statements`` (new), each account continued from ``earlier``; both are canonical ``statements`` tables.

    Wrong day: a statement date other than ``business_date`` (an older statement is refused, not matched). Read twice: the
    same file, or the same number and date again. Gap or repeat: statement numbers of an account and currency follow each
    other by one, pages within a number likewise; a new year may start again. Chain: the closing balance of one statement
    is the opening balance of the next (two of one day that count no numbers have no order).
    """
    new, old = statements.to_pylist(), earlier.to_pylist() if earlier is not None else []
    findings = [f for row in new if (f := _wrong_day(row, business_date))]
    known = {row["file"] for row in old}
    again = {row["file"] for row in new if row["file"] in known}
    findings += [_twice(next(r for r in new if r["file"] == file)) for file in sorted(filter(None, again))]
    fresh, places = [], set()
    for row in new:
        place = (row["file"], row["at"], row["statement_id"])
        if place in places and row["file"] not in again:
            again.add(row["file"])
            findings.append(_twice(row))
        if row["file"] not in known and place not in places:
            fresh.append(row)
        places.add(place)
    return (*findings, *continuity(fresh, old))


def continuity(new: Iterable[Row], old: Iterable[Row] = ()) -> list[Finding]:
    """Findings between statements that should follow each other, at least one of the two new: gap, repeat, broken chain."""
    new = list(new)
    fresh = {id(row) for row in new}
    pairs = (pair for chain in _chains([*old, *new]) for pair in pairwise(chain))
    return [f for before, row in pairs if {id(before), id(row)} & fresh for f in _follows(before, row)]


def _place(row: Row) -> Place:
    return Place(row["statement_id"], row["at"] or "", "", row["file"] or "")


def _twice(row: Row) -> Finding:
    return error("file-read-twice", "the same file was read before; its rows would count twice", _place(row),
                 todo="leave it out; ask the sender for today's file if it was meant to be that")  # fmt: skip


def _wrong_day(row: Row, business_date: date | None) -> Finding | None:
    stated = row["statement_date"]
    if business_date is None or stated is None or stated == business_date:
        return None
    return error("statement-wrong-day", f"the statement of {row['account']} is of another day", _place(row),
                 found=str(stated), expected=str(business_date), todo="ask the sender for the statement of the day")  # fmt: skip


def _numbers(row: Row) -> tuple[int, int] | None:
    """Number and page of ``00212/002``; None where nothing is counted (no digits, or 0 in every statement)."""
    found = re.fullmatch(r"([0-9]{1,9})(?:/([0-9]{1,5}))?", row.get("number") or "")
    return (int(found[1]), int(found[2] or 1)) if found and int(found[1]) else None


def _chains(rows: Iterable[Row]) -> list[list[Row]]:
    """Statements per kind, account and currency, in order of date, number and page."""
    chains: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        chains.setdefault((row["kind"], row["account"], row.get("currency") or ""), []).append(row)
    for chain in chains.values():
        chain.sort(key=lambda r: (r["statement_date"] or date.min, _numbers(r) or (0, 0)))
    return list(chains.values())


def _follows(before: Row, row: Row) -> list[Finding]:
    """What is wrong between two statements that should follow each other."""
    findings = []
    first, second = _numbers(before), _numbers(row)
    if first and second:
        fresh_year = second[0] == 1 and _year(before) != _year(row)
        next_page = second == (first[0], first[1] + 1)
        next_number = second[0] == first[0] + 1 and second[1] <= 1
        if second <= first and not fresh_year:
            findings.append(
                warning(
                    "statement-repeated",
                    f"a statement number of {row['account']} comes again",
                    _place(row),
                    found=row["number"],
                    expected=f"after {before['number']}",
                    todo="see which of the two holds",
                )
            )
        elif not (fresh_year or next_page or next_number):
            findings.append(
                error(
                    "statement-gap",
                    f"statements of {row['account']} are missing",
                    _place(row),
                    found=row["number"],
                    expected=f"the one after {before['number']}",
                    todo="ask the sender for what lies between",
                )
            )
    closing, opening = before.get("closing"), row.get("opening")
    ordered = (bool(first and second) and first != second) or before.get("statement_date") != row.get("statement_date")
    if ordered and closing is not None and opening is not None and closing != opening:
        findings.append(
            error(
                "balance-chain-broken",
                f"{row['account']} does not open where its last statement closed",
                _place(row),
                found=f"{opening.normalize():f}",
                expected=f"{closing.normalize():f}",
                todo="a statement is missing or was corrected: ask the sender",
            )
        )
    return findings


def _year(row: Row) -> int | None:
    return row["statement_date"].year if row["statement_date"] else None
