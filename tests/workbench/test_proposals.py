"""Two people: a manual journal, a large correction and the withdrawal of a journal are proposed by one and done by another."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.cli import main
from bo_lib.config import ParameterError
from bo_lib.model.events import Accrual, JournalLine, ManualJournal, Trade, to_payload
from bo_lib.model.findings import Verdict
from bo_lib.run.errors import Exit
from bo_lib.store import ClockBehind, Fact
from bo_lib.views.report import Report
from bo_lib.workbench import Workbench
from bo_lib.workbench.door import Door
from tests.workbench.conftest import DAY, FUND

As = Callable[[str], Workbench]


@pytest.fixture
def as_(desk: Workbench, monkeypatch: pytest.MonkeyPatch) -> As:
    """The desk, with somebody else sitting at it."""

    def sit(by: str) -> Workbench:
        monkeypatch.setenv("BO_ACTOR", by)
        return desk

    return sit


def journal(event_id: str = "MJ1", amount: str = "20000", **more: object) -> ManualJournal:
    lines = tuple(
        JournalLine(ledger=name, account="ALPINE" if name == "cash" else "", currency="EUR", local=Decimal(x), base=Decimal(x))
        for name, x in (("cash", amount), ("suspense", f"-{amount}"))
    )
    said = {"event_id": event_id, "fund": FUND, "effective_date": date.fromisoformat(DAY), "lines": lines, "reason": "found"}
    return ManualJournal(**(said | more))


def booked(desk: Workbench) -> list[tuple[str, str, str]]:
    return [(e.event_id, e.maker, e.checker) for e in desk.known.standing(ManualJournal)]


def euros(desk: Workbench) -> Decimal:
    return sum(r["balance"] for r in desk.book.cash().to_pylist() if r["currency"] == "EUR")


def codes(report: Report) -> list[str]:
    return [f.code for f in report.findings]


def waits(desk: Workbench) -> list[tuple[str, str]]:
    return [(r.event.event_id, r.finding.code) for r in desk.known.refused()]


def test_a_manual_journal_is_booked_when_a_second_person_approves_it(as_: As) -> None:
    desk = as_("ana")
    said = desk.propose_journal(journal())
    assert said.verdict is Verdict.ATTENTION and "It moves 20,000.00 EUR (two people do this whatever it moves)" in said.summary
    assert not booked(desk), "nothing is posted before"
    for same in ("ana", "ANA", " Ana "):
        own = as_(same).approve_proposal("MJ1")
        assert own.verdict is Verdict.BLOCKED and codes(own) == ["proposal-approved-refused"]
    before = euros(desk)
    assert as_("ben").approve_proposal("MJ1", "seen the letter").verdict is Verdict.PASS
    assert booked(desk) == [("MJ1", "ana", "ben")] and not desk.known.refused()
    assert euros(desk) - before == 20000
    assert as_("cat").approve_proposal("MJ1").verdict is Verdict.BLOCKED, "once"
    (p,) = desk.proposals()
    assert (p.by, p.checker, p.state, p.answer) == ("ana", "ben", "approved", "seen the letter")
    assert [f.actor for f in desk.office.store.facts("event.manual_journal")] == ["ben"]


def test_people_are_never_typed_into_a_journal(as_: As) -> None:
    """Words that no fact stands behind wait in the refused list, and nothing is posted."""
    desk = as_("ana")
    assert codes(desk.propose_journal(journal(maker="ana", checker="ben"))) == ["journal-signers"]
    desk.known.book_events([journal(maker="ana", checker="ben")])
    assert waits(desk) == [("MJ1", "journal-unapproved")] and not booked(desk)
    desk.propose_journal(journal())
    as_("ben").approve_proposal("MJ1")
    assert booked(desk) == [("MJ1", "ana", "ben")] and not waits(desk), "proposed and approved, it waits no more"
    assert desk.known.book_events([journal(maker="ana", checker="ben"), journal()]) == 0, "the same again adds nothing"
    desk.known.book_events([journal(maker="dan", checker="eve")])
    assert waits(desk) == [("MJ1~2", "journal-signers")], "others than those of the facts"
    as_("ana").withdraw("MJ1~2", "forged")
    as_("ben").approve_proposal("MJ1~2")
    desk.known.book_events([journal("MJ2", maker="ana", checker="ben")])
    assert waits(desk) == [("MJ2", "journal-unapproved")], "an approval is of one journal"
    desk.known.book_events([journal("MJ1", "30000", maker="ana", checker="ben")])
    assert ("MJ1~3", "journal-unapproved") in waits(desk), "another amount is another journal"
    assert booked(desk) == [("MJ1", "ana", "ben")]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (journal(lines=journal().lines[:1]), "journal-unbalanced"), (journal(lines=()), "journal-empty"),
        (journal(effective_date=date(2026, 5, 29)), "period-closed"),
    ],
)  # fmt: skip
def test_what_the_books_would_refuse_is_not_proposed(as_: As, wrong: ManualJournal, code: str) -> None:
    desk = as_("ana")
    Door(desk.office, desk.fund).lock(date(2026, 5, 31), "hard", "closed")
    heads = desk.office.store.heads()
    assert codes(desk.propose_journal(wrong)) == [code]
    assert desk.office.store.heads() == heads


def test_a_proposal_is_rejected_for_a_reason_and_made_anew(as_: As) -> None:
    desk = as_("ana")
    desk.propose_journal(journal())
    assert codes(desk.propose_journal(journal(amount="5"))) == ["proposal-waits"]
    assert as_("ben").reject_proposal("MJ1", " ").verdict is Verdict.BLOCKED
    assert as_("ben").reject_proposal("MJ1", "no letter").verdict is Verdict.PASS
    assert codes(desk.approve_proposal("MJ1")) == ["proposal-unknown"]
    as_("ana").propose_journal(journal(amount="5"))
    assert as_("ana").reject_proposal("MJ1", "withdrawn").verdict is Verdict.PASS, "whoever made it may take it back"
    assert [p.state for p in desk.proposals()] == ["rejected", "rejected"] and not booked(desk)


def test_a_journal_of_two_people_is_withdrawn_by_two(as_: As) -> None:
    desk = as_("ana")
    desk.propose_journal(journal(amount="5"))
    as_("ben").approve_proposal("MJ1")
    assert codes(desk.correct("MJ1", {"reason": "x"}, "y")) == ["journal-signed"]
    said = desk.withdraw("MJ1", "booked twice")
    assert said.verdict is Verdict.ATTENTION and "(two people do this whatever it moves)" in said.summary, "however small"
    assert booked(desk)
    assert as_("ana").approve_proposal("MJ1").verdict is Verdict.PASS
    assert not booked(desk) and not desk.known.refused()
    assert desk.known.book_events([journal(amount="5")]) == 0, "and does not come back"


def test_an_approval_that_somebody_wrote_past_the_desk_has_no_effect(as_: As) -> None:
    """By the one who proposed, or of another hash than the proposal's."""
    desk = as_("ana")
    desk.propose_journal(journal())
    (p,) = desk.proposals()
    for n, (by, sha256) in enumerate((("Ana", p.sha256), ("ben", "0" * 64))):
        said = {"id": p.id, "sha256": sha256, "about": "MJ1", "text": ""}
        desk.office.append([Fact(f"forged{n}", FUND, "proposal.approved", p.id, desk.day, said)], by)
        assert [q.state for q in desk.proposals()] == ["waiting"]
        desk.known.book_events([journal(maker="ana", checker=by)])
    assert not booked(desk)


def test_a_small_correction_takes_one_person_and_a_large_one_two(as_: As) -> None:
    desk = as_("ana")
    for name, amount in (("F1", 300), ("F2", 30000)):
        fee = Accrual(event_id=name, fund=FUND, effective_date=desk.day, name="audit_fee", currency="EUR", amount=Decimal(amount))
        desk.known.book_events([fee])
    small = desk.correct("F1", {"amount": "200"}, "invoice")
    assert small.verdict is Verdict.PASS and "it moves 300.00, and one person may do so up to 10,000" in small.summary
    assert desk.correct("F2", {"amount": "200"}, "invoice").verdict is Verdict.ATTENTION, "what it takes back counts"
    assert [e.amount for e in desk.known.standing(Accrual) if e.name == "audit_fee"] == [30000, 200]
    as_("ben").approve_proposal("F2")
    assert [e.amount for e in desk.known.standing(Accrual) if e.name == "audit_fee"] == [200, 200]
    kept = {f.entity: f.payload for f in desk.office.store.facts("correction")}
    assert (kept["F1"]["value_base"], kept["F1"]["limit_base"]) == ("300", "10000")
    assert kept["F2"]["proposal"] == desk.proposals()[0].id


def test_a_trade_in_the_books_is_corrected_by_two_and_its_file_does_not_put_it_back(as_: As) -> None:
    desk = as_("ana")
    trade = next(e for e in desk.known.standing(Trade) if e.side == "BUY")
    assert desk.correct(trade.event_id, {"quantity": str(trade.quantity - 1)}, "by the contract note").verdict is Verdict.ATTENTION
    assert as_("ben").approve_proposal(trade.event_id).verdict is Verdict.PASS
    assert [e.quantity for e in desk.known.standing(Trade) if e.trade_id == trade.trade_id] == [trade.quantity - 1]
    assert codes(as_("ana").correct(trade.event_id, {"quantity": "1"}, "again")) == ["not-waiting"]
    assert desk.known.book_events([trade]) == 0


def test_what_was_decided_meanwhile_is_not_approved(as_: As) -> None:
    desk = as_("ana")
    fee = Accrual(event_id="F1", fund=FUND, effective_date=desk.day, name="audit_fee", currency="EUR", amount=Decimal(30000))
    desk.known.book_events([fee])
    desk.correct("F1", {"amount": "20000"}, "invoice")
    Door(desk.office, desk.fund).withdraw([], "F1", "somebody else was quicker")
    assert codes(as_("ben").approve_proposal("F1")) == ["proposal-overtaken"]


def test_the_audit_names_a_journal_and_a_correction_that_nobody_approved(as_: As, capsys: pytest.CaptureFixture[str]) -> None:
    """Written past the door, by somebody who may write to the store."""
    desk = as_("ana")
    desk.propose_journal(journal(amount="500"))
    as_("ben").approve_proposal("MJ1")

    def verify() -> tuple[int, str]:
        return main(["verify", "--root", str(desk.office.root)]), capsys.readouterr().out

    code, said = verify()
    assert code == Exit.OK and f"{FUND}: 1 done by two people; bo proposals --all --fund {FUND} says who" in said
    forged = journal("MJ2", maker="ana", checker="ben")
    desk.office.append([Fact("MJ2", FUND, "event.manual_journal", "MJ2", desk.day, to_payload(forged))], "dan")
    Door(desk.office, desk.fund).withdraw([], "MJ1", "not needed")
    code, said = verify()
    assert code == Exit.STORE
    assert "journal-unapproved" in said and "MJ2, written by dan, is not what two people proposed and approved" in said
    assert "correction-unapproved" in said and "the correction of MJ1 was written by ben alone" in said


def test_a_person_writes_neither_into_the_past_nor_ahead(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = as_("ana")
    with monkeypatch.context() as patch:
        patch.setenv("BO_CLOCK", "2026-06-01T08:00:00Z")
        with pytest.raises(ClockBehind, match="facts are not put into the past"):
            desk.propose_journal(journal())
        patch.setenv("BO_CLOCK", "2999-06-01T08:00:00Z")
        with pytest.raises(ParameterError, match="BO_CLOCK=2999-06-01T08:00:00Z lies ahead"):
            desk.propose_journal(journal())
    assert not desk.proposals()
    desk.propose_journal(journal())
    with desk.office.at("2026-06-01T20:00:00Z"):
        desk.known.record("note", "", {}, "simulated")
    assert [f.known_at for f in desk.known.facts("note")] == [desk.proposals()[0].at], "a simulated day comes after what is known"


def test_commands_propose_list_and_approve(desk: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def bo(by: str, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("BO_ACTOR", by)
        capsys.readouterr()
        code = main([*words, "--fund", FUND, "--root", str(desk.office.root)])
        return code, "".join(capsys.readouterr())

    lines = tmp_path / "lines.csv"
    lines.write_text("ledger,account,currency,local,base\ncash,ALPINE,EUR,500,500\nsuspense,,EUR,-500,-5OO\n")
    propose = ("proposals", "journal", str(lines), "--id", "MJ7", "--text", "found", "--date", DAY)
    code, said = bo("ana", *propose)
    assert code == Exit.USAGE and "lines.csv, line 3: base: " in said and "'-5OO'" in said
    lines.write_text(lines.read_text().replace("OO", "00"))
    assert bo("ana", *propose)[0] == Exit.ATTENTION
    code, said = bo("ana", "proposals")
    assert code == Exit.ATTENTION and "1 proposal waits" in said and "MJ7" in said and "cash 500 EUR; suspense -500 EUR" in said
    assert "For a second person" in bo("ana", "refused")[1]
    code, said = bo("ana", "proposals", "approve", "MJ7")
    assert code == Exit.USAGE and "ana proposed it; a second person is needed: found ana" in said
    assert bo("ben", "proposals", "approve", "MJ8")[0] == Exit.USAGE
    assert bo("ben", "proposals", "approve", "MJ7")[0] == Exit.OK
    code, said = bo("ben", "proposals")
    assert code == Exit.OK and "no proposals wait" in said
    assert "ben" in bo("ben", "proposals", "--all")[1]
