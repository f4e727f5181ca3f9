"""Breaks at the desk: what a day does to them is appended, and so is what people decide about them.

The author of a decision is who writes it: ``Office.actor``, kept in the chain with the time. What is said in the payload of a
fact about its author does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib import config
from bo_lib.model.dates import parse_date
from bo_lib.recon import BreakState, Reconciliation, Rules, breaks_on, carry, decisions, open_breaks, open_breaks_table
from bo_lib.recon.decisions import Decision, Said
from bo_lib.recon.history import day_of
from bo_lib.recon.result import plain
from bo_lib.store import Fact, StoredFact
from bo_lib.store.files import FileStore
from bo_lib.views.pages.breaks import decision_report, list_report
from bo_lib.views.report import Report
from bo_lib.views.wording import plain as plain_data
from bo_lib.workbench.desk import Desk
from bo_lib.workbench.office import Office, recon_stream

ATTACHMENTS = "attachments"
ATTACHMENT_MAX_BYTES = 50_000_000


class BreakDesk(Desk):
    # Asking

    def break_states(self) -> dict[str, BreakState]:
        """Every break of the fund as it is known at the close of the day, by id."""
        return breaks_on(self._break_payloads(), self.day)

    def open_breaks(self) -> list[Any]:
        return open_breaks(self._break_payloads(), self.day)

    def _break_payloads(self) -> list[dict[str, Any]]:
        """Facts of breaks with their author and time from the chain."""
        return [told(f) for f in self.known.facts("break")]

    def breaks_listed(self, *, closed_too: bool = False) -> Report:
        """What is open with its id, for the terminal."""
        states = list(self.break_states().values())
        table = open_breaks_table([s for s in states if s.is_open], self.day, self.fund.calendar)
        closed = [s for s in states if not s.is_open] if closed_too else []
        return list_report(table, closed, self.fund.id, self.day)

    def breaks_as_data(self, *, closed_too: bool = False) -> dict[str, Any]:
        """The same for machines, each break with its history."""
        states = [s for s in self.break_states().values() if closed_too or s.is_open]
        rows = open_breaks_table(states, self.day, self.fund.calendar).to_pylist()
        by_id = {s.break_id: s for s in states}
        more = {i: {"state": s.says, "closed": s.closed, "reason": s.reason, "history": s.history} for i, s in by_id.items()}
        listed = [plain_data({**row, **more[row["break_id"]]}) for row in rows]
        return {
            "fund": self.fund.id,
            "business_date": self.day.isoformat(),
            "base_currency": self.fund.base_currency,
            "breaks": listed,
        }

    def rules(self, name: str) -> Rules:
        return self.office.reconciliation(name)

    # What a day does

    def carry_breaks(self, result: Reconciliation) -> None:
        """Append what the day's reconciliation does to the breaks, and what it concluded. A desk in the past writes nothing."""
        if self.known.past:
            return
        states = list(self.break_states().values())
        open_now, decided = [s.found for s in states if s.is_open], [s for s in states if s.is_decided]
        self._append_breaks(carry(open_now, result, self.day, self.fund.calendar, decided).payloads)
        self._record_run(result)

    def _append_breaks(self, payloads: Iterable[Mapping[str, Any]]) -> None:
        """Each fact under an id of its own: a break may come, go and come back on one day."""
        said = Counter(f.entity for f in self.office.store.facts("break", stream=self.fund.id))
        facts = []
        for p in payloads:
            fact_id = f"{p['fact']}:{p['break_id']}:{self.day}:{said[p['break_id']]}"
            said[p["break_id"]] += 1
            kind = p["fact"].replace("_", ".", 1)
            facts.append(Fact(fact_id, self.fund.id, kind, p["break_id"], parse_date(day_of(p)), dict(p)))
        self.office.append(facts)

    # What a reconciliation concluded

    def concluded(self, until: date | None = None) -> dict[tuple[str, date], dict[str, Any]]:
        """What each reconciliation of this fund said last for each day: (name, business date) -> its figures."""
        facts = self.known.facts("recon.concluded", recon_stream(self.fund.id), until)
        return {(f.payload["recon"], f.effective_date): told(f) for f in facts}

    def _record_run(self, result: Reconciliation) -> None:
        proven = result.proof["proven"].to_pylist() if "proven" in result.proof.column_names else []
        payload = {
            "fund": self.fund.id, "recon": result.name, "business_date": self.day.isoformat(), "rules": result.rules,
            "verdict": result.verdict.value, "matched_pct": plain(result.matched_pct), "accounts": len(proven),
            "proven": sum(map(bool, proven)), "differences": len(result.items),
            "passes": {r["pass"]: r["rows_left"] + r["rows_right"] for r in result.rates.to_pylist()},
        }  # fmt: skip
        entity, stream = f"{self.fund.id}/{result.name}", recon_stream(self.fund.id)
        there = self.office.store.facts("recon.concluded", stream=stream, entity=entity)
        todays = [f for f in there if f.effective_date == self.day]
        if todays and todays[-1].payload == payload:
            return
        fact_id = f"{stream}:{result.name}:{self.day}:{len(todays)}"
        fact = Fact(fact_id, stream, "recon.concluded", entity, self.day, payload)
        self.office.append([fact])

    # What people decide

    def comment(self, break_ids: Sequence[str], text: str) -> Report:
        """Every decision takes ids of breaks or their beginnings, is appended, and reports what became of it."""
        return self._decide("comment", break_ids, text, lambda states, said: decisions.comment(states, said))

    def attach(self, break_ids: Sequence[str], file: Path, text: str = "") -> Report:
        """Keeps a copy of ``file`` in the evidence, under its hash. Raises ``OSError`` and ``ParameterError``."""
        size = file.stat().st_size
        if size > ATTACHMENT_MAX_BYTES:
            raise config.ParameterError(f"{file}: {size:,} bytes; an attachment has at most {ATTACHMENT_MAX_BYTES:,}")
        name = "".join(c if c.isprintable() else "?" for c in file.name)

        def keep(states: Sequence[BreakState], said: Said) -> Decision:
            return decisions.attach(states, said, name, self.attachments.put(file), size)

        return self._decide("attach", break_ids, text, keep)

    def assign(self, break_ids: Sequence[str], owner: str = "", due: date | None = None, text: str = "") -> Report:
        return self._decide("assign", break_ids, text, lambda states, said: decisions.assign(states, said, owner, due))

    def propose_match(self, break_ids: Sequence[str], text: str) -> Report:
        """Two or more breaks that belong together; above the limit it waits for a second person."""
        return self._decide(
            "match", break_ids, text, lambda states, said: decisions.propose_match(states, said, self._limit(states))
        )

    def write_off(self, break_ids: Sequence[str], text: str) -> Report:
        """The difference is accepted; above the limit, or the limit of the month, it waits for a second person."""

        def decide(states: Sequence[BreakState], said: Said) -> Decision:
            alone = decisions.written_off_alone(self.break_states().values(), said.by, self.day)
            return decisions.write_off(states, said, self._limit(states), self.office.firm.write_offs_alone_a_month, alone)

        return self._decide("write off", break_ids, text, decide)

    def approve(self, break_ids: Sequence[str], text: str = "") -> Report:
        known = self.break_states()
        return self._decide("approve", break_ids, text, lambda states, said: decisions.approve(states, known, said))

    def reject(self, break_ids: Sequence[str], text: str) -> Report:
        known = self.break_states()
        return self._decide("reject", break_ids, text, lambda states, said: decisions.reject(states, known, said))

    def reopen(self, break_ids: Sequence[str], text: str) -> Report:
        known = self.break_states()
        return self._decide("reopen", break_ids, text, lambda states, said: decisions.reopen(states, known, said))

    @property
    def attachments(self) -> FileStore:
        return attachments(self.office)

    def _limit(self, states: Sequence[BreakState]) -> Decimal:
        """The lowest limit, in base currency, of the reconciliations concerned; the firm's where they name none."""
        named = [self.rules(name).four_eyes_above for name in {s.found.item.recon for s in states}]
        return min(limit if limit is not None else self.office.firm.four_eyes_above for limit in named)

    def _decide(self, action: str, break_ids: Sequence[str], text: str, decide: Any) -> Report:
        """Find the breaks, decide, append the decision or its refusal. Unknown ids decide nothing at all."""
        self.must_be_now()
        found = decisions.find_breaks(self.break_states(), break_ids)
        if found.findings or not found.value:
            return decision_report(action, Decision("refused", "Nothing was decided.", findings=found.findings), [], self.day)
        decision: Decision = decide(found.value, Said(self.office.actor, self.day, text.strip()))
        self._append_breaks(decision.payloads)
        ids = dict.fromkeys([*(s.break_id for s in found.value), *(p["break_id"] for p in decision.payloads)])
        after = self.break_states()
        return decision_report(action, decision, [after[i] for i in ids], self.day)


def told(fact: StoredFact) -> dict[str, Any]:
    """A fact's payload with who wrote it, when."""
    return {**fact.payload, "by": fact.actor, "at": fact.known_at}


def attachments(office: Office) -> FileStore:
    """Where files attached to breaks are kept."""
    return FileStore(office.root / office.firm.outputs / ATTACHMENTS)
