"""camt.053 statements, and camt.052 reports and camt.054 notifications of the same family; every version, by local names.

Source: ISO 20022 Bank-to-Customer Cash Management. Only booked entries are movements and take part in the proof; pending
and informational ones are counted. ``CdtDbtInd`` is the direction of the entry itself, also when it is a reversal.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, day_of, local, number, parse, text
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS

_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_NO_REFERENCE = {"NOTPROVIDED", "NONREF", "N/A"}


def read(data: bytes, reading: Reading) -> None:
    """Every statement of the file into ``statements`` and ``cash_movements``."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS)
    root = parse(data, reading)
    if root is None:
        return
    found = [e for e in root.iter() if local(e) in _STATEMENTS and local(e.getparent()).startswith("BkToCstmr")]
    if not found:
        reading.error("statement-missing", "the message holds no statement", at(root), expected="Stmt, Rpt or Ntfctn",
                      todo="ask the sender for the statement")  # fmt: skip
    for ordinal, element in enumerate(found, 1):
        _statement(element, ordinal, reading)


def _statement(element: etree._Element, ordinal: int, reading: Reading) -> None:
    place = at(element, ordinal)
    account = _account(child(element, "Acct"))
    if account is None:
        why = UnreadableError("account-missing", "the statement names no account", expected="Acct/Id", todo="ask the sender")
        reading.refuse(why, place, "Acct", rows=1 + len(children(element, "Ntry")))
        return
    balances = _balances(element, reading)
    opening, closing = _pick(balances, _OPENING), _pick(balances, _CLOSING)
    if interim := balances.get("ITBD"):  # pages between the first and the last carry interim balances
        closing = closing or (interim[-1] if opening or len(interim) > 1 else None)
        opening = opening or interim[0]
    entries = children(element, "Ntry")
    currency = text(element, "Acct", "Ccy") or next((b[0] for b in (opening, closing) if b), None)
    currency = currency or next((a.get("Ccy") for e in entries for a in children(e, "Amt")), None)
    sequence = text(element, "ElctrncSeqNb") or text(element, "LglSeqNb") or text(element, "Id")
    page = text(element, "StmtPgntn|RptPgntn|NtfctnPgntn", "PgNb")
    row: dict[str, Any] = {
        "account": account, "kind": "cash", "currency": currency, "number": "/".join(filter(None, [sequence, page])) or None,
        "statement_date": (closing[2] if closing else None) or day_of(child(element, "FrToDt", "ToDtTm|ToDt"), reading)
        or day_of(child(element, "CreDtTm"), reading),
    }  # fmt: skip
    row["statement_id"] = reading.statement_id(account, row["number"] or str(row["statement_date"]))
    for name, balance in (("opening", opening), ("closing", closing)):
        row[name] = balance[1] if balance and balance[0] == currency else None
        if balance and balance[0] != currency:
            reading.error("currency-differs", f"the {name} balance is in another currency than the statement", place, name,
                          found=balance[0], expected=currency or "")  # fmt: skip
    statement = reading.add(STATEMENTS, place, row)
    amounts, refused = _entries(entries, row, reading)
    if local(element) == "Stmt" or (opening and closing):
        if opening is None and closing is None:
            reading.error(
                "balance-missing", "the statement carries neither opening nor closing balance", place, expected="Bal OPBD and CLBD"
            )
        reading.prove(statement, amounts, refused)


def _account(element: etree._Element | None) -> str | None:
    """IBAN, or the other identification (its name differs between versions)."""
    identity = child(element, "Id")
    return text(identity, "IBAN|BBAN") or text(identity, "Othr|PrtryAcct", "Id") or text(identity)


Balance = tuple[str, Decimal, date | None]


def _balances(element: etree._Element, reading: Reading) -> dict[str, list[Balance]]:
    """Balances by their ISO code: currency, signed amount, date."""
    found: dict[str, list[Balance]] = {}
    for one in children(element, "Bal"):
        code = text(one, "Tp", "CdOrPrtry", "Cd") or text(one, "Tp", "Cd") or text(one, "Tp", "CdOrPrtry", "Prtry") or ""
        try:
            currency, amount = _amount(one)
        except UnreadableError as why:
            reading.error(why.code, why.message, at(one), code or "Bal", **why.said)
            continue
        found.setdefault(code, []).append((currency, amount, day_of(child(one, "Dt"), reading)))
    return found


def _pick(balances: dict[str, list[Balance]], codes: tuple[str, ...]) -> Balance | None:
    return next((balances[code][0] for code in codes if code in balances), None)


def _amount(element: etree._Element) -> tuple[str, Decimal]:
    """Currency and signed amount of a balance or an entry. Raises ``UnreadableError``."""
    amount, direction = child(element, "Amt"), text(element, "CdtDbtInd")
    if amount is None or not (amount.text or "").strip():
        raise UnreadableError("amount-missing", "no amount", expected="Amt", field="Amt")
    if direction not in ("CRDT", "DBIT"):
        raise UnreadableError("direction-missing", "neither credit nor debit", direction or "", "CRDT or DBIT", field="CdtDbtInd")
    value = number(amount.text or "")
    return amount.get("Ccy") or "", value if direction == "CRDT" else -value


def _entries(entries: list[etree._Element], row: dict[str, Any], reading: Reading) -> tuple[list[Decimal], int]:
    """Adds the booked entries; hands back their amounts and how many could not be read."""
    amounts: list[Decimal] = []
    refused, pending = 0, 0
    shared = {name: row[name] for name in ("statement_id", "account")}
    for ordinal, entry in enumerate(entries, 1):
        place = f"line {entry.sourceline} {row['at'].split()[-1]}/Ntry[{ordinal}]"
        status = text(entry, "Sts", "Cd") or text(entry, "Sts", "Prtry") or text(entry, "Sts") or "BOOK"
        if status != "BOOK":
            pending += 1
            continue
        try:
            currency, amount = _amount(entry)
            if row["currency"] and currency != row["currency"]:
                raise UnreadableError(
                    "currency-differs", "the entry is in another currency than its statement", currency, row["currency"]
                )
        except UnreadableError as why:
            refused += 1
            reading.refuse(why, place)
            continue
        amounts.append(amount)
        reading.add(CASH_MOVEMENTS, place, {**shared, "currency": currency, "amount": amount, **_details(entry, reading)})
    if pending:
        reading.info("entries-pending", f"{pending} entries are not booked yet (pending, future or informational) and not kept",
                     row["at"], "Sts")  # fmt: skip
    return amounts, refused


def _details(entry: etree._Element, reading: Reading) -> dict[str, Any]:
    """Dates, references, code and narrative. A batch of transactions stays one movement under its own reference."""
    transactions = [t for d in children(entry, "NtryDtls") for t in children(d, "TxDtls")] or children(entry, "TxDtls")
    one = transactions[0] if len(transactions) == 1 else None
    batch = child(entry, "NtryDtls", "Btch")
    refs = child(one, "Refs")
    ours = [text(refs, name) for name in ("AcctOwnrTxId", "EndToEndId", "InstrId", "PmtInfId", "ChqNb", "MsgId")]
    ours += [text(batch, "PmtInfId"), text(batch, "MsgId"), text(entry, "NtryRef")]
    theirs = [text(entry, "AcctSvcrRef"), text(refs, "AcctSvcrRef"), text(refs, "TxId"), text(refs, "ClrSysRef")]
    return {
        "booking_date": day_of(child(entry, "BookgDt"), reading), "value_date": day_of(child(entry, "ValDt"), reading),
        "reference": next((r for r in ours if r and r.upper() not in _NO_REFERENCE), None),
        "bank_reference": next(filter(None, theirs), None), "code": _code(entry), "text": _narrative(entry, transactions),
        "reversal": text(entry, "RvslInd") in ("true", "1"),
    }  # fmt: skip


def _code(entry: etree._Element) -> str | None:
    """Bank transaction code: domain/family/sub-family, or the bank's own."""
    domain = child(entry, "BkTxCd", "Domn")
    parts = [text(domain, "Cd"), text(domain, "Fmly", "Cd"), text(domain, "Fmly", "SubFmlyCd")]
    return "/".join(filter(None, parts)) or text(entry, "BkTxCd", "Prtry", "Cd")


def _narrative(entry: etree._Element, transactions: list[etree._Element]) -> str | None:
    said = [text(entry, "AddtlNtryInf")]
    for one in transactions:
        remittance = child(one, "RmtInf")
        said += [text(e) for e in children(remittance, "Ustrd")]
        said += [text(e, "CdtrRefInf", "Ref|CdtrRef") for e in children(remittance, "Strd")]
        said.append(text(one, "AddtlTxInf"))
    return "\n".join(dict.fromkeys(s for s in said if s)) or None
