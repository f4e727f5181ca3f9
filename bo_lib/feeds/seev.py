"""seev.031 and seev.035 corporate action notifications and preliminary advices; seev.036 and seev.037 confirmations and reversals.

Source: ISO 20022 Securities Events. A row per account, option and movement, with the terms of event, option and movement joined:
a term stated for the movement wins over the option's, the option's over the event's (as in an MT564).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.iso20022 import code, day_in, inside, messages, quantity, refuse_missing, security, sender
from bo_lib.feeds.reading import Reading, UnreadableError, named_by_isin
from bo_lib.feeds.xml import at, child, children, local, number, text
from bo_lib.model.tables import ANNOUNCEMENTS, TRANSACTIONS

_NOTICES = ("CorpActnNtfctn", "CorpActnMvmntPrlimryAdvc")
_CONFIRMATIONS = ("CorpActnMvmntConf", "CorpActnMvmntRvslAdvc")
_RATES = ("GrssDstrbtnRate", "GrssDvddRate", "GrssIntrstRateUsdForPmt", "IntrstRateUsdForPmt", "IntrstRate")
_TAXES = ("WhldgTaxRate", "WhldgOfFrgnTax", "WhldgOfLclTax")
_PRICES = ("GncCshPricPdPerPdct", "GncCshPricRcvdPerPdct", "ExrcPric", "OfferPric", "RedPric", "CshPric")
_DIRECTION = {"CRDT": "CRED", "DBIT": "DEBT"}
_DATES = {"ex_date": ("ExDvddDt",), "record_date": ("RcrdDt",), "payment_date": ("PmtDt",), "deadline": ("RspnDdln", "MktDdln")}
Elements = Sequence[etree._Element | None]


def read(data: bytes, reading: Reading) -> None:
    """Notifications into ``announcements``, confirmed and reversed movements into ``transactions``."""
    found = messages(data, reading, *_NOTICES, *_CONFIRMATIONS)
    for ordinal, message in enumerate(found, 1):
        notice = local(message) in _NOTICES
        reading.expect(ANNOUNCEMENTS if notice else TRANSACTIONS)
        try:
            (_announcement if notice else _confirmation)(message, at(message, ordinal), reading)
        except UnreadableError as why:
            reading.refuse(why, at(message, ordinal))


def _announcement(message: etree._Element, place: str, reading: Reading) -> None:
    general, event = child(message, "CorpActnGnlInf"), child(message, "CorpActnDtls")
    isin, local_id, name = security(child(general, "UndrlygScty", "FinInstrmId"))
    reference, caev = text(general, "CorpActnEvtId"), code(child(general, "EvtTp"))
    refuse_missing(reference, "reference-missing", "the notification lacks what identifies it", "CorpActnGnlInf/CorpActnEvtId")
    refuse_missing(caev, "event-type-missing", "the notification lacks what identifies it", "CorpActnGnlInf/EvtTp")
    named_by_isin(isin, local_id, name, "UndrlygScty/FinInstrmId/ISIN", place, "ISIN", reading)
    shared = {
        "event_ref": reference,
        "function": text(message, "NtfctnGnlInf", "NtfctnTp") or text(message, "MvmntPrlimryAdvcGnlInf", "Fctn"),
        "sender": sender(message), "caev": caev, "camv": code(child(general, "MndtryVlntryEvtTp")), "isin": isin,
        "local_id": local_id,
        "announced": day_in(child(event, "DtDtls", "AnncmntDt"), reading),
    }  # fmt: skip
    options = children(message, "CorpActnOptnDtls", "CorpActnMvmntDtls")
    for account, eligible in _accounts(child(message, "AcctDtls"), reading):
        held = {**shared, "account": account, "eligible": eligible}
        if not options:
            reading.add(ANNOUNCEMENTS, place, {**held, **_terms([event], caev, reading)})
        for option in options:
            for where, row in _option(option, event, held, reading):
                reading.add(ANNOUNCEMENTS, where, row)


def _accounts(details: etree._Element | None, reading: Reading) -> list[tuple[str | None, Decimal | None]]:
    """Accounts with their eligible balance; a notification may be for several, or for all (GENR)."""
    found = []
    for block in children(details, "AcctsListAndBalDtls"):
        try:
            eligible = quantity(child(block, "Bal", "TtlElgblBal"))
        except UnreadableError as why:
            reading.error(why.code, why.message, at(block), "TtlElgblBal", **why.said)
            eligible = None
        account = text(block, "SfkpgAcct") or text(block, "SfkpgAcct", "Id") or text(block, "BlckChainAdrOrWllt")
        found.append((account, eligible[1] if eligible else None))
    return found or [(text(details, "ForAllAccts", "IdCd"), None)]


def _option(
    option: etree._Element, event: etree._Element | None, held: dict[str, Any], reading: Reading
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and row of every movement of an option, or of the option itself when it moves nothing."""
    default = text(option, "DfltPrcgOrStgInstr", "DfltOptnInd")
    name = text(option, "OptnNb") or text(option, "OptnNb", "Nb|Cd")
    row = {**held, "option": name, "option_type": code(child(option, "OptnTp")),
           "default_option": {"true": True, "1": True, "false": False, "0": False}.get(default or "")}  # fmt: skip
    where = f"{at(option)} {name or ''}".rstrip()
    movements = [
        (m, "cash" if local(m) == "CshMvmntDtls" else "securities") for m in children(option, "SctiesMvmntDtls", "CshMvmntDtls")
    ]
    if not movements:
        yield where, {**row, **_terms([option, event], held["caev"], reading)}
    ordinals = {"cash": 0, "securities": 0}
    for movement, kind in movements:
        ordinals[kind] += 1
        terms = _terms([movement, option, event], held["caev"], reading)
        direction = _DIRECTION.get(text(movement, "CdtDbtInd") or "")
        yield f"{where} {kind}-{ordinals[kind]}", {**row, **terms, "movement": f"{kind}-{ordinals[kind]}", "direction": direction}


def _terms(blocks: Elements, caev: str | None, reading: Reading) -> dict[str, Any]:
    """Dates, rates, prices and ratios, each from the innermost block that states it."""
    terms: dict[str, Any] = {name: _day(blocks, names, reading) for name, names in _DATES.items()}
    currency: str | None = None
    price_currency: str | None = None
    for name, read_one in _READERS.items():
        try:
            stated = read_one(blocks, caev)
        except UnreadableError as why:
            reading.error(why.code, why.message, next((at(b) for b in blocks if b is not None), ""), name, **why.said)
            stated = (None, None)
        if name == "rate":
            currency, terms["rate"] = stated
        elif name == "price":
            price_currency, terms["price"] = stated
        elif name == "ratio":
            terms["ratio_new"], terms["ratio_old"] = stated
        else:
            terms[name] = stated[1]
    terms["currency"] = currency or price_currency or next((t for b in blocks if (t := text(b, "CcyOptn"))), None)
    received = [security(child(b, "SctyDtls", "FinInstrmId"))[0] or security(child(b, "FinInstrmId"))[0] for b in blocks[:-1]]
    terms["new_isin"] = next(filter(None, received), None)
    return terms


def _found(blocks: Elements, names: Sequence[str]) -> Iterator[etree._Element]:
    """Elements of the term groups of the blocks: by name in order of preference, innermost block first."""
    for name in names:
        for block in blocks:
            for group in children(block, "RateAndAmtDtls", "RateDtls", "PricDtls", "DtDtls"):
                yield from children(group, name)


def _day(blocks: Elements, names: Sequence[str], reading: Reading) -> Any:
    return next((d for e in _found(blocks, names) if (d := day_in(e, reading))), None)


def _stated(element: etree._Element) -> tuple[str | None, Decimal | None]:
    """Currency and amount, or a rate, of a choice; a code (not specified, unknown) states nothing."""
    for part in inside(element, "Amt", "PricVal"):
        if part.get("Ccy") and (part.text or "").strip():
            return part.get("Ccy"), number(part.text or "")
    rate = next((e for e in inside(element, "Rate", "PricVal") if not len(e) and (e.text or "").strip()), None)
    return None, number(rate.text or "") if rate is not None else None


def _rate(blocks: Elements, caev: str | None) -> tuple[str | None, Decimal | None]:
    return next((s for e in _found(blocks, _RATES) if (s := _stated(e))[1] is not None), (None, None))


def _price(blocks: Elements, caev: str | None) -> tuple[str | None, Decimal | None]:
    return next((s for e in _found(blocks, _PRICES) if (s := _stated(e))[1] is not None), (None, None))


def _withholding(blocks: Elements, caev: str | None) -> tuple[None, Decimal | None]:
    for element in _found(blocks, _TAXES):
        if (rate := text(element, "Rate") or text(element, "RateTpAndRate", "Rate")) is not None:
            return None, number(rate)
    return None, None


def _ratio(blocks: Elements, caev: str | None) -> tuple[Decimal | None, Decimal | None]:
    """Units received for units held. Additional units of a split (existing securities) become units after for units before."""
    for element in _found(blocks, ("NewToOd", "AddtlQtyForExstgScties", "AddtlQtyForSbcbdRsltntScties")):
        new, old = text(element, "QtyToQty", "Qty1"), text(element, "QtyToQty", "Qty2")
        if new and old:
            pair = number(new), number(old)
            added = local(element) == "AddtlQtyForExstgScties" and caev in ("SPLF", "SPLR")
            return (pair[0] + pair[1], pair[1]) if added else pair
    return None, None


_READERS: dict[str, Callable[[Elements, str | None], tuple[Any, Any]]] = {
    "rate": _rate, "price": _price, "withholding_pct": _withholding, "ratio": _ratio,
}  # fmt: skip


def _confirmation(message: etree._Element, place: str, reading: Reading) -> None:
    """Every movement that was posted, or taken back by a reversal."""
    general = child(message, "CorpActnGnlInf")
    account = text(message, "AcctDtls", "SfkpgAcct") or text(message, "AcctDtls", "SfkpgAcct", "Id")
    reference = text(general, "CorpActnEvtId")
    refuse_missing(reference, "reference-missing", "the confirmation lacks what identifies it", "CorpActnGnlInf/CorpActnEvtId")
    refuse_missing(account, "account-missing", "the confirmation names no safekeeping account", "AcctDtls/SfkpgAcct")
    own = child(general, "FinInstrmId")
    isin, local_id, name = security(own if own is not None else child(general, "UndrlygScty", "FinInstrmId"))
    reversed_ = local(message) == _CONFIRMATIONS[1]
    shared = {
        "account": account, "kind": "corporate_action", "status": "cancelled" if reversed_ else "settled", "reference": reference,
        "servicer_reference": text(message, "MvmntConfId") or text(message, "TxId", "MktInfrstrctrTxId"),
        "isin": isin, "local_id": local_id, "name": name, "text": code(child(general, "EvtTp")),
    }  # fmt: skip
    details = children(message, "CorpActnConfDtls", "CorpActnRvslDtls")
    movements = [m for d in details for m in children(d, "SctiesMvmntDtls", "CshMvmntDtls")]
    if not movements:
        raise UnreadableError("movement-missing", "the confirmation states no movement", expected="SctiesMvmntDtls or CshMvmntDtls")
    for ordinal, movement in enumerate(movements, 1):
        where = f"{place} {local(movement)}[{ordinal}]"
        try:
            reading.add(TRANSACTIONS, where, {**shared, **_moved(movement, reversed_, reading)})
        except UnreadableError as why:
            reading.refuse(why, where)


def _moved(movement: etree._Element, reversed_: bool, reading: Reading) -> dict[str, Any]:
    direction = text(movement, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise UnreadableError("direction-missing", "neither credit nor debit", direction or "", "CRDT or DBIT", field="CdtDbtInd")
    sign = 1 if (direction == "CRDT") != reversed_ else -1
    row: dict[str, Any] = {"effective_date": day_in(child(movement, "DtDtls", "PstngDt"), reading),
                           "settlement_date": day_in(child(movement, "DtDtls", "PmtDt"), reading)}  # fmt: skip
    if local(movement) == "SctiesMvmntDtls":
        posted = quantity(child(movement, "PstngQty|Qty"))
        if posted is None:
            raise UnreadableError("quantity-missing", "the movement states no quantity", expected="PstngQty", field="PstngQty")
        isin, local_id, name = security(child(movement, "FinInstrmId"))
        received = {"isin": isin, "local_id": local_id, "name": name} if isin or local_id else {}
        return {**row, **received, "quantity": sign * abs(posted[1]), "quantity_type": posted[0],
                "side": "RECEIVE" if sign > 0 else "DELIVER"}  # fmt: skip
    found = next(inside(child(movement, "AmtDtls"), "PstngAmt"), None)
    if found is None or not (found.text or "").strip():
        raise UnreadableError(
            "amount-missing", "the movement states no posted amount", expected="AmtDtls/PstngAmt", field="PstngAmt"
        )
    return {**row, "currency": found.get("Ccy"), "amount": sign * abs(number(found.text or ""))}
