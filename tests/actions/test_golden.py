"""Several senders, one event: what is taken, what is shown."""

from decimal import Decimal

import pytest

from tests.actions.desk import codes, dividend, heard, june, said


def test_two_custodians_and_a_vendor_who_agree_are_one_event() -> None:
    outcome = heard(dividend("ALPINE", "A-7"), dividend("NORTHGATE", "N-7"), dividend("VENDOR-B", "V-7"))
    (event,) = outcome.value
    assert (event.ref, event.ex_date, event.rate, event.status) == ("DVCA:SHARE:2026-06-10", june(10), Decimal("1.25"), "active")
    assert event.references == {
        "ALPINE": "A-7", "ALPINE-1": "A-7", "NORTHGATE": "N-7", "NORTHGATE-1": "N-7", "VENDOR-B": "V-7",
    }  # fmt: skip
    assert not outcome.findings


def test_the_majority_is_taken_and_the_other_value_listed() -> None:
    outcome = heard(dividend("ALPINE"), dividend("VENDOR-B", rate="1.375"), dividend("NORTHGATE"))
    (event,), (finding,) = outcome.value, outcome.findings
    assert event.rate == Decimal("1.25")
    (difference,) = event.differences
    assert (difference.field, difference.why) == ("rate", "the majority")
    assert (finding.code, finding.place.field) == ("action-differs", "rate")
    assert finding.found == "ALPINE 1.25, VENDOR-B 1.375, NORTHGATE 1.25"


def test_one_against_one_the_custodian_that_holds_it_is_taken() -> None:
    (event,) = heard(dividend("VENDOR-B", rate="1.375"), dividend("ALPINE")).value
    assert event.rate == Decimal("1.25")
    assert event.differences[0].why == "ALPINE is the custodian that holds it"


def test_on_dates_one_against_one_the_sender_whose_dates_are_in_order_is_taken() -> None:
    """The custodian's ex date lies after its own record date."""
    (event,) = heard(dividend("NORTHGATE", ex_date=12), dividend("VENDOR-B")).value
    assert (event.ex_date, event.differences[0].why) == (june(10), "VENDOR-B, whose dates are in order")


def test_a_person_decides_and_the_decision_wins() -> None:
    rows = (dividend("ALPINE"), dividend("NORTHGATE"), dividend("VENDOR-B", rate="1.375"))
    (event,) = heard(*rows, decisions={("DVCA:SHARE:2026-06-10", "rate"): "VENDOR-B"}).value
    assert (event.rate, event.differences[0].why) == (Decimal("1.375"), "decided for VENDOR-B")


def test_the_name_of_an_event_stays_when_its_date_is_corrected() -> None:
    rows = [dividend("ALPINE", file="one"), dividend("ALPINE", function="REPL", ex_date=12, file="two")]
    (event,) = heard(*rows).value
    assert (event.ref, event.effective_date) == ("DVCA:SHARE:2026-06-10", june(12))


def test_what_one_sender_leaves_out_is_taken_from_the_other_and_told() -> None:
    outcome = heard(dividend("ALPINE", payment_date=None), dividend("VENDOR-B"))
    (event,) = outcome.value
    assert event.payment_date == june(16)
    assert [(f.code, f.severity, f.place.field) for f in outcome.findings] == [("action-field-missing", "info", "payment_date")]


def test_what_nobody_states_is_asked_for() -> None:
    outcome = heard(dividend("ALPINE", rate=None))
    assert codes(outcome) == ["action-incomplete"]
    assert outcome.value[0].missing == ("rate",)


def test_an_event_that_no_custodian_announces_is_noticed() -> None:
    assert codes(heard(dividend("VENDOR-B"))) == ["action-not-announced"]
    (finding,) = heard(
        dividend("NORTHGATE"), dividend("VENDOR-B"), expected={"SHARE": ["ALPINE", "NORTHGATE", "VENDOR-B"]}
    ).findings
    assert (finding.code, finding.message.split()[-1]) == ("action-not-announced", "ALPINE")
    by_account = heard(dividend("NORTHGATE"), dividend("VENDOR-B"), expected={"SHARE": ["NORTHGATE-1", "ALPINE-1"]})
    assert [finding.message.split()[-1] for finding in by_account.findings] == ["ALPINE-1"]


def test_a_replacement_takes_the_place_of_what_was_said() -> None:
    outcome = heard(
        dividend("ALPINE", file="one"), dividend("ALPINE", function="REPL", rate="1.30", withholding_pct=None, file="two")
    )
    (event,) = outcome.value
    assert (event.rate, event.withholding_pct) == (Decimal("1.30"), None)
    assert not outcome.findings


@pytest.mark.parametrize("function", ["CANC", "WITH"])
def test_a_cancelled_event_is_kept_as_cancelled(function: str) -> None:
    (event,) = heard(dividend("ALPINE"), dividend("ALPINE", function=function)).value
    assert (event.status, event.rate) == ("cancelled", Decimal("1.25"))


def test_a_cancellation_by_one_sender_only_is_a_difference() -> None:
    outcome = heard(dividend("ALPINE"), dividend("VENDOR-B"), dividend("VENDOR-B", function="CANC"))
    (event,) = outcome.value
    assert (event.status, codes(outcome)) == ("active", ["action-differs"])


def test_a_replacement_after_a_cancellation_brings_the_event_back() -> None:
    rows = [dividend("ALPINE"), dividend("ALPINE", function="CANC"), dividend("ALPINE", function="REPL", file="later")]
    assert heard(*rows).value[0].status == "active"


def test_dates_a_day_apart_are_one_event_and_a_quarter_apart_two() -> None:
    assert len(heard(dividend("ALPINE"), dividend("VENDOR-B", ex_date=11)).value) == 1
    later = {"ex_date": 29, "record_date": 30, "payment_date": 30}
    assert len(heard(dividend("ALPINE"), dividend("VENDOR-B", **later)).value) == 2


def test_two_dividends_of_one_day_stay_two_and_meet_their_likes() -> None:
    """An ordinary and a special dividend with the same dates: a sender's two references are two events, matched by rate."""
    outcome = heard(
        dividend("ALPINE", "ORD"),
        dividend("ALPINE", "SPC", rate="5"),
        dividend("VENDOR-B", "V1", rate="5"),
        dividend("VENDOR-B", "V2"),
    )
    assert [(e.ref, e.rate, e.references["VENDOR-B"]) for e in outcome.value] == [
        ("DVCA:SHARE:2026-06-10", Decimal("1.25"), "V2"),
        ("DVCA:SHARE:2026-06-10/2", Decimal(5), "V1"),
    ]
    assert not outcome.findings


def test_one_sender_with_several_accounts_is_one_voice() -> None:
    rows = [dividend("ALPINE", account="A-1", eligible=100), dividend("ALPINE", account="A-2", eligible=250)]
    (event,) = heard(*rows).value
    assert event.eligible == {"A-1": 100, "A-2": 250}


def test_options_and_movements_become_one_record() -> None:
    rights = {"camv": "CHOS", "payment_date": 22, "deadline": 18}
    (event,) = heard(
        said("ALPINE", "X", "EXRI", "RIGHT", option_type="EXER", movement="securities-1", new_isin="SHARE",
             ratio_new=1, ratio_old=1, **rights),
        said("ALPINE", "X", "EXRI", "RIGHT", option_type="EXER", movement="cash-1", currency="EUR", price="70", **rights),
        said("ALPINE", "X", "EXRI", "RIGHT", option="002", option_type="LAPS", default_option=True, **rights),
    ).value  # fmt: skip
    assert (event.new_isin, event.price, event.deadline, event.ref) == ("SHARE", 70, june(18), "EXRI:RIGHT:2026-06-22")
    assert [(option.type, option.default) for option in event.options] == [("EXER", False), ("LAPS", True)]


def test_a_type_that_is_no_code_is_told() -> None:
    outcome = heard(said("ALPINE", "S", "SPOF", "SHARE", ex_date=10))
    assert codes(outcome) == ["action-type-unknown"]
    assert outcome.findings[0].found == "SPOF"


def test_nothing_announced_is_nothing() -> None:
    assert heard().value == []
