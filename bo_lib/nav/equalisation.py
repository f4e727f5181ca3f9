"""Equalisation: one price for all shares, and every investor charged on the gain of its own shares.

Everybody pays gross asset value per share. Who buys above the high-water mark holds an *equalisation credit*: the fee that the
price charges below its own entry. It falls and recovers with the gross asset value, buys shares when fees crystallise, and is
paid out in proportion on redemption. Who buys below the mark owes a fee on the way up to it, which the price does not charge:
a *contingent redemption*, paid by shares redeemed at crystallisation or out of the proceeds. Amounts are unrounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from bo_lib.model.money import ZERO


@dataclass(frozen=True)
class Lot:
    """Shares of one subscription; ``mark`` is the gross asset value per share its holder has already paid fees up to."""

    investor: str
    shares: Decimal
    mark: Decimal


@dataclass(frozen=True)
class Settled:
    """What crystallisation did to one lot: shares bought with its credit (positive) or redeemed for its fee (negative)."""

    investor: str
    credit: Decimal
    contingent_fee: Decimal
    shares: Decimal


@dataclass(frozen=True)
class EqualisedClass:
    """A class of shares at one moment. ``gav`` and ``high_water_mark`` per share; ``rate`` is a fraction (0.20)."""

    rate: Decimal
    gav: Decimal
    high_water_mark: Decimal
    lots: tuple[Lot, ...] = ()

    @property
    def shares(self) -> Decimal:
        return sum((lot.shares for lot in self.lots), ZERO)

    @property
    def fee_per_share(self) -> Decimal:
        return self.rate * max(ZERO, self.gav - self.high_water_mark)

    @property
    def nav(self) -> Decimal:
        """The price of every share alike: gross asset value less the fee above the class's mark."""
        return self.gav - self.fee_per_share

    def credit(self, lot: Lot) -> Decimal:
        """Fee the price charges ``lot`` for a gain it did not have; at risk while the value falls."""
        return self.rate * max(ZERO, min(self.gav, lot.mark) - self.high_water_mark) * lot.shares

    def contingent_fee(self, lot: Lot) -> Decimal:
        """Fee on the gain of ``lot`` that the price does not charge: from its own mark up to the class's."""
        return self.rate * max(ZERO, min(self.gav, self.high_water_mark) - lot.mark) * lot.shares

    def value(self, investor: str) -> Decimal:
        """What an investor would be paid today for all its shares."""
        return sum((self._worth(lot) for lot in self.lots if lot.investor == investor), ZERO)

    @property
    def fee_accrued(self) -> Decimal:
        """The manager's fee if everything crystallised today."""
        return self.shares * self.fee_per_share + sum((self.contingent_fee(x) - self.credit(x) for x in self.lots), ZERO)

    def grown(self, factor: Decimal) -> EqualisedClass:
        """The class after its assets moved by ``factor``."""
        return replace(self, gav=self.gav * factor)

    def subscribed(self, investor: str, amount: Decimal) -> EqualisedClass:
        """Shares at gross asset value; the part of the price above the NAV is the credit."""
        return replace(self, lots=(*self.lots, Lot(investor, amount / self.gav, self.gav)))

    def redeemed(self, investor: str, part: Decimal) -> tuple[EqualisedClass, Decimal]:
        """The class without ``part`` (0 to 1) of every lot of an investor, and what the investor is paid, credits in proportion."""
        paid = self.value(investor) * part
        lots = (replace(x, shares=x.shares * (1 - part)) if x.investor == investor else x for x in self.lots)
        return replace(self, lots=tuple(x for x in lots if x.shares)), paid

    def crystallised(self) -> tuple[EqualisedClass, tuple[Settled, ...]]:
        """Fees paid: the price is the new gross asset value, credits have bought shares and contingent fees redeemed some."""
        settled, lots = [], []
        for lot in self.lots:
            credit, owed = self.credit(lot), self.contingent_fee(lot)
            bought = (credit - owed) / self.nav
            after = lot.shares + bought
            mark = max(lot.mark * lot.shares, self._worth(lot)) / after
            lots.append(Lot(lot.investor, after, mark))
            settled.append(Settled(lot.investor, credit, owed, bought))
        after_fee = replace(self, gav=self.nav, high_water_mark=max(self.high_water_mark, self.nav), lots=tuple(lots))
        return after_fee, tuple(settled)

    def _worth(self, lot: Lot) -> Decimal:
        return lot.shares * self.nav + self.credit(lot) - self.contingent_fee(lot)
