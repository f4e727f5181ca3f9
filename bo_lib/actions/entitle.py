"""From golden records to entitlements and events for the books."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.actions.golden import GoldenEvent
from bo_lib.actions.tables import ENTITLEMENTS
from bo_lib.model import events as ev
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.money import ZERO, Rounding, plain, round_money, round_to

Held = dict[str, Decimal]  # account -> signed position


def held_by_isin(positions: pa.Table) -> dict[str, Held]:
    """Table POSITIONS as ISIN -> account -> signed quantity."""
    held: dict[str, Held] = {}
    for row in positions.select(["account", "isin", "quantity"]).to_pylist():
        held.setdefault(row["isin"], {})[row["account"]] = row["quantity"]
    return held


def eligible(event: GoldenEvent, held: Mapping[str, Held], pending: Iterable[Mapping[str, Any]]) -> Held:
    """Account -> signed position that an event counts on: what is ``held`` on trade date, of interest only what settles before
    the ex date by agreement. ``pending``: rows of OPEN_TRADES.
    """
    there, ex = dict(held.get(event.isin, {})), event.effective_date
    for trade in pending if event.caev == "INTR" and ex else ():
        if trade["isin"] == event.isin and trade["settlement_date"] >= ex:
            signed = trade["quantity_open"] if trade["side"] in ("BUY", "COVER") else -trade["quantity_open"]
            there[trade["account"]] = there.get(trade["account"], ZERO) - signed
    return {account: quantity for account, quantity in sorted(there.items()) if quantity}


def entitlements(
    golden: Iterable[GoldenEvent],
    positions: pa.Table,
    day: date,
    *,
    numbers: Mapping[str, str] | None = None,
    pending: pa.Table | None = None,
) -> pa.Table:
    """Table ENTITLEMENTS of the events that count from ``day``; ``positions``: POSITIONS at the close before, on trade date, and
    ``pending``: OPEN_TRADES of it.

    ``numbers``: account -> number under which its custodian announces, to set the custodian's eligible balance beside ours.
    An event that lacks a field gives a row without the figure. Market claims are not among them.
    """
    held, numbers, open_trades = held_by_isin(positions), numbers or {}, _rows(pending)
    due = [event for event in golden if event.status == "active" and event.effective_date == day]
    rows = []
    for event in due:
        for account, quantity in eligible(event, held, open_trades).items():
            theirs = event.eligible.get(numbers.get(account, account))
            rows.append({
                "ref": event.ref, "caev": event.caev, "isin": event.isin, "account": account, "eligible": quantity,
                "eligible_at_custodian": theirs, "effective_date": day, "payment_date": event.payment_date,
                "currency": event.currency, **_money(event, quantity), **_securities(event, quantity),
            })  # fmt: skip
    return ENTITLEMENTS.build(rows).value


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return table.to_pylist() if table is not None else []


def _money(event: GoldenEvent, quantity: Decimal) -> dict[str, Decimal]:
    per = {"DVCA": 1, "INTR": 100}.get(event.caev)
    if event.caev == "EXRI" and event.price is not None and event.currency:
        cost = -round_money(quantity * event.price, event.currency)
        return {"gross": cost, "withholding": ZERO, "net": cost}
    if per is None or event.rate is None or not event.currency:
        return {}
    gross = round_money(quantity * event.rate / per, event.currency)
    tax = round_money(gross * (event.withholding_pct or ZERO) / 100, event.currency) if quantity > 0 else ZERO
    return {"gross": gross, "withholding": tax, "net": gross - tax}


def _securities(event: GoldenEvent, quantity: Decimal) -> dict[str, Any]:
    if event.ratio_new is None or not event.ratio_old or event.caev not in ("SPLF", "SPLR", "RHDI", "EXRI"):
        return {}
    received = quantity * event.ratio_new / event.ratio_old
    if event.caev in ("SPLF", "SPLR"):
        return {"new_isin": event.new_isin or event.isin, "new_quantity": round_to(received - quantity, 10)}
    return {"new_isin": event.new_isin, "new_quantity": round_to(received, 0, Rounding.DOWN)}


def to_events(
    golden: Sequence[GoldenEvent],
    fund: str,
    day: date,
    positions: pa.Table,
    *,
    previous: date | None = None,
    prices: Mapping[str, Decimal] | None = None,
    take_up: Decimal = Decimal(1),
    instructions: Mapping[tuple[str, str], Decimal] | None = None,
    currencies: Mapping[str, str] | None = None,
    numbers: Mapping[str, str] | None = None,
    booked: Container[str] = (),
    pending: pa.Table | None = None,
) -> Outcome[list[ev.Event]]:
    """Events for the books of ``fund``: what it holds (``positions`` at the close before) and what counts from ``day``.

    With ``previous`` everything after it up to ``day``: no event of a weekend is lost, and interest announced after its ex date is
    made until it is paid. ``prices`` (ISIN -> price of the ex date) value a rights issue; a right without a price is valued in
    theory. ``instructions`` ((ref, account) -> rights) say how many rights to exercise; without one, ``take_up`` (a part of the
    holding) applies. ``currencies`` (ISIN -> currency) is for interest announced without one. ``numbers``: account -> custodian's
    number, for the reference on its entries. ``booked``: ids of events in the books; one that is cancelled since is reversed.
    ``pending``: OPEN_TRADES at the close before. Ids are fund:type:ISIN:date.
    """
    held = held_by_isin(positions)
    names = [*(numbers or {}), *(numbers or {}).values(), *{a for accounts in held.values() for a in accounts}]
    maker = _Maker(fund, golden, held, _rows(pending), prices or {}, take_up, instructions or {}, currencies or {}, names)
    made: list[ev.Event] = []
    for event in golden:
        when = event.effective_date
        if event.status == "cancelled":
            made += [maker.reversal(event, event_id, day) for event_id in maker.ids(event) if event_id in booked]
        elif when and _counts(event, when, day, previous) and maker.holds(event):
            made += maker.events(event, when)
    return Outcome(made, tuple(maker.findings))


def _counts(event: GoldenEvent, when: date, day: date, previous: date | None) -> bool:
    if previous is None:
        return when == day
    return when <= day and previous < (max(when, event.payment_date) if event.ex_interest and event.payment_date else when)


class _Maker:
    """Golden records of one fund and day into events; keeps the findings on the way."""

    def __init__(
        self, fund: str, golden: Sequence[GoldenEvent], held: dict[str, Held], pending: Sequence[Mapping[str, Any]],
        prices: Mapping[str, Decimal], take_up: Decimal, instructions: Mapping[tuple[str, str], Decimal],
        currencies: Mapping[str, str], names: Sequence[str],
    ) -> None:  # fmt: skip
        self.fund, self.golden, self.held, self.pending, self.prices, self.take_up = fund, golden, held, pending, prices, take_up
        self.instructions, self.currencies, self.names = instructions, currencies, names
        self.findings: list[Finding] = []

    def holds(self, event: GoldenEvent) -> bool:
        return bool(eligible(event, self.held, self.pending))

    def ids(self, event: GoldenEvent) -> list[str]:
        stem = f"{self.fund}:{event.ref}"
        return [f"{stem}:{account}" for account in sorted(self.held.get(event.isin, {}))] if event.caev == "EXRI" else [stem]

    def reversal(self, event: GoldenEvent, event_id: str, day: date) -> ev.Event:
        reason = f"{event.ref} was cancelled"
        return ev.Reversal(
            event_id=f"{event_id}:reversal",
            fund=self.fund,
            effective_date=day,
            source=event.source,
            reverses=event_id,
            reason=reason,
        )

    def events(self, event: GoldenEvent, when: date) -> list[ev.Event]:
        if event.caev not in _KINDS:
            todo = "book it by hand, or sell before it counts"
            self.findings.append(
                warning("action-by-hand", f"{event.ref} is held; {event.caev} is not booked automatically", _at(event), todo=todo)
            )
            return []
        if event.missing:
            self._lacking(event, event.missing[0], f"{event.ref} cannot be booked without {', '.join(event.missing)}")
            return []
        return _KINDS[event.caev](self, event, {
            "fund": self.fund, "effective_date": when, "source": event.source, "event_ref": event.reference_for(self.names),
        })  # fmt: skip

    def _lacking(self, event: GoldenEvent, name: str, message: str) -> None:
        self.findings.append(error("action-incomplete", message, _at(event, name), todo="ask the custodian, then run again"))

    def dividend(self, event: GoldenEvent, common: dict[str, Any]) -> list[ev.Event]:
        return [
            ev.Dividend(
                event_id=f"{self.fund}:{event.ref}",
                isin=event.isin,
                currency=event.currency or "",
                payment_date=_day(event.payment_date),
                rate_per_share=event.rate or ZERO,
                withholding_pct=event.withholding_pct or ZERO,
                **common,
            )
        ]

    def coupon(self, event: GoldenEvent, common: dict[str, Any]) -> list[ev.Event]:
        currency = event.currency or self.currencies.get(event.isin)
        if not currency:
            self._lacking(event, "currency", f"{event.ref} states no currency")
            return []
        return [
            ev.Coupon(
                event_id=f"{self.fund}:{event.ref}",
                isin=event.isin,
                currency=currency,
                payment_date=_day(event.payment_date),
                rate_pct_of_nominal=event.rate or ZERO,
                withholding_pct=event.withholding_pct or ZERO,
                **common,
            )
        ]

    def split(self, event: GoldenEvent, common: dict[str, Any]) -> list[ev.Event]:
        if event.new_isin and event.new_isin != event.isin:
            todo = "book the exchange into the new security by hand"
            self.findings.append(
                warning("action-by-hand", f"{event.ref} changes the ISIN to {event.new_isin}", _at(event), todo=todo)
            )
            return []
        new, old = event.ratio_new or ZERO, event.ratio_old or ZERO
        return [ev.Split(event_id=f"{self.fund}:{event.ref}", isin=event.isin, new=new, old=old, **common)]

    def rights_issue(self, event: GoldenEvent, common: dict[str, Any]) -> list[ev.Event]:
        share, right = self.prices.get(event.isin), self.prices.get(event.new_isin or "")
        if share is not None and right is None:
            right = self._in_theory(event, share)
        if share is None or right is None:
            missing = event.isin if share is None else event.new_isin
            message = f"{event.ref}: cost follows market value, and {missing} has no price of the ex date"
            self.findings.append(error("value-missing", message, _at(event), todo="load the prices of the ex date, then run again"))
            return []
        return [
            ev.RightsIssue(
                event_id=f"{self.fund}:{event.ref}",
                isin=event.isin,
                rights_isin=event.new_isin or "",
                new=event.ratio_new or ZERO,
                old=event.ratio_old or ZERO,
                value_share=share,
                value_right=right,
                **common,
            )
        ]

    def _in_theory(self, event: GoldenEvent, share: Decimal) -> Decimal | None:
        """Value of a right from the share's price ex rights and the subscription price of the exercise that follows."""
        prices = [e.price for e in self.golden if e.caev == "EXRI" and e.isin == event.new_isin and e.price is not None]
        if not prices:
            return None
        value = max(ZERO, share - prices[0])  # the share's price is ex rights already
        said = f"{event.ref}: {event.new_isin} has no price; valued in theory at {plain(value)}"
        self.findings.append(warning("right-valued-in-theory", said, _at(event), todo="compare with its first price"))
        return value

    def exercise(self, event: GoldenEvent, common: dict[str, Any]) -> list[ev.Event]:
        made: list[ev.Event] = []
        if event.ratio_new != event.ratio_old:
            said = f"{event.ref}: {event.ratio_new} shares for {event.ratio_old} rights is not one for one"
            self.findings.append(warning("action-by-hand", said, _at(event), todo="book the exercise by hand"))
            return made
        for account, rights in sorted(self.held[event.isin].items()):
            instructed = self.instructions.get((event.ref, account))
            quantity = round_to(rights * self.take_up, 0, Rounding.DOWN) if instructed is None else instructed
            if instructed is None and rights > 0:
                share = f"{plain(quantity)} of {plain(rights)} rights"
                said = f"{event.ref}: nobody instructed for {account}; {share} are exercised by default"
                self.findings.append(info("exercise-by-default", said, _at(event)))
            if quantity < rights:
                todo = "sell the rest before the deadline; what lapses is written off by hand"
                self.findings.append(
                    warning(
                        "rights-lapse", f"{event.ref}: {plain(rights - quantity)} rights in {account} lapse", _at(event), todo=todo
                    )
                )
            if quantity > 0:
                made.append(
                    ev.RightsExercise(
                        event_id=f"{self.fund}:{event.ref}:{account}",
                        account=account,
                        rights_isin=event.isin,
                        isin=event.new_isin or "",
                        quantity=quantity,
                        subscription_price=event.price or ZERO,
                        currency=event.currency or "",
                        payment_date=_day(event.payment_date),
                        **common,
                    )
                )
        return made


_KINDS: dict[str, Callable[[_Maker, GoldenEvent, dict[str, Any]], list[ev.Event]]] = {
    "DVCA": _Maker.dividend, "INTR": _Maker.coupon, "SPLF": _Maker.split, "SPLR": _Maker.split,
    "RHDI": _Maker.rights_issue, "EXRI": _Maker.exercise,
}  # fmt: skip


def _at(event: GoldenEvent, name: str = "") -> Place:
    sha256, _, at = event.source.partition("#")
    return Place(event.ref, at, name, sha256)


def _day(stated: date | None) -> date:
    assert stated is not None, "a required field: checked before"
    return stated
