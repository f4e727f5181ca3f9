"""Answers of the close that need not be looked for again: what the checks look at, as one hash, and what they said of it last.

A check depends on the facts of its fund up to the month's end, on the files, parameters and code, and on the funds of the firm
that it holds units of; what people decide about its task is no part of it. The answers are kept in the chain with that hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bo_lib
from bo_lib.close import Answer, digest
from bo_lib.model.four_eyes import PROPOSAL
from bo_lib.store import StoredFact
from bo_lib.workbench.door import CORRECTION, refused_at_the_door
from bo_lib.workbench.office import release_stream

if TYPE_CHECKING:
    from bo_lib.workbench.close_desk import CloseDesk


def looked_at(desk: CloseDesk) -> str:
    """One hash of all that the checks of the desk's month depend on."""
    store, fund, day = desk.office.store, desk.fund.id, desk.day
    hard = [f.hash for f in desk.known.facts("close.hard") if f.entity < desk.month_name]
    beyond = {
        kind: store.hashes(kind, stream=fund) for kind in (CORRECTION, PROPOSAL, "event.capital")
    }  # of later days, but about this one
    return digest({
        "files": sorted(f.hash for f in desk.known.files), "facts": store.hashes(stream=fund, effective_until=day, without="close"),
        "beyond": beyond, "released": store.hashes(stream=release_stream(fund), effective_until=day), "hard": hard,
        "soft": desk.close_record().soft_at, "waiting": [r.event.event_id for r in refused_at_the_door(desk.office, fund, day)],
        "others": _others(desk), "runs": desk.notebook_runs(), "reconciliations": desk.reconciliations(),
        "parameters": _parameters(desk.office.root / "parameters", fund), "code": _code(),
    })  # fmt: skip


def kept(desk: CloseDesk) -> tuple[dict[str, Answer], dict[str, float]]:
    """What each task's check said, and the seconds it took, as recorded of this very month's evidence; nothing of any other."""
    said = last_checked(desk)
    if said is None or said.payload.get("looked_at") != desk.looked_at():
        return {}, {}
    hashes = said.payload["evidence"]
    answers = {t: Answer(state, says, items, None, hashes[t]) for t, (state, says, items) in said.payload["answers"].items()}
    return answers, {task: float(s) for task, s in said.payload["seconds"].items()}


def last_checked(desk: CloseDesk) -> StoredFact | None:
    before = desk.known.office.store.facts("close.checked", stream=desk.fund.id, entity=desk.month_name)
    return before[-1] if before else None


def _others(desk: CloseDesk) -> Mapping[str, Any]:
    """The facts of funds that this one can hold units of."""
    known = set(desk.known.instruments["isin"].to_pylist())
    funds = [f for f in desk.office.funds if f.id != desk.fund.id and f.inception <= desk.day]
    held = [f.id for f in funds if known & {c.isin for c in f.on(desk.day).classes}]
    return {name: desk.office.store.hashes(stream=name, effective_until=desk.day, without="close") for name in held}


def _parameters(folder: Path, fund: str) -> dict[str, str]:
    """All but the terms of other funds."""
    files = (p for p in sorted(folder.rglob("*.yaml")) if p.parent.name != "funds" or p.stem == fund)
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}


@cache
def _code() -> str:
    root = Path(bo_lib.__file__).parent
    return digest([[p.relative_to(root).as_posix(), sha256(p.read_bytes()).hexdigest()] for p in sorted(root.rglob("*.py"))])
