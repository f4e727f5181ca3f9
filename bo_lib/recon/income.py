"""Income: dividends and coupons of the books against the custodian's announcements and payments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.events import Coupon, Dividend
from bo_lib.model.findings import Finding
from bo_lib.model.money import ZERO, round_money, round_to
from bo_lib.model.tables import AMOUNT, DATE, TEXT
from bo_lib.recon.cash import CHARGE_MAX_BASE
from bo_lib.recon.compare import Row, Value, reconcile_tables
from bo_lib.recon.result import Break, Reconciliation, plain
from bo_lib.recon.rules import Rules

INCOME_ROWS = pa.schema([
    ("account", TEXT), ("currency", TEXT), ("reference", TEXT), ("isin", TEXT), ("stage", TEXT), ("received", TEXT),
    ("amount", AMOUNT),
    ("payment_date", DATE), ("text", TEXT),
])  # fmt: skip

PAID, DUE = "paid", "due"  # money has moved; money is awaited
INCOME_LEDGERS = ("dividend_income", "dividend_expense", "interest_income", "withholding_tax")
INCOME_EVENTS = ("DVCA", "DVOP", "DRIP", "INTR", "CAPD", "SHPR")  # ISO 15022 CAEV of events that pay income
INCOME_CODES = ("DIV", "DVCA", "DVOP", "INTR", "CPN", "DVDN", "NDIV", "NCPN")  # last part of a bank's transaction code
OTHER = "amount differs"


def reconcile_income(
    events: Sequence[Dividend | Coupon],
    journal: pa.Table,
    cash_movements: pa.Table,
    announcements: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    covered: Iterable[tuple[str, str]],
    transactions: pa.Table | None = None,
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Reconcile income of ``fund`` from the take-over of the books to ``day``, net of withholding tax.

    events, journal
        standing dividends and coupons, and the books' JOURNAL: what they booked per account and whether the cash has moved.
    cash_movements, announcements
        CASH_MOVEMENTS and the custodians' own ANNOUNCEMENTS (accounts in the books' ids) over the same time.
    covered
        (account, currency) with a sound bank statement of ``day``; the rest waits.

    transactions
        TRANSACTIONS over the same time: confirmations of corporate actions stand for entries that no statement shows.

    Before payment the custodian's side is its announcement: its rate and tax on its eligible balance where the notice is of the
    ex date or later, on our position before that. Afterwards it is the bank's entry.
    """
    known = set(covered)
    awaited = {(r["account"], r["event_ref"]): r for r in announcements.to_pylist() if _announces_income(r)}
    booked = [item for item in _booked(events, journal, day) if _place(item["row"]) in known]
    references = {item["row"]["reference"] for item in booked} | {reference for _, reference in awaited}
    paid = [row for row in map(_paid, _once(cash_movements.to_pylist())) if _place(row) in known and _is_income(row, references)]
    paid += [row for row in _confirmed(transactions, references, paid) if _place(row) in known]
    due = [row for row in _due(awaited, booked, {(r["account"], r["reference"]) for r in paid}, day) if _place(row) in known]
    isins = {reference: r["isin"] for (_, reference), r in awaited.items()} | {
        i["row"]["reference"]: i["row"]["isin"] for i in booked
    }
    theirs = [row | {"isin": row["isin"] or isins.get(row["reference"])} for row in [*paid, *due]]
    details = {(i["row"]["account"], i["row"]["reference"]): i for i in booked}

    def explain(item: Break, here: Row | None, there: Row | None) -> Break:
        return _explained(
            item, here, there, details.get((item.account, item.reference)), awaited.get((item.account, item.reference))
        )

    left, right = (
        pa.Table.from_pylist([_marked(row) for row in rows], INCOME_ROWS) for rows in ([i["row"] for i in booked], theirs)
    )
    return reconcile_tables(
        left, right, rules, day, fund=fund, value=value, explain=explain, scopes=sorted(known), compared=known, findings=findings
    )


def _marked(row: Mapping[str, Any]) -> dict[str, Any]:
    """``received`` lets money that has moved match a few days apart, where announced dates must be equal."""
    return {**row, "received": "yes" if row["stage"] == PAID else None}


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["account"], row["currency"]


# Our side ------------------------------------------------------------------------------------------------------------


def _booked(events: Sequence[Dividend | Coupon], journal: pa.Table, day: date) -> Iterator[dict[str, Any]]:
    """What the books say of each event per account: the ``row`` to compare, gross and tax beside it."""
    ours = {e.event_id: e for e in events if e.effective_date <= day}
    sums: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for line in journal.to_pylist():
        if line["event_id"] in ours and line["account"] and line["effective_date"] <= day:
            sums[line["event_id"], line["account"], line["currency"]][line["ledger"]] += line["local"]
    for (event_id, account, currency), ledgers in sorted(sums.items()):
        e = ours[event_id]
        tax = ledgers["withholding_tax"]
        net = -sum((ledgers[name] for name in INCOME_LEDGERS), ZERO)
        row = {
            "account": account, "currency": currency, "reference": e.event_ref, "isin": e.isin,
            "stage": PAID if ledgers["cash"] else DUE, "amount": net, "payment_date": e.payment_date,
            "text": f"{e.kind} of {e.isin}, ex {e.effective_date}",
        }  # fmt: skip
        if net or tax:
            yield {"row": row, "gross": net + tax, "tax": tax, "rate": _rate(e), "event": e}


def _rate(e: Dividend | Coupon) -> Decimal:
    """Per unit of quantity held."""
    return e.rate_per_share if isinstance(e, Dividend) else e.rate_pct_of_nominal / 100


# Their side ----------------------------------------------------------------------------------------------------------


def _once(movements: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Entries of each statement from the file that brought it first."""
    counted: dict[tuple[str, str], str | None] = {}
    return (m for m in movements if counted.setdefault((m["account"], m["statement_id"]), m.get("file")) == m.get("file"))


def _paid(m: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: m[name] for name in ("account", "currency", "reference", "amount", "text")}
    isin = next((word for word in (m["text"] or "").split() if len(word) == 12 and word[:2].isalpha() and word[-1].isdigit()), None)
    return same | {"stage": PAID, "payment_date": m["value_date"] or m["booking_date"], "isin": isin, "code": m["code"]}


def _is_income(row: Mapping[str, Any], references: Collection[str]) -> bool:
    said = (row["text"] or "").lower()
    return row["reference"] in references or _code(row) in INCOME_CODES or "dividend" in said or "coupon" in said


def _confirmed(
    transactions: pa.Table | None, references: Collection[str], paid: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Money that a confirmation states and no statement shows."""
    shown = {(r["account"], r["reference"]) for r in paid}
    for r in [] if transactions is None else transactions.to_pylist():
        reference = r["servicer_reference"] if r["servicer_reference"] in references else r["reference"]
        of_income = r["kind"] == "income" or (r["kind"] == "corporate_action" and reference in references)
        if of_income and r["amount"] and r["currency"] and (r["account"], reference) not in shown:
            yield {
                "account": r["account"], "currency": r["currency"], "reference": reference, "isin": r["isin"], "stage": PAID,
                "amount": r["amount"], "payment_date": r["effective_date"] or r["settlement_date"],
                "text": f"confirmed: {r['text'] or ''}",
            }  # fmt: skip


def _code(row: Mapping[str, Any]) -> str:
    return (row.get("code") or "").split("/")[-1]


def _announces_income(r: Mapping[str, Any]) -> bool:
    in_force = r["function"] not in ("CANC", "WITH")
    return bool(in_force and r["caev"] in INCOME_EVENTS and r["rate"] and r["payment_date"] and "cash" in (r["movement"] or "cash"))


def _due(
    awaited: Mapping[tuple[str, str], Mapping[str, Any]], booked: Sequence[Mapping[str, Any]], paid: Collection[tuple[str, str]],
    day: date,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Announced income whose ex date has come and whose money has not; interest goes ex by the bond's terms, as booked."""
    ours = {(i["row"]["account"], i["row"]["reference"]): i for i in booked}
    for (account, reference), r in sorted(awaited.items()):
        mine = ours.get((account, reference))
        ex = r["payment_date"] if r["caev"] == "INTR" else r["ex_date"] or r["payment_date"]
        if mine and r["caev"] == "INTR":
            ex = mine["event"].effective_date
        if ex > day or (account, reference) in paid:
            continue
        amount = _announced(r, mine, ex)
        if amount:
            yield {
                "account": account, "currency": r["currency"], "reference": reference, "isin": r["isin"], "stage": DUE,
                "amount": amount, "payment_date": r["payment_date"],
                "text": f"{r['caev']} of {r['isin']}, announced {r['announced']}",
            }  # fmt: skip


def _announced(r: Mapping[str, Any], ours: Mapping[str, Any] | None, ex: date) -> Decimal:
    """Net amount of an announcement, signed; zero when neither side states a balance."""
    unit = r["rate"] / 100 if r["caev"] == "INTR" else r["rate"]
    final = r["announced"] and r["announced"] >= ex and r["eligible"] is not None
    held = ours["gross"] / ours["rate"] if ours and not final else r["eligible"] or ZERO
    gross = held * unit
    short = gross < 0 or r["direction"] == "DEBT"
    gross = round_money(abs(gross), r["currency"])
    stated = r["withholding_pct"]
    own = ours["tax"] * 100 / ours["gross"] if ours and ours["gross"] else ZERO
    tax = ZERO if short else round_money(gross * (own if stated is None else stated) / 100, r["currency"])
    return -gross if short else gross - tax


# Causes --------------------------------------------------------------------------------------------------------------


def _explained(
    item: Break, here: Row | None, there: Row | None, ours: Mapping[str, Any] | None, notice: Mapping[str, Any] | None
) -> Break:
    if here is None:
        back = ours is not None and item.amount == ours["row"]["amount"]
        return replace(item, cause="reversed by the custodian" if back else "income not booked by us")
    if there is None:
        return replace(item, cause="payment not received" if here["stage"] == PAID else "not announced by the custodian")
    if here["stage"] != there["stage"]:
        late = here["stage"] == PAID
        told = (
            f"awaited for {there['payment_date']}" if late else f"paid on {there['payment_date']}, expected {here['payment_date']}"
        )
        kind = "stage" if here["amount"] == there["amount"] else "amount"
        return replace(item, kind=kind, cause="payment late" if late else "paid early", evidence=told)
    if item.kind == "date":
        return replace(item, cause="payment date differs")
    if item.kind != "amount" or ours is None:
        return replace(item, cause=f"{item.kind.replace('_', ' ')} differs")
    cause, told = _of_amount(ours, there["amount"], notice)
    if cause == OTHER and item.amount > 0 and item.value_base is not None and item.value_base <= CHARGE_MAX_BASE:
        cause = "charge taken off by the bank"
    return replace(item, cause=cause, evidence=f"{item.evidence}; {told}" if told else item.evidence)


def _of_amount(ours: Mapping[str, Any], theirs: Decimal, notice: Mapping[str, Any] | None) -> tuple[str, str]:
    """Why an amount differs: another rate or tax announced, or a position that fits their amount at our rate and tax."""
    net = ours["gross"] - ours["tax"]
    if notice:
        unit = notice["rate"] / 100 if notice["caev"] == "INTR" else notice["rate"]
        if unit != ours["rate"]:
            return "rate differs", f"announced {plain(unit)} a unit, ours {plain(ours['rate'])}"
    if ours["gross"] and theirs == ours["gross"]:
        return "no tax withheld", f"paid gross, we expect {plain(ours['tax'])} withheld"
    held = ours["gross"] / ours["rate"] if ours["rate"] else ZERO
    fits = round_to(held * theirs / net, 0) if net else ZERO
    if net and held and round_money(fits * ours["rate"] * net / ours["gross"], ours["row"]["currency"]) == theirs:
        return "position differs", f"their amount is that of {plain(fits)}, ours of {plain(round_to(held, 4))}"
    implied = round_to((1 - theirs / ours["gross"]) * 100, 3) if ours["gross"] else ZERO
    own = round_to(ours["tax"] * 100 / ours["gross"], 3) if ours["gross"] else ZERO
    if ours["gross"] > 0 and 0 <= implied <= 50 and implied == round_to(implied, 1):
        return "withholding tax differs", f"their amount is that of {plain(implied)} percent tax, ours of {plain(own)}"
    return OTHER, ""
