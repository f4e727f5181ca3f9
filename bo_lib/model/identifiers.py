"""Identifiers of instruments, parties and accounts: normal form and check digits (python-stdnum)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
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


_SEDOL, _CUSIP, _VALOR = ("GB", "IE", "JE", "GG", "IM"), ("US", "CA", "PR"), ("CH", "LI")


def cross_references(instruments: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """``cusip:…``, ``sedol:…``, ``valor:…``, ``wkn:…`` and ``ticker:…`` -> ISIN, from the ISIN and ticker of each instrument.

    An ISIN carries the national number of its country (ISO 6166). A code of two instruments leads to neither.
    """
    found: dict[str, set[str]] = {}
    for isin, ticker in instruments:
        country, code = isin[:2], isin[2:11]
        named = {"ticker": normal(ticker or "")}
        if country in _CUSIP or code[:1].isalpha():  # an offshore CUSIP (CINS) begins with a letter
            named["cusip"] = code
        if country in _SEDOL and code.startswith("00"):
            named["sedol"] = code[2:]
        if country in _VALOR:
            named["valor"] = code.lstrip("0")
        if country == "DE" and code.startswith("000"):
            named["wkn"] = code[3:]
        for scheme, said in named.items():
            found.setdefault(f"{scheme}:{said}", set()).add(isin)
    return {code: next(iter(isins)) for code, isins in found.items() if len(isins) == 1 and not code.endswith(":")}


def cross_referenced(local_id: str | None, known: Mapping[str, str]) -> str | None:
    """The ISIN of another code of a security (``cusip:037833100``) by ``cross_references``; None where it is not known."""
    scheme, _, code = (local_id or "").partition(":")
    code = normal(code)
    return known.get(f"{scheme}:{code.lstrip('0') if scheme == 'valor' else code}")


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
