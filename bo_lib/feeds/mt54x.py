"""MT540 to MT543 instructions, MT544 to MT547 confirmations, MT548 statuses: a row per instruction, confirmation or status.

Source: SWIFT Standards MT Category 5. In confirmations and statuses the reference is ours (the RELA of the LINK block); in an
instruction it is the instruction's own (SEME), or that of the instruction it cancels (PREV).
"""

from __future__ import annotations

from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, Message, account, balance, day, money, security, tree
from bo_lib.feeds.mt537 import penalties
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.securities import (
    amount,
    counterparty,
    dated,
    paid,
    price,
    quantity,
    reference,
    safekeeping,
    side_of,
    signed,
    words,
)
from bo_lib.model.tables import SETTLEMENTS, TRANSACTIONS

INSTRUCTIONS = ("540", "541", "542", "543")
KINDS = (*INSTRUCTIONS, "544", "545", "546", "547", "548")
_SIDE = {
    "540": "RECEIVE",
    "541": "RECEIVE",
    "542": "DELIVER",
    "543": "DELIVER",
    "544": "RECEIVE",
    "545": "RECEIVE",
    "546": "DELIVER",
    "547": "DELIVER",
    "RECE": "RECEIVE",
    "DELI": "DELIVER",
}
# (qualifier or *, code) of 25D -> status; CPRC speaks of a request to cancel, so its REJT leaves the instruction pending
_STATUS = {
    ("SETT", "PEND"): "pending", ("SETT", "PENF"): "failing", ("SETT", "SETT"): "settled",
    ("MTCH", "MACH"): "matched", ("MTCH", "NMAT"): "unmatched", ("INMH", "MACH"): "matched", ("INMH", "NMAT"): "unmatched",
    ("CPRC", "REJT"): "pending", ("*", "REJT"): "rejected",
    ("*", "CAND"): "cancelled", ("*", "CANS"): "cancelled", ("*", "CANO"): "cancelled", ("*", "OVER"): "cancelled",
    ("*", "CANP"): "pending", ("*", "PACK"): "pending", ("*", "PPRC"): "pending", ("*", "DFLA"): "pending",
    ("*", "COND"): "pending", ("*", "MODC"): "pending", ("*", "MODP"): "pending", ("*", "STNP"): "pending",
    ("*", "CGEN"): "pending", ("*", "FUTU"): "pending",
}  # fmt: skip
_MONEY = ("ESTT", "SETT", "DEAL")
_QUANTITY = ("ESTT", "SETT")


def read(messages: list[Message], reading: Reading) -> None:
    """Confirmations and statuses into ``settlements``, instructions into ``transactions`` (status ``instructed``)."""
    reading.expect(*{TRANSACTIONS if m.kind in INSTRUCTIONS else SETTLEMENTS: None for m in messages})
    for message in messages:
        root = tree(message, reading)
        if message.kind in INSTRUCTIONS:
            _instruction(root, "" if not message.wrapped else message.kind, reading)
        elif message.kind == "548" and any(root.inside("PENDET")):
            penalties(root, safekeeping([root.part("GENL"), root]), None, reading)
        elif message.kind == "548":
            _statuses(root, message.kind, reading)
        else:
            _confirmation(root, message.kind if message.wrapped else "", reading)


def _instruction(root: Block, kind: str, reading: Reading) -> None:
    """One row: quantity and money as they will move. A free delivery (MT540, MT542) moves no money."""
    general, details = root.part("GENL"), root.part("TRADDET")
    blocks = [details, *root.inside("FIAC", "AMT", "SETDET"), root]
    try:
        function = (general.text("23G") or "").split("/")[0]
        ours = reference([general, *root.inside("LINK")], "PREV", "SEME") if function == "CANC" else reference([general], "SEME")
        isin, local, name = security(next((f for b in blocks for f in b.all("35B")), None))
        safe = safekeeping([*root.inside("FIAC"), details, root])
        side = side_of(list(root.inside("SETPRTY")), _SIDE.get(kind), safe)
        quantity_type, instructed = quantity(blocks, "SETT")
        if instructed is None:
            raise UnreadableError(
                "quantity-missing", "the instruction says no quantity", expected=":36B::SETT//UNIT/100,", field="36B"
            )
        currency, money_stated = amount(blocks, "SETT", "DEAL")
        _, interest = amount(blocks, "ACRU")
        reading.add(TRANSACTIONS, root.at, {
            "account": _account(safe, root, reading),
            "kind": "trade" if _code(root, "SETR") in (None, "TRAD") else "delivery",
            "status": "cancelled" if function == "CANC" else "instructed", "reference": ours,
            "servicer_reference": reference(list(root.inside("LINK")), "RELA"), "isin": isin, "local_id": local, "name": name,
            "side": side, "quantity": signed(side, instructed), "quantity_type": quantity_type,
            "price": price([details], reading), "currency": currency,
            "amount": None if kind in ("540", "542") else paid(side, money_stated), "accrued_interest": interest,
            "trade_date": dated([details], reading, "TRAD"), "settlement_date": dated([details], reading, "SETT"),
            "counterparty": counterparty(list(root.inside("SETPRTY")), side),
            "text": words([details, *root.inside("SETDET")], "70"),
        })  # fmt: skip
    except UnreadableError as why:
        reading.refuse(why, root.at)


def _code(root: Block, qualifier: str) -> str | None:
    return next((f.code for b in root.inside("SETDET") for f in b.all("22F", qualifier)), None)


def _account(stated: str | None, root: Block, reading: Reading) -> str:
    if not stated:
        reading.warning(
            "account-missing", "the message names no safekeeping account", root.at, "97A::SAFE", expected=":97A::SAFE//"
        )
    return stated or "NONREF"


def _statuses(root: Block, kind: str, reading: Reading) -> None:
    """A row for each STAT block of an MT548."""
    found = list(root.inside("STAT"))
    try:
        if not found:
            raise UnreadableError("status-missing", "the MT548 states no status", expected=":16R:STAT with :25D:", field="25D")
        shared = _transaction(root, root.part("SETTRAN"), kind, reading)
    except UnreadableError as why:
        reading.refuse(why, root.at, rows=max(1, len(found)))
        return
    for block in found:
        try:
            reading.add(SETTLEMENTS, block.at, {**shared, **_status(block)})
        except UnreadableError as why:
            reading.refuse(why, block.at)


def _status(block: Block) -> dict[str, Any]:
    one = block.get("25D")
    key = (one.qualifier, one.code) if one else ("", "")
    status = status_of(*key)
    if status is None:
        raise UnreadableError(
            "status-unknown",
            "a status that is not known",
            "//".join(key),
            "a code of field 25D such as SETT//PENF",
            "tell the desk what it means",
            "25D",
        )
    reasons = [f for b in [block, *block.inside("REAS")] for f in b.all("24B")]
    words = [f.data.replace("\n", " ") for b in [block, *block.inside("REAS")] for f in b.all("70D")]
    others = [f"also {f.code}" for f in reasons[1:]]
    return {"status": status, "reason": reasons[0].code if reasons else None, "text": "; ".join([*words, *others]) or None}


def status_of(qualifier: str, code: str) -> str | None:
    """The status that a code of field 25D says, such as ``pending`` of ``SETT//PEND``; None for an unknown one."""
    return _STATUS.get((qualifier, code)) or _STATUS.get(("*", code))


def _confirmation(root: Block, kind: str, reading: Reading) -> None:
    """One row: the whole confirmation is of one instruction."""
    general = root.part("GENL")
    try:
        row = _transaction(root, root.part("TRADDET"), kind, reading)
        row["status"] = _confirmed(general, root)
        words = [f.data.replace("\n", " ") for b in root.inside("TRADDET", "SETDET") for f in b.all("70E", "SPRO")]
        reading.add(SETTLEMENTS, root.at, {**row, "text": "; ".join(words) or None})
    except UnreadableError as why:
        reading.refuse(why, root.at)


def _confirmed(general: Block, root: Block) -> str:
    if (general.text("23G") or "").startswith(("CANC", "REVR")):
        return "cancelled"
    left = [balance(f.data)[1] for b in root.inside("FIAC") for f in b.all("36", "RSTT")]
    partial = any(f.code == "PAIN" for b in [root, *root.inside("TRADDET", "SETDET")] for f in b.all("22", "PARS"))
    return "partially_settled" if partial or any(left) else "settled"


def _transaction(root: Block, details: Block, kind: str, reading: Reading) -> dict[str, Any]:
    """What confirmations and statuses share: reference, account, security, side, quantity, money, dates."""
    general = root.part("GENL")
    links = [general, *root.inside("LINK"), *root.inside("SETTRAN")]
    ours = next((f.data for q in ("RELA", "TRRF") for b in links for f in b.all("20C", q) if f.data), None)
    if not ours:
        reading.error("reference-missing", "the message does not say which instruction it is about; kept without", root.at,
                      "20C::RELA", expected=":20C::RELA// in a LINK block",
                      todo="find the trade by its security, quantity and dates")  # fmt: skip
    holders = [*root.inside("FIAC"), details, root]
    safe = next((found for b in holders if (found := account(b.get("97", "SAFE")))), None)
    isin, local, _ = security(details.get("35B") or root.part("FIAC").get("35B"))
    currency, amount = _amount(root, details)
    return {
        "reference": ours or "NONREF", "account": _account(safe, root, reading), "isin": isin, "local_id": local,
        "side": side_of(list(root.inside("SETPRTY")), _SIDE.get(details.code("22H", "REDE") or "") or _SIDE.get(kind), safe),
        "quantity": _quantity([*root.inside("FIAC"), details]), "currency": currency, "amount": amount,
        "trade_date": _date(details, "TRAD"), "intended_date": _date(details, "SETT"),
        "effective_date": _date(details, "ESET") or _date(general, "PREP") or (_date(details, "SETT") if kind != "548" else None),
    }  # fmt: skip


def _quantity(blocks: list[Block]) -> Any:
    """Settled quantity before instructed; units or face amount before amortised value; positive."""
    found = [balance(f.data) for q in _QUANTITY for b in blocks for f in b.all("36", q)]
    return abs(next((q for k, q in found if k != "AMOR"), found[0][1])) if found else None


def _amount(root: Block, details: Block) -> tuple[str | None, Any]:
    fields: list[Field] = [f for q in _MONEY for b in [*root.inside("AMT", "SETDET"), details] for f in b.all("19A", q)]
    if not fields:
        return None, None
    currency, amount = money(fields[0].data)
    return currency, abs(amount)


def _date(block: Block, qualifier: str) -> Any:
    text = block.text("98", qualifier)
    return day(text) if text else None
