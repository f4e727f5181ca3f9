"""What the matcher promises, for any rows: conservation, independence of order, honest ambiguity, exactness, no silent nulls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.recon import Matching, Rules, match
from bo_lib.recon.cash import CASH_ROWS
from tests.recon.scenario import june, rules_of

Row = tuple[str, str, str | None, Decimal, int]  # account, currency, reference, amount, day of June
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ALL_PASSES = rules_of(
    {"equal": ["reference", "amount", "value_date"]},
    {"equal": ["reference"], "amount": {"absolute": "0.02"}, "days": 2},
    {"kind": "sum", "equal": ["reference"]},
    {"equal": ["amount", "value_date"]},
    {"kind": "net", "side": "right", "equal": ["reference"], "days": 3},
    {"kind": "difference", "equal": ["reference"]},
    {"equal": ["amount"], "days": 2},
)

cents = st.integers(-300, 300).filter(bool).map(lambda n: Decimal(n) / 100)
rows = st.tuples(
    st.sampled_from(["A", "B"]),
    st.sampled_from(["EUR", "USD"]),
    st.sampled_from([None, "", "T1", "T2", "01", "1"]),
    st.one_of(cents, st.sampled_from([Decimal("1.00"), Decimal("-1.00"), Decimal("1.01"), Decimal("99999999999999999.99")])),
    st.integers(1, 6),
)
sides = st.lists(rows, max_size=7)


def table(made: Sequence[Row]) -> pa.Table:
    names = ("account", "currency", "reference", "amount", "value_date")
    return pa.Table.from_pylist([dict(zip(names, (*r[:4], june(r[4])), strict=True)) for r in made], CASH_ROWS)


def outcome(found: Matching, left: Sequence[Row], right: Sequence[Row]) -> Counter[tuple[Any, ...]]:
    """Where rows ended, by their content: what must not depend on the order of the input."""
    contents = {"left": left, "right": right}
    ended: Counter[tuple[Any, ...]] = Counter()
    for name in ("matches", "breaks", "suggestions"):
        for r in getattr(found, name).to_pylist():
            row = contents[r["side"]][r["row"]]
            ended[name, r["side"], r["pass"], r.get("kind"), r.get("verdict"), row[0], row[1], row[2] or "", row[3], row[4]] += 1
    return ended


@given(sides, sides)
@FEW
def test_every_row_ends_in_exactly_one_place_and_nothing_is_lost(left: list[Row], right: list[Row]) -> None:
    found = match(table(left), table(right), ALL_PASSES)
    for side, made in (("left", left), ("right", right)):
        placed = [r["row"] for t in (found.matches, found.breaks, found.excluded) for r in t.to_pylist() if r["side"] == side]
        assert sorted(placed) == list(range(len(made)))
    assert found.conserved
    assert sum(found.conservation["rows_in"].to_pylist()) == len(left) + len(right)


@given(sides, sides, st.randoms(use_true_random=False))
@FEW
def test_shuffling_changes_nothing_but_which_of_identical_rows_is_named(left: list[Row], right: list[Row], random: Any) -> None:
    before = outcome(match(table(left), table(right), ALL_PASSES), left, right)
    shuffled = random.sample(left, len(left)), random.sample(right, len(right))
    assert outcome(match(table(shuffled[0]), table(shuffled[1]), ALL_PASSES), *shuffled) == before


@given(sides, sides)
@FEW
def test_matches_never_cross_account_or_currency_and_stay_within_their_pass(left: list[Row], right: list[Row]) -> None:
    found = match(table(left), table(right), ALL_PASSES)
    contents = {"left": left, "right": right}
    groups: dict[tuple[str, int], list[tuple[str, Row]]] = {}
    for r in found.matches.to_pylist():
        groups.setdefault((r["pass"], r["group"]), []).append((r["side"], contents[r["side"]][r["row"]]))
    for (name, _), members in groups.items():
        assert len({row[:2] for _, row in members}) == 1
        sums = {s: sum((row[3] for side, row in members if side == s), Decimal(0)) for s in ("left", "right")}
        limit = Decimal("0.02") if name == "pass-1" else 0
        assert abs(sums["left"] - sums["right"]) <= limit
        if name in ("pass-0", "pass-1", "pass-2", "pass-4"):
            assert all(row[2] for _, row in members) and len({row[2] for _, row in members}) == 1


@given(st.integers(1, 6), st.integers(0, 5), rows)
@FEW
def test_identical_rows_pair_as_far_as_they_go(here: int, there: int, row: Row) -> None:
    found = match(
        table([row] * here), table([row] * there), rules_of({"equal": ["amount", "value_date"]}, {"equal": ["amount"], "days": 2})
    )
    assert found.matches.num_rows == 2 * min(here, there) and found.suggestions.num_rows == 0


@given(st.integers(2, 9), st.integers(1, 99), st.integers(-3, 3), st.sampled_from(["0.01", "0.02"]))
@FEW
def test_a_cent_is_a_cent_from_a_hundred_to_a_billion(size: int, odd: int, off: int, tolerance: str) -> None:
    amount = Decimal(10) ** size + Decimal(odd) / 100
    rules = rules_of({"equal": ["reference"], "amount": {"absolute": tolerance}})
    found = match(table([("A", "EUR", "T", amount, 1)]), table([("A", "EUR", "T", amount + Decimal(off) / 100, 1)]), rules)
    assert (found.matches.num_rows == 2) is (abs(Decimal(off) / 100) <= Decimal(tolerance))


@given(sides, sides)
@FEW
def test_a_row_without_a_key_matches_nothing_and_is_counted(left: list[Row], right: list[Row]) -> None:
    found = match(table(left), table(right), rules_of({"equal": ["reference"]}, {"kind": "difference", "equal": ["reference"]}))
    contents = {"left": left, "right": right}
    assert all(contents[r["side"]][r["row"]][2] for r in found.matches.to_pylist())
    assert found.null_keys == {side: sum(not r[2] for r in made) for side, made in contents.items()}


# Honest ambiguity, against every maximum matching there is -----------------------------------------------------------

WINDOW = 2
few_days = st.lists(st.integers(1, 8), max_size=4)
jitter: Rules = rules_of({"equal": ["amount"], "days": WINDOW})
near_amounts: Rules = rules_of({"equal": ["value_date"], "amount": {"absolute": "0.02"}})


def every_maximum(left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[Counter[int], Counter[int]]]:
    """Matched values of both sides in every maximum matching of values at most WINDOW apart; by trying all."""
    found: list[tuple[int, Counter[int], Counter[int]]] = []
    for choice in product(range(-1, len(right)), repeat=len(left)):
        used = [n for n in choice if n >= 0]
        if len(set(used)) == len(used) and all(n < 0 or abs(left[i] - right[n]) <= WINDOW for i, n in enumerate(choice)):
            found.append((len(used), Counter(left[i] for i, n in enumerate(choice) if n >= 0), Counter(right[n] for n in used)))
    most = max(size for size, *_ in found)
    return ((here, there) for size, here, there in found if size == most)


def matched_values(found: Matching, left: Sequence[int], right: Sequence[int]) -> tuple[Counter[int], Counter[int]]:
    contents = {"left": left, "right": right}
    rows_of = [(r["side"], contents[r["side"]][r["row"]]) for r in found.matches.to_pylist()]
    return Counter(v for s, v in rows_of if s == "left"), Counter(v for s, v in rows_of if s == "right")


def check_against_all(found: Matching, left: Sequence[int], right: Sequence[int]) -> None:
    """Matched is what every maximum matching matches; when they all match the same, that is the answer, in full."""
    matchings = list(every_maximum(left, right))
    for side, (matched, values) in enumerate(zip(matched_values(found, left, right), (left, right), strict=True)):
        for value in set(values):
            least = min(m[side][value] for m in matchings)
            assert matched[value] <= least
            if all(m == matchings[0] for m in matchings):
                assert matched[value] == least


@given(few_days, few_days)
@settings(max_examples=40, deadline=None)
def test_recurring_equal_payments_match_to_the_maximum_or_are_suggested(left: list[int], right: list[int]) -> None:
    here, there = ([("A", "EUR", None, Decimal(100), day) for day in days] for days in (left, right))
    check_against_all(match(table(here), table(there), jitter), left, right)


@given(few_days, few_days)
@settings(max_examples=40, deadline=None)
def test_amounts_within_tolerance_match_to_the_maximum_or_are_suggested(left: list[int], right: list[int]) -> None:
    here, there = ([("A", "EUR", None, Decimal(n) / 100, 1) for n in cents_of] for cents_of in (left, right))
    check_against_all(match(table(here), table(there), near_amounts), left, right)


@given(st.lists(st.integers(0, 2), min_size=3, max_size=25))
@FEW
def test_a_payment_every_five_days_with_jitter_is_always_found(shifts: list[int]) -> None:
    """Apart by more than twice the window there is one answer, and it is complete."""
    from datetime import timedelta

    rules = rules_of({"equal": ["amount"], "days": 2})
    here = table([("A", "EUR", None, Decimal(500), 1)] * len(shifts))
    days = pa.array([june(1) + timedelta(days=5 * n) for n in range(len(shifts))])
    moved = pa.array([june(1) + timedelta(days=5 * n + shift) for n, shift in enumerate(shifts)])
    at = here.column_names.index("value_date")
    found = match(here.set_column(at, "value_date", days), here.set_column(at, "value_date", moved), rules)
    assert found.matches.num_rows == 2 * len(shifts) and found.breaks.num_rows == 0
