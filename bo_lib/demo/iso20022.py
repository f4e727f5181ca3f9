"""Writers of ISO 20022 messages: camt.053.001.08 and semt.002.001.11 (both valid against the published schemas)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.demo.files import plain
from bo_lib.demo.ledger import Entry, Holding, Statement

_CODES = {
    "SEC": "SECU/SETT/TRAD", "DIV": "SECU/CUST/DVCA", "INT": "SECU/CUST/INTR", "EXR": "SECU/CUST/EXWA", "FEX": "FORX/SPOT/OTHR",
    "TRF": "PMNT/RCDT/BOOK", "CHG": "ACMT/MDOP/CHRG", "RTI": "PMNT/MCOP/OTHR",
}  # fmt: skip
Node = tuple[Any, ...]  # (tag, text or children …); a dict among them holds attributes


def document(namespace: str, content: Node) -> bytes:
    urn = f"urn:iso:std:iso:20022:tech:xsd:{namespace}"
    root = etree.Element(f"{{{urn}}}Document", nsmap={None: urn})  # type: ignore[dict-item]
    _grow(root, content, urn)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _grow(parent: etree._Element, node: Node, urn: str) -> None:
    element = etree.SubElement(parent, f"{{{urn}}}{node[0]}")
    for part in node[1:]:
        if isinstance(part, dict):
            for name, value in part.items():
                element.set(name, value)
        elif isinstance(part, tuple):
            _grow(element, part, urn)
        else:
            element.text = part


def camt053(message_id: str, day: date, statements: Iterable[Statement], reference_start: str) -> bytes:
    """One message with a statement per currency account."""
    created = f"{day.isoformat()}T22:00:00+00:00"
    found = [_statement(s, created, reference_start) for s in statements]
    return document("camt.053.001.08", ("BkToCstmrStmt", ("GrpHdr", ("MsgId", message_id), ("CreDtTm", created)), *found))


def _statement(s: Statement, created: str, reference_start: str) -> Node:
    balances = [_balance("OPBD", s.opening, s), _balance("CLBD", s.closing, s)]
    entries = [_entry(e, f"{reference_start}{s.currency}{n:03d}") for n, e in enumerate(s.entries, 1)]
    return ("Stmt", ("Id", f"{s.currency}-{s.number}"), ("ElctrncSeqNb", str(s.number)), ("CreDtTm", created),
            ("Acct", ("Id", ("IBAN", s.account)), ("Ccy", s.currency)), *balances, *entries)  # fmt: skip


def _balance(kind: str, amount: Decimal, s: Statement) -> Node:
    return ("Bal", ("Tp", ("CdOrPrtry", ("Cd", kind))), *_money(amount, s.currency), ("Dt", ("Dt", s.day.isoformat())))


def _money(amount: Decimal, currency: str) -> tuple[Node, Node]:
    return ("Amt", {"Ccy": currency}, plain(abs(amount))), ("CdtDbtInd", "DBIT" if amount < 0 else "CRDT")


def _entry(e: Entry, bank_reference: str) -> Node:
    domain, family, sub = _CODES[e.code].split("/")
    reversal: tuple[Node, ...] = (("RvslInd", "true"),) if e.reversal else ()
    return (
        "Ntry", *_money(e.amount, e.currency), *reversal, ("Sts", ("Cd", "BOOK")), ("BookgDt", ("Dt", e.booked.isoformat())),
        ("ValDt", ("Dt", e.value.isoformat())), ("AcctSvcrRef", bank_reference),
        ("BkTxCd", ("Domn", ("Cd", domain), ("Fmly", ("Cd", family), ("SubFmlyCd", sub)))),
        ("NtryDtls", ("TxDtls", ("Refs", ("EndToEndId", e.reference or "NOTPROVIDED")))), ("AddtlNtryInf", e.text),
    )  # fmt: skip


def semt002(message_id: str, account: str, day: date, holdings: Iterable[Holding]) -> bytes:
    """Settlement-date balances with price and value of each holding."""
    found = [_holding(h) for h in holdings]
    general = (
        "StmtGnlDtls", ("StmtId", message_id), ("StmtDtTm", ("Dt", day.isoformat())), ("Frqcy", ("Cd", "DAIL")),
        ("UpdTp", ("Cd", "COMP")), ("StmtBsis", ("Cd", "SETT")), ("ActvtyInd", str(bool(found)).lower()), ("SubAcctInd", "false"),
    )  # fmt: skip
    page = ("Pgntn", ("PgNb", "1"), ("LastPgInd", "true"))
    return document("semt.002.001.11", ("SctiesBalCtdyRpt", page, general, ("SfkpgAcct", ("Id", account)), *found))


def _holding(h: Holding) -> Node:
    price: Node = ("Rate", plain(h.price)) if h.is_bond else ("Amt", {"Ccy": h.currency}, plain(h.price))
    quantity = ("FaceAmt" if h.is_bond else "Unit", plain(abs(h.quantity)))
    value = ("HldgVal", ("Amt", {"Ccy": h.currency}, plain(abs(h.value))), ("Sgn", "false" if h.value < 0 else "true"))
    return (
        "BalForAcct", ("FinInstrmId", ("ISIN", h.isin), ("Desc", h.name)),
        ("AggtBal", ("ShrtLngInd", "SHOR" if h.quantity < 0 else "LONG"), ("Qty", ("Qty", ("Qty", quantity)))),
        ("PricDtls", ("Tp", ("Cd", "MRKT")), ("Val", price), ("ValTp", ("ValTp", "PARV"))),
        ("InstrmCcyAmts", value),
    )  # fmt: skip
