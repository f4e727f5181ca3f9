"""The checks of the close. Each is one small function over the evidence; ``CHECKS`` names them for parameters/close.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa

from bo_lib.books import Book
from bo_lib.close.statements import NetAssetsStatement, RollForward, out_of_balance
from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO
from bo_lib.nav import Control, Strike
from bo_lib.recon import Reconciliation


@dataclass(frozen=True)
class Evidence:
    """What a close looks at, of one fund at one month's end. What is None is not there yet: its tasks stay open."""

    fund: str
    day: date
    book: Book | None = None  # with the accruals of the month's last strike
    struck: Strike | None = None
    controls: Sequence[Control] | None = None
    reconciliations: Mapping[str, Reconciliation] | None = None  # cash, positions
    accepted_breaks: frozenset[str] = frozenset()  # break ids that two people accepted
    adjusted: pa.Table | None = None  # ADJUSTED_BALANCE of the day
    statement: NetAssetsStatement | None = None
    roll: RollForward | None = None
    waiting: Sequence[Finding] | None = None  # events that wait for a person; None: those that the book itself refused


@dataclass(frozen=True)
class Answer:
    """done, failed, or open when the evidence is missing; ``items`` counts what failed or is left over."""

    state: str
    says: str
    items: int = 0


def _missing(what: str) -> Answer:
    return Answer("open", f"no {what} yet")


def _judged(failures: int, good: str, bad: str) -> Answer:
    return Answer("failed", bad, failures) if failures else Answer("done", good)


def _reconciled(e: Evidence, name: str) -> Answer:
    recon = (e.reconciliations or {}).get(name)
    if recon is None:
        return _missing(f"reconciliation of {name}")
    left = [b for b in recon.items if b.break_id not in e.accepted_breaks]
    accepted = len(recon.items) - len(left)
    listed = "; ".join(f"{b.kind} {b.amount.normalize():f} {b.currency or b.isin} {b.reference}".rstrip() for b in left[:5])
    said = f"{len(left)} open: {listed}" if left else "nothing open"
    said += f"; {accepted} accepted by two people" if accepted else ""
    if recon.proven:
        return Answer("done", f"{recon.title} proven, {said}", len(left))
    return Answer("failed", f"{recon.title} not proven, {said}", max(1, len(left)))


def cash_reconciled(e: Evidence) -> Answer:
    """Cash here and at the custodians: every account is proven, so that each cent of difference is a break that is listed."""
    return _reconciled(e, "cash")


def positions_reconciled(e: Evidence) -> Answer:
    """Positions in the books are the positions at the custodians, on each custodian's own basis."""
    return _reconciled(e, "positions")


def events_booked(e: Evidence) -> Answer:
    """Every event known was posted. One that was refused is in nobody's net assets, whatever the reason."""
    if e.book is None:
        return _missing("books")
    waiting = [r.finding for r in e.book.refused] if e.waiting is None else e.waiting
    listed = "; ".join(f.message for f in waiting[:5])
    return _judged(
        len(waiting), "every event is posted", f"{len(waiting)} events refused: {listed}; bo refused --fund {e.fund} lists them"
    )


def suspense_empty(e: Evidence) -> Answer:
    """Nothing stands on the suspense account at the month's end."""
    if e.book is None:
        return _missing("books")
    rows = [r for r in e.book.trial_balance().to_pylist() if r["ledger"] == "suspense" and (r["local"] or r["base"])]
    listed = "; ".join(f"{r['local'].normalize():f} {r['currency']} {r['account'] or ''}".rstrip() for r in rows)
    return _judged(len(rows), "suspense is empty", f"suspense holds {listed}")


def prices_final(e: Evidence) -> Answer:
    """Every holding of the month-end strike has a price that stood, and no error was found among prices and rates."""
    if e.struck is None:
        return _missing("strike")
    rows = [r for r in e.struck.components.to_pylist() if r["component"] == "holding"]
    bare = [r["item"] for r in rows if r["price"] is None]
    errors = [
        f.message for f in e.struck.findings if f.severity is Severity.ERROR and f.code.startswith(("price-", "rate-", "holding-"))
    ]
    bad = "; ".join([*(f"{isin} has no price" for isin in bare), *errors][:5])
    return _judged(len(bare) + len(errors), f"{len(rows)} holdings priced at {e.struck.day}", bad)


def _control(e: Evidence, name: str) -> Answer:
    found = next((c for c in e.controls or () if c.name == name), None)
    if found is None:
        return _missing(f"control {name.replace('_', ' ')}")
    return Answer("done" if found.verdict is Verdict.PASS else "failed", found.says, int(found.verdict is not Verdict.PASS))


def units_agree(e: Evidence) -> Answer:
    """Units in the books are the units in the register."""
    return _control(e, "units_agree")


def computations_agree(e: Evidence) -> Answer:
    """Two independent computations of net assets agree: lots and balances, and the ledger."""
    return _control(e, "two_computations_agree")


def administrator_agrees(e: Evidence) -> Answer:
    """The administrator's month-end NAV agrees by component, or each difference is explained and accepted."""
    return _control(e, "administrator_agrees")


def nav_controls_passed(e: Evidence) -> Answer:
    """No control of the month-end strike blocks it."""
    if e.controls is None:
        return _missing("controls of the strike")
    blocked = [c for c in e.controls if c.verdict is Verdict.BLOCKED]
    listed = "; ".join(f"{c.title}: {c.says}" for c in blocked)
    return _judged(len(blocked), f"{len(e.controls)} controls, none blocks", listed)


def accruals_booked(e: Evidence) -> Answer:
    """The fees of the month-end strike are in the books: every accrual once, at its amount."""
    if e.book is None or e.struck is None:
        return _missing("books" if e.book is None else "strike")
    booked: dict[str, Decimal] = {}
    for r in e.book.journal.select(["event_id", "ledger", "base"]).to_pylist():
        if r["ledger"].endswith("_payable"):
            name = r["event_id"].split("~")[0]  # a corrected version of an accrual stands for it
            booked[name] = booked.get(name, ZERO) - r["base"]
    wrong = [a for a in e.struck.accruals if booked.get(a.event_id, ZERO) != a.amount]
    listed = "; ".join(f"{a.name} {a.share_class} {a.amount}, booked {booked.get(a.event_id, ZERO)}" for a in wrong[:5])
    return _judged(len(wrong), f"{len(e.struck.accruals)} accruals of {e.struck.day} booked", listed)


def trial_balance_balances(e: Evidence) -> Answer:
    """Debits are credits in base currency, as booked and with the marks of the strike."""
    if e.adjusted is None:
        return _missing("trial balance")
    off = out_of_balance(e.adjusted)
    return _judged(int(off != 0), f"{e.adjusted.num_rows} balances add up to zero", f"the trial balance is off by {off}")


def statement_ties(e: Evidence) -> Answer:
    """The statement of net assets is the NAV: its net assets, its classes and the strike's total are one figure."""
    if e.statement is None or e.struck is None:
        return _missing("statement of net assets")
    gap, classes = e.statement.net_assets - e.struck.net_assets, e.statement.difference
    bad = f"statement {e.statement.net_assets}, strike {e.struck.net_assets}, classes {e.statement.classes}"
    return _judged(int(gap != 0) + int(classes != 0), f"net assets {e.statement.net_assets} in statement, classes and strike", bad)


def roll_forward_ties(e: Evidence) -> Answer:
    """Opening net assets + operations + capital = closing net assets, by the ledger's own account of the month."""
    if e.roll is None:
        return _missing("roll-forward")
    good = f"{e.roll.opening} + operations {e.roll.operations} + capital {e.roll.capital} = {e.roll.closing}"
    return _judged(int(e.roll.difference != 0), good, f"{good} is off by {e.roll.difference}")


CHECKS: dict[str, Callable[[Evidence], Answer]] = {
    check.__name__: check
    for check in (
        cash_reconciled, positions_reconciled, events_booked, suspense_empty, prices_final, units_agree, computations_agree,
        administrator_agrees, nav_controls_passed, accruals_booked, trial_balance_balances, statement_ties, roll_forward_ties,
    )
}  # fmt: skip
