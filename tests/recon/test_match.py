"""The matcher, case by case: rows of two sides in, where each of them ended out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.config import ParameterError, load
from bo_lib.recon import Matching, Rules, match
from bo_lib.recon.places import MATCHED, Places
from tests.recon.scenario import cash_rows, rules_of


def pairs(found: Matching, table: str = "matches") -> dict[str, list[tuple[list[int], list[int]]]]:
    """pass -> groups as (left rows, right rows)."""
    groups: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for row in getattr(found, table).to_pylist():
        groups.setdefault((row["pass"], row["group"]), ([], []))[row["side"] == "right"].append(row["row"])
    by_pass: dict[str, list[tuple[list[int], list[int]]]] = {}
    for (name, _), group in groups.items():
        by_pass.setdefault(name, []).append(group)
    return by_pass


def kinds(found: Matching) -> list[tuple[str, int, str]]:
    return sorted((b["side"], b["row"], b["kind"]) for b in found.breaks.to_pylist())


def test_a_reference_with_equal_amount_and_date_matches(cash_rules: Rules) -> None:
    found = match(cash_rows(("100", 1, "T1"), ("-20.5", 2, "T2")), cash_rows(("-20.50", 2, "T2"), ("100", 1, "T1")), cash_rules)
    assert pairs(found) == {"reference": [([0], [1]), ([1], [0])]}
    assert found.breaks.num_rows == 0 and found.conserved


def test_every_match_names_its_pass_and_the_rules_their_version(cash_rules: Rules) -> None:
    found = match(cash_rows(("100", 1, "T1"), ("50", 1, None)), cash_rows(("100.01", 1, "T1"), ("50", 1, "X")), cash_rules)
    assert pairs(found) == {"reference-rounding": [([0], [0])], "attributes": [([1], [1])]}
    assert found.rules == f"cash v{cash_rules.version}"


def test_currency_and_account_are_part_of_every_comparison(cash_rules: Rules) -> None:
    ours = cash_rows(("100", 1, "T1"))
    for theirs in (cash_rows(("100", 1, "T1"), currency="USD"), cash_rows(("100", 1, None), account="BOREAL")):
        found = match(ours, theirs, cash_rules)
        assert found.matches.num_rows == 0 and found.breaks.num_rows == 2


def test_a_reference_that_matches_on_another_account_is_a_break_of_that_kind(cash_rules: Rules) -> None:
    found = match(cash_rows(("100", 1, "T1")), cash_rows(("100", 1, "T1"), account="BOREAL"), cash_rules)
    assert kinds(found) == [("left", 0, "account"), ("right", 0, "account")]


@pytest.mark.parametrize(("amount", "day", "kind"), [("100.03", 1, "amount"), ("100", 3, "date"), ("99", 2, "amount")])
def test_a_reference_that_matches_while_amount_or_date_differ_is_a_break(
    cash_rules: Rules, amount: str, day: int, kind: str
) -> None:
    found = match(cash_rows(("100", 1, "T1")), cash_rows((amount, day, "T1")), cash_rules)
    assert kinds(found) == [("left", 0, kind), ("right", 0, kind)]
    assert len(set(found.breaks["group"].to_pylist())) == 1


def test_partial_settlements_of_one_trade_match_by_their_sum(cash_rules: Rules) -> None:
    found = match(cash_rows(("-300", 1, "T1")), cash_rows(("-100", 1, "T1"), ("-200", 2, "T1")), cash_rules)
    assert pairs(found) == {"reference-sum": [([0], [0, 1])]}


def test_a_bank_entry_and_its_reversal_net(cash_rules: Rules) -> None:
    found = match(cash_rows(), cash_rows(("-15", 1, "FEE"), ("15", 3, "FEE"), ("15", 3, "OTHER")), cash_rules)
    assert [row["verdict"] for row in found.matches.to_pylist()] == ["net", "net"]
    assert kinds(found) == [("right", 2, "missing_here")] and found.conserved


# The twelve cases that a matcher must survive ------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["100.00", "1000000.00", "1000000000.00"])
@pytest.mark.parametrize(("off", "tolerance", "fits"), [("0.01", "0.01", True), ("0.02", "0.01", False), ("0.02", "0.02", True)])
def test_one_cent_is_one_cent_at_any_size(amount: str, off: str, tolerance: str, fits: bool) -> None:
    rules = rules_of({"equal": ["reference"], "amount": {"absolute": tolerance}})
    for sign in (1, -1):
        found = match(cash_rows((amount, 1, "T1")), cash_rows((str(Decimal(amount) + sign * Decimal(off)), 1, "T1")), rules)
        assert (found.matches.num_rows == 2) is fits


def test_k_identical_rows_against_one_less_leave_one_duplicate(cash_rules: Rules) -> None:
    found = match(cash_rows(*[("100", 1, "T1")] * 5), cash_rows(*[("100", 1, "T1")] * 4), cash_rules)
    assert found.matches.num_rows == 8 and found.suggestions.num_rows == 0
    assert [kind for _, _, kind in kinds(found)] == ["duplicate"]


def test_without_any_reference_attributes_decide_and_null_matches_nothing(cash_rules: Rules) -> None:
    by_reference = rules_of({"equal": ["reference"]})
    ours, theirs = cash_rows(("100", 1, None), ("50", 1, "")), cash_rows(("50", 1, ""), ("100", 1, None))
    assert match(ours, theirs, by_reference).matches.num_rows == 0
    found = match(ours, theirs, cash_rules)
    assert pairs(found) == {"attributes": [([0], [1]), ([1], [0])]}
    assert found.null_keys == {"left": 2, "right": 2}


def test_recurring_equal_payments_with_jitter_find_the_maximum() -> None:
    """Nearest-first pairs the 4th with the 4th and leaves the 1st and the 5th open."""
    rules = rules_of({"equal": ["amount"], "days": 3})
    found = match(
        cash_rows(("100", 1, None), ("100", 4, None), ("100", 8, None)),
        cash_rows(("100", 4, ""), ("100", 5, ""), ("100", 9, "")),
        rules,
    )
    assert found.matches.num_rows == 6


def test_two_rows_that_fit_one_are_suggested_never_matched() -> None:
    rules = rules_of({"equal": ["amount"], "days": 3})
    found = match(
        cash_rows(("100", 1, None), ("100", 3, None), ("70", 1, None)), cash_rows(("100", 2, None), ("70", 2, None)), rules
    )
    assert pairs(found, "suggestions") == {"pass-0": [([0, 1], [0])]}
    assert pairs(found) == {"pass-0": [([2], [1])]}
    assert [kind for _, _, kind in kinds(found)] == ["ambiguous"] * 3


def test_what_is_open_for_certain_does_not_spoil_what_is_matched_for_certain() -> None:
    """Three payments a day apart from each other by more than the window: the one without a partner is known."""
    rules = rules_of({"equal": ["amount"], "days": 2})
    found = match(
        cash_rows(("100", 1, None), ("100", 10, None), ("100", 20, None)), cash_rows(("100", 2, None), ("100", 21, None)), rules
    )
    assert pairs(found) == {"pass-0": [([0], [0]), ([2], [1])]}
    assert kinds(found) == [("left", 1, "missing_there")]


def test_two_references_that_fit_one_nameless_payment_are_suggested(cash_rules: Rules) -> None:
    found = match(cash_rows(("50", 1, "T4"), ("50", 1, "T5")), cash_rows(("50", 1, None)), cash_rules)
    assert found.matches.num_rows == 0 and found.suggestions.num_rows == 3


def test_equal_amounts_of_two_known_trades_are_not_the_same_transaction(cash_rules: Rules) -> None:
    """T1 is known on both sides: its second booking is not T2's counterpart."""
    found = match(cash_rows(("100", 1, "T1"), ("100", 1, "T1")), cash_rows(("100", 1, "T1"), ("100", 1, "T2")), cash_rules)
    assert pairs(found) == {"reference": [([0], [0])]}
    assert pairs(found, "suggestions") == {"attributes": [([1], [1])]}


def test_checksums_that_cancel_do_not_match() -> None:
    rules = rules_of({"equal": ["reference", "amount"]})
    found = match(
        cash_rows(("1", 1, "A"), ("2", 1, "B"), ("2", 1, "B")), cash_rows(("1", 1, "A"), ("3", 1, "C"), ("3", 1, "C")), rules
    )
    assert found.matches.num_rows == 2 and found.breaks.num_rows == 4 and found.conserved


def test_leading_zeros_are_part_of_a_key(cash_rules: Rules) -> None:
    found = match(
        cash_rows(("1", 1, "007"), ("2", 1, "7")), cash_rows(("1", 1, "007"), ("2", 1, "0007")), rules_of({"equal": ["reference"]})
    )
    assert pairs(found) == {"pass-0": [([0], [0])]}


def test_amounts_of_seventeen_digits_are_exact() -> None:
    rules = rules_of({"equal": ["reference"], "amount": {"absolute": "0.01"}})
    ours = cash_rows(("12345678901234567.01", 1, "A"), ("12345678901234567.01", 1, "B"))
    found = match(ours, cash_rows(("12345678901234567.02", 1, "A"), ("12345678901234567.03", 1, "B")), rules)
    assert pairs(found) == {"pass-0": [([0], [0])]} and found.conserved


# Tolerances, windows, exclusions, borders ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tolerance", "fits"),
    [({"bp": "1"}, True), ({"bp": "0.9"}, False), ({"pct": "0.01"}, True), ({"absolute": "99", "bp": "1"}, True)],
)
def test_relative_tolerances_have_the_absolute_one_as_their_floor(tolerance: dict[str, str], fits: bool) -> None:
    rules = rules_of({"equal": ["reference"], "amount": tolerance})
    assert (match(cash_rows(("1000000", 1, "T1")), cash_rows(("999900", 1, "T1")), rules).matches.num_rows == 2) is fits


def test_a_window_of_business_days_does_not_count_the_weekend() -> None:
    """Thursday 4 June to Monday 8 June 2026 is two business days."""
    for days, fits in ((1, False), (2, True)):
        rules = rules_of({"equal": ["amount"], "days": days, "calendar": "TARGET"})
        assert (match(cash_rows(("5", 4, None)), cash_rows(("5", 8, None)), rules).matches.num_rows == 2) is fits


def test_excluded_rows_are_counted_with_their_reason() -> None:
    rules = rules_of(
        {"equal": ["reference"]}, exclusions=[{"side": "right", "field": "code", "equals": ["MEMO"], "reason": "memo entry"}]
    )
    theirs = cash_rows(("1", 1, "A"), ("2", 1, "B"))
    theirs = theirs.set_column(theirs.column_names.index("code"), "code", pa.array(["MEMO", None], pa.string()))
    found = match(cash_rows(("2", 1, "B")), theirs, rules)
    assert found.excluded.to_pylist() == [{"side": "right", "row": 0, "reason": "memo entry"}]
    assert found.breaks.num_rows == 0 and found.conserved


def test_a_pass_may_only_suggest() -> None:
    found = match(cash_rows(("1", 1, "A")), cash_rows(("1", 1, "A")), rules_of({"equal": ["reference"], "verdict": "suggest"}))
    assert found.matches.num_rows == 0 and pairs(found, "suggestions") == {"pass-0": [([0], [0])]} and found.conserved


def test_floats_and_unknown_columns_are_refused(cash_rules: Rules) -> None:
    ours = cash_rows(("1", 1, "A"))
    with pytest.raises(TypeError, match="amount on the right: found double, expected decimal"):
        match(ours, ours.set_column(2, "amount", pa.array([1.0])), cash_rules)
    with pytest.raises(KeyError, match="the left table has no column 'reference'"):
        match(ours.drop_columns(["reference"]), ours, cash_rules)


def test_empty_sides_are_no_error(cash_rules: Rules) -> None:
    found = match(cash_rows(), cash_rows(("1", 1, "A")), cash_rules)
    assert kinds(found) == [("right", 0, "missing_here")]
    assert match(cash_rows(), cash_rows(), cash_rules).conserved


def test_an_unknown_key_in_the_rules_is_refused_with_the_nearest(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "cash.yaml"
    path.write_text(
        "name: x\nversion: 1\ntitle: t\nleft: {name: a}\nright: {name: b}\nscope: [account]\namount: amount\npasses: []\n"
        "materialty_base: 1\n"
    )
    with pytest.raises(ParameterError, match="did you mean 'materiality_base'"):
        load(path, Rules)


def test_rules_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="is what a sum pass compares"):
        rules_of({"kind": "sum", "equal": ["amount"]})
    with pytest.raises(ValueError, match="only a difference pass may drop one"):
        rules_of({"equal": ["amount"], "scope": ["account"]})


def test_columns_may_have_the_names_that_the_matcher_uses_itself() -> None:
    named = {"row": "T1", "side": "BUY", "place": "XETR", "amount": Decimal(100)}
    ours = pa.Table.from_pylist([named])
    theirs = pa.Table.from_pylist([named | {"row": "T2"}, named | {"row": "T3"}])
    step = {"id": "alike", "equal": ["side", "place", "amount"], "verdict": "suggest"}
    rules = rules_of(step, scope=["side"], reference="row", date="")
    found = match(ours, theirs, rules)
    assert pairs(found, "suggestions") == {"alike": [([0], [0, 1])]} and found.conserved
    assert [(r["side"], r["side_"], r["rows_in"]) for r in found.conservation.to_pylist()] == [
        ("left", "BUY", 1),
        ("right", "BUY", 2),
    ]


@pytest.mark.parametrize(("lose", "named"), [(True, "rows_lost"), (False, "rows_twice")])
def test_a_matcher_that_loses_or_doubles_rows_is_not_conserved(
    cash_rules: Rules, monkeypatch: pytest.MonkeyPatch, lose: bool, named: str
) -> None:
    add = Places.add_pairs

    def wrong(self: Places, *said: Any) -> None:
        add(self, *said)
        if lose:
            self._pairs.clear()
        else:
            self._pairs[MATCHED, said[0]] *= 2

    monkeypatch.setattr(Places, "add_pairs", wrong)
    found = match(cash_rows(("100", 1, "T1"), ("7", 1, "T2")), cash_rows(("100", 1, "T1")), cash_rules)
    assert not found.conserved and [r[named] for r in found.conservation.to_pylist()] == [1, 1]
