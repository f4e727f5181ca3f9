"""sese.023 settlement instructions, sese.024 status advices and sese.025 confirmations: a row each.

Source: ISO 20022 Securities Settlement. The reference is ours (the account owner's identification of the transaction).
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from bo_lib.feeds.iso20022 import amount, code, day_in, inside, messages, quantity, refuse_missing, security
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, day, local, text
from bo_lib.model.tables import SETTLEMENTS, TRANSACTIONS

_SIDE = {"RECE": "RECEIVE", "DELI": "DELIVER"}
_MESSAGES = ("SctiesSttlmTxInstr", "SctiesSttlmTxStsAdvc", "SctiesSttlmTxConf")
# (kind of status, its choice) -> status, in the order in which the more telling one wins
_STATUS = {
    ("SttlmSts", "Flng"): "failing", ("SttlmSts", "Pdg"): "pending", ("MtchgSts", "Umtchd"): "unmatched",
    ("IfrrdMtchgSts", "Umtchd"): "unmatched", ("PrcgSts", "Rjctd"): "rejected", ("PrcgSts", "Canc"): "cancelled",
    ("PrcgSts", "Rpr"): "failing", ("PrcgSts", "PdgCxl"): "pending", ("PrcgSts", "CxlReqd"): "pending",
    ("PrcgSts", "ModReqd"): "pending", ("PrcgSts", "PdgPrcg"): "pending", ("MtchgSts", "Mtchd"): "matched",
    ("IfrrdMtchgSts", "Mtchd"): "matched", ("PrcgSts", "AckdAccptd"): "pending",
}  # fmt: skip
_FINAL = ("rejected", "cancelled")


def read(data: bytes, reading: Reading) -> None:
    """Statuses and confirmations into ``settlements``, instructions into ``transactions`` (status ``instructed``)."""
    for ordinal, message in enumerate(messages(data, reading, *_MESSAGES), 1):
        reading.expect(TRANSACTIONS if local(message) == _MESSAGES[0] else SETTLEMENTS)
        place = at(message, ordinal)
        try:
            rows = _statuses(message, reading) if local(message) == _MESSAGES[1] else [_transaction(message, reading)]
        except UnreadableError as why:
            reading.refuse(why, place)
            continue
        for row in rows:
            instruction = row["status"] == "instructed"
            reading.add(TRANSACTIONS if instruction else SETTLEMENTS, place, _instruction(message, row) if instruction else row)


def _instruction(message: etree._Element, row: dict[str, Any]) -> dict[str, Any]:
    """The row of an instruction as a transaction to come: quantity and money signed as they will move."""
    sign = 1 if row["side"] == "RECEIVE" else -1
    held, money = child(message, "QtyAndAcctDtls", "SttlmQty"), child(message, "SttlmAmt")
    size, (_, value) = quantity(held), amount(money)
    _, _, name = security(child(message, "FinInstrmId"))
    return {
        "account": row["account"], "kind": "delivery", "status": "instructed", "reference": row["reference"], "isin": row["isin"],
        "local_id": row["local_id"], "name": name, "side": row["side"], "quantity": sign * row["quantity"] if size else None,
        "quantity_type": size[0] if size else None, "currency": row["currency"],
        "amount": -sign * abs(value) if value is not None else None,
        "trade_date": row["trade_date"], "settlement_date": row["intended_date"], "text": row["text"],
    }  # fmt: skip


def _transaction(message: etree._Element, reading: Reading) -> dict[str, Any]:
    """An instruction, or the confirmation of one."""
    instruction = local(message) == _MESSAGES[0]
    identity = child(message, "TxIdDtls")
    kind = child(message, "SttlmTpAndAddtlParams") if instruction else identity
    reference = text(message, "TxId") or text(message, "TxId", "AcctOwnrTxId") if instruction else text(identity, "AcctOwnrTxId")
    refuse_missing(reference, "reference-missing", "the message does not say which instruction it is about",
                   "TxId" if instruction else "TxIdDtls/AcctOwnrTxId")  # fmt: skip
    trade, held = child(message, "TradDtls"), child(message, "QtyAndAcctDtls")
    row = {
        **_shared(message, child(message, "FinInstrmId"), reference, reading),
        "account": text(held, "SfkpgAcct", "Id") or text(held, "BlckChainAdrOrWllt", "Id"),
        "side": _SIDE.get(text(kind, "SctiesMvmntTp") or ""),
        "quantity": _size(child(held, "SttldQty|SttlmQty")),
        "trade_date": day_in(child(trade, "TradDt"), reading), "intended_date": day_in(child(trade, "SttlmDt"), reading),
        "effective_date": day_in(child(trade, "FctvSttlmDt"), reading),
        "text": text(trade, "SttlmInstrPrcgAddtlDtls"),
    }  # fmt: skip
    row["currency"], row["amount"] = _money(child(message, "SttldAmt|SttlmAmt"))
    row["status"] = "instructed" if instruction else _confirmed(message, held)
    if instruction:
        refuse_missing(row["side"], "direction-missing", "neither receipt nor delivery", "SctiesMvmntTp RECE or DELI")
    if not row["account"]:
        reading.warning("account-missing", "the message names no safekeeping account", at(message), "SfkpgAcct",
                        expected="QtyAndAcctDtls/SfkpgAcct/Id", todo="ask the sender which account it is for")  # fmt: skip
        row["account"] = "NONREF"
    return row


def _shared(message: etree._Element, instrument: etree._Element | None, reference: str | None, reading: Reading) -> dict[str, Any]:
    isin, local_id, name = security(instrument)
    if instrument is not None and not isin:
        reading.warning("isin-missing", "the message names its security by no ISIN", at(message), "FinInstrmId",
                        found=local_id or name or "", expected="FinInstrmId/ISIN")  # fmt: skip
    return {"reference": reference, "isin": isin, "local_id": local_id}


def _size(element: etree._Element | None) -> Any:
    found = quantity(element)
    return abs(found[1]) if found else None


def _money(element: etree._Element | None) -> tuple[str | None, Any]:
    currency, value = amount(element)
    return currency, abs(value) if value is not None else None


def _confirmed(message: etree._Element, held: etree._Element | None) -> str:
    """Settled; in part where the message says so or leaves a remainder."""
    left = quantity(child(held, "RmngToBeSttldQty"))
    partial = text(message, "AddtlParams", "PrtlSttlm") == "PAIN"
    return "partially_settled" if partial or (left and left[1]) else "settled"


def _statuses(message: etree._Element, reading: Reading) -> list[dict[str, Any]]:
    """One row with the most telling status of the advice: final ones first, then failing, pending, matching."""
    identity, details = child(message, "TxId"), child(message, "TxDtls")
    reference = text(identity, "AcctOwnrTxId")
    refuse_missing(reference, "reference-missing", "the advice does not say which instruction it is about", "TxId/AcctOwnrTxId")
    found = [(_STATUS.get((local(kind), local(choice))), choice) for kind in message for choice in kind if local(kind) in _KINDS]
    known = [(status, choice) for status, choice in found if status]
    if not known:
        raise UnreadableError("status-unknown", "the advice states no status that is known", ", ".join(local(c) for _, c in found),
                              "PrcgSts, MtchgSts or SttlmSts", "tell the desk what it means", "SttlmSts")  # fmt: skip
    order = list(dict.fromkeys(_STATUS.values()))
    status, choice = min(known, key=lambda k: (k[0] not in _FINAL, order.index(k[0])))
    reasons = [r for r in (code(child(rsn, "Cd")) or code(rsn) for rsn in inside(choice, "Rsn", "PrtryRsn")) if r]
    reasons += [r for r in (text(e) for e in inside(choice, "NoSpcfdRsn")) if r]
    row = {
        **_shared(message, child(details, "FinInstrmId"), reference, reading), "status": status,
        "reason": reasons[0] if reasons else None, "account": text(details, "SfkpgAcct", "Id") or "NONREF",
        "side": _SIDE.get(text(identity, "SctiesMvmntTp") or text(details, "SctiesMvmntTp") or ""),
        "quantity": _size(child(details, "SttlmQty")), "trade_date": day_in(child(details, "TradDt"), reading),
        "intended_date": day_in(child(details, "SttlmDt"), reading), "effective_date": _dated(message, reading),
        "text": "; ".join(t for e in inside(choice, "AddtlRsnInf") if (t := text(e))) or None,
    }  # fmt: skip
    row["currency"], row["amount"] = _money(child(details, "SttlmAmt"))
    return [row]


_KINDS = {kind for kind, _ in _STATUS}


def _dated(message: etree._Element, reading: Reading) -> Any:
    """The day the advice was made, where a business header says it."""
    top = message.getroottree().getroot()
    header = next(inside(top, "CreDt"), None)
    return reading.tried(day, (header.text or "").strip() or None, at(header), "CreDt") if header is not None else None
