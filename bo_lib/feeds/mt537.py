"""MT537 statements of pending transactions, and of settlement penalties: a row per transaction, a row per penalty.

Source: SWIFT Standards MT Category 5, ISO 15022. Sequence B lists transactions under their status, sequence C the statuses under
their transaction; sequence D (also in an MT548) carries the daily or monthly penalties of the depositories.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Message, money, security, tree
from bo_lib.feeds.mt536 import add_statement
from bo_lib.feeds.pages import Pages
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.securities import (
    SIDES,
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
from bo_lib.model.tables import STATEMENTS, TRANSACTIONS

KINDS = ("537",)
_FAILING, _CANCELLED = ("PENF", "FAIL"), ("CAND", "CANS", "CANO", "CANI")
_WORST = ("cancelled", "failing", "pending")


def read(messages: list[Message], reading: Reading) -> None:
    """Every MT537 into ``statements`` and ``transactions``: status pending, failing or cancelled."""
    reading.expect(STATEMENTS, TRANSACTIONS)
    pages = Pages(reading)
    for message in messages:
        root = tree(message, reading)
        if statement := add_statement(root, "TRAN", reading):
            pages.take(root)
            _pending(root, statement, reading)
            if any(root.inside("PENDET")):
                penalties(root, statement["account"], statement["statement_id"], reading)


def _pending(root: Block, statement: dict[str, Any], reading: Reading) -> None:
    empty = [b for b in root.children("STAT") if not any(b.inside("TRAN"))]
    for block in empty:
        one = block.get("25D")
        reading.info("status-without-transaction", "a status stands without a transaction", block.at, "25D",
                     found=one.value[:40] if one else "")  # fmt: skip
    listed = {block.line: _said(block) for block in root.inside("STAT")}
    for name in ("TRAN", "TRANS"):
        for block, (status, penalty) in root.within(name, "STAT", "RELTRAN"):
            if penalty is not None:
                continue  # the transaction that a penalty is for: part of the penalty's row
            try:
                statuses = [listed[b.line] for b in (*block.inside("STAT"), status) if b]
                reading.add(TRANSACTIONS, block.at, _transaction(block, statuses, statement, reading))
            except UnreadableError as why:
                reading.refuse(why, block.at)


def _transaction(block: Block, statuses: list[_Status], statement: dict[str, Any], reading: Reading) -> dict[str, Any]:
    details = [*block.inside("TRANSDET"), block]
    parties = [*block.inside("SETPRTY"), *details]
    links = [block, *block.inside("LINK"), *block.inside("TRANSDET")]
    isin, local, name = security(next((f for b in details for f in b.all("35B")), None))
    side = side_of(parties, next((SIDES.get(f.code) for b in details for f in b.all("22H", "REDE")), None))
    quantity_type, instructed = quantity(details, "SETT", "PSTA", "ESTT", "TRAN")
    if instructed is None or side is None:
        missing, expected = ("quantity", "36B::SETT") if instructed is None else ("side", "22H::REDE")
        raise UnreadableError(f"{missing}-missing", f"the transaction says no {missing}", expected=f":{expected}//", field=expected)
    currency, money_due = amount(details, "SETT", "PSTA", "ESTT")
    status = min((s.word for s in statuses), key=_WORST.index, default="pending")
    return {
        "statement_id": statement["statement_id"], "account": safekeeping(details) or statement["account"], "kind": "trade",
        "status": status, "reference": reference(links, "RELA", "ACOW"),
        "servicer_reference": reference(links, "ASRF", "PREV", "MITI"),
        "isin": isin, "local_id": local, "name": name, "side": side, "quantity": signed(side, instructed),
        "quantity_type": quantity_type, "price": price(details, reading), "currency": currency, "amount": paid(side, money_due),
        "trade_date": dated(details, reading, "TRAD"), "settlement_date": dated(details, reading, "SETT"),
        "counterparty": counterparty(parties, side),
        "text": "; ".join(filter(None, [*(s.text for s in statuses), words(details, "70")])) or None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Status:
    """What a STAT block says of its transactions."""

    codes: tuple[str, ...]
    text: str

    @property
    def word(self) -> str:
        worst = (("cancelled", _CANCELLED), ("failing", _FAILING))
        return next((word for word, codes in worst if set(codes) & set(self.codes)), "pending")


def _said(block: Block) -> _Status:
    """Codes and reasons of a status, in words."""
    reasons = block.children("REAS")
    codes = tuple(f.code for f in block.all("25D"))
    because = [f.code for r in reasons for f in r.all("24B")]
    return _Status(codes, "; ".join(filter(None, [" ".join([*codes, *because]), words(reasons, "70D")])))


def penalties(root: Block, safe: str | None, statement_id: str | None, reading: Reading) -> None:
    """A row per PENDET block (kind fee, an amount against us negative), checked against the total per counterparty."""
    reading.expect(TRANSACTIONS)
    computed: dict[int, list[Decimal]] = {}
    for block, (party, currency) in root.within("PENDET", "PENACOUNT", "PENACUR"):
        try:
            row = _penalty(block, safe, reading)
            row["effective_date"] = dated([b for b in (*block.inside("CALDET"), currency) if b], reading, "PEDA", "DACO")
            reading.add(TRANSACTIONS, block.at, {**row, "statement_id": statement_id})
            computed.setdefault(party.line if party else 0, []).append(row["amount"])
        except UnreadableError as why:
            reading.refuse(why, block.at)
    for party in root.inside("PENACOUNT"):
        stated, amounts = party.get("19A", "AGNT"), computed.get(party.line, [])
        total = reading.tried(money, stated.data, stated.at, stated.tag) if stated else None
        if stated and total and total[1] != sum(amounts, Decimal(0)):
            reading.warning("totals-differ", "the penalties do not add up to the stated total", stated.at, "19A::AGNT",
                            found=str(sum(amounts, Decimal(0))), expected=str(total[1]),
                            todo="another page may hold the rest; else ask the sender")  # fmt: skip


def _penalty(block: Block, safe: str | None, reading: Reading) -> dict[str, Any]:
    inner = [block, *block.inside("CALDET", "FIA", "RELTRAN", "TRAN")]
    currency, charged = amount([block], "AMCO")
    if charged is None:
        raise UnreadableError("amount-missing", "the penalty has no amount", expected=":19A::AMCO//EUR1,", field="19A::AMCO")
    isin, local, name = security(next((f for b in inner for f in b.all("35B")), None))
    return {
        "account": safekeeping(inner) or safe or "NONREF", "kind": "fee", "reference": reference(inner, "ACOW"),
        "status": "cancelled" if block.code("25D", "PNST") == "REMO" else None,
        "servicer_reference": reference([block], "PREF", "PCOM"), "isin": isin, "local_id": local, "name": name,
        "currency": currency, "amount": charged, "settlement_date": dated(inner, reading, "SETT"),
        "text": " ".join(filter(None, ["settlement penalty", block.code("22H", "PNTP"), words(inner, "70")])),
    }  # fmt: skip
