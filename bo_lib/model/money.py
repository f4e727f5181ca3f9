"""Money: decimals only, a currency always, and every rounding rule by name.

Amounts are ``decimal.Decimal`` in major units (12.34 means twelve pounds 34). Floats are refused.
Importing this module sets the decimal context to 38 digits, as wide as a DECIMAL(38) column.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

decimal.DefaultContext.prec = 38
decimal.setcontext(decimal.DefaultContext)

ZERO = Decimal(0)
NO_CURRENCY = "XXX"  # ISO 4217: no currency involved; what nobody gave one stands under it


class Rounding(StrEnum):
    """Every rule by which the workbench rounds; terms name one of these."""

    HALF_UP = decimal.ROUND_HALF_UP  # away from zero at the half: amounts of money
    HALF_EVEN = decimal.ROUND_HALF_EVEN  # to even at the half: statistics
    DOWN = decimal.ROUND_DOWN  # toward zero: units issued for an amount
    UP = decimal.ROUND_UP
    FLOOR = decimal.ROUND_FLOOR
    CEILING = decimal.ROUND_CEILING


# ISO 4217: active codes, and those whose minor unit is not 2.
CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF
    CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
    RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH
    UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XOF XPD XPF XPT YER ZAR ZMW ZWG
    BGN HRK ZWL SLL""".split()
)
_MINOR_UNIT = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def minor_unit_digits(currency: str) -> int:
    """Decimal places of a currency (ISO 4217): 2, but 0 for JPY and 3 for KWD."""
    return _MINOR_UNIT.get(currency, 2)


def decimal_from(value: str | int | Decimal) -> Decimal:
    """A finite decimal from text, an integer or a decimal; never from a float.

    Raises ``ValueError`` for anything else, for NaN and for infinities.
    """
    if isinstance(value, float):
        raise ValueError(f"{value!r} is a float; money is decimal: pass it as text")
    try:
        number = Decimal(value)
    except (decimal.InvalidOperation, TypeError) as reason:
        raise ValueError(f"{value!r} is not a number") from reason
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


_QUANTA = [Decimal(1).scaleb(-digits) for digits in range(31)]


def round_to(number: Decimal, digits: int, rule: Rounding = Rounding.HALF_UP) -> Decimal:
    """``number`` with ``digits`` decimal places, by a named rule; never minus zero."""
    quantum = _QUANTA[digits] if 0 <= digits <= 30 else Decimal(1).scaleb(-digits)
    return number.quantize(quantum, rule) + ZERO


def round_money(amount: Decimal, currency: str, rule: Rounding = Rounding.HALF_UP) -> Decimal:
    """``amount`` in whole minor units of ``currency``."""
    return round_to(amount, minor_unit_digits(currency), rule)


def plain(number: Decimal) -> str:
    """A number for people: no exponent, no trailing zeros."""
    return f"{number.normalize():f}"


class Rates:
    """Exchange rates of one date and source: units of each currency for one unit of a pivot (as the ECB quotes).

    ``rate("USD", "GBP")`` is GBP for one USD, at full precision. An unknown currency raises ``KeyError``.
    """

    def __init__(self, per_pivot: Mapping[str, Decimal], pivot: str = "EUR") -> None:
        self.per_pivot: Mapping[str, Decimal] = MappingProxyType({**per_pivot, pivot: Decimal(1)})
        self.pivot = pivot

    def __contains__(self, currency: str) -> bool:
        return currency in self.per_pivot

    def rate(self, currency: str, into: str) -> Decimal:
        return Decimal(1) if currency == into else self.per_pivot[into] / self.per_pivot[currency]

    def convert(self, amount: Decimal, currency: str, into: str) -> Decimal:
        """``amount`` multiplied first and divided last, then rounded once to the minor unit of ``into``."""
        if currency == into:
            return round_money(amount, into)
        return round_money(amount * self.per_pivot[into] / self.per_pivot[currency], into)
