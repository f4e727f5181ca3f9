"""Opening a fund's books from the administrator's take-over pack: lots, ledger balances and classes as events."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model import events
from bo_lib.model.findings import Finding, error
from bo_lib.nav import opening_state
from bo_lib.workbench.known import Known
from bo_lib.workbench.office import Office

OPENING_NAV = "opening.nav"


def open_books(office: Office, fund_id: str) -> tuple[Finding, ...]:
    """Books the take-over pack of the fund's inception date, once. Findings say what is missing."""
    fund = office.fund(fund_id)
    known = Known(office, fund_id, fund.inception)
    if known.facts("event.opening_balance") or known.facts("event.opening_lot"):
        return ()
    packs = [f for f in known.files if {"lots", "trial_balance"} <= f.payload["tables"].keys() and fund_id in f.payload["funds"]]
    if not packs:
        todo = f"put the take-over pack into {office.inbox(fund.inception)}/{fund.administrator or 'SENDER'}/"
        return (error("opening-missing", f"{fund_id} has no opening books of {fund.inception}", todo=todo),)
    pack = packs[-1]
    source = f"{pack.payload['sha256']}#"
    sheets = {name: office.table(sha) for name, sha in pack.payload["tables"].items()}
    known.book_events([*_lots(known, sheets["lots"], source), *_balances(known, sheets["trial_balance"], source)])
    classes = sheets["nav_pack"].filter(pc.equal(sheets["nav_pack"]["fund"], fund_id))
    state = opening_state(classes, sheets["trial_balance"])
    payload = {
        "state": {name: one.model_dump(mode="json") for name, one in state.value.items()},
        "register": [
            {"investor": r["item"], "share_class": r["share_class"], "units": f"{r['quantity']:f}"}
            for r in classes.to_pylist() if r["component"] == "register"
        ],
    }  # fmt: skip
    known.record(OPENING_NAV, fund_id, payload, f"{OPENING_NAV}:{fund_id}")
    return state.findings


def _account(known: Known, number: str | None) -> str:
    return known.fund.accounts_by_number[number].id if number else ""


def _lots(known: Known, lots: pa.Table, source: str) -> list[events.Event]:
    return [
        events.OpeningLot(
            event_id=f"{known.fund.id}:opening:{row['lot_id']}", fund=known.fund.id, effective_date=known.day,
            source=f"{source}lot {row['lot_id']}",
            account=_account(known, row["account"]), isin=row["isin"], quantity=row["quantity"], currency=row["currency"],
            cost_local=row["cost_local"], cost_base=row["cost_base"], acquired=row["acquired"],
        )
        for row in lots.to_pylist()
    ]  # fmt: skip


def _balances(known: Known, balances: pa.Table, source: str) -> list[events.Event]:
    return [
        events.OpeningBalance(
            event_id=f"{known.fund.id}:opening:" + ":".join(row[c] or "" for c in ("ledger", "account", "share_class", "currency")),
            fund=known.fund.id, effective_date=known.day, source=f"{source}balance {row['ledger']} {row['currency']}",
            ledger=row["ledger"], account=_account(known, row["account"]), share_class=row["share_class"] or "",
            currency=row["currency"], local=row["local"], base=row["base"],
        )
        for row in balances.to_pylist()
    ]  # fmt: skip
