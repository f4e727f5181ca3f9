"""Prices for people: what was chosen and why, what is challenged, which overrides stand or wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Finding, Verdict
from bo_lib.model.four_eyes import Proposal
from bo_lib.nav.price_decisions import PriceDecisions
from bo_lib.nav.price_history import Quote, check_history
from bo_lib.views.pages.common import pick, table
from bo_lib.views.report import Figure, Report, Section

_LOOK = ("isin", "source", "price", "currency", "reference", "move_pct", "chosen", "reason")
_PROPOSAL = ("isin", "price", "currency", "start", "until", "state", "by", "checker", "text", "evidence")


def listed_report(candidates: pa.Table, decided: PriceDecisions, levels: Mapping[int, int], fund: str, day: date) -> Report:
    """``candidates``: table CANDIDATES of the day. ``levels``: chosen prices by level of the fair value hierarchy."""
    doubted = candidates.filter(pc.not_equal(candidates["reason"], ""))
    standing = [p for p in decided.proposals if p.state == "approved" and p.day <= day <= date.fromisoformat(p.content["until"])]
    waiting = [p for p in decided.proposals if p.state == "waiting"]
    chosen = candidates.filter(candidates["chosen"])
    without = candidates.filter(pc.invert(pc.is_in(candidates["isin"], chosen["isin"].combine_chunks())))
    stand = f"{len(standing)} overrides stand, {len(waiting)} wait"
    says = f"{fund} on {day}: {chosen.num_rows} chosen of {candidates.num_rows} prices; {stand}."
    figures = tuple(Figure(f"Level {level}", count) for level, count in sorted(levels.items()))
    sections = [
        Section("To look at", table=pick(doubted, *_LOOK)),
        Section("Without a price", "No source of the fund's price_sources has one that stands.", table=pick(without, *_LOOK)),
        Section("Overrides", table=table([_override(p) for p in (*waiting, *standing)], _PROPOSAL)),
        Section("Challenges", table=table([vars(c) for c in decided.challenges], ("isin", "day", "by", "text", "evidence"))),
    ]
    verdict = Verdict.ATTENTION if waiting or doubted.num_rows or without.num_rows else Verdict.PASS
    shown = tuple(s for s in sections if s.table is not None and s.table.num_rows)
    return Report("prices", "Prices", verdict, says, figures, shown)


def _override(p: Proposal) -> dict[str, Any]:
    about = {"isin": p.about, "price": Decimal(p.content["price"]), "start": p.day, "until": date.fromisoformat(p.content["until"])}
    return {**p.content, **about, "state": p.state, "by": p.by, "checker": p.checker, "text": p.text}


def history_report(histories: Mapping[str, Sequence[Quote]]) -> Report:
    """What is wrong with price histories, by name."""
    found = [f for name, quotes in histories.items() for f in check_history(quotes, name)]
    rows = sum(map(len, histories.values()))
    says = f"{len(found)} of {rows:,} prices to challenge, in {len(histories)} histories."
    return Report("price_history", "Price histories", Verdict.ATTENTION if found else Verdict.PASS, says, findings=tuple(found))


def decided_report(says: str, verdict: Verdict, findings: Sequence[Finding]) -> Report:
    """What became of a decision about a price."""
    return Report("price_decision", "Price", verdict, says, findings=tuple(findings))
