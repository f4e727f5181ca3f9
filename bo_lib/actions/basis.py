"""Small computations of corporate actions: ex-rights price, allocation of cost, cash in lieu, tax to reclaim."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bo_lib.model.money import ZERO, round_to


def theoretical_ex_rights_price(market: Decimal, subscription: Decimal, new: Decimal, old: Decimal) -> Decimal:
    """Price of a share after an issue of ``new`` shares at ``subscription`` for every ``old``: all shares at their average."""
    return (old * market + new * subscription) / (new + old)


def nil_paid_value(market: Decimal, subscription: Decimal, new: Decimal, old: Decimal) -> Decimal:
    """What the right to one new share is worth, in theory; never below zero."""
    return max(ZERO, theoretical_ex_rights_price(market, subscription, new, old) - subscription)


class RightsBasis(NamedTuple):
    shares: Decimal
    rights: Decimal
    must_allocate: bool  # rights worth 15% or more of the shares take basis; below, the holder may choose zero


def rights_basis(
    cost: Decimal, shares: Decimal, value_share: Decimal, rights: Decimal, value_right: Decimal, digits: int = 2
) -> RightsBasis:
    """Cost of the old shares split by market value on the day of distribution (26 CFR 1.307-1 and -2)."""
    worth_rights, worth_shares = rights * value_right, shares * value_share
    part = round_to(cost * worth_rights / (worth_rights + worth_shares), digits)
    return RightsBasis(cost - part, part, worth_rights * 100 >= worth_shares * 15)


class CashInLieu(NamedTuple):
    whole: Decimal  # shares received
    fraction: Decimal
    basis_of_fraction: Decimal  # leaves with the cash
    gain: Decimal


def cash_in_lieu(basis: Decimal, entitled: Decimal, cash: Decimal) -> CashInLieu:
    """Whole shares kept, the fraction sold for ``cash``: its part of ``basis`` leaves with it."""
    whole = entitled // 1
    cost = basis * (entitled - whole) / entitled
    return CashInLieu(whole, entitled - whole, cost, cash - cost)


class Exchange(NamedTuple):
    gain_realised: Decimal
    gain_recognised: Decimal
    of_which_dividend: Decimal
    exchange_gain: Decimal
    basis_new_stock: Decimal


def exchange_with_boot(value_stock: Decimal, boot: Decimal, basis: Decimal, earnings_share: Decimal = ZERO) -> Exchange:
    """A merger for stock and ``boot`` (cash and other property): gain is recognised up to the boot (26 CFR 1.356-1).

    ``earnings_share``: the holder's part of undistributed earnings, when the exchange has the effect of a dividend.
    """
    realised = value_stock + boot - basis
    recognised = max(ZERO, min(realised, boot))
    dividend = min(recognised, earnings_share)
    return Exchange(realised, recognised, dividend, recognised - dividend, basis - boot + recognised)


class Reclaim(NamedTuple):
    net_received: Decimal
    net_due: Decimal
    reclaim: Decimal


def withholding_reclaim(gross: Decimal, statutory_pct: Decimal, treaty_pct: Decimal, digits: int = 2) -> Reclaim:
    """Tax withheld at the statutory rate beyond the treaty's: a receivable from the country of the issuer."""
    withheld, due = round_to(gross * statutory_pct / 100, digits), round_to(gross * treaty_pct / 100, digits)
    return Reclaim(gross - withheld, gross - due, max(ZERO, withheld - due))
