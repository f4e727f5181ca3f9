"""The six promises of a reconciliation and the twelve cases that a matcher must survive, for any rows and amounts.

Small inputs are compared with answers found by trying everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.recon import Matching, Rules, match, subsets
from bo_lib.recon.cash import CASH_ROWS
from bo_lib.recon.rules import Tolerance
from tests.recon.scenario import june, rules_of

Row = tuple[str, str, str | None, Decimal, int, str | None]  # account, currency, reference, amount, day of June, text
NAMES = ("account", "currency", "reference", "amount", "value_date", "text")
FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALL = rules_of(
    {"equal": ["reference", "amount", "value_date"]},
    {"equal": ["amount", "value_date"]},
    {"equal": ["reference"], "amount": {"absolute": "0.02"}, "days": 2},
    {"equal": ["value_date"], "amount": {"under": "0.01", "over": "0.03"}},
    {"equal": ["amount"], "days": 2, "calendar": "WEEKENDS"},
    {"kind": "net", "side": "left", "equal": ["reference"], "days": 3},
    {"kind": "net", "side": "right", "equal": [], "days": 3},
    {"kind": "sum", "equal": ["reference"]},
    {"kind": "sum", "groups": "one-to-many", "equal": ["value_date"]},
    {"kind": "subset", "equal": ["value_date"], "members_max": 4},
    {"kind": "sum", "equal": ["value_date"]},
    {"kind": "difference", "equal": ["reference"]},
    {"kind": "text", "equal": [], "text": "text"},
    exclusions=[{"side": "right", "field": "text", "equals": ["MEMO"], "reason": "memo entry"}],
)

cents = st.integers(-300, 300).filter(bool).map(lambda n: Decimal(n) / 100)
rows = st.tuples(
    st.sampled_from(["A", "B"]),
    st.sampled_from(["EUR", "USD"]),
    st.sampled_from([None, "", "T1", "T2", "01", "1"]),
    st.one_of(cents, st.sampled_from([Decimal(n) for n in ("1", "-1", "1.01", "2", "3", "99999999999999999.99")])),
    st.integers(1, 4),
    st.sampled_from([None, "rent for june", "june rent", "MEMO"]),
)
sides = st.lists(rows, max_size=8)


def table(made: Sequence[Row]) -> pa.Table:
    found = [dict(zip(NAMES, (*r[:4], june(r[4]), r[5]), strict=True)) for r in made]
    return pa.Table.from_pylist(found, CASH_ROWS)


def plain(amounts: Sequence[Decimal | int | str], day: int = 1, reference: str | None = None) -> list[Row]:
    return [("A", "EUR", reference, Decimal(amount), day, None) for amount in amounts]


def groups(found: Matching, name: str = "matches") -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Groups as (left rows, right rows), in order."""
    made: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for r in getattr(found, name).to_pylist():
        made.setdefault((r["pass"], r["group"]), ([], []))[r["side"] == "right"].append(r["row"])
    return sorted((tuple(sorted(a)), tuple(sorted(b))) for a, b in made.values())


def ended(found: Matching, left: Sequence[Row], right: Sequence[Row]) -> Counter[tuple[Any, ...]]:
    """Where rows ended, by their content: what must not depend on the order of the input."""
    contents = {"left": left, "right": right}
    places: Counter[tuple[Any, ...]] = Counter()
    for name in ("matches", "breaks", "suggestions", "excluded"):
        for r in getattr(found, name).to_pylist():
            row = contents[r["side"]][r["row"]]
            places[name, r["side"], r.get("pass"), r.get("kind"), r.get("verdict"), *row[:2], row[2] or "", *row[3:]] += 1
    return places


# The six promises ----------------------------------------------------------------------------------------------------


@given(sides, sides)
@FEW
def test_conservation(left: list[Row], right: list[Row]) -> None:
    found = match(table(left), table(right), ALL)
    for side, made in (("left", left), ("right", right)):
        placed = [r["row"] for t in (found.matches, found.breaks, found.excluded) for r in t.to_pylist() if r["side"] == side]
        assert sorted(placed) == list(range(len(made)))
    assert found.conserved
    sums = {(r["side"], r["account"], r["currency"]): r["amount_in"] for r in found.conservation.to_pylist()}
    for side, made in (("left", left), ("right", right)):
        for account, currency in {row[:2] for row in made}:
            assert sums[side, account, currency] == sum(row[3] for row in made if row[:2] == (account, currency))


@given(sides, sides, st.randoms(use_true_random=False))
@FEW
def test_independence_of_order(left: list[Row], right: list[Row], random: Any) -> None:
    before = ended(match(table(left), table(right), ALL), left, right)
    for _ in range(2):
        shuffled = random.sample(left, len(left)), random.sample(right, len(right))
        assert ended(match(table(shuffled[0]), table(shuffled[1]), ALL), *shuffled) == before


EVEN = rules_of(
    {"equal": ["reference", "amount", "value_date"]},
    {"equal": ["amount", "value_date"]},
    {"equal": ["reference"], "amount": {"absolute": "0.02"}, "days": 2},
    {"equal": ["amount"], "days": 2, "calendar": "WEEKENDS"},
    {"kind": "sum", "equal": ["reference"]},
    {"kind": "subset", "equal": ["value_date"], "members_max": 4},
    {"kind": "difference", "equal": ["reference"]},
)


@given(sides, sides)
@FEW
def test_independence_of_which_side_is_ours(left: list[Row], right: list[Row]) -> None:
    there = {"left": "right", "right": "left", "missing_here": "missing_there", "missing_there": "missing_here"}
    one, other = match(table(left), table(right), EVEN), match(table(right), table(left), EVEN)
    turned = Counter({
        tuple(there.get(word, word) if n in (1, 3) else word for n, word in enumerate(place)): count
        for place, count in ended(other, right, left).items()
    })  # fmt: skip
    assert ended(one, left, right) == turned


@given(sides, sides)
@FEW
def test_no_match_crosses_a_scope_or_leaves_its_tolerance(left: list[Row], right: list[Row]) -> None:
    """Exactness: within a match the sums agree to the cent that its pass allows; a net adds up to nothing."""
    found = match(table(left), table(right), ALL)
    limits = {"pass-2": Decimal("0.02"), "pass-3": Decimal("0.03")}
    passes = {(r["pass"], r["group"]): r["pass"] for r in found.matches.to_pylist()}
    made = groups(found)
    assert len(made) == len(passes)
    for r in found.matches.to_pylist():
        members = [m for m in found.matches.to_pylist() if (m["pass"], m["group"]) == (r["pass"], r["group"])]
        content = [({"left": left, "right": right}[m["side"]][m["row"]], m["side"]) for m in members]
        assert len({row[:2] for row, _ in content}) == 1
        ours, theirs = (sum((row[3] for row, side in content if side == name), Decimal(0)) for name in ("left", "right"))
        assert abs(ours - theirs) <= limits.get(r["pass"], Decimal(0))


@given(sides, sides)
@FEW
def test_no_silent_nulls(left: list[Row], right: list[Row]) -> None:
    by_reference = rules_of(
        {"equal": ["reference"]}, {"kind": "sum", "equal": ["reference"]}, {"kind": "difference", "equal": ["reference"]}
    )
    found = match(table(left), table(right), by_reference)
    contents = {"left": left, "right": right}
    assert all(contents[r["side"]][r["row"]][2] for r in found.matches.to_pylist())
    assert found.null_keys == {side: sum(not row[2] for row in made) for side, made in contents.items()}
    assert found.matches.num_rows + found.breaks.num_rows == len(left) + len(right)


@given(sides, sides)
@FEW
def test_reproducibility(left: list[Row], right: list[Row]) -> None:
    one, other = (match(table(left), table(right), ALL) for _ in range(2))
    for name in ("matches", "suggestions", "breaks", "excluded", "conservation"):
        assert getattr(one, name).to_pylist() == getattr(other, name).to_pylist()
    assert one.rules == f"{ALL.name} v{ALL.version}"
    assert {r["pass"] for r in one.matches.to_pylist()} <= {step.id for step in ALL.passes}


SUBSET = rules_of({"kind": "subset", "equal": ["value_date"], "members_max": 6})


def packings(left: Sequence[int], right: Sequence[int]) -> Iterator[frozenset[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Every set of groups, one row against up to six of the other side, that share no row: by trying all."""
    every = [
        *(((i,), c) for i in range(len(left)) for n in range(1, 7) for c in combinations(range(len(right)), n)
          if left[i] == sum(right[k] for k in c)),
        *((c, (i,)) for i in range(len(right)) for n in range(2, 7) for c in combinations(range(len(left)), n)
          if right[i] == sum(left[k] for k in c)),
    ]  # fmt: skip

    def grow(at: int, taken: tuple[Any, ...], used: frozenset[tuple[int, int]]) -> Iterator[frozenset[Any]]:
        if at == len(every):
            yield frozenset(taken)
            return
        yield from grow(at + 1, taken, used)
        members = {(0, i) for i in every[at][0]} | {(1, i) for i in every[at][1]}
        if not members & used:
            yield from grow(at + 1, (*taken, every[at]), used | members)

    return grow(0, (), frozenset())


@given(st.lists(st.integers(1, 9), max_size=3), st.lists(st.integers(1, 6), max_size=4))
@settings(max_examples=40, deadline=None)
def test_honest_ambiguity_of_sums(left: list[int], right: list[int]) -> None:
    """A group is matched only where every packing of most groups has it, up to rows of the same amount; else it is not made."""
    found = groups(match(table(plain(left)), table(plain(right)), SUBSET))
    values = [(tuple(sorted(left[i] for i in a)), tuple(sorted(right[i] for i in b))) for a, b in found]
    every = list(packings(left, right))
    most = max(map(len, every))
    best = [
        Counter((tuple(sorted(left[i] for i in a)), tuple(sorted(right[i] for i in b))) for a, b in packing)
        for packing in every
        if len(packing) == most
    ]
    for value, times in Counter(values).items():
        assert all(packing[value] >= times for packing in best)
    certain = set.intersection(*(set(packing) for packing in best))
    for value in certain:
        if sum(map(len, value)) > 2:
            assert Counter(values)[value] == min(packing[value] for packing in best)


# The twelve cases ----------------------------------------------------------------------------------------------------

PLAIN = rules_of(
    {"equal": ["reference", "amount", "value_date"]},
    {"equal": ["amount", "value_date"]},
    {"kind": "difference", "equal": ["reference"]},
)
sizes = st.integers(2, 9).map(lambda n: Decimal(10) ** n)


@given(st.integers(1, 40), st.randoms(use_true_random=False))
@FEW
def test_1_both_files_shuffled_and_renumbered(count: int, random: Any) -> None:
    made = [("A", "EUR", f"T{n}", Decimal(n % 7 + 1), n % 5 + 1, None) for n in range(count)]
    renumbered: list[Row] = [(a, c, f"X{r}", m, d, t) for a, c, r, m, d, t in made]
    found = match(table(random.sample(made, count)), table(random.sample(renumbered, count)), PLAIN)
    assert found.matches.num_rows == 2 * count and not found.breaks.num_rows


@given(sizes, st.integers(0, 99), st.integers(-3, 3), st.sampled_from(["0.01", "0.02"]), st.booleans())
@FEW
def test_2_a_cent_is_a_cent_at_any_size(size: Decimal, odd: int, off: int, tolerance: str, negative: bool) -> None:
    amount = (size + Decimal(odd) / 100) * (-1 if negative else 1)
    rules = rules_of({"equal": ["reference"], "amount": {"absolute": tolerance}})
    found = match(table(plain([amount], 1, "T")), table(plain([amount + Decimal(off) / 100], 1, "T")), rules)
    assert (found.matches.num_rows == 2) is (abs(Decimal(off) / 100) <= Decimal(tolerance))


@given(st.integers(1, 30), sizes)
@FEW
def test_3_k_identical_rows_against_one_less(k: int, amount: Decimal) -> None:
    found = match(table(plain([amount] * k, 1, "T")), table(plain([amount] * (k - 1), 1, "T")), PLAIN)
    assert found.matches.num_rows == 2 * (k - 1) and not found.suggestions.num_rows
    assert [r["kind"] for r in found.breaks.to_pylist()] == ["duplicate" if k > 1 else "missing_there"]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), max_size=12), st.randoms(use_true_random=False))
@FEW
def test_4_all_references_null(made: list[tuple[int, int]], random: Any) -> None:
    here: list[Row] = [("A", "EUR", None, Decimal(amount), day, None) for amount, day in made]
    found = match(table(here), table(random.sample(here, len(here))), PLAIN)
    assert found.matches.num_rows == 2 * len(made) and found.null_keys == {"left": len(made), "right": len(made)}


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.sampled_from([5, 7]), sizes)
@FEW
def test_5_recurring_equal_payments_with_jitter(shifts: list[int], every: int, amount: Decimal) -> None:
    """Apart by more than twice the window there is one answer; where the window reaches two, the maximum is still found."""
    here = table(plain([amount] * len(shifts)))
    days = [date(2026, 1, 5) + timedelta(days=every * n) for n in range(len(shifts))]
    at = here.column_names.index("value_date")
    theirs = [day + timedelta(days=shift) for day, shift in zip(days, shifts, strict=True)]
    for window in (2, 4):
        rules = rules_of({"equal": ["amount"], "days": window})
        found = match(here.set_column(at, "value_date", pa.array(days)), here.set_column(at, "value_date", pa.array(theirs)), rules)
        assert found.matches.num_rows == 2 * len(shifts) and not found.breaks.num_rows


@given(st.integers(2, 6), st.integers(0, 20), sizes, st.randoms(use_true_random=False))
@FEW
def test_6_a_true_subset_among_unrelated_rows(members: int, others: int, size: Decimal, random: Any) -> None:
    """Powers of three have one sum each; rows of thousandths are no part of it."""
    parts = [size * 3**n for n in range(members)]
    unrelated = [Decimal(2 * n + 1) / 1000 for n in range(others)]
    right = random.sample(parts + unrelated, members + others)
    found = match(table(plain([sum(parts)])), table(plain(right)), SUBSET)
    assert groups(found) == [((0,), tuple(sorted(i for i, amount in enumerate(right) if amount in parts)))]


@given(sizes)
@FEW
def test_6_two_subsets_that_fit_are_suggested(size: Decimal) -> None:
    found = match(table(plain([size])), table(plain([size - 30, 30, size - 40, 40])), SUBSET)
    assert not found.matches.num_rows and groups(found, "suggestions") == [((0,), (0, 1, 2, 3))]


amounts_close = st.lists(st.integers(-999, 999).map(lambda n: Decimal(n) / 100 + n * 10**14), min_size=1, max_size=4)


@given(amounts_close, amounts_close, st.sampled_from(["0", "0.01", "5"]))
@settings(max_examples=60, deadline=None)
def test_6_a_key_with_an_answer_is_never_passed_over(ours: list[Decimal], theirs: list[Decimal], limit: str) -> None:
    """The quick sums in doubles may let a key through that has no answer, and never the other way round."""
    tolerance = Tolerance(absolute=Decimal(limit))
    members = [(side, [row], amount, []) for side, rows in enumerate((ours, theirs)) for row, amount in enumerate(rows)]
    sides, sums = np.array([side for side, *_ in members]), np.array([float(amount) for _, _, amount, _ in members])
    hopeful = subsets.hopeful(np.full(len(sides), 7), sides, sums, 5, tolerance).tolist()
    assert hopeful == [7] or subsets.groups(members, 5, tolerance) == ([], [])


def test_6_a_bucket_of_sixty() -> None:
    rules = rules_of({"kind": "subset", "equal": ["value_date"], "members_max": 3, "rows_max": 60})
    amounts = [Decimal(7919 * n * n * n + 104729 * n + 13) / 100 for n in range(60)]
    wanted = (3, 31, 58)
    found = match(table(plain([sum(amounts[i] for i in wanted)])), table(plain(amounts)), rules)
    assert groups(found) == [((0,), wanted)] and not found.notes
    crowded = match(table(plain([1])), table(plain([*amounts, 1])), rules)
    assert not crowded.matches.num_rows and "left open" in crowded.notes[0]


@given(sizes, st.integers(1, 2))
@FEW
def test_7_cancel_and_rebook_over_two_days(amount: Decimal, later: int) -> None:
    rules = rules_of(
        {"equal": ["reference", "amount", "value_date"]}, {"kind": "net", "side": "right", "equal": ["reference"], "days": 2}
    )
    theirs = [*plain([amount + 5], 1, "T1"), *plain([-amount - 5], 1 + later, "T1"), *plain([amount], 1 + later, "T1")]
    found = match(table(plain([amount], 1 + later, "T1")), table(theirs), rules)
    assert groups(found) == [((), (0, 1)), ((0,), (2,))] and not found.breaks.num_rows


@given(st.lists(rows, min_size=1, max_size=8))
@FEW
def test_8_a_late_file_leaves_every_row_open_and_its_arrival_closes_them(left: list[Row]) -> None:
    late = match(table(left), table([]), PLAIN)
    assert [r["kind"] for r in late.breaks.to_pylist()] == ["missing_there"] * len(left) and late.conserved
    assert not match(table(left), table(left), PLAIN).breaks.num_rows


@given(sizes, st.integers(1, 50))
@FEW
def test_9_the_same_key_with_a_new_amount(amount: Decimal, change: int) -> None:
    for off in (change, change + 1):
        found = match(table(plain([amount], 1, "T1")), table(plain([amount + off], 1, "T1")), PLAIN)
        assert [(r["kind"], r["group"]) for r in found.breaks.to_pylist()] == [("amount", 0)] * 2


@given(st.integers(1, 4), st.integers(1, 6))
@FEW
def test_10_checksums_that_cancel(times: int, pairs: int) -> None:
    keys = rules_of({"equal": ["reference", "amount"]}, {"kind": "difference", "equal": ["reference"]})
    here = plain([1] * times, 1, "A") + plain([2] * 2 * pairs, 1, "B")
    there = plain([1] * times, 1, "A") + plain([2] * 2 * pairs, 1, "C")
    found = match(table(here), table(there), keys)
    assert found.matches.num_rows == 2 * times and found.breaks.num_rows == 4 * pairs


@given(st.lists(st.from_regex(r"0{0,3}[1-9]", fullmatch=True), min_size=1, max_size=8, unique=True))
@FEW
def test_11_leading_zeros_are_part_of_a_key(keys: list[str]) -> None:
    here = [row for key in keys for row in plain([1], 1, key)]
    there = [row for key in keys for row in plain([1], 1, "0" + key)]
    by_reference = rules_of({"equal": ["reference"]})
    found = match(table(here), table(there), by_reference)
    assert {(keys[a[0]], "0" + keys[b[0]]) for a, b in groups(found)} == {
        (key, key) for key in keys if key[1:] in keys and key[0] == "0"
    }


@given(st.integers(10**16, 10**17 - 1), st.integers(0, 99), st.integers(0, 3))
@FEW
def test_12_amounts_of_seventeen_digits(whole: int, odd: int, off: int) -> None:
    amount = Decimal(whole) + Decimal(odd) / 100
    rules = rules_of({"equal": ["reference"], "amount": {"absolute": "0.01"}})
    found = match(table(plain([amount], 1, "T")), table(plain([amount + Decimal(off) / 100], 1, "T")), rules)
    assert (found.matches.num_rows == 2) is (off <= 1) and found.conserved
    split = match(table(plain([amount + 1])), table(plain([amount, 1])), SUBSET)
    assert split.matches.num_rows == 3
    assert not match(table(plain([amount + 1])), table(plain([amount, "1.01"])), SUBSET).matches.num_rows


# What rules may ask for ------------------------------------------------------------------------------------------------


@given(st.integers(-5, 5), st.booleans())
@FEW
def test_a_tolerance_may_differ_by_direction(off: int, negative: bool) -> None:
    sign = -1 if negative else 1
    rules: Rules = rules_of({"equal": ["reference"], "amount": {"under": "0.02", "over": "0.04"}})
    theirs = sign * (100 + Decimal(off) / 100)
    found = match(table(plain([sign * 100], 1, "T")), table(plain([theirs], 1, "T")), rules)
    assert (found.matches.num_rows == 2) is (-2 <= off <= 4)


def test_texts_that_are_alike_are_only_suggested() -> None:
    rules = rules_of({"kind": "text", "equal": [], "text": "text", "score_min": 80})
    here: list[Row] = [("A", "EUR", None, Decimal(5), 1, "Custody fee June 2026"), ("A", "EUR", None, Decimal(6), 1, "Rent")]
    there: list[Row] = [("A", "EUR", None, Decimal(7), 2, "JUNE 2026 custody fees"), ("A", "EUR", None, Decimal(8), 2, "Dividend")]
    found = match(table(here), table(there), rules)
    assert not found.matches.num_rows and groups(found, "suggestions") == [((0,), (0,))]
