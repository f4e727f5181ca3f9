"""One event from many announcements: the golden record, and every field on which its senders differ.

Nearly half of the industry's event data is handled by hand and bad data is the root of most errors, so nothing is
chosen silently: a difference is a finding with each sender's value, the value taken and the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from bo_lib.model.findings import Finding, Outcome, Place, info, warning
from bo_lib.model.money import plain

DATES = ("ex_date", "payment_date", "record_date")
FIELDS = (
    "status",
    "camv",
    *DATES,
    "deadline",
    "currency",
    "rate",
    "withholding_pct",
    "price",
    "new_isin",
    "ratio_new",
    "ratio_old",
)
# Fields without which an event of the type cannot be booked.
REQUIRED: dict[str, tuple[str, ...]] = {
    "DVCA": ("ex_date", "payment_date", "currency", "rate"),
    "INTR": ("payment_date", "rate"),
    "SPLF": ("ex_date", "ratio_new", "ratio_old"),
    "SPLR": ("ex_date", "ratio_new", "ratio_old"),
    "RHDI": ("ex_date", "new_isin", "ratio_new", "ratio_old"),
    "EXRI": ("payment_date", "currency", "price", "new_isin"),
}
# ISO 15022 / 20022 event types (CAEV).
EVENT_TYPES = frozenset(
    """ACCU ACTV ATTI BIDS BMET BONU BPUT BRUP CAPD CAPG CAPI CERT CHAN CLSA CMET CONS CONV COOP CREV DECR DETI DFLT DLST DRAW
    DRCA DRIP DSCL DTCH DVCA DVOP DVSC DVSE EXOF EXRI EXTM EXWA INCR INFO INTR LIQU MCAL MEET MRGR NOOF ODLT OMET OTHR PARI
    PCAL PDEF PINK PLAC PPMT PRED PRII PRIO REDM REDO REMK RHDI RHTS SHPR SMAL SOFF SPLF SPLR SUSP TEND TNDP TREC WRTH WTRC
    XMET""".split()
)
_GENERAL = ("", "GENR")  # an announcement for everybody: a vendor's, not that of a custodian who holds the security


def _counts_from(caev: str, ex_date: date | None, payment_date: date | None) -> date | None:
    return (payment_date if caev in ("INTR", "EXRI") else ex_date) or payment_date or ex_date


class Option(NamedTuple):
    number: str
    type: str
    default: bool


class Difference(NamedTuple):
    """A field on which senders differ, what was taken and why."""

    field: str
    values: Mapping[str, Any]  # sender -> value
    taken: Any
    why: str


@dataclass(frozen=True)
class GoldenEvent:
    """What is believed of one event. ``ref`` is type:ISIN:date, the ex date (interest, exercise: payment date) first announced."""

    ref: str
    caev: str
    isin: str
    status: str = "active"  # or cancelled
    camv: str | None = None
    ex_date: date | None = None
    record_date: date | None = None
    payment_date: date | None = None
    deadline: date | None = None
    currency: str | None = None
    rate: Decimal | None = None  # gross per unit; interest in percent of nominal
    withholding_pct: Decimal | None = None
    price: Decimal | None = None
    new_isin: str | None = None
    ratio_new: Decimal | None = None
    ratio_old: Decimal | None = None
    options: tuple[Option, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)  # sender, and account where stated -> the sender's reference
    eligible: Mapping[str, Decimal] = field(default_factory=dict)  # account -> balance as its custodian sees it
    differences: tuple[Difference, ...] = ()
    source: str = ""
    ex_interest: date | None = None  # interest: by the bond's own terms the first day of settlement without it

    @property
    def effective_date(self) -> date | None:
        """When it counts: exercises on the payment date, the rest on the ex date, for interest that of the bond's terms."""
        return self.ex_interest or _counts_from(self.caev, self.ex_date, self.payment_date)

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in REQUIRED.get(self.caev, ()) if getattr(self, name) is None)

    def reference_for(self, accounts: Iterable[str]) -> str:
        """The reference the custodian of one of ``accounts`` will put on its entries; else any sender's."""
        known = [self.references[name] for name in accounts if name in self.references]
        return next(iter([*known, *self.references.values()]), self.ref)


@dataclass
class _Notice:
    """What one sender says of one event, after its own replacements and cancellations."""

    sender: str
    event_ref: str
    rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)  # account, option, movement
    cancelled: bool = False
    announced_for: date | None = None  # as first announced: names the event for ever, whatever is corrected later

    def value(self, name: str) -> Any:
        if name == "status":
            return "cancelled" if self.cancelled else "active"
        return next((row[name] for row in self.rows.values() if row.get(name) is not None), None)

    @property
    def caev(self) -> str:
        return str(self.value("caev"))

    @property
    def isin(self) -> str:
        """The underlying's ISIN; where no announcement says one and the security master knows none, the code they give."""
        return str(self.value("isin") or self.value("local_id"))

    @property
    def accounts(self) -> list[str]:
        return sorted({row["account"] for row in self.rows.values() if (row["account"] or "") not in _GENERAL})

    @property
    def dates_in_order(self) -> bool:
        ex, record, pay = (self.value(name) for name in ("ex_date", "record_date", "payment_date"))
        return not ((ex and record and ex > record) or (record and pay and record > pay))


def golden(
    announcements: pa.Table,
    *,
    within_days: int = 5,
    expected: Mapping[str, Iterable[str]] | None = None,
    decisions: Mapping[tuple[str, str], str] | None = None,
) -> Outcome[list[GoldenEvent]]:
    """Announcements (table ANNOUNCEMENTS, in order of arrival) of several senders as one record per event.

    Two senders mean one event when type and ISIN agree and a date they both state lies within ``within_days``; one sender's
    two references are two events. A replacement takes the place of what the sender said before; a cancellation or
    withdrawal counts as the sender's ``status``. Where senders differ the majority is taken; at a tie the sender whose ex,
    record and payment dates are in order; then the custodian that holds the security; then the first to announce.
    ``decisions`` ((ref, field) -> sender) is what a person decided, and wins. ``expected`` (ISIN -> senders or safekeeping
    accounts) names who should have announced; without it, at least one custodian should. Differences, gaps and unknown types
    are findings.
    """
    notices = _notices(announcements)
    findings = [_unknown_type(n) for n in notices if n.caev not in EVENT_TYPES]
    findings += [_unidentified(n) for n in notices if not n.value("isin")]
    events: list[GoldenEvent] = []
    used: Counter[str] = Counter()
    for group in _clusters(notices, within_days):
        event, letters = _merge(group, decisions or {}, used)
        events.append(event)
        findings += letters + _absent(event, group, expected)
    return Outcome(sorted(events, key=lambda e: (e.effective_date or date.max, e.ref)), tuple(findings))


def _notices(announcements: pa.Table) -> list[_Notice]:
    notices: dict[tuple[str, str], _Notice] = {}
    origin: dict[tuple[str, str, str], str] = {}  # sender, reference, account -> file of what stands
    for row in announcements.to_pylist():
        sender, reference, account = row["sender"] or "unknown sender", row["event_ref"], row["account"] or ""
        notice = notices.setdefault((sender, reference), _Notice(sender, reference))
        if row["function"] in ("CANC", "WITH"):
            notice.cancelled = True
            if notice.rows:
                continue
        elif row["function"] == "REPL":
            notice.cancelled = False
            if origin.get((sender, reference, account)) != row["file"]:
                notice.rows = {key: kept for key, kept in notice.rows.items() if key[0] != account}
        origin[sender, reference, account] = row["file"]
        notice.rows[account, row["option"] or "", row["movement"] or ""] = row
        notice.announced_for = notice.announced_for or _counts_from(row["caev"], row["ex_date"], row["payment_date"])
    return list(notices.values())


def _unidentified(notice: _Notice) -> Finding:
    row = next(iter(notice.rows.values()))
    place = Place(f"{notice.sender}/{notice.event_ref}", row["at"] or "", "isin", row["file"] or "")
    said = f"{notice.sender} announces {notice.caev} of {notice.isin}, which the security master does not know: nobody is entitled"
    return warning("action-unidentified", said, place, found=notice.isin, expected="an ISIN",
                   todo="add the security, with its ISIN, to the security master")  # fmt: skip


def _clusters(notices: Sequence[_Notice], within_days: int) -> list[list[_Notice]]:
    """Notices of one event together: nearest dates first, then nearest rate; a sender once in each."""
    clusters: list[list[_Notice]] = []
    for notice in notices:
        near = []
        for n, cluster in enumerate(clusters):
            days = _apart(notice, cluster)
            if days is not None and days <= within_days and notice.sender not in {other.sender for other in cluster}:
                near.append((days, _rate_gap(notice, cluster[0]), n))
        if near:
            clusters[min(near)[2]].append(notice)
        else:
            clusters.append([notice])
    return clusters


def _apart(notice: _Notice, cluster: list[_Notice]) -> int | None:
    """Days between the nearest dates that ``notice`` and one of ``cluster`` both state; None when they are other events."""
    if (notice.caev, notice.isin) != (cluster[0].caev, cluster[0].isin):
        return None
    both = [(a, b) for other in cluster for name in DATES if (a := notice.value(name)) and (b := other.value(name))]
    return min((abs((a - b).days) for a, b in both), default=None)


def _rate_gap(one: _Notice, other: _Notice) -> Decimal:
    mine, theirs = one.value("rate"), other.value("rate")
    return abs(mine - theirs) if mine is not None and theirs is not None else Decimal(0)


def _merge(group: list[_Notice], decisions: Mapping[tuple[str, str], str], used: Counter[str]) -> tuple[GoldenEvent, list[Finding]]:
    first = group[0]
    taken = {name: _choose(name, group, None) for name in FIELDS}
    event = GoldenEvent("", first.caev, first.isin, **{name: value for name, (value, _) in taken.items()})
    ref = f"{first.caev}:{first.isin}:{first.announced_for or 'undated'}"
    used[ref] += 1
    ref += f"/{used[ref]}" if used[ref] > 1 else ""
    for name in FIELDS:
        if decided := decisions.get((ref, name)):
            taken[name] = _choose(name, group, decided)
    stated = {name: _stated(name, group) for name in FIELDS}
    differences = tuple(Difference(name, values, *taken[name]) for name, values in stated.items() if len(set(values.values())) > 1)
    event = replace(event, ref=ref, differences=differences, source=_source(group), **{name: v for name, (v, _) in taken.items()})
    event = replace(event, options=_options(group), references=_references(group), eligible=_eligible(group))
    return event, [_differs(event, d) for d in differences] + _gaps(event, group)


def _stated(name: str, group: list[_Notice]) -> dict[str, Any]:
    return {n.sender: value for n in group if (value := n.value(name)) is not None}


def _choose(name: str, group: list[_Notice], decided: str | None) -> tuple[Any, str]:
    """The value taken and why."""
    stated = _stated(name, group)
    if decided in stated:
        return stated[decided], f"decided for {decided}"
    if not stated:
        return None, "nobody states it"
    ranked = Counter(stated.values()).most_common()
    if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
        return ranked[0][0], "the majority"
    tied = [n for n in group if n.sender in stated and Counter(stated.values())[stated[n.sender]] == ranked[0][1]]
    in_order = [n for n in tied if n.dates_in_order]
    if name in DATES and in_order and len({stated[n.sender] for n in in_order}) == 1:
        return stated[in_order[0].sender], f"{in_order[0].sender}, whose dates are in order"
    custodian = next((n for n in tied if n.accounts), None)
    if custodian:
        return stated[custodian.sender], f"{custodian.sender} is the custodian that holds it"
    return stated[tied[0].sender], f"{tied[0].sender} announced first"


def _options(group: list[_Notice]) -> tuple[Option, ...]:
    rows = [row for notice in group for row in notice.rows.values() if row["option_type"]]
    return tuple(sorted({Option(row["option"] or "", row["option_type"], bool(row["default_option"])) for row in rows}))


def _references(group: list[_Notice]) -> dict[str, str]:
    """Custodians first: theirs is the reference on cash and securities entries."""
    ordered = sorted(group, key=lambda n: not n.accounts)
    return {name: n.event_ref for n in ordered for name in (n.sender, *n.accounts)}


def _eligible(group: list[_Notice]) -> dict[str, Decimal]:
    rows = [row for notice in group for row in notice.rows.values()]
    return {row["account"]: row["eligible"] for row in rows if row["account"] and row["eligible"] is not None}


def _source(group: list[_Notice]) -> str:
    best = min(group, key=lambda n: not n.accounts)
    row = next(iter(best.rows.values()))
    return f"{row['file'] or ''}#{row['at'] or ''}"


def _place(event: GoldenEvent, name: str = "") -> Place:
    sha256, _, at = event.source.partition("#")
    return Place(event.ref, at, name, sha256)


def _differs(event: GoldenEvent, difference: Difference) -> Finding:
    said = ", ".join(f"{sender} {_text(value)}" for sender, value in difference.values.items())
    message = f"{event.ref}: senders differ on {difference.field}; taken {_text(difference.taken)} ({difference.why})"
    todo = "ask the sender that differs, and record the decision"
    return warning("action-differs", message, _place(event, difference.field), found=said, expected="one value", todo=todo)


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _gaps(event: GoldenEvent, group: list[_Notice]) -> list[Finding]:
    """What nobody states though booking needs it (warning); what one sender leaves out and another states (information)."""
    findings = []
    if event.missing and event.status == "active":
        message, todo = f"{event.ref} lacks {', '.join(event.missing)}", "ask the custodian; it cannot be booked like this"
        findings.append(warning("action-incomplete", message, _place(event, event.missing[0]), todo=todo))
    for notice in group if len(group) > 1 else ():
        needed = [name for name in REQUIRED.get(event.caev, ()) if name not in event.missing and notice.value(name) is None]
        if needed and not notice.cancelled:
            message = f"{event.ref}: {notice.sender} does not state {', '.join(needed)}"
            findings.append(info("action-field-missing", message, _place(event, needed[0])))
    return findings


def _absent(event: GoldenEvent, group: list[_Notice], expected: Mapping[str, Iterable[str]] | None) -> list[Finding]:
    senders = {notice.sender for notice in group}
    if event.status != "active":
        return []
    heard = senders | {account for notice in group for account in notice.accounts}
    absent = sorted(set(expected.get(event.isin, ())) - heard) if expected is not None else []
    if expected is None and not any(notice.accounts for notice in group):
        absent = ["any custodian"]
    todo = "ask whether it applies; the entitlement may be missed"
    said = f"{event.ref} is announced by {', '.join(sorted(senders))}, not by "
    return [warning("action-not-announced", said + name, _place(event), todo=todo) for name in absent]


def _unknown_type(notice: _Notice) -> Finding:
    row = next(iter(notice.rows.values()))
    place = Place(notice.event_ref, row["at"] or "", "caev", row["file"] or "")
    said = f"{notice.sender} announces an event of type {notice.caev!r}"
    return warning(
        "action-type-unknown", said, place, found=notice.caev, expected="an ISO event type", todo="ask the sender which event it is"
    )
