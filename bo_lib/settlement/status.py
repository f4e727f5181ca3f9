"""Messages of custodians against open trades: what settled becomes events, the rest becomes a watch list.

A confirmation must agree with our trade. Money may differ within the tolerance of central securities depositories (EUR 2 up to
EUR 100,000, EUR 25 above; Delegated Regulation 2018/1229); a confirmation of another security, account or quantity books
nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.events import Settlement
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.tables import AMOUNT, COUNT, DATE, QUANTITY, TEXT, Column, Table
from bo_lib.settlement.reasons import explain

CONFIRMED = ("settled", "partially_settled")
ToEur = Callable[[str, Decimal], Decimal | None]  # currency, amount -> EUR

WATCH = Table("settlement_watch", "trades still open at the close of a day, and what is said of them", ("trade_id",), (
    Column("trade_id", TEXT, "the trade's own reference", True),
    Column("account", TEXT, "account it settles in", True),
    Column("isin", TEXT, "instrument", True),
    Column("side", TEXT, "BUY, SELL, SHORT or COVER", True),
    Column("quantity_open", QUANTITY, "positive, still to settle", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("amount_open", AMOUNT, "money still to move: to receive positive", True),
    Column("settlement_date", DATE, "intended settlement date", True),
    Column("counterparty", TEXT, "executing broker"),
    Column("state", TEXT, "not_due, no_message, or the status of the latest message", True),
    Column("reason", TEXT, "ISO reason code"),
    Column("says", TEXT, "the reason in words"),
    Column("next_step", TEXT, "who owes it: us, counterparty, custodian, us and counterparty, nobody", True),
    Column("status_date", DATE, "date of the latest message"),
    Column("days_late", COUNT, "business days after the intended settlement date", True),
))  # fmt: skip


@dataclass(frozen=True)
class SettlementDay:
    """Events to book, and the watch list (table WATCH) of what stays open after them. ``unknown`` are messages for no trade of
    ours, as they came."""

    events: tuple[Settlement, ...]
    watch: pa.Table
    unknown: tuple[Mapping[str, Any], ...] = ()


def csd_tolerance_eur(amount_eur: Decimal) -> Decimal:
    return Decimal(2) if abs(amount_eur) <= 100_000 else Decimal(25)


def settle(
    messages: pa.Table,
    open_trades: pa.Table,
    day: date,
    *,
    fund: str,
    calendar: str,
    booked: Sequence[Settlement] = (),
    to_eur: ToEur = lambda currency, amount: None,
) -> Outcome[SettlementDay]:
    """Apply the settlement messages of a fund up to ``day``.

    messages
        table SETTLEMENTS in the order received, with the books' account ids; all up to ``day`` or those of ``day`` alone.
    open_trades
        table OPEN_TRADES of the books with everything of ``booked`` applied.
    booked
        settlements in the books: their messages are passed over, so that running again books nothing twice.
    to_eur
        amounts in euro for the tolerance; None when there is no rate, and then nothing is tolerated.
    """
    desk = _Desk(fund, day, calendar, to_eur, {t["trade_id"]: dict(t) for t in open_trades.to_pylist()}, booked)
    for message, event_id in _identified(messages.to_pylist(), fund):
        if message["effective_date"] is None or message["effective_date"] <= day:
            desk.take(message, event_id)
    rows = [desk.watched(trade) for trade in desk.trades.values() if trade["quantity_open"]]
    watch = pa.Table.from_pylist(sorted(rows, key=lambda r: (-r["days_late"], r["trade_id"])), schema=WATCH.schema)
    return Outcome(SettlementDay(tuple(desk.events), watch, tuple(desk.unknown)), tuple(desk.findings))


def _identified(messages: Iterable[dict[str, Any]], fund: str) -> Iterable[tuple[dict[str, Any], str]]:
    """Messages with the id of the event they would make: the same confirmation sent again makes the same id.

    Two equal part settlements in one file are two events: they are counted within their file.
    """
    seen: Counter[tuple[Any, ...]] = Counter()
    for m in messages:
        content = (m["reference"], m["effective_date"], m["quantity"], m["amount"])
        seen[m["file"], *content] += 1
        text = "|".join(str(part) for part in (*content, seen[m["file"], *content]))
        yield m, f"settlement:{fund}:{m['reference']}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class _Desk:
    """Open trades while the day's messages are taken one by one."""

    def __init__(
        self, fund: str, day: date, calendar: str, to_eur: ToEur, trades: dict[str, dict[str, Any]], booked: Sequence[Settlement]
    ) -> None:
        self.fund, self.day, self.calendar, self.to_eur, self.trades = fund, day, calendar, to_eur, trades
        self.known = {event.event_id for event in booked}
        self.settled = {event.trade_id for event in booked}
        self.said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.events: list[Settlement] = []
        self.unknown: list[dict[str, Any]] = []
        self.findings: list[Finding] = []

    def take(self, message: dict[str, Any], event_id: str) -> None:
        self.said[message["reference"]].append(message)
        if event_id in self.known:
            return
        trade = self.trades.get(message["reference"])
        if trade is None or (not trade["quantity_open"] and message["status"] in CONFIRMED):
            self._without_trade(message)
        elif message["status"] in CONFIRMED:
            self._confirm(message, trade, event_id)

    def _without_trade(self, message: dict[str, Any]) -> None:
        name, status = message["reference"], message["status"]
        if name in self.settled or name in self.trades:
            if status in CONFIRMED and message["effective_date"] == self.day:
                self.findings.append(
                    info("settlement-again", f"{name} is settled already; the confirmation books nothing", _place(message))
                )
            return
        self.unknown.append(message)
        said = f"{status} for {name}: {message['side'] or ''} {message['quantity'] or ''} {message['isin'] or ''}".rstrip()
        todo = "book the trade if it is ours, or tell the custodian"
        self.findings.append(
            warning("settlement-unknown", said, _place(message, "reference"), found=name, expected="a trade of ours", todo=todo)
        )

    def _confirm(self, message: dict[str, Any], trade: dict[str, Any], event_id: str) -> None:
        wrong = self._disagreement(message, trade)
        if wrong:
            self.findings.append(wrong)
            return
        quantity = message["quantity"] if message["quantity"] is not None else trade["quantity_open"]
        full = quantity == trade["quantity_open"]
        amount = (
            message["amount"] if message["amount"] is not None else abs(trade["amount_open"]) * quantity / trade["quantity_open"]
        )
        if full and (off := self._money_off(message, trade, amount)):
            self.findings.append(off)
        self.events.append(
            Settlement(
                event_id=event_id, fund=self.fund, effective_date=message["effective_date"] or self.day, trade_id=trade["trade_id"],
                quantity=quantity, amount=amount, source=f"{message['file'] or ''}#{message['at'] or ''}",
            )
        )  # fmt: skip
        self.known.add(event_id)
        trade["quantity_open"] -= quantity
        trade["amount_open"] -= amount.copy_sign(trade["amount_open"])

    def _disagreement(self, message: dict[str, Any], trade: dict[str, Any]) -> Finding | None:
        """A letter when the confirmation is not of our trade as we know it."""
        expected_side = "RECEIVE" if trade["side"] in ("BUY", "COVER") else "DELIVER"
        pairs = (("isin", trade["isin"]), ("account", trade["account"]), ("currency", trade["currency"]), ("side", expected_side))
        differs = [(name, message[name], ours) for name, ours in pairs if message[name] and message[name] != ours]
        quantity, left = message["quantity"], trade["quantity_open"]
        if quantity is not None and (quantity > left or (message["status"] == "settled" and quantity != left)):
            differs.append(("quantity", quantity, left))
        if not differs:
            return None
        name, theirs, ours = differs[0]
        said = f"the confirmation of {trade['trade_id']} has another {name}; nothing is booked"
        todo = "compare with the broker's confirmation, then amend the trade or have the custodian correct"
        return error(f"settlement-{name}-differs", said, _place(message, name), found=str(theirs), expected=str(ours), todo=todo)

    def _money_off(self, message: dict[str, Any], trade: dict[str, Any], amount: Decimal) -> Finding | None:
        ours = abs(trade["amount_open"])
        off = amount - ours
        if not off:
            return None
        off_eur, ours_eur = self.to_eur(trade["currency"], off), self.to_eur(trade["currency"], ours)
        said = f"{trade['trade_id']} settled for {amount} {trade['currency']}, {off:+} from ours"
        say = {"found": str(amount), "expected": str(ours)}
        if off_eur is not None and ours_eur is not None and abs(off_eur) <= csd_tolerance_eur(ours_eur):
            return info(
                "settlement-amount-tolerated", f"{said}; within the tolerance of the depository", _place(message, "amount"), **say
            )
        todo = "compare with the broker's confirmation; the rest stands on suspense"
        return warning("settlement-amount-differs", said, _place(message, "amount"), **say, todo=todo)

    def watched(self, trade: dict[str, Any]) -> dict[str, Any]:
        """A row of the watch list, with a letter when the trade is due and not on its way."""
        name, due = trade["trade_id"], trade["settlement_date"]
        last = next((m for m in reversed(self.said[name]) if m["status"] != "settled"), None)
        state = last["status"] if last else "no_message" if due <= self.day else "not_due"
        says, who = explain(last["reason"], trade["side"]) if last else ("", "custodian" if state == "no_message" else "nobody")
        late = dates.business_days_after(due, self.day, self.calendar)
        if state in ("matched", "not_due") and due > self.day:
            who = "nobody"
        if letter := self._letter(trade, state, says, who, late):
            self.findings.append(letter)
        return {
            **{column: trade.get(column) for column in WATCH.names if column in trade}, "state": state,
            "reason": last["reason"] if last else None, "says": says or None, "next_step": who,
            "status_date": last["effective_date"] if last else None, "days_late": late,
        }  # fmt: skip

    def _letter(self, trade: dict[str, Any], state: str, says: str, who: str, late: int) -> Finding | None:
        place = Place(file=f"trade {trade['trade_id']}", field="settlement_date")
        age = f"due {trade['settlement_date']}" + (f", {late} business day{'s' * (late != 1)} late" if late else "")
        if state in ("unmatched", "failing", "rejected", "cancelled") or (state in ("pending", "partially_settled") and late):
            code, said = (
                f"settlement-{state.replace('_', '-')}",
                f"{trade['trade_id']} is {state.replace('_', ' ')}: {says or 'no reason given'}",
            )
            return warning(code, f"{said}; {age}", place, todo=f"next step: {who}")
        if trade["settlement_date"] <= self.day:
            return warning(
                "settlement-not-confirmed",
                f"{trade['trade_id']} is not confirmed; {age}",
                place,
                todo="ask the custodian for its status",
            )
        return None


def _place(message: Mapping[str, Any], name: str = "status") -> Place:
    return Place(file=f"settlement {message['reference']}", at=message["at"] or "", field=name, sha256=message["file"] or "")
