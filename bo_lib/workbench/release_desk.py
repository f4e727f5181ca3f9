"""The release of a NAV at the desk: two people sign, a blocked control is let pass by name, the price is published.

The author of what is said is who writes it: ``Office.actor``, kept in the chain with the time. An unattended firm (see
``config.Release``) has two names that sign at once what nothing blocks; their facts say that nobody was there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bo_lib.model.findings import Severity, Verdict
from bo_lib.nav import Approval, release
from bo_lib.nav.release import APPROVED, PREPARER, REVIEWER, Candidate, Decision, ReleaseState, state_of
from bo_lib.store import Fact, StoredFact
from bo_lib.views import nav_pack
from bo_lib.views.nav_pack import NavPack
from bo_lib.views.pages.release import decision_report, pack_report, signatures_report
from bo_lib.views.report import Report
from bo_lib.workbench.break_desk import told
from bo_lib.workbench.dealing_desk import DealingDesk
from bo_lib.workbench.desk import once
from bo_lib.workbench.known import Known
from bo_lib.workbench.nav_inputs import digest, file_sha256
from bo_lib.workbench.office import release_stream


class ReleaseDesk(DealingDesk):
    @once
    def strike(self) -> Report:
        """Strikes, and records the NAV and its accruals unless something blocks it; an unattended firm releases it too."""
        report = super().strike()
        self._release_unattended()
        return report

    def approvals(self) -> tuple[Approval, ...]:
        """Blocked controls that two people let pass, as known when the strike began."""
        facts = [f for f in self.locked.facts(APPROVED) if f.effective_date == self.day]
        return state_of(self._candidate(), map(told, facts)).approvals if facts else ()

    @once
    def _candidate(self) -> Candidate:
        blocked = {c.name: c.says for c in self.controlled() if c.verdict is Verdict.BLOCKED}
        errors = tuple(f.message for f in self.struck().findings if f.severity is Severity.ERROR)
        return Candidate(self.fund.id, self.day, digest(self._payload()), self._inputs({}).sha256, blocked, errors)

    def release_state(self) -> ReleaseState:
        """What people have said of tonight's strike."""
        return state_of(self._candidate(), map(told, self._said(self.known)))

    def _said(self, known: Known) -> list[StoredFact]:
        facts = [*known.facts("nav", release_stream(self.fund.id)), *known.facts(APPROVED)]
        return sorted((f for f in facts if f.effective_date == self.day), key=lambda f: f.seq)

    def release_state_in_short(self) -> ReleaseState | None:
        """The same for the strike that is recorded, without striking again; None when none is."""
        struck = [f for f in self.known.facts("nav.struck") if f.effective_date == self.day]
        if not struck:
            return None
        recorded = Candidate(self.fund.id, self.day, digest(struck[-1].payload), self._inputs({}).sha256, {})
        return state_of(recorded, map(told, self._said(self.known)))

    # What people decide

    def sign(self, text: str = "") -> Report:
        """The first who signs prepared the NAV, the second reviewed it."""
        return self._decide_nav("sign", lambda state, by: release.sign(state, by, text.strip()))

    def approve_control(self, control: str, text: str = "") -> Report:
        """Lets a control that blocks pass: one person gives the reason, a second agrees."""
        return self._decide_nav("approve", lambda state, by: release.approve(state, control, by, text))

    def release(self) -> Report:
        """Publishes the prices of a NAV that two people signed."""
        return self._decide_nav("release", lambda state, by: release.release(state, by, self._published()))

    def _published(self) -> dict[str, Any]:
        payload, prices = self._payload(), self.dealing_price()
        dealing = {name: f"{price:f}" for name, price in prices.items()}
        classes = [{**c, "dealing_price": dealing.get(c["id"], c["nav_per_unit"])} for c in payload["classes"]]
        published = {"classes": classes, "net_assets": payload["net_assets"], "currency": payload["currency"]}
        return {**published, "dealing_prices": dealing}  # of a series that opens too, which has no NAV yet

    def _decide_nav(self, action: str, decide: Callable[[ReleaseState, str], Decision]) -> Report:
        self.must_be_now()
        if self.releasable():
            self._record(self.struck().value)  # what is signed is what is kept
        decision = decide(self.release_state(), self.office.actor)
        self._append_said(decision, self.office.actor)
        return decision_report(action, decision, self.afresh().release_state())

    def afresh(self) -> ReleaseDesk:
        """This desk with what was decided a moment ago."""
        return type(self)(self.office, self.fund.id, self.day)

    def _append_said(self, decision: Decision, by: str, **more: Any) -> None:
        payload = {**decision.payload, **more}
        kind = payload["fact"]
        stream = self.fund.id if kind == APPROVED else release_stream(self.fund.id)
        number = sum(f.effective_date == self.day for f in self.known.facts("nav", stream))
        fact = Fact(f"{kind}:{self.fund.id}:{self.day}:{number}", stream, kind, self.fund.id, self.day, payload)
        self.office.append([fact], by)

    def _release_unattended(self) -> None:
        names = self.office.firm.release.unattended
        if not names or self.known.past or not self.releasable():
            return
        for by in names:
            state = self.release_state()
            if state.released or (state.signer(PREPARER) and state.signer(REVIEWER)):
                break
            self._append_said(release.sign(state, by, "signed unattended"), by, unattended=True)
        state = self.release_state()
        if not state.released:
            self._append_said(release.release(state, names[1], self._published()), names[1], unattended=True)

    # Pages

    @once
    def signatures(self) -> Report:
        """Who signed, let pass and released tonight's NAV, as known when the strike began."""
        return signatures_report(self._state_when_locked(), self.office.firm.release.unattended)

    def _state_when_locked(self) -> ReleaseState:
        return state_of(self._candidate(), map(told, self._said(self.locked)))

    @once
    def pack(self) -> NavPack:
        """Everything about tonight's NAV, signatures and controls included, as known when the strike began; blocked or not."""
        reports = (
            self.signatures(),
            self.strike(),
            self.nav_controls(),
            self.nav_move(),
            self.shadow(),
            self.prices(),
            self.inputs(),
        )
        return NavPack(
            self.fund.name, self.struck().value, self.attribution(), self.compared().value, self._state_when_locked(), reports,
            self.locked_inputs().evidence(),
        )  # fmt: skip

    @once
    def nav_pack(self) -> Report:
        """The pack as files, in the folder of the run when there is one, and their hashes."""
        with TemporaryDirectory() as aside:
            folder = Path(os.environ["BO_RUN_DIR"]) / "pack" if "BO_RUN_DIR" in os.environ else Path(aside)
            return pack_report(
                [(p.name, p.stat().st_size, file_sha256(p)) for p in nav_pack.write(self.pack(), folder)], self.pack()
            )
