"""The register: who holds how many units. A fold of the opening holders and of capital events, apart from the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.config import Fund
from bo_lib.investors.split import split_exactly
from bo_lib.investors.tables import HOLDERS, REGISTER_STATEMENT
from bo_lib.model.events import Capital, Event, Reversal
from bo_lib.model.findings import Finding, Outcome, error
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built

Holding = tuple[str, str]  # investor, share class
_UNIT_DIGITS = 10


@dataclass(frozen=True)
class Entry:
    """A change of one holding; units and amount are negative when they leave."""

    effective_date: date
    investor: str
    share_class: str
    action: str
    reference: str
    units: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Register:
    """Every entry known, those of a later effective date included; ask with the day you mean."""

    fund: str
    entries: tuple[Entry, ...]

    def units(self, investor: str, share_class: str, on: date) -> Decimal:
        return sum((e.units for e in self._until(on) if (e.investor, e.share_class) == (investor, share_class)), ZERO)

    def free_units(self, investor: str, share_class: str, on: date) -> Decimal:
        """Units that can still be redeemed: held on the day, less redemptions dealt and not yet effective."""
        leaving = (
            e.units
            for e in self.entries
            if e.effective_date > on and e.units < 0 and (e.investor, e.share_class) == (investor, share_class)
        )
        return self.units(investor, share_class, on) + sum(leaving, ZERO)

    def by_class(self, on: date) -> dict[str, Decimal]:
        """Units in issue by class: what the books must show."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for e in self._until(on):
            sums[e.share_class] += e.units
        return dict(sums)

    def called(self, investor: str, on: date) -> Decimal:
        """Capital called to date, all calls notified by then included."""
        return sum((e.amount for e in self._until(on) if e.investor == investor and e.action == "CALL"), ZERO)

    def holders(self, on: date) -> pa.Table:
        """Table HOLDERS: holdings other than zero."""
        held: dict[Holding, Decimal] = defaultdict(Decimal)
        for e in self._until(on):
            held[e.investor, e.share_class] += e.units
        whole = self.by_class(on)
        return built(HOLDERS, (
            {"investor": investor, "share_class": c, "units": units, "of_class_pct": _pct(units, whole[c])}
            for (investor, c), units in sorted(held.items()) if units
        ))  # fmt: skip

    def statement(self, first: date, last: date, investor: str = "", share_class: str = "") -> pa.Table:
        """Table REGISTER_STATEMENT: the balance before ``first``, then entries up to ``last``; of one investor or class, or all."""
        wanted = [e for e in self._until(last) if investor in ("", e.investor) and share_class in ("", e.share_class)]
        opening: dict[Holding, dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        balance: dict[Holding, Decimal] = defaultdict(Decimal)
        for e in sorted(wanted, key=lambda e: (e.investor, e.share_class, e.effective_date, e.reference)):
            key = (e.investor, e.share_class)
            balance[key] += e.units
            row = {**_row(e), "balance": balance[key]}
            if e.effective_date < first or e.action == "OPENING":
                carried = {"effective_date": first, "action": "OPENING", "reference": "", "units": balance[key], "amount": ZERO}
                opening[key] = {**row, **carried}
            else:
                rows.append(row)
        order = ("investor", "share_class", "effective_date", "reference")
        return built(REGISTER_STATEMENT, sorted([*opening.values(), *rows], key=lambda r: tuple(r[name] for name in order)))

    def _until(self, on: date) -> Iterable[Entry]:
        return (e for e in self.entries if e.effective_date <= on)


def register(fund: Fund, opening: Mapping[Holding, Decimal], events: Sequence[Event]) -> Outcome[Register]:
    """The register of ``fund`` from the ``opening`` holdings at inception and its capital events (reversed ones left out).

    A class of a closed-end fund that opens without holders has one unit for ever; the partners share it by commitment.
    A holding below zero, or of an investor the fund does not know, is an error and stays visible.
    """
    held = dict(opening) or _by_commitment(fund)
    entries = [Entry(fund.inception, investor, c, "OPENING", "", units, ZERO, "") for (investor, c), units in sorted(held.items())]
    entries += [_entry(e) for e in standing_capital(events)]
    entries.sort(key=lambda e: (e.effective_date, e.reference))
    made = Register(fund.id, tuple(entries))
    return Outcome(made, tuple(_problems(made, fund)))


def standing_capital(events: Sequence[Event]) -> list[Capital]:
    """Capital events that no standing reversal has taken back."""
    reversals = [e for e in events if isinstance(e, Reversal)]
    taken_back: dict[str, list[str]] = defaultdict(list)
    for r in reversals:
        taken_back[r.reverses].append(r.event_id)

    def stands(event_id: str) -> bool:
        return not any(stands(r) for r in taken_back[event_id])

    return [e for e in events if isinstance(e, Capital) and stands(e.event_id)]


def _row(e: Entry) -> dict[str, Any]:
    return {f.name: getattr(e, f.name) for f in fields(e)}


def _pct(part: Decimal, whole: Decimal) -> Decimal:
    return round_to(part * 100 / whole, 6) if whole else ZERO


def _by_commitment(fund: Fund) -> dict[Holding, Decimal]:
    commitments = {i.id: i.commitment for i in fund.investors if i.commitment > 0}
    if fund.kind != "closed_end" or not commitments:
        return {}
    first = fund.on(max(fund.inception, fund.terms[0].start)).classes[0].id
    return {(investor, first): units for investor, units in split_exactly(Decimal(1), commitments, _UNIT_DIGITS).items()}


def _entry(e: Capital) -> Entry:
    sign = 1 if e.action in ("SUBSCRIBE", "CALL", "EXCHANGE_IN") else -1
    return Entry(e.effective_date, e.investor, e.share_class, e.action, e.order_id, sign * e.units, sign * e.amount, e.currency)


def _problems(made: Register, fund: Fund) -> Iterable[Finding]:
    known = {i.id for i in fund.investors}
    balance: dict[Holding, Decimal] = defaultdict(Decimal)
    for e in made.entries:
        balance[e.investor, e.share_class] += e.units
        if balance[e.investor, e.share_class] < 0:
            yield error(
                "register-below-zero",
                f"{e.investor} holds {balance[e.investor, e.share_class]} of {e.share_class} after {e.reference}",
                expected="0 or more",
                todo="find the redemption that was too large",
            )
    for investor in sorted({e.investor for e in made.entries} - known):
        yield error(
            "investor-unknown",
            f"{investor} is in the register of {fund.id} and not among its investors",
            found=investor,
            todo="add the investor to the fund's parameters",
        )
