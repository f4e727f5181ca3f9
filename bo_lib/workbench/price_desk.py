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
from bo_lib.model.findings import Verdict
from bo_lib.nav import price_decisions as decisions
from bo_lib.nav.price_decisions import PriceDecisions
from bo_lib.store import Fact
from bo_lib.views.pages.prices import decided_report, listed_report
from bo_lib.views.report import Report
from bo_lib.workbench.break_desk import attachments, told
from bo_lib.workbench.desk import Desk
from bo_lib.workbench.known import Known


class PriceDesk(Desk):
    def price_decisions(self, known: Known | None = None) -> PriceDecisions:
        """Challenges and overrides as known on the day, or in ``known`` (what a strike is locked to)."""
        return decisions.price_decisions({**told(f), "fact": f.kind} for f in (known or self.known).facts("price"))

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
        why = why or ("" if text.strip() else "a challenge says what is doubted: found nothing")
        said = {"isin": isin, "text": text.strip()}
        return self._decide_price(decisions.CHALLENGED, isin, said, why, f"The price of {isin} is challenged.", file)

    def override_price(self, isin: str, price: Decimal, until: date, text: str, file: Path | None = None) -> Report:
        """Proposes ``price`` from today until ``until``; it counts once a second person approves it."""
        currency = self._currencies.get(isin, "")
        why = decisions.unfit_override(isin, price, self.day, until, text, self._currencies)
        said = {"isin": isin, "price": f"{price:f}", "currency": currency, "until": until.isoformat(), "text": text.strip()}
        waits = f"{isin} at {price:f} {currency} until {until}: it waits for a second person to approve it."
        return self._decide_price(decisions.PROPOSED, isin, said, why, waits, file, Verdict.ATTENTION)

    def approve_price(self, isin: str, text: str = "") -> Report:
        p = self.price_decisions().waiting(isin)
        why = decisions.unfit_approval(p, isin, self.office.actor)
        said = {"isin": isin, "id": p.id if p else "", "text": text.strip()}
        done = f"{isin} stands at {p.price:f} {p.currency} until {p.until}, unless it is overridden anew." if p else ""
        return self._decide_price(decisions.APPROVED, isin, said, why, done)

    def reject_price(self, isin: str, text: str) -> Report:
        p = self.price_decisions().waiting(isin)
        why = "" if p else f"no override of {isin} waits for a second person"
        why = why or ("" if text.strip() else "a rejection has a reason: found none")
        said = {"isin": isin, "id": p.id if p else "", "text": text.strip()}
        return self._decide_price(decisions.REJECTED, isin, said, why, f"The override of {isin} is not made.")

    @property
    def _currencies(self) -> dict[str, str]:
        master = self.known.instruments
        return dict(zip(master["isin"].to_pylist(), master["currency"].to_pylist(), strict=True))

    def _decide_price(
        self, kind: str, isin: str, said: dict[str, Any], why: str, done: str, file: Path | None = None,
        verdict: Verdict = Verdict.PASS,
    ) -> Report:  # fmt: skip
        """Append the decision, or its refusal with the reason."""
        if self.known.past:
            raise config.ParameterError("a desk that looks at the past writes nothing; open it without known_at")
        kept = attachments(self.office).put(file) if file and not why else ""
        count = len(self.office.store.facts("price", stream=self.fund.id, entity=isin))
        fact_id = f"{kind}:{self.fund.id}:{isin}:{self.day}:{count}"
        payload = {"date": self.day.isoformat(), "id": fact_id, **said, "evidence": kept}
        if why:
            kind, payload = decisions.REFUSED, {**payload, "reason": why, "decision": kind}
            fact_id = f"{kind}:{fact_id}"
        self.office.append([Fact(fact_id, self.fund.id, kind, isin, self.day, payload)])
        findings = (decisions.refusal(isin, why),) if why else ()
        return decided_report(f"Refused: {why}." if why else done, Verdict.BLOCKED if why else verdict, findings)
