"""Balances and positions of many funds from their journals are those of each book."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bo_lib.books.totals import positions, trial_balances
from tests.books.contracts import every_contract
from tests.books.desk import june, keep


@pytest.mark.parametrize("day", [1, 5, 30])
def test_the_figures_are_those_of_the_books(day: int) -> None:
    one = [event.model_copy(update={"fund": "ONE"}) for event in every_contract()]
    two = [event.model_copy(update={"fund": "TWO"}) for event in every_contract() if event.effective_date <= june(3)]
    journal = pa.concat_tables([keep(*one).value.journal, keep(*two).value.journal])
    for fund, events in (("ONE", one), ("TWO", two)):
        book = keep(*events, until=june(day)).value
        found = [row for row in trial_balances(journal, june(day)).to_pylist() if row.pop("fund") == fund]
        order = ("ledger", "account", "share_class", "currency", "local", "base")
        assert sorted(found, key=str) == sorted(({k: row[k] for k in order} for row in book.trial_balance().to_pylist()), key=str)
        held = {(r["account"], r["isin"]): r["quantity"] for r in positions(journal, june(day)).to_pylist() if r["fund"] == fund}
        ours = {(r["account"], r["isin"]): r["quantity"] for r in book.positions().to_pylist()}
        assert {key: quantity for key, quantity in held.items() if quantity} == ours
