"""semt.017 statement of transactions: a row per transaction, proven per security where opening and closing balances are stated.

Source: ISO 20022 Securities Transaction Posting Report.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.iso20022 import amount, code, day_in, inside, messages, quantity, security
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, text
from bo_lib.model.money import ZERO
from bo_lib.model.tables import STATEMENTS, TRANSACTIONS

_BASIS = {"TRAD": "trade", "CONT": "trade", "SETT": "settlement"}


def read(data: bytes, reading: Reading) -> None:
    """Every report of the file into ``statements`` and ``transactions``."""
    reading.expect(STATEMENTS, TRANSACTIONS)
    for ordinal, report in enumerate(messages(data, reading, "SctiesTxPstngRpt"), 1):
        _statement(report, ordinal, reading)


def _statement(report: etree._Element, ordinal: int, reading: Reading) -> None:
    general, place = child(report, "StmtGnlDtls"), at(report, ordinal)
    account = text(report, "SfkpgAcct", "Id") or text(report, "BlckChainAdrOrWllt", "Id")
    blocks = [(b, account) for b in children(report, "FinInstrmDtls")]
    for sub in children(report, "SubAcctDtls"):
        own = text(sub, "SfkpgAcct", "Id") or text(sub, "BlckChainAdrOrWllt", "Id") or account
        blocks += [(b, own) for b in children(sub, "FinInstrmDtls")]
    main = account or next((own for _, own in blocks if own), None)
    if main is None:
        why = UnreadableError("account-missing", "the report names no safekeeping account", expected="SfkpgAcct/Id")
        reading.refuse(why, place, "SfkpgAcct", rows=1 + sum(len(children(b, "Tx")) for b, _ in blocks))
        return
    name = text(general, "StmtId") or text(general, "RptNb", "Shrt|Lng")
    page = text(report, "Pgntn", "PgNb")
    number = "/".join(filter(None, [name, page])) or None
    period = child(general, "StmtPrd")
    ends = [d for e in inside(period, "ToDt", "ToDtTm") if (d := day_in(e, reading))]
    row: dict[str, Any] = {
        "account": main, "kind": "securities", "number": number, "statement_date": ends[0] if ends else None,
        "basis": _BASIS.get(text(general, "StmtBsis", "Cd") or "", text(general, "StmtBsis", "Cd")),
    }  # fmt: skip
    row["statement_id"] = reading.statement_id(main, number or str(row["statement_date"]))
    reading.add(STATEMENTS, place, row)
    proofs = [_block(block, own or main, row["statement_id"], reading) for block, own in blocks]
    stated = [p for p in proofs if p is not None]
    row["proven"] = all(stated) if stated else None
    if text(general, "ActvtyInd") in ("true", "1") and not blocks:
        reading.warning("transactions-missing", "the report says there was activity and shows none", place, "ActvtyInd",
                        todo="wait for its next page, or ask the sender")  # fmt: skip


def _block(block: etree._Element, account: str, statement_id: str, reading: Reading) -> bool | None:
    """The transactions of one security; whether they lead from its opening to its closing balance, None where not stated."""
    isin, local_id, name = security(child(block, "FinInstrmId"))
    shared = {"statement_id": statement_id, "account": account, "isin": isin, "local_id": local_id, "name": name}
    moved, refused = ZERO, 0
    for ordinal, tx in enumerate(children(block, "Tx"), 1):
        place = f"line {tx.sourceline} FinInstrmDtls {isin or local_id or ''} Tx[{ordinal}]".replace("  ", " ")
        try:
            row = _transaction(tx, reading)
        except UnreadableError as why:
            reading.refuse(why, place)
            refused += 1
            continue
        moved += row["quantity"]
        reading.add(TRANSACTIONS, place, {**shared, **row})
    return _proven(block, moved, refused, isin or local_id or name or "", reading)


def _proven(block: etree._Element, moved: Decimal, refused: int, name: str, reading: Reading) -> bool | None:
    try:
        opening, closing = quantity(child(block, "OpngBal")), quantity(child(block, "ClsgBal"))
    except UnreadableError as why:
        reading.error(why.code, f"{name}: {why.message}", at(block), "OpngBal/ClsgBal", **why.said)
        return False
    if opening is None or closing is None:
        return None
    if opening[1] + moved == closing[1] and not refused:
        return True
    without = f", without {refused} that could not be read" if refused else ""
    reading.error(
        "holding-not-proven",
        f"{name}: opening {opening[1]} + transactions {moved} = {opening[1] + moved}{without}, not {closing[1]}",
        at(block), "ClsgBal",
        found=str(closing[1]), expected=str(opening[1] + moved),
        todo="find the missing, doubled or misread transaction, or ask the sender",
    )  # fmt: skip
    return False


def _transaction(tx: etree._Element, reading: Reading) -> dict[str, Any]:
    details = child(tx, "TxDtls")
    posted = quantity(child(details, "PstngQty"))
    if posted is None:
        raise UnreadableError(
            "quantity-missing", "the transaction states no quantity", expected="TxDtls/PstngQty", field="PstngQty"
        )
    movement = text(details, "SctiesMvmntTp")
    if movement not in ("RECE", "DELI"):
        raise UnreadableError(
            "direction-missing", "neither receipt nor delivery", movement or "", "RECE or DELI", field="SctiesMvmntTp"
        )
    size = abs(posted[1]) if movement == "RECE" else -abs(posted[1])
    money = child(details, "PstngAmt")
    currency, value = amount(money)
    _, interest = amount(child(details, "AcrdIntrstAmt"))
    event = child(details, "SttlmTxOrCorpActnEvtTp")
    action = code(child(event, "CorpActnEvtTp"))
    parties = child(details, "DlvrgSttlmPties" if movement == "RECE" else "RcvgSttlmPties")
    return {
        "kind": "corporate_action" if action or text(tx, "CorpActnEvtId") else "delivery", "status": "settled",
        "reference": text(tx, "AcctOwnrTxId") or text(tx, "TradId"),
        "servicer_reference": text(tx, "AcctSvcrTxId") or text(tx, "MktInfrstrctrTxId"),
        "side": "RECEIVE" if movement == "RECE" else "DELIVER", "quantity": size, "quantity_type": posted[0],
        "currency": currency, "amount": value, "accrued_interest": abs(interest) if interest is not None else None,
        "trade_date": day_in(child(details, "TradDt"), reading), "settlement_date": day_in(child(details, "SttlmDt"), reading),
        "effective_date": day_in(child(details, "FctvSttlmDt"), reading),
        "counterparty": next((t for e in inside(parties, "AnyBIC", "BICFI", "Nm") if (t := text(e))), None),
        "text": text(details, "TxAddtlDtls") or action or code(child(event, "SctiesTxTp")),
    }  # fmt: skip
