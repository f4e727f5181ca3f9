"""Currency deals of the order system as events for the books."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa

from bo_lib.model.events import FxDeal, Reversal
from bo_lib.model.findings import Finding, Outcome, Place, error


def check_deals(
    rows: pa.Table, *, fund: str, accounts: Collection[str], booked: Collection[str] = (), taken_back: Collection[str] = ()
) -> Outcome[list[FxDeal | Reversal]]:
    """Rows of FX_DEALS (with the books' account ids) as events; the last row of a deal counts.

    A cancelled deal that is ``booked`` (ids of events that stand, ``~2`` a later version) is reversed. Rows whose deal was
    ``taken_back`` (sources of events that were reversed) are not booked again: their day is only run once more.
    """
    events: list[FxDeal | Reversal] = []
    findings = [wrong for row in rows.to_pylist() if (wrong := _wrong(row, accounts))]
    last = {row["deal_id"]: row for row in rows.to_pylist() if not _wrong(row, accounts)}
    for row in last.values():
        event_id, source = f"fx:{fund}:{row['deal_id']}", f"{row['file'] or ''}#{row['at'] or ''}"
        if row["status"] == "CANCEL":
            live = next((name for name in booked if name.partition("~")[0] == event_id), "")
            cancelled = Reversal(
                event_id=f"{live}:cancelled", fund=fund, effective_date=row["trade_date"], reverses=live,
                reason="the deal was cancelled", source=source,
            )  # fmt: skip
            events += [cancelled] if live else []
        elif not row["file"] or source not in taken_back:
            same = ("deal_id", "account", "buy_currency", "buy_amount", "sell_currency", "sell_amount", "settlement_date")
            events.append(FxDeal(
                event_id=event_id, fund=fund, effective_date=row["trade_date"], source=source,
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
