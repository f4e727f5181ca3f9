from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.model import events, identifiers
from bo_lib.model.findings import Outcome, Place, Verdict, error, warning
from bo_lib.model.tables import AMOUNT, CASH_MOVEMENTS, TABLES

ENTRY = {"statement_id": "A/1", "account": "A", "currency": "EUR", "amount": Decimal("12.50"), "file": "f" * 64, "at": "line 7"}


def test_a_row_that_fits_is_kept_to_the_last_digit() -> None:
    made = CASH_MOVEMENTS.build([ENTRY])
    assert made.ok and made.value["amount"][0].as_py() == Decimal("12.5")


def test_a_row_without_a_required_value_becomes_a_finding_with_its_place() -> None:
    made = CASH_MOVEMENTS.build([ENTRY, {**ENTRY, "currency": None}])
    assert made.value.num_rows == 1
    assert [(f.code, f.place.at, f.place.field) for f in made.findings] == [("value-missing", "line 7", "cash_movements.currency")]


def test_a_number_too_fine_to_keep_is_a_finding_never_a_rounding() -> None:
    made = CASH_MOVEMENTS.build([{**ENTRY, "amount": Decimal("0.1234567")}])
    assert made.value.num_rows == 0 and made.findings[0].code == "number-too-fine"


def test_an_unknown_column_is_a_programmers_mistake() -> None:
    with pytest.raises(KeyError, match="amonut"):
        CASH_MOVEMENTS.build([{**ENTRY, "amonut": 1}])


def test_a_border_refuses_a_table_of_floats() -> None:
    with pytest.raises(TypeError, match="cash_movements"):
        CASH_MOVEMENTS.check(pa.table({"amount": [1.5]}))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_table_says_what_its_columns_mean_and_has_a_key_of_its_own(table) -> None:
    assert all(column.says for column in table.columns)
    assert set(table.key) <= set(table.names)
    assert table.check(table.empty()).num_rows == 0


@given(st.decimals(-(10**30), 10**30, places=6, allow_nan=False))
def test_amounts_come_back_as_they_went_in(amount: Decimal) -> None:
    made = CASH_MOVEMENTS.build([{**ENTRY, "amount": amount}])
    assert made.value.schema.field("amount").type == AMOUNT
    assert made.value["amount"][0].as_py() == amount


def test_a_finding_reads_as_a_letter() -> None:
    letter = error(
        "rate-zero",
        "the rate is zero",
        Place("fx.csv", "line 3", "rate"),
        found="0",
        expected="a positive rate",
        todo="ask VENDOR-A",
    )
    assert (
        str(letter)
        == "error rate-zero: at fx.csv, line 3, rate: the rate is zero; found '0'; expected a positive rate; ask VENDOR-A"
    )


def test_the_worst_finding_decides() -> None:
    assert Outcome(1).verdict is Verdict.PASS
    assert Outcome(1, (warning("w", "w"),)).verdict is Verdict.ATTENTION
    assert Outcome(1, (warning("w", "w"), error("e", "e"))).verdict is Verdict.BLOCKED
    assert Verdict.worst([Verdict.PASS, Verdict.ATTENTION]) is Verdict.ATTENTION


def test_events_survive_the_store_as_text() -> None:
    split = events.Split(
        event_id="e1",
        fund="F",
        effective_date=date(2026, 6, 9),
        event_ref="CA1",
        isin="US0378331005",
        new=Decimal(2),
        old=Decimal("1.0"),
    )
    payload = events.to_payload(split)
    assert payload["new"] == "2" and payload["effective_date"] == "2026-06-09"
    assert events.from_payload(payload) == split


def test_an_event_with_a_misspelt_field_is_refused() -> None:
    with pytest.raises(ValueError, match="extra"):
        events.from_payload(
            {"kind": "reversal", "event_id": "e", "fund": "F", "effective_date": "2026-06-09", "reverses": "d", "raeson": "x"}
        )


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("isin", "US0378331005", "US0378331006"),
        ("cusip", "037833100", "037833101"),
        ("sedol", "0263494", "0263495"),
        ("lei", "549300S8YVGTJ1NMTW57", "549300S8YVGTJ1NMTW58"),
    ],
)
def test_check_digits(kind: str, good: str, bad: str) -> None:
    assert identifiers.is_valid(kind, good) and not identifiers.is_valid(kind, bad)


def test_an_isin_gets_its_check_digit() -> None:
    assert identifiers.isin_with_check_digit("US", "037833100") == "US0378331005"
