"""MT536 statements of transactions: a row per TRAN block, and the proof opening + transactions = closing per security.

Source: SWIFT Standards MT Category 5, ISO 15022. FIOP and FICL are the balances of the statement, INOP and INCL those of a page.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, Message, account, balance, day, security, tree
from bo_lib.feeds.pages import Pages
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.securities import SIDES, amount, counterparty, dated, paid, price, quantity, reference, side_of, signed, words
from bo_lib.model.tables import STATEMENTS, TRANSACTIONS

KINDS = ("536",)
_TRANSACTION = {"CORP": "corporate_action", "SETT": "trade", "INCO": "income"}
_DELIVERY = ("OWNE", "OWNI", "INTT", "REBL", "CONV", "COLI", "COLO", "ISSU", "BSBK")  # settlements without a trade


def read(messages: list[Message], reading: Reading) -> None:
    """Every MT536 into ``statements`` and ``transactions``."""
    reading.expect(STATEMENTS, TRANSACTIONS)
    pages = Pages(reading)
    for message in messages:
        root = tree(message, reading)
        if statement := add_statement(root, "TRAN", reading):
            pages.take(root)
            _transactions(root, statement, reading)
    pages.finish()


def add_statement(root: Block, rows: str, reading: Reading) -> dict[str, Any] | None:
    """The row in ``statements``; None, with its ``rows`` blocks refused, where no account is named."""
    general = root.part("GENL")
    safe = account(general.get("97", "SAFE"))
    if not safe:
        count = sum(1 for _ in root.inside(rows))
        why = UnreadableError("account-missing", "the statement names no safekeeping account", expected=":97A::SAFE//account")
        reading.refuse(why, root.at, "97A", rows=max(1, count))
        return None
    page = (general.text("28E") or "").partition("/")[0]
    number = "/".join(filter(None, [general.text("13", "STAT") or general.text("20C", "SEME"), page])) or None
    period, stated = general.get("69", "STAT"), general.get("98", "STAT")
    until = reading.tried(day, period.code, period.at, period.tag) if period else None
    until = reading.tried(day, stated.data, stated.at, stated.tag) if stated and not until else until
    basis = {"TRAD": "trade", "CONT": "trade", "SETT": "settlement"}.get(general.code("22F", "STBA") or "")
    row = {"account": safe, "kind": "securities", "number": number, "statement_date": until, "basis": basis, "proven": None}
    return reading.add(STATEMENTS, root.at, {**row, "statement_id": reading.statement_id(safe, number or str(until or root.at))})


def _transactions(root: Block, statement: dict[str, Any], reading: Reading) -> None:
    moved: dict[int, tuple[Block, list[Decimal], int]] = {b.line: (b, [], 0) for b in root.inside("FIN")}
    for block, (holder, outer) in root.within("TRAN", "FIN", "SUBSAFE"):
        found, amounts, refused = moved.get(holder.line, (None, [], 0)) if holder else (None, [], 0)
        try:
            row = _transaction(block, holder or root, statement, reading)
            own = account(outer.get("97", "SAFE")) if outer else None
            reading.add(TRANSACTIONS, block.at, {**row, "account": own or statement["account"]})
            amounts.append(row["quantity"])
        except UnreadableError as why:
            reading.refuse(why, block.at)
            refused += 1
        if found:
            moved[found.line] = (found, amounts, refused)
    proofs = [_prove(block, amounts, refused, reading) for block, amounts, refused in moved.values()]
    carried = [proof for proof in proofs if proof is not None]
    statement["proven"] = all(carried) if carried else None


def _prove(block: Block, quantities: list[Decimal], refused: int, reading: Reading) -> bool | None:
    """Opening + transactions = closing of one security; None where neither balance is carried."""
    opening, closing = (_balance(block.get("93", *names), reading) for names in (("FIOP", "INOP"), ("FICL", "INCL")))
    if opening is None and closing is None:
        return None
    name = (security(block.get("35B"))[0] or "the security")[:20]
    if opening is None or closing is None:
        which = "opening" if opening is None else "closing"
        reading.error("balance-missing", f"the {which} balance of {name} is missing, it cannot be proven", block.at, "93B")
        return False
    total = sum(quantities, Decimal(0))
    if opening + total == closing:
        return True
    without = f", without {refused} that could not be read" if refused else ""
    reading.error(
        "balance-not-proven",
        f"{name}: opening {opening} + transactions {total} ({len(quantities)}) = {opening + total}{without}, not {closing}: "
        f"difference {closing - opening - total}",
        block.at, "93B", found=str(closing), expected=str(opening + total),
        todo="find the missing, doubled or misread transaction, or ask the sender for a corrected statement",
    )  # fmt: skip
    return False


def _balance(one: Field | None, reading: Reading) -> Decimal | None:
    found = reading.tried(balance, one.data, one.at, f"{one.tag}::{one.qualifier}") if one else None
    return found[1] if found else None


def _transaction(block: Block, holder: Block, statement: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The row of a TRAN block. Raises ``UnreadableError``."""
    details = [*block.inside("TRANSDET"), block]
    parties = [*block.inside("SETPRTY"), *details]
    links = [block, *block.inside("LINK"), *block.inside("TRANSDET")]
    isin, local, name = security(holder.get("35B") or next((f for b in details for f in b.all("35B")), None))
    side = side_of(parties, next((SIDES.get(f.code) for b in details for f in b.all("22H", "REDE")), None))
    quantity_type, moved = quantity(details, "PSTA", "ESTT", "SETT", "TRAN")
    if moved is None:
        raise UnreadableError(
            "quantity-missing", "the transaction says no quantity", expected=":36B::PSTA//UNIT/100,", field="36B::PSTA"
        )
    if side is None:
        raise UnreadableError("side-missing", "the transaction does not say whether securities come or go",
                              expected=":22H::REDE//RECE or DELI", field="22H::REDE")  # fmt: skip
    currency, money_moved = amount(details, "PSTA", "ESTT", "SETT")
    reversal = any(f.code == "REVE" for b in details for f in b.all("25D", "MOVE"))
    if reversal:
        reading.warning("reversal", "the transaction takes back an earlier one; kept in the direction that it states", block.at,
                        "25D::MOVE", todo="see that the balances of the statement agree")  # fmt: skip
    return {
        "statement_id": statement["statement_id"], "account": statement["account"], "kind": _kind(details), "status": "settled",
        "reference": reference(links, "RELA", "ACOW"), "servicer_reference": reference(links, "ASRF", "PREV", "MITI", "CORP"),
        "isin": isin, "local_id": local, "name": name, "side": side, "quantity": signed(side, moved),
        "quantity_type": quantity_type, "price": price(details, reading), "currency": currency, "amount": paid(side, money_moved),
        "accrued_interest": amount(details, "ACRU")[1], "trade_date": dated(details, reading, "TRAD"),
        "settlement_date": dated(details, reading, "SETT"), "effective_date": dated(details, reading, "ESET"),
        "counterparty": counterparty(parties, side), 
        "text": "; ".join(filter(None, ["reversal" if reversal else None, words(details, "70")])) or None,
    }  # fmt: skip


def _kind(details: list[Block]) -> str:
    said = {f.qualifier: f.code for b in reversed(details) for f in b.all("22F", "TRAN", "SETR")}
    if "CAEV" in {f.qualifier for b in details for f in b.all("22F")}:
        return "corporate_action"
    return "delivery" if said.get("SETR") in _DELIVERY else _TRANSACTION.get(said.get("TRAN", ""), "trade")
