"""Identifiers of instruments, parties and accounts: normal form and check digits (python-stdnum)."""

from __future__ import annotations

import re
import unicodedata
from importlib import import_module

KINDS = ("isin", "cusip", "sedol", "figi", "lei", "iban", "bic")
_MODULES = {"isin": "isin", "cusip": "cusip", "sedol": "gb.sedol", "figi": "figi", "lei": "lei", "iban": "iban", "bic": "bic"}


def is_valid(kind: str, text: str) -> bool:
    """True when ``text`` is a well-formed identifier of ``kind`` (one of ``KINDS``), its check digit included.

    A BIC has no check digit: only its format is tested.
    """
    module = import_module(f"stdnum.{_MODULES[kind]}")
    return bool(module.is_valid(text))


def isin_with_check_digit(country: str, national_number: str) -> str:
    """The ISIN of a national number: country, nine characters, ISO 6166 check digit."""
    from stdnum import isin

    return str(isin.from_natid(country, national_number.rjust(9, "0")))


def same_person(one: str, other: str) -> bool:
    """Names that differ only by case, blanks or the way their letters are encoded (José, full width) are one person's."""
    return _person(one) == _person(other)


def _person(name: str) -> str:
    """Compatibility forms before and after folding: folding may undo the first. Characters nobody sees do not count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(c for c in folded if unicodedata.category(c) != "Cf").split())


def normal(text: str) -> str:
    """Upper case without blanks, dots, dashes and slashes: how codes are compared, never how they are stored."""
    return re.sub(r"[\s./-]", "", text).upper()
