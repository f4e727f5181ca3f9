"""Exchange rates of a strike: the hierarchy of sources and the checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from statistics import median
from typing import Any

import pyarrow as pa

from bo_lib.config import Tolerances
from bo_lib.model.findings import Finding, Outcome, Place, error, warning
from bo_lib.model.money import Rates
from bo_lib.nav.price_checks import REFERENCE_DAYS, early_minutes, plain


def select_rates(
    fx_rates: pa.Table,
    needed: Iterable[str],
    sources: Sequence[str],
    day: date,
    *,
    tolerances: Tolerances,
    pivot: str = "EUR",
    snapshot: datetime | None = None,
) -> Outcome[Rates]:
    """Rates of exactly ``day``, units per ``pivot`` at full precision, from the first of ``sources`` whose rate stands.

    ``fx_rates``: table FX_RATES with earlier days for the spike check. A rate that is zero, negative or moved more than
    ``fx_move_pct`` without another source's word gives way to the next source; a missing one is an error.
    """
    rows = [r for r in fx_rates.to_pylist() if r["rate_date"] <= day and r["pivot"] == pivot]
    found: dict[str, Decimal] = {}
    findings: list[Finding] = []
    for currency in sorted(set(needed) - {pivot}):
        own = [r for r in rows if r["currency"] == currency]
        rate, said = _choose_rate(currency, own, sources, day, tolerances, snapshot)
        findings += said
        if rate is not None:
            found[currency] = rate
    return Outcome(Rates(found, pivot), tuple(findings))


def _choose_rate(
    currency: str, rows: list[dict[str, Any]], sources: Sequence[str], day: date, tolerances: Tolerances, snapshot: datetime | None
) -> tuple[Decimal | None, list[Finding]]:
    before = [r["rate"] for r in sorted(rows, key=lambda r: r["rate_date"]) if r["rate_date"] < day and r["rate"] > 0]
    reference = median(before[-REFERENCE_DAYS:]) if before else None
    today = {r["source"]: r for r in rows if r["rate_date"] == day}
    findings: list[Finding] = []
    rejected: set[str] = set()
    for source in (s for s in sources if s in today):
        row, others = today[source], [r["rate"] for s, r in today.items() if s not in (source, *rejected) and r["rate"] > 0]
        rate, place = row["rate"], Place(sha256=row["file"] or "", at=row["at"] or "")
        said = {"found": plain(rate), "expected": f"{plain(reference)} before" if reference else "a positive rate"}
        near = any(abs(rate / o - 1) * 100 <= tolerances.fx_source_pct for o in others)
        moved = bool(reference) and rate > 0 and abs(rate / reference - 1) * 100 > tolerances.fx_move_pct
        if rate <= 0 or (moved and others and not near):
            code, why = (
                ("rate-not-positive", "zero or negative") if rate <= 0 else ("rate-spike", "no other source confirms the move")
            )
            findings.append(warning(code, f"{currency}: {source} sends {plain(rate)}: {why}", place, todo=f"ask {source}", **said))
            rejected.add(source)
            continue
        if moved and not near:
            findings.append(
                warning(
                    "rate-spike",
                    f"{currency}: {source} sends {plain(rate)}: a move beyond tolerance with no other source",
                    place,
                    todo=f"ask {source}",
                    **said,
                )
            )
        if others and not near:
            findings.append(
                warning(
                    "rate-variance",
                    f"{currency}: {source} {plain(rate)} is more than {tolerances.fx_source_pct}% from every other source",
                    place,
                    todo="find out which is right",
                )
            )
        if (early := early_minutes(row, snapshot)) > tolerances.price_early_minutes:
            said_of = f"{currency}: {source} quotes {plain(rate)} {early} minutes before the snapshot"
            findings.append(warning("rate-early", said_of, place, todo=f"ask {source} for its rate of the snapshot"))
        if source != sources[0]:
            findings.append(
                warning("rate-fallback", f"{currency}: {source} is used instead of {sources[0]}", place, todo=f"ask {sources[0]}")
            )
        return rate, findings
    findings.append(
        error(
            "rate-missing",
            f"no rate for {currency} on {day}",
            expected=f"a rate of {day} from {' or '.join(sources)}",
            todo="load the rates of that day",
        )
    )
    return None, findings
