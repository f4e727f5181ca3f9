"""The books as a person meets them: what waits is said everywhere and corrected from the command line."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from bo_lib import cli
from bo_lib.config import ParameterError
from bo_lib.model.events import Accrual, Trade
from bo_lib.model.findings import Verdict
from bo_lib.run.errors import Exit
from bo_lib.workbench import Workbench
from bo_lib.workbench.door import Door
from tests.workbench.conftest import DAY, FUND

Bo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bo(desk: Workbench, capsys: pytest.CaptureFixture[str]) -> Bo:
    """Runs ``bo`` for the desk's fund and day: exit code, output, letters."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([*words, "--fund", FUND, "--date", DAY, "--root", str(desk.office.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def agreed(bo: Bo, monkeypatch: pytest.MonkeyPatch) -> Bo:
    """A second person approves what is proposed about an event."""

    def approve(event_id: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setenv("BO_ACTOR", "ben")
            return bo("proposals", "approve", event_id)

    return approve


def misspelt(desk: Workbench) -> Trade:
    """A purchase of an instrument that nobody knows, in the books' list of what waits."""
    like = next(e for e in desk.known.standing(Trade) if e.side == "BUY")
    name = {"event_id": f"trade:{FUND}:B1:v1", "trade_id": "B1", "isin": like.isin[:-1] + "X"}
    wrong = like.model_copy(update={**name, "effective_date": date.fromisoformat(DAY)})
    desk.known.book_events([wrong])
    return wrong


def test_nothing_waits_in_sound_books(bo: Bo) -> None:
    code, out, _ = bo("refused")
    assert (code, out.strip()) == (Exit.OK, f"{FUND}: No event waits: everything that came is in the books.")


def test_what_waits_is_listed_with_where_what_why_and_what_to_do(desk: Workbench, bo: Bo) -> None:
    wrong = misspelt(desk)
    code, out, _ = bo("refused", "--json")
    (row,) = json.loads(out)[0]["sections"][0]["rows"]
    assert code == Exit.ATTENTION
    assert row["event_id"] == wrong.event_id and row["found"] == wrong.isin and row["where"].endswith(", isin")
    assert row["where"].startswith("ORDERS/trades_EURO-UCITS"), "the file by its name"
    assert row["expected"].startswith("a known ISIN, such as ") and row["todo"] and row["message"]
    assert wrong.event_id in bo("refused")[1]


def test_a_correction_changes_the_books_and_shortens_the_list(desk: Workbench, bo: Bo, agreed: Bo) -> None:
    wrong = misspelt(desk)
    isin = next(e.isin for e in desk.known.standing(Trade) if e.isin[:-1] == wrong.isin[:-1] and e.isin != wrong.isin)
    before = desk.book.positions().to_pylist()
    code, out, _ = bo("correct", wrong.event_id, f"isin={isin}", "--reason", "misspelt")
    assert code == Exit.ATTENTION and "(one person may up to 10,000) and waits for a second person" in out
    assert desk.book.positions().to_pylist() == before
    assert agreed(wrong.event_id)[0] == Exit.OK and bo("refused")[0] == Exit.OK
    held = {row["isin"]: row["quantity"] for row in desk.book.positions().to_pylist()}
    assert held[isin] == next(row["quantity"] for row in before if row["isin"] == isin) + wrong.quantity


def test_a_correction_that_is_wrong_again_waits_and_the_list_says_so(desk: Workbench, bo: Bo, agreed: Bo) -> None:
    wrong = misspelt(desk)
    code, out, _ = bo("correct", wrong.event_id, "isin=XX0000000000", "--reason", "another guess")
    assert code == Exit.ATTENTION and "It moves an amount nobody knows" in out
    code, out, _ = agreed(wrong.event_id)
    assert code == Exit.OK and "instrument-unknown" not in out and "1 event waits" in out
    again = f"{wrong.event_id}~2"
    assert again in bo("refused")[1]
    assert bo("correct", again, "--withdraw", "--reason", "not ours")[0] == Exit.ATTENTION
    assert agreed(again)[0] == Exit.OK and bo("refused")[0] == Exit.OK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["B1", "isin=X", "--reason", "x"], "B1 does not wait for a correction"),
        (["trade:EURO-UCITS:B2:v1", "isin=X", "--reason", "x"], "expected such as trade:EURO-UCITS:B1:v1"),
        (["trade:EURO-UCITS:B1:v1", "isni=X", "--reason", "x"], "trade has no field 'isni' to correct; expected such as isin"),
        (["trade:EURO-UCITS:B1:v1", "quantity=many", "--reason", "x"], "quantity"),
        (["trade:EURO-UCITS:B1:v1", "isin", "--reason", "x"], "expected FIELD=VALUE"),
        (["trade:EURO-UCITS:B1:v1", "lots=[{", "--reason", "x"], "is no JSON"),
        (["trade:EURO-UCITS:B1:v1", "--reason", "x"], "say what changes as FIELD=VALUE"),
        (["trade:EURO-UCITS:B1:v1", "isin=X", "--reason", " "], "says what changes and why"),
    ],
)
def test_a_correction_that_cannot_be_made_is_a_letter_and_changes_nothing(
    desk: Workbench, bo: Bo, words: list[str], said: str
) -> None:
    misspelt(desk)
    before = desk.office.store.heads()
    code, _, letter = bo("correct", *words)
    assert code == Exit.USAGE and said in letter, letter
    assert desk.office.store.heads() == before


def test_every_page_says_how_many_events_wait_and_where_to_look(desk: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.conclude(desk.open_trades()).verdict is Verdict.PASS
    misspelt(desk)
    cover, conclusion = desk.cover(), desk.conclude(desk.open_trades())
    for report in (cover, conclusion):
        (figure,) = (f for f in report.figures if f.label == "Events waiting")
        assert (figure.value, figure.note) == (1, f"bo refused --fund {FUND} lists them")
    assert conclusion.verdict is Verdict.ATTENTION and "1 event waits for a person: bo refused" in conclusion.summary
    heads = desk.office.store.heads()
    code = cli.main(["status", DAY, "--root", str(desk.office.root)])
    said = f"{FUND}: 1 event waits for a person: bo refused --fund {FUND} lists them."
    assert code == Exit.ATTENTION and said in capsys.readouterr().out
    assert desk.office.store.heads() == heads, "who only looks writes nothing"


def test_an_event_that_waits_at_the_door_is_in_nobodys_net_assets_and_holds_the_nav(desk: Workbench) -> None:
    Door(desk.office, desk.fund).lock(date(2026, 5, 31), "hard", "the month is closed")
    fee = Accrual(event_id="F1", fund=FUND, effective_date=date(2026, 5, 29), name="audit_fee", currency="EUR", amount=Decimal(3))
    desk.known.book_events([fee])
    (control,) = (c for c in desk.controlled() if c.name == "every_event_posted")
    assert control.verdict is Verdict.BLOCKED and "F1 is of a closed period" in control.says
    (task,) = (row for row in desk.closing().value.table.to_pylist() if row["task"] == "events")
    assert task["state"] == "failed" and f"bo refused --fund {FUND} lists them" in task["says"]


def send(desk: Workbench, *cells: tuple[str, str]) -> str:
    """One more order file of the day: the first trade of the day under another reference, with other ``cells``."""
    folder = desk.office.inbox(desk.day) / "ORDERS"
    _, head, *lines = (folder / f"trades_{FUND}_20260602.csv").read_text().splitlines()
    row = dict(zip(head.split(","), lines[0].split(","), strict=True)) | {"Trade Ref": "HELD-1"} | dict(cells)
    (folder / "late_trades.csv").write_text(f"{head}\n{','.join(row.values())}\n")
    return f"trade:{FUND}:HELD-1:v1"


def test_a_trade_held_back_before_the_books_is_listed_corrected_and_not_held_back_again(
    desk: Workbench, bo: Bo, agreed: Bo
) -> None:
    held = send(desk, ("ISIN", "XX0000000000"))
    code, out, _ = bo("refused", "--json")
    (row,) = json.loads(out)[0]["sections"][0]["rows"]
    assert code == Exit.ATTENTION and (row["event_id"], row["kind"]) == (held, "trade held back")
    later = Workbench.open(FUND, DAY, root=desk.office.root)
    for report in (later.cover(), later.conclude(later.open_trades())):
        assert [f.value for f in report.figures if f.label == "Events waiting"] == [1], "held back before the books, it waits too"
    cli.main(["status", DAY, "--root", str(desk.office.root)])
    assert row["where"] == "ORDERS/late_trades.csv, line 2, isin" and row["todo"] == "correct the ISIN, or load the instrument"
    isin = next(e.isin for e in desk.known.standing(Trade))
    assert bo("correct", held, f"isin={isin}", "--reason", "misspelt")[0] == Exit.ATTENTION
    code, out, _ = agreed(held)
    assert code == Exit.OK and f"Approved by ben: correct {held}, as " in out
    again = Workbench.open(FUND, DAY, root=desk.office.root)
    assert again.trades().verdict is not Verdict.BLOCKED and not again.held_trades()
    assert [e.isin for e in again.known.standing(Trade) if e.trade_id == "HELD-1"] == [isin]
    assert bo("refused")[0] == Exit.OK


def test_a_trade_held_back_is_withdrawn_and_its_file_does_not_bring_it_back(desk: Workbench, bo: Bo, agreed: Bo) -> None:
    held = send(desk, ("Net Amount", "1.00"))
    assert held in bo("refused")[1]
    assert bo("correct", held, "--withdraw", "--reason", "no trade of ours")[0] == Exit.ATTENTION
    assert agreed(held)[0] == Exit.OK
    assert bo("refused")[0] == Exit.OK
    again = Workbench.open(FUND, DAY, root=desk.office.root)
    again.trades()
    assert not [e for e in again.known.standing(Trade) if e.trade_id == "HELD-1"]


def test_a_trade_held_back_is_released_by_a_person_who_confirms_its_price(desk: Workbench, bo: Bo, agreed: Bo) -> None:
    held = send(desk, ("Price", "1.00"), ("Net Amount", ""))
    (refused,) = Workbench.open(FUND, DAY, root=desk.office.root).held_trades()
    assert refused.finding.code == "trade-price-far"
    assert bo("correct", held, "price=1.00", "--reason", "confirmed by the broker")[0] == Exit.ATTENTION, "by the last price"
    assert [f.value for f in desk.waiting().figures if f.label == "For a second person"] == [1]
    assert agreed(held)[0] == Exit.OK
    assert bo("refused")[0] == Exit.OK


def test_a_desk_that_looks_at_the_past_corrects_nothing(desk: Workbench) -> None:
    wrong = misspelt(desk)
    then = Workbench.open(FUND, DAY, "2030-01-01T00:00:00Z", root=desk.office.root)
    assert [r.event.event_id for r in then.known.refused()] == [wrong.event_id]
    with pytest.raises(ParameterError, match="writes nothing"):
        then.correct(wrong.event_id, {"isin": "X"}, "misspelt")
