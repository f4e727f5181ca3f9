"""MT544 to MT547 settlement confirmations and MT548 statuses: a row per confirmation, a row per status.

Source: SWIFT Standards MT Category 5. The reference is ours (the RELA of the LINK block).
"""

from __future__ import annotations

from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, account, balance, day, messages, money, security, tree
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.tables import SETTLEMENTS

KINDS = ("544", "545", "546", "547", "548")
_SIDE = {"544": "RECEIVE", "545": "RECEIVE", "546": "DELIVER", "547": "DELIVER", "RECE": "RECEIVE", "DELI": "DELIVER"}
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


def read(data: bytes, reading: Reading) -> None:
    """Every confirmation and status of the file into ``settlements``."""
    reading.expect(SETTLEMENTS)
    for message in messages(data, reading):
        if message.kind not in ("", *KINDS):
            reading.error("message-not-read", f"an MT{message.kind} among settlement messages is not read", message.at)
            reading.refused += 1
        elif message.fields:
            root = tree(message, reading)
            status = message.kind == "548" or (not message.kind and any(root.inside("STAT")))
            (_statuses if status else _confirmation)(root, message.kind, reading)


def _statuses(root: Block, kind: str, reading: Reading) -> None:
    """A row for each STAT block of an MT548."""
    found = list(root.inside("STAT"))
    if not found:
        reading.refuse(
            UnreadableError("status-missing", "the MT548 states no status", expected=":16R:STAT with :25D:"), root.at, "25D"
        )
    for block in found:
        try:
            reading.add(SETTLEMENTS, block.at, {**_transaction(root, root.part("SETTRAN"), kind, reading), **_status(block)})
        except UnreadableError as why:
            reading.refuse(why, block.at)


def _status(block: Block) -> dict[str, Any]:
    one = block.get("25D")
    key = (one.qualifier, one.code) if one else ("", "")
    status = _STATUS.get(key) or _STATUS.get(("*", key[1]))
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
    ours = next((f.data for b in links for f in b.all("20C", "RELA") if f.data), None)
    if not ours:
        raise UnreadableError("reference-missing", "the message does not say which instruction it is about",
                         expected=":20C::RELA// in a LINK block", field="20C::RELA")  # fmt: skip
    holders = [*root.inside("FIAC"), details, root]
    safe = next((found for b in holders if (found := account(b.get("97", "SAFE")))), None)
    if not safe:
        reading.warning(
            "account-missing", "the message names no safekeeping account", root.at, "97A::SAFE", expected=":97A::SAFE//"
        )
    isin = security(details.get("35B") or root.part("FIAC").get("35B"))[0]
    currency, amount = _amount(root, details)
    return {
        "reference": ours, "account": safe or "NONREF", "isin": isin, "side": _side(root, details, kind),
        "quantity": _quantity([*root.inside("FIAC"), details]), "currency": currency, "amount": amount,
        "trade_date": _date(details, "TRAD"), "intended_date": _date(details, "SETT"),
        "effective_date": _date(details, "ESET") or _date(general, "PREP") or (_date(details, "SETT") if kind != "548" else None),
    }  # fmt: skip


def _side(root: Block, details: Block, kind: str) -> str | None:
    if stated := _SIDE.get(details.code("22H", "REDE") or "") or _SIDE.get(kind):
        return stated
    parties = {f.qualifier for b in root.inside("SETPRTY") for f in b.all("95")}
    return "RECEIVE" if "DEAG" in parties else "DELIVER" if "REAG" in parties else None


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
