"""Prices at the desk: an override counts once somebody else agrees, its evidence is kept, and a refusal is a fact too."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.model.findings import Verdict
from bo_lib.workbench import Workbench
from bo_lib.workbench.break_desk import attachments

D = Decimal


def anew(desk: Workbench) -> Workbench:
    return Workbench(desk.office, desk.fund.id, desk.day)


def test_an_override_under_four_eyes(desk: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isin, before = next(iter(sorted(desk.priced().value.prices.items())))
    notice = tmp_path / "notice.txt"
    notice.write_text("tender offer", "utf-8")
    monkeypatch.setenv("BO_ACTOR", "ana")
    proposed = desk.override_price(isin, before * 2, date(2026, 6, 3), "suspended; tender", notice)
    assert proposed.verdict is Verdict.ATTENTION and anew(desk).priced().value.prices[isin] == before
    assert desk.approve_price(isin).verdict is Verdict.BLOCKED
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert desk.approve_price(isin).verdict is Verdict.PASS
    again = anew(desk)
    assert again.priced().value.prices[isin] == before * 2
    (standing,) = [p for p in again.price_decisions().proposals if p.state == "approved"]
    assert (standing.by, standing.checker) == ("ana", "ben")
    assert attachments(desk.office).path(standing.content["evidence"]).read_text("utf-8") == "tender offer"
    assert [f.actor for f in desk.office.store.facts("price.override.refused")] == ["ana"]
    listed = again.prices_listed(again.priced().value.table)
    assert listed.verdict is Verdict.ATTENTION and {s.title for s in listed.sections} == {"To look at", "Overrides"}


def test_what_is_not_decided(desk: Workbench) -> None:
    isin = min(desk.priced().value.prices)
    assert desk.challenge_price(isin, "").verdict is Verdict.BLOCKED
    assert desk.reject_price(isin, "no").verdict is Verdict.BLOCKED
    assert desk.override_price("NOWHERE", D(1), desk.day, "x").verdict is Verdict.BLOCKED
    assert desk.challenge_price(isin, "stale since Monday").verdict is Verdict.PASS
    assert [c.text for c in desk.price_decisions().challenges] == ["stale since Monday"]
    assert desk.price_decisions().proposals == ()
