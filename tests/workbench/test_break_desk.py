"""Breaks at the desk and on the command line: who decides, what stays, what a second person is for."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bo_lib import cli
from bo_lib.config import ParameterError
from bo_lib.run.errors import Exit
from bo_lib.workbench import BOOKED, STRUCK, Workbench
from bo_lib.workbench.office import Office

FUND, DAY = "EURO-UCITS", "2026-06-30"
Bo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bo(month_copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bo:
    """Runs ``bo`` in a copy of the month as somebody: exit code, output, letters."""
    monkeypatch.setenv("BO_CLOCK", "2026-06-30T22:00:00Z")

    def run(who: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("BO_ACTOR", who)
        capsys.readouterr()
        code = cli.main([*words, "--root", str(month_copy)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def listed(bo: Bo, *words: str) -> list[dict]:
    code, out, _ = bo("ann", "breaks", "--fund", FUND, "--date", DAY, "--json", *words)
    assert code == Exit.OK
    return json.loads(out)[0]["breaks"]


def largest(bo: Bo) -> str:
    return str(listed(bo)[0]["break_id"])


def smallest(bo: Bo) -> str:
    return str(listed(bo)[-1]["break_id"])


def test_open_breaks_are_listed_with_id_age_and_owner(bo: Bo) -> None:
    code, out, _ = bo("ann", "breaks", "--fund", FUND, "--date", DAY)
    assert code == Exit.OK and re.search(r"EURO-UCITS on 2026-06-30: \d+ breaks open, \d+ past due", out)
    rows = listed(bo)
    assert rows and all(re.fullmatch("[0-9a-f]{20}", r["break_id"]) and r["owner"] and r["age_band"] for r in rows)
    everything = listed(bo, "--all")
    assert len(everything) > len(rows) and {r["state"] for r in everything} >= {"open", "gone"}
    assert all(r["history"][0]["fact"] == "break_opened" for r in everything)


def test_a_large_write_off_waits_is_refused_to_its_maker_and_closed_by_a_second_person(bo: Bo, month_copy: Path) -> None:
    b = largest(bo)
    code, out, _ = bo("ann", "breaks", "write-off", b[:8], "--text", "custodian confirms", "--date", DAY)
    assert code == Exit.ATTENTION and "needs a second person above 10,000" in out
    code, out, _ = bo("ann", "breaks", "approve", b[:8], "--date", DAY)
    assert code == Exit.FAILED and "ann proposed it; a second person is needed" in out
    page = Workbench.open(FUND, DAY, root=month_copy).breaks()
    waiting = next(s.table for s in page.sections if s.title == "Waiting for a second person")
    assert waiting is not None and waiting["break_id"].to_pylist() == [b[:8]]
    assert bo("ben", "breaks", "approve", b[:8], "--date", DAY)[0] == Exit.OK
    assert b not in [r["break_id"] for r in listed(bo)]
    facts = Office(month_copy).store.facts("break", stream=FUND, entity=b)
    assert [(f.kind, f.actor) for f in facts][-3:] == [
        ("break.proposed", "ann"), ("break.refused", "ann"), ("break.accepted", "ben")]  # fmt: skip
    again = Workbench.open(FUND, DAY, root=month_copy)
    for name in ("cash", "positions"):
        again.reconcile(name)
    assert b not in again.open_breaks(), "the same difference does not come back"
    assert Office(month_copy).store.verify().ok


def test_small_write_offs_need_a_second_person_beyond_the_firms_limit_of_a_month(bo: Bo, month_copy: Path) -> None:
    firm = month_copy / "parameters" / "firm.yaml"
    firm.write_text(re.sub("write_offs_alone_a_month: [0-9]+", "write_offs_alone_a_month: 0", firm.read_text()))
    code, out, _ = bo("ann", "breaks", "write-off", smallest(bo), "--text", "too small", "--date", DAY)
    assert code == Exit.ATTENTION and "ann wrote off 0.00 alone in 2026-06, and 0 is the limit of a month" in out


def test_a_small_write_off_takes_one_person_and_is_reopened_with_its_age(bo: Bo) -> None:
    before = listed(bo)[-1]
    assert bo("ann", "breaks", "write-off", before["break_id"], "--text", "too small", "--date", DAY)[0] == Exit.OK
    assert bo("ann", "breaks", "comment", before["break_id"], "--text", "for the file", "--date", DAY)[0] == Exit.OK
    code, out, _ = bo("ann", "breaks", "write-off", before["break_id"], "--text", "again", "--date", DAY)
    assert code == Exit.FAILED and "closed already, written off on 2026-06-30: too small" in out
    assert bo("ben", "breaks", "reopen", before["break_id"], "--text", "the bank pays it back", "--date", DAY)[0] == Exit.OK
    after = next(r for r in listed(bo) if r["break_id"] == before["break_id"])
    assert (after["opened"], after["age_business_days"]) == (before["opened"], before["age_business_days"])


def test_an_unknown_id_gets_the_nearest_and_decides_nothing(bo: Bo, month_copy: Path) -> None:
    b, before = largest(bo), Office(month_copy).store.heads()
    code, _, letter = bo("ann", "breaks", "comment", b[:6] + "zz", "--text", "x", "--date", DAY)
    assert code == Exit.USAGE and f"there is no break '{b[:6]}zz'; nearest: {b}" in letter
    assert Office(month_copy).store.heads() == before


def test_a_file_is_kept_in_the_evidence_under_its_hash(bo: Bo, month_copy: Path, tmp_path: Path) -> None:
    b, advice = smallest(bo), tmp_path / "advice.txt"
    advice.write_text("The fee is as agreed.")
    assert bo("ann", "breaks", "attach", b, "--file", str(advice), "--date", DAY)[0] == Exit.OK
    sha = hashlib.sha256(advice.read_bytes()).hexdigest()
    desk = Workbench.open(FUND, DAY, root=month_copy)
    assert desk.attachments.get(sha) == advice.read_bytes()
    attached = [p for p in desk.break_states()[b].history if p["fact"] == "break_attached"]
    assert [(p["name"], p["sha256"], p["by"]) for p in attached] == [("advice.txt", sha, "ann")]
    code, _, letter = bo("ann", "breaks", "attach", b, "--file", str(tmp_path / "none.pdf"), "--date", DAY)
    assert code == Exit.USAGE and "no such file" in letter
    assert bo("ann", "verify")[0] == Exit.OK
    desk.attachments.path(sha).unlink()
    code, out, _ = bo("ann", "verify")
    assert code == Exit.STORE and "the attachment advice.txt is gone" in out


def test_an_owner_and_a_day_are_assigned(bo: Bo) -> None:
    b = smallest(bo)
    assert bo("ann", "breaks", "assign", b, "--owner", "ben", "--due", "2026-07-03", "--date", DAY)[0] == Exit.OK
    row = next(r for r in listed(bo) if r["break_id"] == b)
    assert (row["owner"], row["due"], row["overdue"]) == ("ben", "2026-07-03", "no")


def test_breaks_that_do_not_add_up_are_no_match(bo: Bo) -> None:
    cash = [r["break_id"] for r in listed(bo) if r["recon"] == "cash"][-2:]
    code, out, _ = bo("ann", "breaks", "propose", *cash, "--text", "one payment", "--date", DAY)
    assert code == Exit.FAILED and "would be left over" in out


def test_a_desk_in_the_past_decides_nothing(month_copy: Path) -> None:
    desk = Workbench.open(FUND, DAY, "2026-06-30T21:00:00Z", root=month_copy)
    with pytest.raises(ParameterError, match="looks at the past writes nothing"):
        desk.comment(["abcd"], "x")


def test_the_page_measures_the_day_beside_the_day_before(month_copy: Path) -> None:
    page = Workbench.open(FUND, DAY, root=month_copy).breaks()
    tables = {s.title: s.table for s in page.sections}
    measures = {r["recon"]: r for r in tables["Measures"].to_pylist()}
    assert set(measures) == {name.replace("_", " ") for name in (*BOOKED, *STRUCK)}
    assert all(measures[name][pct] > 90 for name in ("cash", "positions", "trades") for pct in ("matched_pct", "before_pct"))
    assert measures["cash"]["open"] == sum(measures["cash"][f"aged {band}"] for band in ("0-1", "2-5", "6-30", "over 30"))
    assert all(r["explanation"].endswith(".") for r in tables["The ten that matter most"].to_pylist())


def test_every_file_of_the_day_is_in_the_load_checks(month_copy: Path) -> None:
    page = Workbench.open(FUND, DAY, root=month_copy).loaded()
    rows = page.sections[0].table.to_pylist()
    assert {r["sender"] for r in rows} >= {"ALPINE", "ORDERS", "VENDOR-A"} and all(r["rows"] for r in rows if not r["errors"])


# Rules tried on history


@pytest.fixture
def loose(month_copy: Path, tmp_path: Path) -> Path:
    text = (month_copy / "parameters/recon/cash.yaml").read_text().replace("version: 1", "version: 2")
    text = text.replace(
        'equal: [reference, value_date], amount: {absolute: "0.02"}', 'equal: [reference, value_date], amount: {absolute: "1000"}'
    )
    (tmp_path / "loose.yaml").write_text(text)
    return tmp_path / "loose.yaml"


def test_changed_rules_are_tried_on_history_and_nothing_is_written(bo: Bo, month_copy: Path, loose: Path) -> None:
    before = Office(month_copy).store.heads()
    words = ("recon", "backtest", "cash", "--from", "2026-06-24", "--to", DAY, "--rules", str(loose), "--fund", FUND)
    code, out, _ = bo("ann", *words, "--json")
    said = json.loads(out)
    assert code == Exit.OK and said["against"] == 0 and said["newly"] > 0 and said["skipped"] == []
    assert [d["day"] for d in said["days"]] == ["2026-06-24", "2026-06-25", "2026-06-26", "2026-06-29", DAY]
    assert all(d["breaks_new"] <= d["breaks"] for d in said["days"]) and said["days"][-1]["tolerated_new"] != ""
    assert Office(month_copy).store.heads() == before
    code, out, _ = bo("ann", *words)
    assert code == Exit.OK and "Newly matched" in out and "Against what people decided" in out


def test_a_write_off_that_changed_rules_would_match_is_said(bo: Bo, loose: Path) -> None:
    row = next(r for r in listed(bo) if r["recon"] == "cash" and r["kind"] == "amount")
    bo("ann", "breaks", "write-off", row["break_id"], "--text", "the bank charges it", "--date", DAY)
    bo("ben", "breaks", "approve", row["break_id"], "--date", DAY)
    words = ("recon", "backtest", "cash", "--from", "2026-06-24", "--to", DAY, "--rules", str(loose), "--fund", FUND)
    code, out, _ = bo("ann", *words, "--json")
    (against,) = [a for d in json.loads(out)["days"] for a in d["against"]]
    assert code == Exit.ATTENTION
    assert (against["break_id"], against["decided"], against["reason"]) == (row["break_id"], "written off", "the bank charges it")


def test_a_trial_of_something_unknown_is_refused_with_the_nearest(bo: Bo, loose: Path) -> None:
    words = ("--from", DAY, "--to", DAY, "--rules", str(loose))
    code, _, letter = bo("ann", "recon", "backtest", "csh", *words)
    assert code == Exit.USAGE and "did you mean 'cash'" in letter
    code, _, letter = bo("ann", "recon", "backtest", "positions", *words)
    assert code == Exit.USAGE and "they are for cash, not for positions" in letter
    code, _, letter = bo("ann", "recon", "backtest", "cash", "--from", DAY, "--to", "2026-06-01", "--rules", str(loose))
    assert code == Exit.USAGE and "is after --to" in letter
