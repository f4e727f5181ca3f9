"""SEC Form N-PORT: every holding of Part C, the amounts of Part B.

Source: Form N-PORT, EDGAR N-PORT XML technical specification 1.13. Values are in US dollars. Where an item is withheld
(``XXXX``) or not applicable (``N/A``) the cell is null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, day, local, number, parse, text
from bo_lib.model.money import round_to
from bo_lib.model.tables import FILING_TOTALS, HOLDINGS, STATEMENTS

_UNITS = {"NS": "UNIT", "PA": "FAMT", "NC": "CONT", "OU": "OTHR"}
_FLOWS = ("mon1Flow", "mon2Flow", "mon3Flow", "othMon1", "othMon2", "othMon3")


def read(data: bytes, reading: Reading) -> None:
    """One filing into ``statements``, ``holdings`` and ``filing_totals``."""
    reading.expect(STATEMENTS, HOLDINGS, FILING_TOTALS)
    root = parse(data, reading)
    if root is None:
        return
    general, fund_info = child(root, "formData", "genInfo"), child(root, "formData", "fundInfo")
    fund = _said(text(general, "seriesId")) or _said(text(general, "seriesLei")) or _said(text(general, "regCik"))
    if general is None or fund is None:
        why = UnreadableError("account-missing", "the filing names neither series nor registrant", expected="genInfo/seriesId")
        reading.refuse(why, at(root), "genInfo", rows=1 + len(children(child(root, "formData", "invstOrSecs"), "invstOrSec")))
        return
    stated = reading.tried(day, text(general, "repPdDate"), at(general), "repPdDate")
    shared = {"account": fund, "statement_id": f"{fund}/{stated}"}
    reading.add(STATEMENTS, at(root), {**shared, "kind": "securities", "number": str(stated), "statement_date": stated})
    for item, said, place in _totals(fund_info):
        row = {"fund": fund, "item": item, "business_date": stated, "currency": "USD"}
        reading.add(FILING_TOTALS, place, {**row, "amount": reading.tried(_amount, said, place, item)})
    holdings = [h for part in children(child(root, "formData"), "invstOrSecs") for h in children(part, "invstOrSec")]
    for ordinal, element in enumerate(holdings, 1):
        place = f"line {element.sourceline} invstOrSec[{ordinal}]"
        try:
            row = _holding(element)
            if _said(text(element, "balance")) is None:
                reading.warning("quantity-missing", "the holding states no balance; kept as one unit at its value", place,
                                "balance", found=text(element, "balance") or "")  # fmt: skip
            reading.add(HOLDINGS, place, {**shared, "business_date": stated, **row})
        except UnreadableError as why:
            reading.refuse(why, place)


def _said(value: str | None) -> str | None:
    """The value, or None where it is withheld or not applicable."""
    return value if value and value.strip("X") and value.upper() not in ("N/A", "NA", "NONE") else None


def _amount(said: str) -> Decimal | None:
    """Money to six decimals. Raises ``UnreadableError``."""
    return round_to(number(said), 6) if _said(said) else None


def _totals(fund_info: etree._Element | None) -> list[tuple[str, str, str]]:
    """Name, text and place of every amount of Part B, and of the monthly flows and gains."""
    found = []
    for element in fund_info if fund_info is not None else ():
        said = (element.text or "").strip()
        if not len(element) and said and (said[-1].isdigit() or not _said(said)):
            found.append((local(element), said, at(element)))
        monthly = children(element, *_FLOWS) if local(element) == "returnInfo" else [element] if local(element) in _FLOWS else []
        found += [(f"{local(m)}.{name!s}", str(m.get(name)), at(m)) for m in monthly for name in m.keys()]  # noqa: SIM118
    return found


def _holding(element: etree._Element) -> dict[str, Any]:
    quantity, value = _said(text(element, "balance")), _said(text(element, "valUSD"))
    if quantity is None and value is None:
        raise UnreadableError(
            "quantity-missing", "the holding states neither balance nor value", text(element, "balance") or "", "a number",
            field="balance",
        )  # fmt: skip
    worth = _amount(value) if value else None
    held = round_to(number(quantity), 10) if quantity else Decimal(1).copy_sign(worth or 1)
    if text(element, "payoffProfile") == "Short" and held > 0 and (worth or 0) < 0:
        held = -held  # some filers state the size of a short position without its sign
    identifiers = child(element, "identifiers")
    isin = _attribute(child(identifiers, "isin"), "value")
    foreign = child(element, "currencyConditional")
    return {
        "isin": isin, "local_id": _local_id(element, identifiers),
        "name": _said(text(element, "title")) or _said(text(element, "name")),
        "quantity": held, "quantity_type": _UNITS.get(text(element, "units") or "", "OTHR") if quantity else "OTHR", "price": None,
        "price_currency": _said(text(element, "curCd")) or _attribute(foreign, "curCd"),
        "market_value": worth, "value_currency": "USD",
        "asset_kind": text(element, "assetCat") or _attribute(child(element, "assetConditional"), "assetCat"),
    }  # fmt: skip


def _attribute(element: etree._Element | None, name: str) -> str | None:
    return _said(str(element.get(name) or "").strip()) if element is not None else None


def _local_id(element: etree._Element, identifiers: etree._Element | None) -> str | None:
    cusip = _said(text(element, "cusip"))
    if cusip and cusip.strip("0"):
        return f"cusip:{cusip}"
    if ticker := _attribute(child(identifiers, "ticker"), "value"):
        return f"ticker:{ticker}"
    other = _attribute(child(identifiers, "other"), "value")
    return f"other:{other}" if other else None
