"""Currency deals of the order system as events for the books."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa

from bo_lib.model.events import FxDeal, Reversal
from bo_lib.model.findings import Finding, Outcome, Place, error


def check_deals(
    rows: pa.Table, *, fund: str, accounts: Collection[str], booked: Collection[str] = ()
) -> Outcome[list[FxDeal | Reversal]]:
    """Rows of FX_DEALS (with the books' account ids) as events; a cancelled deal that is ``booked`` (event ids) is reversed."""
    events: list[FxDeal | Reversal] = []
    findings: list[Finding] = []
    for row in rows.to_pylist():
        event_id = f"fx:{fund}:{row['deal_id']}"
        if wrong := _wrong(row, accounts):
            findings.append(wrong)
        elif row["status"] == "CANCEL":
            cancelled = Reversal(
                event_id=f"{event_id}:cancelled",
                fund=fund,
                effective_date=row["trade_date"],
                reverses=event_id,
                reason="the deal was cancelled",
            )
            events += [cancelled] if event_id in booked else []
        else:
            same = ("deal_id", "account", "buy_currency", "buy_amount", "sell_currency", "sell_amount", "settlement_date")
            events.append(FxDeal(
                event_id=event_id, fund=fund, effective_date=row["trade_date"], source=f"{row['file'] or ''}#{row['at'] or ''}",
                style=row["kind"], share_class=row["share_class"] or "", **{name: row[name] for name in same},
            ))  # fmt: skip
    return Outcome(events, tuple(findings))


def _wrong(row: dict[str, Any], accounts: Collection[str]) -> Finding | None:
    name, place = row["deal_id"], Place(sha256=row["file"] or "", at=row["at"] or "")
    if row["account"] not in accounts:
        return error(
            "deal-account",
            f"deal {name} is in an account the fund does not have",
            place,
            found=row["account"],
            expected=", ".join(accounts),
        )
    if row["kind"] not in ("SPOT", "FORWARD") or row["status"] not in ("NEW", "CANCEL"):
        return error("deal-kind", f"deal {name} is neither spot nor forward", place, found=f"{row['kind']}, {row['status']}")
    if row["buy_currency"] == row["sell_currency"] or row["buy_amount"] <= 0 or row["sell_amount"] <= 0:
        return error(
            "deal-legs", f"deal {name} does not exchange two currencies", place, expected="two positive amounts in two currencies"
        )
    if row["settlement_date"] < row["trade_date"]:
        return error("deal-dates", f"deal {name} settles before it trades", place, found=str(row["settlement_date"]))
    return None
