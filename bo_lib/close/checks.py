"""The checks of the close. Each is one small function over the evidence; ``CHECKS`` names them for parameters/close.yaml.

An answer carries what the check looked at (``seen``): its hash is the evidence that people sign, and a signature counts as long
as the check sees the same. So a late trade asks for new signatures where it changed something, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.books import Book
from bo_lib.close.asof import AsOf
from bo_lib.close.digest import digest
from bo_lib.close.ledger import Period
from bo_lib.close.statements import NetAssetsStatement, RollForward, out_of_balance
from bo_lib.config import Close
from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO, plain
from bo_lib.nav import Control, Strike
from bo_lib.recon import Break, Reconciliation


@dataclass(frozen=True)
class Evidence:
    """What a close looks at, of one fund at one month's end. What is None is not there yet: its tasks stay open."""

    fund: str
    day: date
    book: Book | None = None  # with the accruals of the month's last strike
    struck: Strike | None = None
    controls: Sequence[Control] | None = None
    reconciliations: Mapping[str, Reconciliation] | None = None  # by name, all that the fund has
    accepted_breaks: frozenset[str] = frozenset()  # break ids that two people accepted
    adjusted: pa.Table | None = None  # ADJUSTED_BALANCE of the day
    statement: NetAssetsStatement | None = None
    roll: RollForward | None = None
    waiting: Sequence[Finding] | None = None  # events that wait for a person; None: those that the book itself refused
    month: Period | None = None  # the general ledger of the month
    before: Period | None = None  # of the month before; None in the first
    investments: pa.Table | None = None  # table INVESTMENTS
    investments_before: pa.Table | None = None
    ties: Mapping[str, pa.Table] | None = None  # framework -> table TIES
    as_of: AsOf | None = None
    related: Sequence[Related] | None = None  # what is held of, or owed by, other funds of the firm
    budget: Mapping[str, Decimal] | None = None  # expense -> what the terms let expect of the month, in base currency
    late_postings: Sequence[LatePosting] = ()  # of the month, entered after it was soft closed
    runs: Mapping[str, Run] = field(default_factory=dict)  # notebook -> its last run for the day
    tolerances: Close | None = None  # parameters/close.yaml


@dataclass(frozen=True)
class Related:
    """A holding of another fund of the firm: price and units here, and what that fund says."""

    item: str
    ours: Decimal
    theirs: Decimal | None


@dataclass(frozen=True)
class LatePosting:
    """An event that came for a soft closed month: who brought it and who, if anybody else, approved it."""

    event_id: str
    kind: str
    entered_by: str
    approved_by: str = ""


@dataclass(frozen=True)
class Run:
    verdict: str
    run_id: str
    manifest_sha256: str


@dataclass(frozen=True)
class Answer:
    """done, failed, or open when the evidence is missing; ``items`` counts what failed or is left over; ``seen``: the evidence."""

    state: str
    says: str
    items: int = 0
    seen: Any = None
    hashed: str = ""  # the hash of what was seen, where it was taken before

    @cached_property
    def evidence(self) -> str:
        """Hash of what was looked at and said; empty while there is nothing."""
        return self.hashed if self.hashed else "" if self.state == "open" else digest([self.state, self.says, self.seen])


def _missing(what: str) -> Answer:
    return Answer("open", f"no {what} yet")


def _judged(failures: int, good: str, bad: str, seen: Any = None) -> Answer:
    return Answer("failed", bad, failures, seen) if failures else Answer("done", good, 0, seen)


def reconciled(e: Evidence, names: Sequence[str]) -> Answer:
    """Both sides agree: each reconciliation is proven, and each break that makes up a difference is accepted by people.

    One that has nothing to compare, and need not have, counts as agreed; one that waits for a file is open.
    """
    found = [_reconciled(e, name) for name in names]
    state = next((s for s in ("open", "failed") if any(a.state == s for a in found)), "done")
    said = "; ".join(a.says for a in found if a.state == state) or "there is no other reconciliation"
    return Answer(state, said, sum(a.items for a in found), [[a.says, a.seen] for a in found])


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _reconciled(e: Evidence, name: str) -> Answer:
    recon = (e.reconciliations or {}).get(name)
    if recon is None:
        return _missing(f"reconciliation of {name.replace('_', ' ')}")
    if not recon.proof.num_rows and not recon.items:
        why = "; ".join(f.message for f in recon.findings) or "no rows on either side"
        waits = any(f.severity is not Severity.INFO for f in recon.findings)
        return Answer("open" if waits else "done", f"{recon.title}: nothing to compare: {why}", 0, why)
    left = [b for b in recon.items if b.break_id not in e.accepted_breaks]
    accepted = len(recon.items) - len(left)
    listed = "; ".join(_named(b) for b in left[:5])
    said = f"{_counted(len(left), 'break')} that nobody accepted: {listed}" if left else "no break left"
    said += f"; {accepted} accepted by people" if accepted else ""
    seen = [recon.proof, sorted(b.break_id for b in recon.items), sorted(b.break_id for b in left)]
    if recon.proven and not left:
        return Answer("done", f"{recon.title} proven, {said}", 0, seen)
    return Answer("failed", f"{recon.title} {'proven' if recon.proven else 'not proven'}, {said}", max(1, len(left)), seen)


def _named(b: Break) -> str:
    of = b.currency or b.isin
    return " ".join(filter(None, (b.kind.replace("_", " "), plain(b.amount), of, "" if b.reference == of else b.reference)))


def events_booked(e: Evidence) -> Answer:
    """Every event known was posted. One that was refused is in nobody's net assets, whatever the reason."""
    if e.book is None:
        return _missing("books")
    waiting = [r.finding for r in e.book.refused] if e.waiting is None else e.waiting
    listed = "; ".join(f.message for f in waiting[:5])
    bad = f"{_counted(len(waiting), 'event')} refused: {listed}; bo refused --fund {e.fund} lists them"
    return _judged(len(waiting), "every event is posted", bad, sorted(str(f) for f in waiting))


def suspense_empty(e: Evidence) -> Answer:
    """Nothing stands on the suspense account at the month's end."""
    if e.book is None:
        return _missing("books")
    rows = [r for r in e.book.trial_balance().to_pylist() if r["ledger"] == "suspense" and (r["local"] or r["base"])]
    listed = "; ".join(f"{r['local'].normalize():f} {r['currency']} {r['account'] or ''}".rstrip() for r in rows)
    return _judged(len(rows), "suspense is empty", f"suspense holds {listed}", rows)


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
    seen = sorted([r["item"], r["price"] or ZERO] for r in rows)
    return _judged(len(bare) + len(errors), f"{len(rows)} holdings priced at {e.struck.day}", bad, [seen, errors])


def _control(e: Evidence, name: str) -> Answer:
    found = next((c for c in e.controls or () if c.name == name), None)
    if found is None:
        return _missing(f"control {name.replace('_', ' ')}")
    passed = found.verdict is Verdict.PASS
    return Answer("done" if passed else "failed", found.says, int(not passed))


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
    seen = [[c.name, c.verdict, c.says] for c in e.controls]
    return _judged(len(blocked), f"{len(e.controls)} controls, none blocks", listed, seen)


def accruals_booked(e: Evidence) -> Answer:
    """The fees of the month-end strike are in the books, trued up: for each name and class what was booked is its amount."""
    if e.book is None or e.struck is None:
        return _missing("books" if e.book is None else "strike")
    booked: dict[str, Decimal] = {}
    for r in e.book.journal.filter(pc.equal(e.book.journal["effective_date"], pa.scalar(e.struck.day, pa.date32()))).to_pylist():
        if r["ledger"].endswith("_payable") and ":accrual:" in r["event_id"]:
            name = f"{r['ledger'].removesuffix('_payable')} {r['share_class'] or ''}"
            booked[name] = booked.get(name, ZERO) - r["base"]
    due: dict[str, Decimal] = {}
    for a in e.struck.accruals:
        due[f"{a.name} {a.share_class}"] = due.get(f"{a.name} {a.share_class}", ZERO) + a.amount
    wrong = [name for name in sorted({*booked, *due}) if booked.get(name, ZERO) != due.get(name, ZERO)]
    listed = "; ".join(f"{name.strip()} {plain(due.get(name, ZERO))}, booked {plain(booked.get(name, ZERO))}" for name in wrong[:5])
    todo = f"; book the difference: bo close true-up --fund {e.fund} --month {e.day:%Y-%m}"
    return _judged(len(wrong), f"{len(due)} accruals of {e.struck.day} booked", listed + todo, due)


def trial_balance_balances(e: Evidence) -> Answer:
    """Debits are credits in base currency, as booked and with the marks of the strike."""
    if e.adjusted is None:
        return _missing("trial balance")
    off = out_of_balance(e.adjusted)
    seen = e.adjusted
    return _judged(int(off != 0), f"{e.adjusted.num_rows} balances add up to zero", f"the trial balance is off by {off}", seen)


def statement_ties(e: Evidence) -> Answer:
    """The statement of net assets is the NAV: its net assets, its classes and the strike's total are one figure."""
    if e.statement is None or e.struck is None:
        return _missing("statement of net assets")
    gap, classes = e.statement.net_assets - e.struck.net_assets, e.statement.difference
    bad = f"statement {e.statement.net_assets:,.2f}, strike {e.struck.net_assets:,.2f}, classes {e.statement.classes:,.2f}"
    return _judged(
        int(gap != 0) + int(classes != 0), f"net assets {e.statement.net_assets:,.2f} in statement, classes and strike", bad
    )


def roll_forward_ties(e: Evidence) -> Answer:
    """Opening net assets + operations + capital = closing net assets, by the ledger's own account of the month."""
    if e.roll is None:
        return _missing("roll-forward")
    good = f"{e.roll.opening:,.2f} + operations {e.roll.operations:,.2f} + capital {e.roll.capital:,.2f} = {e.roll.closing:,.2f}"
    return _judged(int(e.roll.difference != 0), good, f"{good} is off by {e.roll.difference:,.2f}")


def levels_final(e: Evidence) -> Answer:
    """Every holding has a level of the fair value hierarchy; one that changed its level since the month before is named."""
    if e.investments is None:
        return _missing("schedule of investments")
    now, then = (dict(_levels(t)) for t in (e.investments, e.investments_before))
    moved = [f"{isin} from {then[isin]} to {level}" for isin, level in sorted(now.items()) if then.get(isin, level) != level]
    counts = ", ".join(f"{list(now.values()).count(n)} of level {n}" for n in sorted(set(now.values())))
    return _judged(len(moved), f"{counts or 'no holdings'}; none moved", f"moved: {'; '.join(moved)}", now)


def _levels(investments: pa.Table | None) -> list[tuple[str, int]]:
    rows = investments.to_pylist() if investments is not None else []
    return [(row["isin"], row["level"]) for row in rows]


def related_balances_agree(e: Evidence) -> Answer:
    """What is held of other funds of the firm stands at what those funds struck, and is registered there."""
    if e.related is None:
        return _missing("figures of the firm's other funds")
    off = [r for r in e.related if r.ours != r.theirs]
    listed = "; ".join(
        f"{r.item}: {plain(r.ours)} here, {plain(r.theirs) if r.theirs is not None else 'nothing'} there" for r in off
    )
    good = f"{len(e.related)} figures agree" if e.related else "nothing is held of the firm's other funds"
    return _judged(len(off), good, listed, e.related)


def expenses_in_budget(e: Evidence) -> Answer:
    """Each expense of the month is what the terms let expect, within a tolerance."""
    if e.month is None or e.budget is None or e.tolerances is None:
        return _missing("general ledger of the month")
    actual = {name: e.month.change(name) for name in e.budget}
    off = [n for n, b in e.budget.items() if abs(actual[n] - b) * 100 > e.tolerances.budget_tolerance_pct * abs(b)]
    listed = "; ".join(f"{n} {plain(actual[n])}, expected {plain(e.budget[n])}" for n in off)
    return _judged(len(off), f"{len(actual)} expenses within {e.tolerances.budget_tolerance_pct} %", listed, [actual, e.budget])


def movements_usual(e: Evidence) -> Answer:
    """No income or expense (gains apart) moved against the month before by more than a tolerance, unless it is small."""
    if e.month is None or e.struck is None or e.tolerances is None:
        return _missing("general ledger of the month")
    if e.before is None:
        return Answer("done", "no earlier month to compare with")
    names = {r["ledger"] for of in (e.month, e.before) for r in of.rows if r["type"] in ("income", "expense")}
    moved = {n: (-e.month.change(n), -e.before.change(n)) for n in sorted(names) if not n.endswith("_gain")}
    least = abs(e.struck.net_assets) * e.tolerances.movement_above_bps / 10000
    tolerance = e.tolerances.movement_tolerance_pct
    far = [n for n, (a, b) in moved.items() if abs(a - b) > least and abs(a - b) * 100 > tolerance * abs(b)]
    listed = "; ".join(f"{n} {plain(moved[n][0])} after {plain(moved[n][1])}" for n in far)
    return _judged(len(far), f"{len(moved)} incomes and expenses compared, none moved by more than {tolerance} %", listed, moved)


def as_of_explained(e: Evidence) -> Answer:
    """The NAV of all that is known now differs from the daily NAV by items that are named, and by nothing else."""
    if e.as_of is None:
        return _missing("daily NAV to compare with")
    items = e.as_of.table.num_rows
    said = f"daily {e.as_of.daily:,.2f}, as of now {e.as_of.as_of:,.2f}"
    good = f"{said}, explained by {items} items" if items else f"{said}: nothing came late"
    return _judged(int(e.as_of.residual != 0), good, f"{said}, of which {e.as_of.residual:,.2f} is not explained", e.as_of.table)


def statements_tie(e: Evidence) -> Answer:
    """Every figure of the financial statements ties, under every framework."""
    if e.ties is None:
        return _missing("financial statements")
    broken = [f"{name}: {r['statement']}, {r['figure']}" for name, t in e.ties.items() for r in t.to_pylist() if r["difference"]]
    count = sum(t.num_rows for t in e.ties.values())
    return _judged(len(broken), f"{count} figures tie under {' and '.join(e.ties)}", "; ".join(broken[:5]), dict(e.ties))


def late_postings_approved(e: Evidence) -> Answer:
    """What came for the month after its soft close was posted by somebody else than who brought it; until then it waits."""
    waits = [p for p in e.late_postings if not p.approved_by]
    listed = "; ".join(f"{p.kind} {p.event_id} by {p.entered_by}" for p in waits[:5])
    todo = f"; a second person says bo close approve, defer or refuse EVENT --fund {e.fund} --month {e.day:%Y-%m}"
    good = f"{_counted(len(e.late_postings), 'late posting')} approved" if e.late_postings else "nothing was posted late"
    bad = f"{_counted(len(waits), 'posting')} after the soft close without approval: {listed}{todo}"
    return _judged(len(waits), good, bad, list(e.late_postings))


def run_of(e: Evidence, notebook: str) -> Answer:
    """The notebook ran for this fund and day, and nothing in it blocks."""
    run = e.runs.get(notebook)
    if run is None:
        return Answer("open", f"{notebook} has not run yet: bo run {notebook} --fund {e.fund} --date {e.day}")
    return _judged(
        int(run.verdict in ("", "blocked")), f"run {run.run_id}: {run.verdict}", f"run {run.run_id} is blocked or failed", run
    )


CHECKS: dict[str, Callable[[Evidence], Answer]] = {
    check.__name__: check
    for check in (
        events_booked, suspense_empty, prices_final, units_agree, computations_agree, administrator_agrees, nav_controls_passed,
        accruals_booked, trial_balance_balances, statement_ties, roll_forward_ties, levels_final, related_balances_agree,
        expenses_in_budget, movements_usual, as_of_explained, statements_tie, late_postings_approved,
    )
}  # fmt: skip
