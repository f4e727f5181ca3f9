"""Partnership accounting: a capital account for each partner and contribution, profit by opening capital, incentive to the GP.

The incentive is a reallocation of profit from a limited partner's account to the general partner's, above the account's own loss
carried forward; no fee leaves the partnership. Side pockets hold what only the partners of their day share. Amounts are unrounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bo_lib.model.money import ZERO

GENERAL_PARTNER = ("", "GP")  # partner and tranche, as a side pocket names its share


@dataclass(frozen=True)
class CapitalAccount:
    """One contribution of one partner: ``capital`` before incentive, ``mark`` the capital that incentive was paid up to."""

    partner: str
    tranche: str
    capital: Decimal
    mark: Decimal

    @property
    def loss_carried(self) -> Decimal:
        """What profit must make up before incentive is due again; 0 or positive."""
        return max(ZERO, self.mark - self.capital)

    def incentive(self, rate: Decimal) -> Decimal:
        return rate * max(ZERO, self.capital - self.mark)


@dataclass(frozen=True)
class SidePocket:
    """An illiquid holding at its value of the day it was set aside, by the accounts that shared it then."""

    name: str
    shares: tuple[tuple[str, str, Decimal], ...]  # partner, tranche, amount

    @property
    def cost(self) -> Decimal:
        return sum((amount for *_, amount in self.shares), ZERO)

    def share(self, partner: str, tranche: str) -> Decimal:
        return sum((amount for who, what, amount in self.shares if (who, what) == (partner, tranche)), ZERO)


@dataclass(frozen=True)
class Partnership:
    """``rate`` is a fraction (0.20). ``general_partner`` pays no incentive to itself."""

    rate: Decimal
    accounts: tuple[CapitalAccount, ...] = ()
    general_partner: Decimal = ZERO
    pockets: tuple[SidePocket, ...] = field(default=())

    @property
    def capital(self) -> Decimal:
        """Liquid capital of all partners, the general partner's included."""
        return sum((a.capital for a in self.accounts), ZERO) + self.general_partner

    def value(self, partner: str) -> Decimal:
        """A limited partner's liquid capital after the incentive due if today were the end of the period."""
        return sum((a.capital - a.incentive(self.rate) for a in self.accounts if a.partner == partner), ZERO)

    @property
    def incentive_accrued(self) -> Decimal:
        return sum((a.incentive(self.rate) for a in self.accounts), ZERO)

    def allocated(self, profit: Decimal) -> Partnership:
        """``profit`` (or a loss, negative) of a period shared by opening capital."""
        whole = self.capital
        if not whole:
            return self
        accounts = tuple(replace(a, capital=a.capital + profit * a.capital / whole) for a in self.accounts)
        return replace(self, accounts=accounts, general_partner=self.general_partner * (1 + profit / whole))

    def contributed(self, partner: str, amount: Decimal, tranche: str) -> Partnership:
        """A contribution opens an account of its own, so that earlier losses shelter only the money that bore them."""
        return replace(self, accounts=(*self.accounts, CapitalAccount(partner, tranche, amount, amount)))

    def withdrawn(self, partner: str, part: Decimal) -> tuple[Partnership, Decimal]:
        """Without ``part`` (0 to 1) of a partner's liquid capital, and what is paid; its incentive goes to the general partner.

        The mark falls in proportion: a loss carried forward leaves with the capital that bore it. An account whose
        partner still has a share in a side pocket stays, empty.
        """
        paid = self.value(partner) * part
        incentive = sum((a.incentive(self.rate) for a in self.accounts if a.partner == partner), ZERO) * part
        left = (
            replace(a, capital=a.capital * (1 - part), mark=a.mark * (1 - part)) if a.partner == partner else a
            for a in self.accounts
        )
        pocketed = {(who, tranche) for pocket in self.pockets for who, tranche, _ in pocket.shares}
        kept = tuple(a for a in left if a.capital or (a.partner, a.tranche) in pocketed)
        return replace(self, accounts=kept, general_partner=self.general_partner + incentive), paid

    def crystallised(self) -> Partnership:
        """The end of a period: incentive moved to the general partner, marks moved up to the capital that is left."""
        accounts = []
        for a in self.accounts:
            left = a.capital - a.incentive(self.rate)
            accounts.append(replace(a, capital=left, mark=max(a.mark, left)))
        return replace(self, accounts=tuple(accounts), general_partner=self.general_partner + self.incentive_accrued)

    def set_aside(self, name: str, amount: Decimal) -> Partnership:
        """Moves a holding worth ``amount`` out of the liquid capital of all of today's partners into a side pocket.

        Marks move with it at its value, so its later gain meets incentive only when it is realised.
        """
        whole = self.capital
        parts = [amount * a.capital / whole for a in self.accounts]
        of_gp = amount * self.general_partner / whole
        shares = tuple((a.partner, a.tranche, part) for a, part in zip(self.accounts, parts, strict=True))
        accounts = tuple(
            replace(a, capital=a.capital - part, mark=a.mark - part) for a, part in zip(self.accounts, parts, strict=True)
        )
        pocket = SidePocket(name, (*shares, (*GENERAL_PARTNER, of_gp)))
        return replace(self, accounts=accounts, general_partner=self.general_partner - of_gp, pockets=(*self.pockets, pocket))

    def realised(self, name: str, proceeds: Decimal) -> Partnership:
        """The pocket sold: its partners alone get the proceeds by share; a gain joins their liquid capital above the mark."""
        pocket = next(p for p in self.pockets if p.name == name)
        accounts = tuple(_returned(self.accounts, pocket, proceeds))
        general = self.general_partner + proceeds * pocket.share(*GENERAL_PARTNER) / pocket.cost
        return replace(self, accounts=accounts, general_partner=general, pockets=tuple(p for p in self.pockets if p.name != name))


def _returned(accounts: Iterable[CapitalAccount], pocket: SidePocket, proceeds: Decimal) -> Iterable[CapitalAccount]:
    for a in accounts:
        share = pocket.share(a.partner, a.tranche)
        yield replace(a, capital=a.capital + proceeds * share / pocket.cost, mark=a.mark + share)
