"""semt.002 statements of holdings (ISO dialect, and the older SWIFT dialect with its long names).

Source: ISO 20022 Securities Balance Custody Report. The aggregate balance of account and security is the position.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.iso20022 import amount, quantity, security
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, day_of, local, number, parse, text
from bo_lib.model.tables import HOLDINGS, STATEMENTS

_BASIS = {"TRAD": "trade", "CONT": "trade", "SETT": "settlement"}
_INSTRUMENT, _AMOUNTS = "FinInstrmId|FinancialInstrumentIdentification", "InstrmCcyAmts|InstrumentCurrencyAmounts"
_BASE_AMOUNTS = "AcctBaseCcyAmts|AccountBaseCurrencyAmounts"


def read(data: bytes, reading: Reading) -> None:
    """Every report of the file into ``statements`` and ``holdings``."""
    reading.expect(STATEMENTS, HOLDINGS)
    root = parse(data, reading)
    if root is None:
        return
    found = [e for e in root.iter() if child(e, "StmtGnlDtls|StatementGeneralDetails") is not None]
    if not found:
        reading.error("statement-missing", "the message holds no report of balances", at(root), expected="SctiesBalCtdyRpt")
    for report in found:
        _statement(report, reading)


def _statement(report: etree._Element, reading: Reading) -> None:
    general, place = child(report, "StmtGnlDtls|StatementGeneralDetails"), at(report)
    account = text(report, "SfkpgAcct|SafekeepingAccount", "Id|Identification")
    holdings = [(b, account) for b in children(report, "BalForAcct", "BalanceForAccount")]
    for sub in children(report, "SubAcctDtls", "SubAccountDetails"):
        own = text(sub, "SfkpgAcct|SafekeepingAccount", "Id|Identification") or account
        holdings += [(b, own) for b in children(sub, "BalForSubAcct", "BalanceForSubAccount")]
    main = account or next((own for _, own in holdings if own), None)
    if main is None:
        why = UnreadableError("account-missing", "the report names no safekeeping account", expected="SfkpgAcct/Id")
        reading.refuse(why, place, "SfkpgAcct", rows=1 + len(holdings))
        return
    name = text(general, "StmtId") or text(general, "RptNb", "Shrt|Lng") or text(report, "Id|Identification", "Identification")
    stated = day_of(child(general, "StmtDtTm|StatementDateTime"), reading)
    basis = text(general, "StmtBsis|StatementBasis", "Cd|Code")
    number_ = "/".join(filter(None, [name, text(report, "Pgntn|Pagination", "PgNb|PageNumber")]))
    row: dict[str, Any] = {"account": main, "kind": "securities", "number": number_ or None, "statement_date": stated}
    row["basis"] = _BASIS.get(basis or "", basis)
    row["statement_id"] = reading.statement_id(main, number_ or str(stated))
    reading.add(STATEMENTS, place, row)
    for ordinal, (block, own) in enumerate(holdings, 1):
        where = f"line {block.sourceline} {local(block)}[{ordinal}]"
        try:
            held = _holding(block)
        except UnreadableError as why:
            reading.refuse(why, where)
            continue
        shared = {"statement_id": row["statement_id"], "account": own, "basis": row["basis"], "business_date": stated}
        reading.add(HOLDINGS, where, {**shared, **held})
    if text(general, "ActvtyInd|ActivityIndicator") in ("true", "1") and not holdings:
        reading.warning("holdings-missing", "the report says it has holdings and shows none", place, "ActvtyInd",
                        todo="wait for its next page, or ask the sender")  # fmt: skip


def _holding(block: etree._Element) -> dict[str, Any]:
    isin, local_id, name = security(child(block, _INSTRUMENT))
    if not (isin or local_id):
        raise UnreadableError(
            "security-missing", "the balance names no security", name or "", "ISIN or another identifier", field="FinInstrmId"
        )
    kind, held = _quantity(child(block, "AggtBal|AggregateBalance"))
    price, price_currency = _price(block)
    amounts = child(block, _AMOUNTS)
    amounts = amounts if amounts is not None else child(block, _BASE_AMOUNTS)
    currency, value = amount(child(amounts, "HldgVal|HoldingValue"))
    _, interest = amount(child(amounts, "AcrdIntrstAmt|AccruedInterestAmount"))
    attributes = child(block, "FinInstrmAttrbts|FinancialInstrumentAttributes")
    return {
        "isin": isin,
        "local_id": local_id,
        "name": name,
        "quantity": held,
        "quantity_type": kind,
        "price": price,
        "price_currency": price_currency or (currency if price is not None else None),
        "market_value": value,
        "value_currency": currency,
        "accrued_interest": interest,
        "asset_kind": text(attributes, "ClssfctnTp", "ClssfctnFinInstrm|CFI")
        or text(attributes, "ClssfctnTp", "AltrnClssfctn", "Id"),
    }


def _quantity(balance: etree._Element | None) -> tuple[str, Decimal]:
    if found := quantity(balance):
        return found
    raise UnreadableError("quantity-missing", "the holding has no aggregate balance", expected="AggtBal", field="AggtBal")


def _price(block: etree._Element) -> tuple[Decimal | None, str | None]:
    """The market price first: an amount with its currency, or a rate (percent of par)."""
    details = children(block, "PricDtls", "PriceDetails")
    details.sort(key=lambda d: text(d, "Tp|Type", "Cd|Code") != "MRKT")
    for one in details:
        value = child(one, "Val|Value")
        if rate := text(value, "Rate|PctgPric|PercentagePrice"):
            return number(rate), None
        stated = child(value, "Amt|Amount")
        stated = value if stated is None else stated
        if stated is not None and (stated.text or "").strip():
            return number(stated.text or ""), stated.get("Ccy")
    return None, None
