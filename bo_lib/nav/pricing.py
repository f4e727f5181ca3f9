"""Prices of a strike: the hierarchy of sources, the checks, and every rejected candidate with its reason.

A candidate that is zero, negative, off by a hundred, in the wrong currency, before a split or an unconfirmed spike
gives way to the next source. What no source can answer blocks the NAV.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.config import Tolerances
from bo_lib.model.events import Dividend, Split
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.identifiers import same_person
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built
from bo_lib.nav.columns import decimals
from bo_lib.nav.price_checks import SAYS, Candidate, apart_pct, candidates, plain, quote_doubts
from bo_lib.nav.price_screen import undoubted
from bo_lib.nav.tables import CANDIDATES

OVERRIDE = "OVERRIDE"


@dataclass(frozen=True)
class PriceOverride:
    """A price two people stand behind; it expires on its own after ``until``."""

    isin: str
    price: Decimal
    currency: str
    start: date
    until: date
    reason: str
    maker: str
    checker: str


@dataclass(frozen=True)
class Priced:
    """Prices of a day: ``prices`` by ISIN in the instrument's currency, ``table`` (CANDIDATES) with all that was looked at."""

    day: date
    prices: Mapping[str, Decimal]
    table: pa.Table


def select_prices(
    prices: pa.Table,
    needed: Iterable[str],
    sources: Sequence[str],
    day: date,
    *,
    tolerances: Tolerances,
    instruments: pa.Table,
    splits: Sequence[Split] = (),
    dividends: Sequence[Dividend] = (),
    overrides: Sequence[PriceOverride] = (),
    by_kind: Mapping[str, Sequence[str]] = MappingProxyType({}),
    closed: Callable[[str], bool] = lambda isin: False,
    snapshot: datetime | None = None,
) -> Outcome[Priced]:
    """The price of each needed ISIN on ``day``, from the first of ``sources`` (``by_kind``: of its kind of instrument) that stands.

    ``prices``: table PRICES with the day's prices of every source and, for the checks, earlier ones. ``instruments``: table
    INSTRUMENTS. ``splits`` and ``dividends``: with ex date up to ``day``; earlier prices are restated for them. ``closed``: does
    the market of an ISIN not trade on ``day``? Then the last price before it stands. ``snapshot``: the moment prices should be
    of; one quoted much earlier is a warning. A missing price is an error, a fallback or a challenge a warning. The cross source
    is every other one in ``prices``.
    """
    names, currencies, kinds = (instruments[name].to_pylist() for name in ("isin", "currency", "kind"))
    terms = {isin: (ccy, by_kind.get(kind, sources)) for isin, ccy, kind in zip(names, currencies, kinds, strict=True)}
    wanted = {isin: terms.get(isin, ("", sources)) for isin in sorted(set(needed))}
    actions: dict[str, list[Split | Dividend]] = defaultdict(list)
    acting: list[Split | Dividend] = [*splits, *dividends]
    for a in (a for a in acting if a.effective_date <= day):
        actions[a.isin].append(a)
    valid, findings = _valid_overrides(overrides, day)
    usual = [(isin, ccy, its[0]) for isin, (ccy, its) in wanted.items() if isin not in valid and isin not in actions]
    quiet = undoubted(prices, usual, day, tolerances, snapshot)
    doubted = sorted(wanted.keys() - set(quiet["isin"].to_pylist()))
    rows_of = _grouped(prices, doubted, day)
    table: list[dict[str, Any]] = []
    for isin in doubted:
        (currency, its), rows = wanted[isin], rows_of[isin]
        if rows and not any(r["price_date"] == day for r in rows) and closed(isin):
            rows, said = _carried(rows, day)
            findings += said
        found = candidates(isin, rows, day, currency, actions[isin], tolerances, snapshot)
        if o := valid.get(isin):
            notes = [f"{o.reason} ({o.maker}, checked by {o.checker})"]
            found[OVERRIDE] = Candidate(isin, OVERRIDE, o.price, o.currency, Place(), notes=notes)
        pick, said = _choose(isin, found, (OVERRIDE, *its), day, tolerances)
        findings += said
        table += [_row(c, day, c is pick) for c in found.values()]
    all_seen = pa.concat_tables([quiet, built(CANDIDATES, table)]).sort_by("isin").combine_chunks()
    chosen = all_seen.filter(all_seen["chosen"])
    by_isin = dict(zip(chosen["isin"].to_pylist(), decimals(chosen["price"]), strict=True))
    return Outcome(Priced(day, MappingProxyType(by_isin), all_seen), tuple(findings))


def _grouped(prices: pa.Table, wanted: Sequence[str], day: date) -> dict[str, list[dict[str, Any]]]:
    """Rows up to ``day`` of each instrument."""
    of_wanted = pc.is_in(prices["isin"], pa.array(wanted, pa.string()))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in prices.filter(pc.and_(pc.less_equal(prices["price_date"], day), of_wanted)).to_pylist():
        found[row["isin"]].append(row)
    return found


def _carried(rows: list[dict[str, Any]], day: date) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Where the market is closed: the last price of each source as that of the day."""
    last = max(r["price_date"] for r in rows)
    carried = [{**r, "price_date": day} for r in rows if r["price_date"] == last]
    said = f"{rows[0]['isin']}: its market is closed on {day}; the price of {last} stands"
    return [*rows, *carried], [info("price-holiday", said, found=str(last))]


def _valid_overrides(overrides: Sequence[PriceOverride], day: date) -> tuple[dict[str, PriceOverride], list[Finding]]:
    valid: dict[str, PriceOverride] = {}
    findings: list[Finding] = []
    for o in overrides:
        if not o.start <= day <= o.until:
            continue
        if not o.maker.strip() or not o.checker.strip() or same_person(o.maker, o.checker):
            findings.append(
                error(
                    "override-needs-two",
                    f"the price override of {o.isin} has no second person",
                    found=f"maker {o.maker}, checker {o.checker}",
                    expected="two people",
                    todo="have it checked by somebody else",
                )
            )
        elif o.price > 0:
            valid[o.isin] = o
            findings.append(
                info("price-override", f"{o.isin} is overridden until {o.until}: {o.reason} ({o.maker}, checked by {o.checker})")
            )
    return valid, findings


def _choose(
    isin: str, candidates: dict[str, Candidate], sources: Sequence[str], day: date, tolerances: Tolerances
) -> tuple[Candidate | None, list[Finding]]:
    findings: list[Finding] = []
    sound = [c for c in candidates.values() if not c.rejected]
    for c in (c for c in sound if c.spike):
        others = [o for o in sound if o is not c]
        if any(apart_pct(c, o) <= tolerances.price_source_pct for o in others):
            c.notes.append("the move is confirmed by another source")
            findings.append(
                info(
                    "price-moved",
                    f"{isin} moved {_pct(c.move_pct)} on {day}; another source confirms it",
                    c.place,
                    found=plain(c.price),
                )
            )
        elif others:
            c.rejected = "price-spike"
            c.notes.append(SAYS["price-spike"])
        else:
            c.notes.append("a move beyond tolerance with no other source to confirm it")
            findings.append(
                _challenge(c, "price-spike", "no other source confirms or denies it", "challenge the price with its vendor")
            )
    findings += [
        _challenge(c, c.rejected, SAYS[c.rejected], "challenge the price with its vendor")
        for c in candidates.values()
        if c.rejected
    ]
    pick = next((candidates[s] for s in sources if s in candidates and not candidates[s].rejected), None)
    if pick is None:
        why = ", ".join(f"{c.source} {plain(c.price)} ({'; '.join(c.notes)})" for c in candidates.values()) or "no source sent one"
        todo = "get the price, or record an override that two people approve"
        return None, [
            *findings,
            error(
                "price-missing",
                f"{isin} has no price that stands on {day}",
                found=why,
                expected=f"a price of {day} from {' or '.join(s for s in sources if s != OVERRIDE)}",
                todo=todo,
            ),
        ]
    return pick, [*findings, *_about(pick, candidates, sources, day, tolerances)]


def _about(
    pick: Candidate, candidates: dict[str, Candidate], sources: Sequence[str], day: date, tolerances: Tolerances
) -> list[Finding]:
    """What is to be said about a price although it is used."""
    findings = []
    first = next(s for s in sources if s != OVERRIDE)
    if pick.source not in (OVERRIDE, first) and first not in candidates:
        findings.append(
            warning(
                "price-fallback",
                f"{pick.isin}: no price of {first} on {day}; {pick.source} is used",
                pick.place,
                found=pick.source,
                expected=first,
                todo=f"ask {first}",
            )
        )
    if pick.unchanged_days >= tolerances.price_stale_days:
        pick.notes.append(f"unchanged for {pick.unchanged_days} days")
        findings.append(
            warning(
                "price-stale",
                f"{pick.isin}: {pick.source} has sent {plain(pick.price)} for {pick.unchanged_days} days",
                pick.place,
                found=f"{pick.unchanged_days} days",
                expected=f"fewer than {tolerances.price_stale_days}",
                todo="ask whether it traded",
            )
        )
    if pick.early_minutes > tolerances.price_early_minutes:
        pick.notes.append(f"quoted {pick.early_minutes} minutes before the snapshot")
        said = f"{pick.isin}: {pick.source} quotes {plain(pick.price)} {pick.early_minutes} minutes before the snapshot"
        todo = f"ask {pick.source} for its price of the snapshot"
        findings.append(warning("price-early", said, pick.place, found=f"{pick.early_minutes} minutes", todo=todo))
    for code, said in quote_doubts(pick, tolerances):
        pick.notes.append(said)
        todo = f"challenge the quote with {pick.source}"
        findings.append(warning(code, f"{pick.isin}: {pick.source} sends {said}", pick.place, found=plain(pick.price), todo=todo))
    for other in candidates.values():
        if other is not pick and not other.rejected and apart_pct(pick, other) > tolerances.price_source_pct:
            pick.notes.append(f"{other.source} says {plain(other.price)}")
            findings.append(
                warning(
                    "price-variance",
                    f"{pick.isin}: {pick.source} and {other.source} are {_pct(apart_pct(pick, other))} apart",
                    pick.place,
                    expected=f"at most {tolerances.price_source_pct}%",
                    todo="find out which is right",
                )
            )
    return findings


def _challenge(c: Candidate, code: str, why: str, todo: str) -> Finding:
    before = f"{plain(c.reference)} before" if c.reference else "a positive price"
    return warning(
        code,
        f"{c.isin}: {c.source} sends {plain(c.price)} {c.currency}: {why}",
        c.place,
        found=plain(c.price),
        expected=before,
        todo=todo,
    )


def _row(c: Candidate, day: date, chosen: bool) -> dict[str, Any]:
    move = round_to(c.move_pct, 6) if c.move_pct is not None else None
    return {
        "isin": c.isin, "source": c.source, "price": round_to(c.price, 12), "currency": c.currency, "price_date": day,
        "chosen": chosen, "reference": c.reference, "move_pct": move, "unchanged_days": c.unchanged_days,
        "reason": "; ".join(c.notes),
    }  # fmt: skip


def _pct(number: Decimal | None) -> str:
    return f"{round_to(number or ZERO, 2)}%"
