"""MT535 statements of holdings: a row per FIN block, the aggregate balance signed.

Source: SWIFT Standards MT Category 5, ISO 15022. AGGR is the position; SUBBAL blocks only split it up.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Message, account, balance, day, money, number, security, tree
from bo_lib.feeds.pages import Pages
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.tables import HOLDINGS, STATEMENTS

KINDS = ("535",)
_BASIS = {"TRAD": "trade", "CONT": "trade", "SETT": "settlement"}
_PREFERRED = ("UNIT", "FAMT", "CONT", "AMOR")


def read(messages: list[Message], reading: Reading) -> None:
    """Every MT535 into ``statements`` and ``holdings``; a statement may have several pages."""
    reading.expect(STATEMENTS, HOLDINGS)
    pages = Pages(reading)
    for message in messages:
        root = tree(message, reading)
        _statement(root, reading)
        pages.take(root)
    pages.finish()


def _statement(root: Block, reading: Reading) -> None:
    general = root.part("GENL")
    safe = account(general.get("97", "SAFE"))
    if not safe:
        reading.error("account-missing", "the statement names no safekeeping account; its holdings belong to nobody", root.at,
                      "97A", expected=":97A::SAFE//account", todo="ask the sender whose statement it is")  # fmt: skip
        safe = "NONREF"
    basis = general.code("22", "STBA")  # 22F; some write 22H
    number_parts = [general.text("13", "STAT") or general.text("20C", "SEME"), (general.text("28E") or "").partition("/")[0]]
    shared: dict[str, Any] = {"account": safe, "basis": _BASIS.get(basis or "", basis)}
    stated = reading.tried(day, general.text("98", "STAT"), general.at, "98A::STAT")
    row = {**shared, "kind": "securities", "number": "/".join(filter(None, number_parts)) or None, "statement_date": stated}
    row["statement_id"] = reading.statement_id(safe, row["number"] or str(stated))
    reading.add(STATEMENTS, root.at, row)
    shared.update(statement_id=row["statement_id"], business_date=stated)
    _holdings(root, shared, reading)
    if general.code("17B", "ACTI") == "Y" and not any(root.inside("FIN")):
        reading.warning("holdings-missing", "the statement says it has holdings and shows none", root.at, "17B::ACTI",
                        todo="wait for its next page, or ask the sender")  # fmt: skip


def _holdings(root: Block, shared: dict[str, Any], reading: Reading) -> None:
    """FIN blocks wherever they stand; a SUBSAFE around them may name its own account."""
    for block, (outer, *_) in root.within("FIN", "SUBSAFE"):
        own = account(outer.get("97", "SAFE")) if outer else None
        try:
            row = _holding(block, shared.get("business_date"))
        except UnreadableError as why:
            reading.refuse(why, block.at)
            continue
        reading.add(HOLDINGS, block.at, {**shared, **row, **({"account": own} if own else {})})


def _holding(block: Block, stated: date | None) -> dict[str, Any]:
    isin, local, name = security(block.get("35B"))
    if not (isin or local):
        raise UnreadableError("security-missing", "the holding names no security", name or "", ":35B:ISIN …", field="35B")
    kind, quantity = _quantity(block)
    price, price_currency = _price(block)
    amounts = [money(f.data) for f in block.all("19A", "HOLD")]
    parts = [money(f.data) for b in block.inside("SUBBAL", "FINSUB") for f in b.all("19A", "HOLD")]
    if not amounts and len({c for c, _ in parts}) == 1:  # the value of its parts alone
        amounts = [(parts[0][0], sum((a for _, a in parts), Decimal(0)))]
    value = next((a for a in amounts if a[0] == price_currency), amounts[0] if amounts else (None, None))
    interest = [money(f.data)[1] for f in block.all("19A", "ACRU") if value[0] in (None, money(f.data)[0])]
    dated = block.text("98", "STAT")
    return {
        "isin": isin, "local_id": local, "name": name, "quantity": quantity, "quantity_type": kind or None,
        "price": price, "price_currency": price_currency or (value[0] if price is not None else None),
        "market_value": value[1], "value_currency": value[0], "accrued_interest": interest[0] if interest else None,
        "asset_kind": block.part("FIA").code("12", "CLAS"), "business_date": day(dated) if dated else stated,
    }  # fmt: skip


def _quantity(block: Block) -> tuple[str, Decimal]:
    """The aggregate balance; where only parts are given, their sum."""
    found = [balance(f.data) for f in block.all("93", "AGGR")]
    if not found:
        parts = [balance(f.data) for b in block.inside("SUBBAL", "FINSUB") for f in b.all("93", "AGGR")]
        if not parts:
            raise UnreadableError(
                "quantity-missing", "the holding has no balance", expected=":93B::AGGR//UNIT/100,", field="93B::AGGR"
            )
        found = [(kind, sum((q for k, q in parts if k == kind), Decimal(0))) for kind in dict.fromkeys(k for k, _ in parts)]
    return min(found, key=lambda b: _PREFERRED.index(b[0]) if b[0] in _PREFERRED else len(_PREFERRED))


def _price(block: Block) -> tuple[Decimal | None, str | None]:
    """Market price: percent of par (90A) without, or an amount (90B) with its currency."""
    for one in [*block.all("90", "MRKT", "INDC"), *block.part("PRIC").all("90", "MRKT", "INDC")]:
        if one.tag == "90A" and one.data.startswith(("PRCT/", "DISC/", "PREM/")):
            percent = number(one.code)
            shift = {"PRCT": 0, "DISC": 100, "PREM": 100}[one.data[:4]]
            return (percent if not shift else shift - percent if one.data[:4] == "DISC" else shift + percent), None
        if one.tag == "90B":
            currency, amount = money(one.code)
            return amount, currency
    return None, None
