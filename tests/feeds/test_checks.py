"""Statements of several days: wrong day, read twice, gaps, repeats, broken chains."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.feeds import statement_checks
from bo_lib.model.tables import STATEMENTS
from tests.feeds.samples import MT940, read


def statements(*given: dict[str, Any]) -> pa.Table:
    """Statements of account A in euro; file and place follow the number unless said."""
    rows = []
    for one in given:
        row = {"account": "A", "kind": "cash", "currency": "EUR", "number": "1/1", "statement_date": date(2026, 6, 1), **one}
        rows.append({"statement_id": f"A/{row['number']}", "file": f"file {row['number']}", "at": "line 1", **row})
    outcome = STATEMENTS.build(rows)
    assert outcome.ok
    return outcome.value


def found(new: pa.Table, earlier: pa.Table | None = None, business_date: date | None = None) -> list[str]:
    return [f.code for f in statement_checks(new, earlier, business_date)]


MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
FIRST = {"number": "101/1", "statement_date": MONDAY, "opening": 0, "closing": 10}


def test_the_next_statement_opens_where_the_last_closed() -> None:
    second = {"number": "102/1", "statement_date": TUESDAY, "opening": 10, "closing": 12}
    assert found(statements(second), statements(FIRST), TUESDAY) == []
    assert found(statements({**second, "opening": 11}), statements(FIRST), TUESDAY) == ["balance-chain-broken"]


@pytest.mark.parametrize(
    ("number", "day", "expected"),
    [("101/2", MONDAY, []), ("102/1", TUESDAY, []), ("103/1", TUESDAY, ["statement-gap"]), ("102/2", TUESDAY, ["statement-gap"]),
     ("101/3", MONDAY, ["statement-gap"]), ("101/1", TUESDAY, ["statement-repeated"]), ("100/1", TUESDAY, ["statement-repeated"]),
     ("1/1", date(2027, 1, 4), []), ("0", TUESDAY, []), ("ABC-7", TUESDAY, [])],
)  # fmt: skip
def test_numbers_follow_each_other(number: str, day: date, expected: list[str]) -> None:
    following = {"number": number, "statement_date": day, "opening": 10, "closing": 10, "file": "another"}
    assert found(statements(following), statements(FIRST)) == expected


def test_yesterdays_statement_is_of_the_wrong_day() -> None:
    assert found(statements(FIRST), None, TUESDAY) == ["statement-wrong-day"]


def test_the_same_file_again_is_read_twice() -> None:
    assert found(statements(FIRST), statements(FIRST), MONDAY) == ["file-read-twice"]
    assert found(statements(FIRST, FIRST), None, MONDAY) == ["file-read-twice"]


def test_accounts_and_currencies_are_chains_of_their_own() -> None:
    others = statements(
        {**FIRST, "account": "B", "number": "500"},
        {**FIRST, "currency": "USD", "number": "7"},
        {**FIRST, "kind": "securities", "file": "holdings"},
    )
    assert found(others, statements(FIRST)) == []


def test_what_was_wrong_among_earlier_statements_is_not_told_again() -> None:
    earlier = statements(FIRST, {**FIRST, "number": "105/1", "statement_date": TUESDAY, "opening": 10, "closing": 10})
    later = statements({**FIRST, "number": "106/1", "statement_date": date(2026, 6, 3), "opening": 10})
    assert found(later, earlier) == []


def test_statements_as_read() -> None:
    new = read(MT940).value.tables["statements"]
    assert found(new, new, MONDAY) == ["file-read-twice"]


def test_a_statement_sent_again_is_said_once_and_breaks_no_chain() -> None:
    again = {**FIRST, "file": "resent"}
    [said] = statement_checks(statements(again), statements(FIRST))
    assert said.code == "statement-repeated"
