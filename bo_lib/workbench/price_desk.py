"""Prices at the desk: what was chosen and why, challenges, and overrides under four eyes.

The author of a decision is who writes it: ``Office.actor``, kept in the chain with the time.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib import config
from bo_lib.close import FairValueLevels
from bo_lib.close.schedules import level_of
from bo_lib.model.findings import Outcome, Verdict
from bo_lib.model.four_eyes import OVERRIDE, Proposal
from bo_lib.nav import price_decisions as decisions
from bo_lib.nav.price_decisions import PriceDecisions
from bo_lib.store import Fact
from bo_lib.views.pages.prices import decided_report, listed_report
from bo_lib.views.report import Report
from bo_lib.workbench.break_desk import attachments
from bo_lib.workbench.desk import Desk
from bo_lib.workbench.known import Known
from bo_lib.workbench.proposals import Proposals


class PriceDesk(Desk):
    def price_decisions(self, known: Known | None = None) -> PriceDecisions:
        """Challenges and overrides as known on the day, or in ``known`` (what a strike is locked to)."""
        return decisions.price_decisions((known or self.known).facts("price"))

    def prices_listed(self, candidates: Any) -> Report:
        """``candidates``: table CANDIDATES of the day; each chosen price with its level of the fair value hierarchy."""
        rules = config.load(self.office.root / "parameters" / "rules" / "fair_value_levels.yaml", FairValueLevels)
        kinds = {row["isin"]: row["kind"] for row in self.known.instruments.select(["isin", "kind"]).to_pylist()}
        chosen = [row for row in candidates.to_pylist() if row["chosen"]]
        levels = Counter(level_of(rules, kinds.get(row["isin"], ""), row["source"]) for row in chosen)
        return listed_report(candidates, self.price_decisions(), levels, self.fund.id, self.day)

    def challenge_price(self, isin: str, text: str, file: Path | None = None) -> Report:
        """A doubt about today's price, with its evidence; it changes nothing, and stays to be seen."""
        why = "" if isin in self._currencies else f"{isin} is not in the security master"
        if why := why or ("" if text.strip() else "a challenge says what is doubted: found nothing"):
            return self._refuse_price(isin, decisions.CHALLENGED, text, why)
        said = {"isin": isin, "text": text.strip(), "date": self.day.isoformat(), "evidence": self._kept(file)}
        self._append_price(decisions.CHALLENGED, isin, said)
        return decided_report(f"The price of {isin} is challenged.", Verdict.PASS, ())

    def override_price(self, isin: str, price: Decimal, until: date, text: str, file: Path | None = None) -> Report:
        """Proposes ``price`` from today until ``until``; it counts once a second person approves it."""
        if why := decisions.unfit_override(isin, price, self.day, until, text, self._currencies):
            return self._refuse_price(isin, OVERRIDE, text, why)
        said = {"price": f"{price:f}", "currency": self._currencies[isin], "until": until.isoformat(), "evidence": self._kept(file)}
        made = self._overrides().make("override", isin, said, text.strip(), self.day)
        waits = f"{isin} at {price:f} {said['currency']} until {until}: it waits for a second person to approve it."
        return _decided(made, waits, Verdict.ATTENTION)

    def approve_price(self, isin: str, text: str = "") -> Report:
        made = self._overrides().approve(isin, text, lambda _: Outcome(()), self.day)
        said = made.value.content if made.value else {"price": "", "currency": "", "until": ""}
        return _decided(made, "{} stands at {price} {currency} until {until}, unless overridden anew.".format(isin, **said))

    def reject_price(self, isin: str, text: str) -> Report:
        return _decided(self._overrides().reject(isin, text, self.day), f"The override of {isin} is not made.")

    @property
    def _currencies(self) -> dict[str, str]:
        master = self.known.instruments
        return dict(zip(master["isin"].to_pylist(), master["currency"].to_pylist(), strict=True))

    def _overrides(self) -> Proposals:
        self.must_be_now()
        return Proposals(self.office, self.fund.id, OVERRIDE, "bo prices")

    def _refuse_price(self, isin: str, decision: str, text: str, why: str) -> Report:
        """A refusal is a fact too."""
        self._append_price(decisions.REFUSED, isin, {"isin": isin, "text": text.strip(), "reason": why, "decision": decision})
        return decided_report(f"Refused: {why}.", Verdict.BLOCKED, (decisions.refusal(isin, why),))

    def _append_price(self, kind: str, isin: str, said: dict[str, Any]) -> None:
        self.must_be_now()
        count = len(self.office.store.facts("price", stream=self.fund.id, entity=isin))
        self.office.append([Fact(f"{kind}:{self.fund.id}:{isin}:{self.day}:{count}", self.fund.id, kind, isin, self.day, said)])

    def _kept(self, file: Path | None) -> str:
        return attachments(self.office).put(file) if file else ""


def _decided(made: Outcome[Proposal | None], done: str, verdict: Verdict = Verdict.PASS) -> Report:
    """What became of a decision, or why it was refused."""
    if made.value:
        return decided_report(done, verdict, ())
    return decided_report(f"Refused: {made.findings[0].message}.", Verdict.BLOCKED, made.findings)
