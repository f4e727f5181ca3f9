"""Signatures and release of a NAV as reports."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bo_lib.model.findings import Verdict
from bo_lib.nav.release import PREPARER, REVIEWER, Decision, ReleaseState
from bo_lib.views.nav_pack import NavPack
from bo_lib.views.pages.common import count, table
from bo_lib.views.report import Figure, Report, Section

STATES = {"done": Verdict.PASS, "waiting": Verdict.ATTENTION, "refused": Verdict.BLOCKED}


def signatures_report(state: ReleaseState, unattended: Sequence[str] | None = None) -> Report:
    """Where the release stands; ``unattended``: the names that sign when nobody is there."""
    said = (
        f"The NAV of {state.candidate.day} is {state.says}."
        if state.released
        else f"The NAV of {state.candidate.day}: {state.says}."
    )
    if unattended and not state.released:
        said += f" In this firm {unattended[0]} and {unattended[1]} sign and release unattended what nothing blocks."
    verdict = Verdict.ATTENTION if state.says == "blocked" or state.changed_since_release or _stale(state) else Verdict.PASS
    return Report("signatures", "Signatures", verdict, said, _figures(state), _sections(state))


def decision_report(action: str, decision: Decision, state: ReleaseState) -> Report:
    """What became of a decision, and where the release stands now."""
    title = f"{action.capitalize()}, {state.candidate.fund}, {state.candidate.day}"
    says = f"{decision.says} The NAV is now: {state.says}."
    return Report("decision", title, STATES[decision.state], says, _figures(state), _sections(state), decision.findings)


def list_report(rows: Sequence[dict[str, Any]]) -> Report:
    """NAVs with where they stand; ``rows`` have the columns below."""
    columns = (
        "fund",
        "business_date",
        "net_assets",
        "currency",
        "state",
        "prepared_by",
        "reviewed_by",
        "released_by",
        "released_at",
    )
    waiting = sum(not str(row["state"]).startswith("released") for row in rows)
    said = f"{len(rows)} NAVs; {waiting} not released." if waiting else f"{len(rows)} NAVs, all released."
    return Report(
        "navs", "NAVs", Verdict.ATTENTION if waiting else Verdict.PASS, said, (), (Section("NAVs", table=table(rows, columns)),)
    )


def pack_report(files: Sequence[tuple[str, int, str]], pack: NavPack) -> Report:
    """``files``: name, bytes and hash of each."""
    rows = [{"file": name, "bytes": size, "sha256": sha256} for name, size, sha256 in files]
    said = f"{count(len(rows), 'file')}; {pack.status[:1].lower()}{pack.status[1:]}."
    return Report("pack", "NAV pack", Verdict.PASS, said, (), (Section("Files", table=table(rows, ("file", "bytes", "sha256"))),))


def list_row(state: ReleaseState, net_assets: str, currency: str) -> dict[str, Any]:
    released = state.released or {}
    return {
        "fund": state.candidate.fund, "business_date": state.candidate.day, "net_assets": Decimal(net_assets), "currency": currency,
        "state": state.says, "prepared_by": state.signer(PREPARER), "reviewed_by": state.signer(REVIEWER),
        "released_by": released.get("by", ""), "released_at": released.get("at", "")[:16].replace("T", " "),
    }  # fmt: skip


def _stale(state: ReleaseState) -> bool:
    return not state.released and any(s.stale for s in state.signs)


def _figures(state: ReleaseState) -> tuple[Figure, ...]:
    return (
        Figure("State", state.says, alarm=state.says == "blocked"),
        Figure("Prepared by", state.signer(PREPARER) or "nobody yet"),
        Figure("Reviewed by", state.signer(REVIEWER) or "nobody yet"),
        Figure("Controls let pass", len(state.approvals), alarm=bool(state.approvals)),
    )


def _sections(state: ReleaseState) -> tuple[Section, ...]:
    signs: list[dict[str, Any]] = [
        {"what": f"signed as {s.role}", "by": s.by, "at": s.at, "text": s.text, "counts": s.stale or "yes"} for s in state.signs
    ]
    for a in state.approvals:
        signs.append({"what": f"let {a.control} pass", "by": f"{a.maker} and {a.checker}", "text": a.reason, "counts": "yes"})
    for name, a in (state.proposed or {}).items():
        signs.append({"what": f"let {name} pass", "by": a.maker, "text": a.reason, "counts": "waits for a second person"})
    if state.released:
        r = state.released
        signs.append({"what": "released", "by": r["by"], "at": r["at"], "counts": state.changed_since_release or "yes"})
    for row in signs:
        row["at"] = (row.get("at") or "")[:16].replace("T", " ")
    found = [Section("Signatures", table=table(signs, ("what", "by", "at", "text", "counts")))] if signs else []
    if state.unapproved:
        rows = [{"control": name, "says": state.candidate.blocked[name]} for name in state.unapproved]
        found.append(
            Section(
                "Blocks the release",
                "Two people let it pass with a reason, or its cause is mended.",
                table(rows, ("control", "says")),
            )
        )
    if state.released:
        columns = ("id", "currency", "units", "nav_per_unit", "dealing_price", "net_assets")
        found.append(Section("Published", "Orders deal at the dealing price.", table(_numbers(state.released["classes"]), columns)))
    return tuple(found)


def _numbers(classes: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """What a fact keeps as text, as numbers."""
    amounts = ("units", "nav_per_unit", "dealing_price", "net_assets")
    return [{**c, **{name: Decimal(c[name]) if c[name] else None for name in amounts}} for c in classes]
