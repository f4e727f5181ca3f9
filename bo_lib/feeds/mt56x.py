"""Corporate actions after the notification: MT565 instructions, MT566 confirmations, MT567 statuses, MT568 narratives.

Source: SWIFT Standards MT Category 5. A row per movement of a confirmation, else a row per message or status; the sender's
reference is the event's (CORP), by which the rows meet the notification.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, Message, balance, money, security, tree
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.securities import dated, quantity, reference, safekeeping, words
from bo_lib.model.tables import TRANSACTIONS

KINDS = ("565", "566", "567", "568")
_STATUS = {"PEND": "pending", "PENF": "failing", "CAND": "cancelled", "CANS": "cancelled", "REJT": "cancelled", "STIN": "cancelled"}
_TAXES = ("TAXR", "WITL", "WITF", "FTAX", "TAXC", "LOCT", "STAM", "TRAN")
_FEES = ("CHAR", "COEX", "EXEC", "FEES", "SHIP", "REGF", "LOCO", "ISDI")


def read(messages: list[Message], reading: Reading) -> None:
    """Every message into ``transactions`` of kind corporate_action."""
    reading.expect(TRANSACTIONS)
    for message in messages:
        root = tree(message, reading)
        try:
            shared = _shared(root, reading)
        except UnreadableError as why:
            reading.refuse(why, root.at, rows=max(1, sum(1 for _ in root.inside("SECMOVE", "CASHMOVE"))))
            continue
        _READERS[message.kind](root, shared, reading)


def _shared(root: Block, reading: Reading) -> dict[str, Any]:
    """Event, security and account. Raises ``UnreadableError`` where the message names no event."""
    general, underlying = root.part("GENL"), root.part("USECU")
    event = reference([general], "CORP")
    if not event:
        raise UnreadableError(
            "reference-missing", "the message names no corporate action", expected=":20C::CORP//", field="20C::CORP"
        )
    isin, local, name = security(underlying.get("35B"))
    safe = safekeeping([underlying, *underlying.inside("ACCTINFO"), *root.inside("CADETL", "CACONF", "CAINST"), general])
    if not safe:
        reading.warning(
            "account-missing", "the message names no safekeeping account", root.at, "97A::SAFE", expected=":97A::SAFE//"
        )
    return {
        "account": safe or "NONREF", "kind": "corporate_action", "reference": reference(list(root.inside("LINK")), "RELA"),
        "servicer_reference": event, "isin": isin, "local_id": local, "name": name, "text": _said(root, None),
    }  # fmt: skip


def _said(root: Block, option: Block | None) -> str | None:
    """``DVCA option 001 CASH``, and the narrative."""
    general = root.part("GENL")
    chosen = [option.text("13", "CAON"), option.code("22", "CAOP")] if option else []
    head = [general.code("22F", "CAEV"), *(["option", *chosen] if any(chosen) else [])]
    told = words([*root.inside("ADDINFO"), *([option] if option else [])], "70")
    return "; ".join(filter(None, [" ".join(filter(None, head)), told])) or None


def _instruction(root: Block, shared: dict[str, Any], reading: Reading) -> None:
    """MT565: what we told the custodian to do with how much."""
    chosen = root.part("CAINST")
    function = (root.part("GENL").text("23G") or "").split("/")[0]
    try:
        kind, value = quantity([chosen], "QINS", "QREC")
        if value is None and not chosen.all("36", "QINS") and not chosen.all("19", "QINS"):
            raise UnreadableError(
                "quantity-missing", "the instruction says no quantity", expected=":36B::QINS//", field="36B::QINS"
            )
    except UnreadableError as why:
        reading.refuse(why, root.at)
        return
    reading.add(TRANSACTIONS, root.at, {
        **shared, "reference": reference([root.part("GENL")], "SEME"), "quantity": value, "quantity_type": kind,
        "status": "cancelled" if function == "CANC" else "instructed", "text": _said(root, chosen),
        "trade_date": dated([root.part("GENL")], reading, "PREP"),
    })  # fmt: skip


def _confirmation(root: Block, shared: dict[str, Any], reading: Reading) -> None:
    """MT566: a row per movement of securities or cash; a reversal turns the sign."""
    confirmed = root.part("CACONF")
    sign = -1 if (root.part("GENL").text("23G") or "").startswith("REVR") else 1
    movements, said = list(root.inside("SECMOVE", "CASHMOVE")), _said(root, confirmed)
    if not movements:
        why = UnreadableError("movement-missing", "the confirmation shows no movement", expected=":16R:CASHMOVE or SECMOVE")
        reading.refuse(why, root.at, "CACONF")
    for block in movements:
        try:
            made = _securities(block, sign) if block.name == "SECMOVE" else _cash(block, sign)
        except UnreadableError as why:
            reading.refuse(why, block.at)
            continue
        reading.add(TRANSACTIONS, block.at, {
            **shared, **made, "status": "settled", "text": said,
            "settlement_date": dated([block], reading, "PAYD"),
            "effective_date": dated([block, confirmed], reading, "POST", "VALU"),
        })  # fmt: skip


def _direction(block: Block, sign: int) -> int:
    found = {"CRED": 1, "DEBT": -1}.get(block.code("22H", "CRDB") or "")
    if found is None:
        raise UnreadableError(
            "side-missing", "the movement is neither credit nor debit", expected=":22H::CRDB//", field="22H::CRDB"
        )
    return found * sign


def _securities(block: Block, sign: int) -> dict[str, Any]:
    way, (kind, value) = _direction(block, sign), quantity([block], "PSTA", "ENTL", "CONF")
    if value is None:
        found = block.get("93", "PSTA", "ENTL")
        kind, value = balance(found.data) if found else (None, None)
    if value is None:
        raise UnreadableError("quantity-missing", "the movement says no quantity", expected=":36B::PSTA//", field="36B::PSTA")
    isin, local, name = security(block.get("35B"))
    moved = {"isin": isin, "local_id": local, "name": name} if isin or local else {}
    return {**moved, "side": "RECEIVE" if way > 0 else "DELIVER", "quantity": way * abs(value), "quantity_type": kind}


def _cash(block: Block, sign: int) -> dict[str, Any]:
    """Money posted; where only gross or net is said, that."""
    way, fields = _direction(block, sign), [f for b in [block, *block.inside("AMT")] for f in b.all("19")]
    found = next((f for q in ("PSTA", "NETT", "GRSS") for f in fields if f.qualifier == q), None)
    if found is None:
        raise UnreadableError("amount-missing", "the movement says no amount", expected=":19B::PSTA//", field="19B::PSTA")
    currency, value = money(found.data)
    return {"currency": currency, "amount": way * abs(value), "taxes": _costs(fields, _TAXES), "commission": _costs(fields, _FEES)}


def _costs(fields: list[Field], qualifiers: tuple[str, ...]) -> Decimal | None:
    found = [abs(money(f.data)[1]) for f in fields if f.qualifier in qualifiers]
    return sum(found, Decimal(0)) if found else None


def _status(root: Block, shared: dict[str, Any], reading: Reading) -> None:
    """MT567: a row per status of the instruction or the event."""
    blocks = list(root.inside("STAT"))
    if not blocks:
        reading.refuse(UnreadableError("status-missing", "the MT567 states no status", expected=":25D::"), root.at, "25D")
    for block in blocks:
        codes = [f.code for f in block.all("25D")]
        reasons = [f.code for r in block.inside("REAS") for f in r.all("24B")]
        said = [" ".join([*codes, *reasons]), words(list(block.inside("REAS")), "70"), shared["text"]]
        status = next((_STATUS[c] for c in codes if c in _STATUS), None)
        reading.add(TRANSACTIONS, block.at, {**shared, "status": status, "text": "; ".join(filter(None, said)) or None})


def _narrative(root: Block, shared: dict[str, Any], reading: Reading) -> None:
    """MT568: only words."""
    reading.add(TRANSACTIONS, root.at, shared)


_READERS = {"565": _instruction, "566": _confirmation, "567": _status, "568": _narrative}
