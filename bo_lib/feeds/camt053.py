"""camt.053 statements, and camt.052 reports and camt.054 notifications of the same family; every version, by local names.

Source: ISO 20022 Bank-to-Customer Cash Management. Only booked entries are movements and take part in the proof; pending
ones are kept as pending transactions, informational ones are counted. ``CdtDbtInd`` is the direction of the entry itself,
also when it is a reversal. Pages without interim balances are proven together; the totals that a statement states of its
entries, and the amounts of the transactions of a batch, are compared with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, day_of, local, number, parse, text
from bo_lib.model.findings import Severity
from bo_lib.model.money import ZERO
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS, TRANSACTIONS

_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_STATUSES = ("BOOK", "PDNG", "FUTR", "INFO")
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
    _prove([_statement(one, ordinal, reading) for ordinal, one in enumerate(found, 1)], reading)


@dataclass
class _Page:
    """A statement, or a page of one, with what its proof needs."""

    row: dict[str, Any]
    sequence: str | None
    page: int | None
    last: bool
    amounts: list[Decimal]
    refused: int
    due: bool  # it must carry balances


def _prove(pages: list[_Page], reading: Reading) -> None:
    """Each statement by itself; pages that carry no interim balances together, from the first opening to the last closing."""
    groups: dict[tuple[str, str, str], list[_Page]] = {}
    for ordinal, one in enumerate(pages):
        name = one.sequence if one.page and one.sequence else f"#{ordinal}"
        groups.setdefault((one.row["account"], one.row["currency"] or "", name), []).append(one)
    for group in groups.values():
        group.sort(key=lambda p: p.page or 0)
        _check_pages(group, reading)
        joined = len(group) > 1 and any(p.row["opening"] is None or p.row["closing"] is None for p in group)
        for part in [group] if joined else [[one] for one in group]:
            if any(p.due for p in part):
                _prove_part(part, reading)


def _check_pages(group: list[_Page], reading: Reading) -> None:
    numbers = [p.page for p in group]
    if numbers[0] is not None and (numbers != list(range(1, len(group) + 1)) or not group[-1].last):
        reading.warning(
            "page-missing", "pages of the statement are not in this file", group[0].row["at"], "PgNb",
            found=", ".join(map(str, numbers)) + (" (not the last)" if not group[-1].last else ""), expected="1 to the last",
            todo="look for them in the sender's other files",
        )  # fmt: skip


def _prove_part(part: list[_Page], reading: Reading) -> None:
    first, last = part[0].row, part[-1].row
    if first["opening"] is None and last["closing"] is None:
        reading.error(
            "balance-missing",
            "the statement carries neither opening nor closing balance",
            first["at"],
            expected="Bal OPBD and CLBD",
        )
    proof = {"opening": first["opening"], "closing": last["closing"], "at": first["at"]}
    reading.prove(proof, [a for p in part for a in p.amounts], sum(p.refused for p in part))
    for one in part:
        one.row["proven"] = proof["proven"]


def _statement(element: etree._Element, ordinal: int, reading: Reading) -> _Page:
    place = at(element, ordinal)
    account = _account(child(element, "Acct"))
    if account is None:
        reading.error("account-missing", "the statement names no account; its entries belong to nobody", place, "Acct",
                      expected="Acct/Id", todo="ask the sender whose statement it is")  # fmt: skip
        account = "NONREF"
    balances = _balances(element, reading)
    opening, closing = _pick(balances, min, _OPENING), _pick(balances, max, _CLOSING)
    if interim := balances.get("ITBD"):  # pages between the first and the last carry interim balances
        closing = closing or (interim[-1] if opening or len(interim) > 1 else None)
        opening = opening or interim[0]
    entries = children(element, "Ntry")
    currency = text(element, "Acct", "Ccy") or next((b[0] for b in (opening, closing) if b and b[0]), None)
    currency = currency or next((c for e in entries for a in children(e, "Amt") if (c := a.get("Ccy"))), None)
    sequence = text(element, "ElctrncSeqNb") or text(element, "LglSeqNb") or text(element, "Id")
    pages = child(element, "StmtPgntn|RptPgntn|NtfctnPgntn")
    page = text(pages, "PgNb")
    row: dict[str, Any] = {
        "account": account, "kind": "cash", "currency": currency, "number": "/".join(filter(None, [sequence, page])) or None,
        "statement_date": (closing[2] if closing else None) or day_of(child(element, "FrToDt", "ToDtTm|ToDt"), reading)
        or day_of(child(element, "CreDtTm"), reading),
    }  # fmt: skip
    row["statement_id"] = reading.statement_id(account, row["number"] or str(row["statement_date"]))
    for name, balance in (("opening", opening), ("closing", closing)):
        row[name] = balance[1] if balance and balance[0] in (currency, "") else None
        if balance and balance[0] not in (currency, ""):
            reading.error("currency-differs", f"the {name} balance is in another currency than the statement", place, name,
                          found=balance[0], expected=currency or "")  # fmt: skip
    statement = reading.add(STATEMENTS, place, row)
    amounts, refused = _entries(entries, row, reading)
    if local(element) == "Stmt" and opening is None and closing is None:
        _by_available(statement, balances, amounts, reading)
    _check_summary(child(element, "TxsSummry"), entries, place, reading)
    ordinal_page = int(page) if page and page.isascii() and page.isdigit() and len(page) < 10 else None
    last = text(pages, "LastPgInd") not in ("false", "0")
    due = local(element) == "Stmt" or (opening is not None and closing is not None)
    return _Page(statement, sequence, ordinal_page, last, amounts, refused, due)


def _by_available(row: dict[str, Any], balances: dict[str, list[Balance]], amounts: list[Decimal], reading: Reading) -> None:
    """Takes the available balances for the booked ones where the entries lead from one to the other."""
    opening, closing = _pick(balances, min, ("OPAV",)), _pick(balances, max, ("CLAV",))
    if opening and closing and opening[0] == closing[0] == row["currency"] and opening[1] + sum(amounts, ZERO) == closing[1]:
        row["opening"], row["closing"] = opening[1], closing[1]
        reading.info("balance-available", "no booked balance is stated; proven by the available ones", row["at"], "Bal",
                     found="OPAV and CLAV", expected="OPBD and CLBD")  # fmt: skip


def _check_summary(summary: etree._Element | None, entries: list[etree._Element], place: str, reading: Reading) -> None:
    """Compares the totals that the sender states (of all entries, or of the booked ones) with the entries themselves."""
    if summary is None:
        return
    wrong = _unlike(summary, entries)
    if wrong and _unlike(summary, [e for e in entries if _status(e) == "BOOK"]):
        name, said, counted = wrong[0]
        turned = name == "TtlNtries/net" and any(text(e, "RvslInd") in ("true", "1") for e in entries)
        reading.note(
            Severity.WARNING if turned else Severity.ERROR, "summary-differs",
            "the totals the sender states are not those of the entries"
            + ("; the sender may state reversals in the direction of what they reverse" if turned else ""),
            place, f"TxsSummry/{name}", found=said, expected=counted,
            todo="an entry may be missing, doubled or misread: ask the sender",
        )  # fmt: skip


def _unlike(summary: etree._Element, entries: list[etree._Element]) -> list[tuple[str, str, str]]:
    """Name, what is said and what is counted of every total that does not fit."""
    amounts = []
    for entry in entries:
        try:
            amounts.append(_amount(entry)[1])
        except UnreadableError:
            return []  # the entry has its own finding
    sums = {"TtlNtries": amounts, "TtlCdtNtries": [a for a in amounts if a > 0], "TtlDbtNtries": [a for a in amounts if a < 0]}
    found = []
    for name, of in sums.items():
        total = child(summary, name)
        found.append((f"{name}/NbOfNtries", text(total, "NbOfNtries"), Decimal(len(of))))
        found.append((f"{name}/Sum", text(total, "Sum"), sum(map(abs, of), ZERO)))
    net = child(summary, "TtlNtries")
    stated = text(net, "TtlNetNtryAmt") or text(net, "TtlNetNtry", "Amt")
    debit = (text(net, "CdtDbtInd") or text(net, "TtlNetNtry", "CdtDbtInd")) == "DBIT"
    found.append(("TtlNtries/net", stated, -sum(amounts, ZERO) if debit else sum(amounts, ZERO)))
    zero = {"TtlCdtNtries/NbOfNtries", "TtlDbtNtries/NbOfNtries"} if any(a == 0 for a in amounts) else set()
    return [(n, said, f"{is_}") for n, said, is_ in found if said and n not in zero and _other(said, is_)]


def _other(said: str, counted: Decimal) -> bool:
    try:
        return number(said) != counted
    except UnreadableError:
        return True


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


def _pick(balances: dict[str, list[Balance]], choose: Callable[..., Balance], codes: tuple[str, ...]) -> Balance | None:
    """The earliest or the latest: a report over several days may carry the balances of each."""
    return next((choose(balances[code], key=lambda b: b[2] or date.min) for code in codes if code in balances), None)


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
        if (status := _status(entry)) not in _STATUSES:
            refused += 1
            reading.refuse(UnreadableError("status-unknown", "a status that says not whether the entry is booked", status,
                                           ", ".join(_STATUSES), "ask the bank what it means", "Sts"), place)  # fmt: skip
            continue
        if status != "BOOK":
            pending += 1
            _add_pending(entry, place, row, reading)
            continue
        try:
            currency, amount = _amount(entry)
            currency = currency or row["currency"] or ""
            if not currency:
                raise UnreadableError("currency-missing", "neither entry nor statement names a currency", expected="Amt/@Ccy")
            if row["currency"] and currency != row["currency"]:
                raise UnreadableError(
                    "currency-differs", "the entry is in another currency than its statement", currency, row["currency"]
                )
        except UnreadableError as why:
            refused += 1
            reading.refuse(why, place)
            continue
        amounts.append(amount)
        _check_batch(entry, currency, amount, place, reading)
        reading.add(CASH_MOVEMENTS, place, {**shared, "currency": currency, "amount": amount, **_details(entry, reading)})
    if pending:
        reading.info("entries-pending", f"{pending} entries are not booked yet: pending and future ones are kept as pending "
                     "transactions, informational ones are not", row["at"], "Sts")  # fmt: skip
    return amounts, refused


def _check_batch(entry: etree._Element, currency: str, amount: Decimal, place: str, reading: Reading) -> None:
    """The transactions of a batch against its entry, where every one states an amount in the entry's currency."""
    transactions = [t for d in children(entry, "NtryDtls") for t in children(d, "TxDtls")]
    stated = [found for t in transactions if (found := _of_transaction(t, entry)) and found[0] == currency]
    if len(transactions) > 1 and len(stated) == len(transactions) and (total := sum((v for _, v in stated), ZERO)) != amount:
        reading.warning("batch-differs", f"the {len(stated)} transactions of the batch do not add up to its entry", place, "TxDtls",
                        found=f"{total}", expected=f"{amount}", todo="see the charges of the batch, or ask the bank")  # fmt: skip


def _of_transaction(one: etree._Element, entry: etree._Element) -> tuple[str, Decimal] | None:
    """Currency and signed amount of a transaction in a batch: in the direction it states, else in the entry's."""
    found = child(one, "Amt")
    found = child(one, "AmtDtls", "TxAmt", "Amt") if found is None else found
    if found is None:
        return None
    try:
        value = number(found.text or "")
    except UnreadableError:
        return None
    return found.get("Ccy") or "", value if (text(one, "CdtDbtInd") or text(entry, "CdtDbtInd")) == "CRDT" else -value


def _add_pending(entry: etree._Element, place: str, row: dict[str, Any], reading: Reading) -> None:
    """A pending or future entry among the transactions, as far as it can be read: it is in no sum."""
    if _status(entry) not in ("PDNG", "FUTR"):
        return
    try:
        currency, amount = _amount(entry)
    except UnreadableError as why:
        reading.error(why.code, why.message, place, why.field, **why.said)
        return
    said = _details(entry, reading)
    reading.add(TRANSACTIONS, place, {
        "statement_id": row["statement_id"], "account": row["account"], "kind": "transfer", "status": "pending",
        "currency": currency or row["currency"], "amount": amount, "reference": said["reference"],
        "servicer_reference": said["bank_reference"], "settlement_date": said["value_date"], "text": said["text"],
    })  # fmt: skip


def _status(entry: etree._Element) -> str:
    """BOOK, PDNG, INFO or FUTR; the element holds the code itself before version 8. Booked where nothing is said."""
    said = text(entry, "Sts", "Cd") or text(entry, "Sts", "Prtry") or text(entry, "Sts") or "BOOK"
    return "BOOK" if said.upper() in ("BOOK", "BOOKED") else said.upper()


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
