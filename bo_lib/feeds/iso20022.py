"""What the ISO 20022 securities messages share, in every version: securities, quantities, amounts, dates, wherever they nest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, day, local, number, parse, text

_KINDS = {
    "Unit": "UNIT", "FaceAmt": "FAMT", "FaceAmount": "FAMT", "AmtsdVal": "AMOR", "AmortisedValue": "AMOR", "DgtlTknUnit": "UNIT",
    "Bal": "OTHR",
}  # fmt: skip
_SCHEMES = {
    "CUSP": "cusip", "SEDL": "sedol", "TIKR": "ticker", "VALO": "valor", "WKNR": "wkn", "US": "cusip", "GB": "sedol", "CH": "valor",
}  # fmt: skip


def messages(data: bytes, reading: Reading, *names: str) -> list[etree._Element]:
    """Every message of these names in the file (a file may wrap one or many in an envelope); none with an error finding."""
    root = parse(data, reading)
    if root is None:
        return []
    found = [e for e in root.iter() if local(e) in names]
    if not found:
        reading.error("message-missing", "the file holds no message of its kind", f"line {root.sourceline} {local(root)}",
                      expected=" or ".join(names), todo="ask the sender for it")  # fmt: skip
    return found


def inside(element: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Every element of these names at any depth."""
    if element is not None:
        yield from (e for e in element.iter() if local(e) in names)


def security(element: etree._Element | None) -> tuple[str | None, str | None, str | None]:
    """ISIN, other identifier with its scheme, description; the older dialect wraps identifiers once more."""
    inner = child(element, "Identification")
    inner = inner if inner is not None else element
    other, local_id = child(inner, "OthrId|OtherIdentification"), None
    if code := text(other, "Id|Identification"):
        kind = child(other, "Tp|IdentificationSource")
        scheme = text(kind, "Cd|Prtry|Domestic|Domestics|Proprietary") or "other"
        local_id = f"{_SCHEMES.get(scheme, scheme.lower())}:{code}"
    return text(inner, "ISIN"), local_id, text(element, "Desc|Description")


def quantity(balance: etree._Element | None) -> tuple[str, Decimal] | None:
    """Type and signed quantity, however deep the choices of the version are nested. Raises ``UnreadableError``."""
    for element in inside(balance, *_KINDS):
        if (element.text or "").strip():
            value = number(element.text or "")
            short = next(inside(balance, "ShrtLngInd", "ShortLongIndicator", "ShrtLngPos"), None)
            return _KINDS[local(element)], -abs(value) if short is not None and short.text == "SHOR" and value else value
    return None


def amount(element: etree._Element | None) -> tuple[str | None, Decimal | None]:
    """Currency and amount, signed where ``Sgn`` or a debit indicator says so. Raises ``UnreadableError``."""
    found = child(element, "Amt|Amount")
    if found is None or not (found.text or "").strip():
        return None, None
    value = number(found.text or "")
    negative = text(element, "Sgn|Sign") in ("false", "0") or text(element, "CdtDbtInd|CdtDbt") == "DBIT"
    return found.get("Ccy"), -value if negative else value


def day_in(element: etree._Element | None, reading: Reading) -> date | None:
    """The date of an element, however its choices nest; a code such as UKWN states none."""
    for found in inside(element, "Dt", "DtTm") if element is not None and len(element) else [element]:
        if found is not None and (said := (found.text or "").strip()) and not len(found):
            return reading.tried(day, said, at(found), local(element))
    return None


def code(element: etree._Element | None) -> str | None:
    """The code of a choice between ``Cd`` and a proprietary identification."""
    return text(element, "Cd") or text(element, "Prtry", "Id") or text(element, "Prtry")


def sender(element: etree._Element) -> str | None:
    """The business application header's sender, where the message is wrapped with one."""
    top = element.getroottree().getroot()
    source = next(inside(top, "Fr"), None)
    found = next((e for e in inside(source, "BICFI", "BIC", "AnyBIC") if (e.text or "").strip()), None)
    return (found.text or "").strip() if found is not None else None


def refuse_missing(value: Any, code_: str, message: str, expected: str) -> None:
    """Raises ``UnreadableError`` where there is no value."""
    if not value:
        raise UnreadableError(code_, message, expected=expected, field=expected)
