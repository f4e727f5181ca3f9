"""Swing pricing: dealers pay for the trading they cause once the net flow of a day is large."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from bo_lib.config import Swing, Terms
from bo_lib.model.money import ZERO, Rates, Rounding, round_to


class Flow(NamedTuple):
    """Money that enters (positive) or leaves a class on a dealing day: an amount in its currency, or units."""

    share_class: str
    amount: Decimal = ZERO
    units: Decimal = ZERO


def swung(
    nav_per_unit: Decimal, net_flow: Decimal, threshold: Decimal, factor: Decimal, digits: int, rule: Rounding = Rounding.HALF_UP
) -> Decimal:
    """NAV per unit moved by ``factor`` with the sign of ``net_flow`` when its size passes ``threshold`` (partial swing).

    ``net_flow`` and ``threshold`` are fractions of net assets; at the threshold exactly nothing swings.
    """
    if abs(net_flow) <= threshold:
        return nav_per_unit
    return round_to(nav_per_unit * (1 + factor.copy_sign(net_flow)), digits, rule)


def swing_factor(bid_value: Decimal, mid_value: Decimal, cap: Decimal | None = None) -> Decimal:
    """Half the spread of a portfolio as a fraction: |value at bid - value at mid| / value at mid, not above ``cap``.

    0 when there is nothing to trade.
    """
    factor = abs(bid_value - mid_value) / mid_value if mid_value else ZERO
    return factor if cap is None else min(factor, cap)


def net_flow(
    flows: Iterable[tuple[str, Decimal, Decimal]], nav_per_unit: Mapping[str, Decimal], terms: Terms, rates: Rates, base: str
) -> Decimal:
    """Subscriptions less redemptions of all classes in base currency; units count at NAV per unit.

    ``flows``: rows as ``Flow``.
    """
    total = ZERO
    for share_class, amount, units in flows:
        c = terms.share_class(share_class)
        amount = amount or units * nav_per_unit[c.id]
        total += rates.convert(amount, c.currency, base)
    return total


def dealing_prices(
    nav_per_unit: Mapping[str, Decimal],
    net_assets: Decimal,
    flows: Iterable[tuple[str, Decimal, Decimal]],
    terms: Terms,
    rates: Rates,
    base: str,
) -> dict[str, Decimal]:
    """The price of each class on the day: NAV per unit, swung for all classes alike when the fund's net flow is large.

    A class without units deals at the price new series open at.
    """
    known = {c.id: nav_per_unit.get(c.id) for c in terms.classes}
    prices = {name: terms.dealing.series_price if price is None else price for name, price in known.items()}
    if terms.swing is None or terms.swing.style == "levy" or net_assets <= 0:
        return prices
    share = net_flow(flows, prices, terms, rates, base) / net_assets
    threshold, factor = _bounds(terms.swing, share)
    return {c.id: swung(prices[c.id], share, threshold, factor, c.nav_decimals, c.nav_rounding) for c in terms.classes}


def _bounds(s: Swing, share: Decimal) -> tuple[Decimal, Decimal]:
    """Threshold and factor in force for a net flow of ``share`` of net assets, as fractions."""
    bps = s.factor_out_bps if share < 0 and s.factor_out_bps is not None else s.factor_bps
    return ZERO if s.mode == "full" else s.threshold_pct / 100, (bps if s.cap_bps is None else min(bps, s.cap_bps)) / 10000


def levied_prices(
    nav_per_unit: Mapping[str, Decimal],
    net_assets: Decimal,
    flows: Iterable[tuple[str, Decimal, Decimal]],
    terms: Terms,
    rates: Rates,
    base: str,
) -> dict[tuple[str, str], Decimal]:
    """Prices by (class, order kind) under an anti-dilution levy: who deals on the side of the net flow pays the factor.

    Units are issued for what the levy leaves of the money; of the proceeds of a redemption the levy stays in the fund.
    """
    s = terms.swing
    if s is None or s.style != "levy" or net_assets <= 0:
        return {}
    share = net_flow(flows, nav_per_unit, terms, rates, base) / net_assets
    threshold, factor = _bounds(s, share)
    if abs(share) <= threshold:
        return {}
    if share > 0:
        return {(c, "SUBSCRIBE"): round_to(price / (1 - factor), 12) for c, price in nav_per_unit.items()}
    return {(c, "REDEEM"): round_to(price * (1 - factor), 12) for c, price in nav_per_unit.items()}
