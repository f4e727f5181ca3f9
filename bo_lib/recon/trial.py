"""Changed rules tried against history: what would have matched, what would not, and what people had decided otherwise.

One day is compared at a time: the reconciliation under the rules in force and the one under the changed rules, over the same
rows. Rows are told apart by their content; identical rows are counted, so that it does not matter which of them is named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.recon.breaks import ACCEPTED, BreakState, is_row_of
from bo_lib.recon.history import REJECTED
from bo_lib.recon.result import Break, Reconciliation, plain

GROUPING = ("group", "pass", "verdict")
Row = tuple[tuple[str, Any], ...]  # side and the columns of a matched row, without its group


@dataclass(frozen=True)
class Against:
    """Something that people decided and the changed rules would do otherwise."""

    break_id: str
    day: date  # the first business date on which the changed rules would do it
    decided: str  # what people decided
    by: str
    reason: str
    instead: str  # what the changed rules do
    row: Mapping[str, Any]


@dataclass(frozen=True)
class TrialDay:
    """One fund and business date. Rows ``newly`` matched, or matched ``no_longer``, are those not shown on an earlier day."""

    fund: str
    day: date
    rules_then: str
    matched_pct: Any
    matched_pct_new: Any
    breaks: int
    breaks_new: int
    proven: bool
    proven_new: bool
    newly: tuple[Mapping[str, Any], ...]
    no_longer: tuple[Mapping[str, Any], ...]
    otherwise: tuple[Mapping[str, Any], ...]  # matched under both, with other rows
    tolerated: str  # amounts by currency that matches let pass as within tolerance
    tolerated_new: str
    suggested: int
    suggested_new: int
    against: tuple[Against, ...]
    as_decided: tuple[str, ...]  # breaks that people matched by hand and the changed rules would match alike


@dataclass
class Trial:
    """Carries what was seen from day to day, so that each row and decision is said once, on its first day."""

    fund: str
    seen: dict[str, Counter[Row]] = field(default_factory=lambda: defaultdict(Counter))
    said: set[tuple[str, str]] = field(default_factory=set)

    def day(self, now: Reconciliation, new: Reconciliation, states: Sequence[BreakState], rules_then: str = "") -> TrialDay:
        """``states``: breaks with every decision about them, of whatever day."""
        ours, theirs = _Groups(now), _Groups(new)
        mine = [s for s in states if (s.found.item.recon, s.found.item.fund) == (now.name, now.fund)]
        against = tuple(self._once("against", a.break_id, a) for a in _against(mine, theirs, ours, now.business_date))
        alike = tuple(self._once("alike", i, i) for i in _as_decided(mine, theirs, ours))
        return TrialDay(
            self.fund, now.business_date, rules_then or now.rules, now.matched_pct, new.matched_pct, len(now.items), len(new.items),
            now.proven, new.proven, self._fresh("newly", theirs, ours), self._fresh("no longer", ours, theirs),
            self._fresh_rows("otherwise", theirs, theirs.grouped_otherwise(ours)),
            ours.tolerated(), theirs.tolerated(), _groups_of(now.suggestions), _groups_of(new.suggestions),
            tuple(a for a in against if a), tuple(i for i in alike if i),
        )  # fmt: skip

    def _once(self, what: str, break_id: str, value: Any) -> Any:
        if (what, break_id) in self.said:
            return None
        self.said.add((what, break_id))
        return value

    def _fresh(self, what: str, here: _Groups, there: _Groups) -> tuple[Mapping[str, Any], ...]:
        return self._fresh_rows(what, here, here.rows - there.rows)

    def _fresh_rows(self, what: str, groups: _Groups, rows: Counter[Row]) -> tuple[Mapping[str, Any], ...]:
        fresh = rows - self.seen[what]
        self.seen[what] |= rows
        return tuple({"pass": groups.pass_of(row), **dict(row)} for row in fresh.elements())


class _Groups:
    """The matches of a reconciliation: rows as a multiset, and with whom each is grouped."""

    def __init__(self, result: Reconciliation) -> None:
        self.listed = result.matches.to_pylist()
        self.keys = [_row(r) for r in self.listed]
        self.rows = Counter(self.keys)
        self.members: dict[tuple[str, Any], list[int]] = defaultdict(list)
        for n, r in enumerate(self.listed):
            self.members[r["pass"], r["group"]].append(n)

    def pass_of(self, row: Row) -> str:
        return str(self.listed[self.keys.index(row)]["pass"])

    def together(self) -> Counter[tuple[Row, tuple[Row, ...]]]:
        """Each row with all the rows of its group."""
        found: Counter[tuple[Row, tuple[Row, ...]]] = Counter()
        for members in self.members.values():
            group = tuple(sorted((self.keys[n] for n in members), key=repr))
            found.update((row, group) for row in group)
        return found

    def grouped_otherwise(self, other: _Groups) -> Counter[Row]:
        """Rows matched in both, with other rows here than there."""
        mine = Counter(row for row, _ in (self.together() - other.together()).elements())
        return mine - (self.rows - other.rows)

    def tolerated(self) -> str:
        """What the two sides of matches differ by, without sign, by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for members in self.members.values():
            rows = [self.listed[n] for n in members if self.listed[n].get("amount") is not None]
            if {r["side"] for r in rows} == {"left", "right"}:
                rest = sum((r["amount"] if r["side"] == "left" else -r["amount"] for r in rows), Decimal(0))
                sums[rows[0].get("currency") or ""] += abs(rest)
        return ", ".join(f"{plain(rest)} {unit}".rstrip() for unit, rest in sorted(sums.items()) if rest)

    def places_of(self, item: Break) -> list[int]:
        """Where the rows of a difference stand among the matches."""
        return [n for n, r in enumerate(self.listed) if is_row_of(item, r)]

    def with_whom(self, n: int) -> list[int]:
        return self.members[self.listed[n]["pass"], self.listed[n]["group"]]


def _row(matched: Mapping[str, Any]) -> Row:
    return tuple(sorted((k, v) for k, v in matched.items() if k not in GROUPING))


def _groups_of(suggestions: Any) -> int:
    return len({(r["pass"], r["group"]) for r in suggestions.to_pylist()})


# Decisions -----------------------------------------------------------------------------------------------------------


def _against(states: Sequence[BreakState], new: _Groups, now: _Groups, day: date) -> Iterable[Against]:
    by_id = {s.break_id: s for s in states}
    for s in states:
        places = [] if now.places_of(s.found.item) else new.places_of(s.found.item)
        if not places:  # the rules in force match it, or the changed rules leave it open: as people see it
            continue
        step = new.listed[places[0]]["pass"]
        beside = {n for place in places for n in new.with_whom(place)}
        for decision in _decisions(s):
            if _is_otherwise(decision["decided"], _with_partners(s, decision, by_id, new, beside)):
                instead = f"matched by {step} with {_named(new, beside - set(places))}"
                yield Against(s.break_id, day, decision["decided"], decision["by"], decision["reason"], instead, s.found.item.row())
                break


def _is_otherwise(decided: str, with_partners: bool) -> bool:
    """Whether a match by the changed rules, with those whom people meant or with others, is not what they decided."""
    return {"matched": not with_partners, "match rejected": with_partners}.get(decided, True)


def _with_partners(
    state: BreakState, decision: Mapping[str, Any], by_id: Mapping[str, BreakState], new: _Groups, beside: set[int]
) -> bool:
    """Whether every break that people put beside this one stands in one group with it."""
    partners = [by_id[i].found.item for i in decision["break_ids"] if i != state.break_id and i in by_id]
    return bool(partners) and all(beside & set(new.places_of(p)) for p in partners)


def _as_decided(states: Sequence[BreakState], new: _Groups, now: _Groups) -> Iterable[str]:
    by_id = {s.break_id: s for s in states}
    for s in states:
        for decision in _decisions(s):
            if decision["decided"] != "matched" or now.places_of(s.found.item):
                continue
            beside = {n for place in new.places_of(s.found.item) for n in new.with_whom(place)}
            if _with_partners(s, decision, by_id, new, beside):
                yield s.break_id


def _decisions(state: BreakState) -> list[dict[str, Any]]:
    """What people decided about a break and did not take back: closed it, or rejected that it be closed."""
    found = []
    if state.is_decided or state.lapsed:
        fact = next(p for p in reversed(state.history) if p["fact"] == ACCEPTED)
        by = " and ".join(filter(None, (fact["maker"], fact["checker"])))
        found.append({"decided": state.state, "by": by, "reason": state.reason, "break_ids": fact.get("break_ids", [])})
    found += [
        {"decided": f"{p['action']} rejected", "by": p["by"], "reason": p["text"], "break_ids": p["break_ids"]}
        for p in state.history if p["fact"] == REJECTED
    ]  # fmt: skip
    return [d for d in found if d["decided"] != "write off rejected"]  # to keep it open until it is matched is what the rules do


def _named(groups: _Groups, places: Iterable[int]) -> str:
    rows = [groups.listed[n] for n in sorted(places)]
    texts = [" ".join(str(r[k]) for k in ("amount", "quantity", "value_date", "reference") if r.get(k) is not None) for r in rows]
    return "; ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
