"""What the readers of securities messages (MT5xx) share: signed quantities and amounts, dates, parties, words, references.

Source: SWIFT Standards MT Category 5. Securities received are positive, delivered negative; the money of a delivery against
payment goes the other way. An N in front of an amount always means money out.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, account, balance, day, money
from bo_lib.feeds.reading import Reading

SIDES = {"RECE": "RECEIVE", "DELI": "DELIVER"}
_AGENTS = (("DEAG", "DECU", "SELL", "RECEIVE"), ("REAG", "RECU", "BUYR", "DELIVER"))


def reference(blocks: list[Block], *qualifiers: str) -> str | None:
    """The first reference of these qualifiers that says something."""
    found = (f.data for q in qualifiers for b in blocks for f in b.all("20C", q))
    return next((text for text in found if text and text not in ("NONREF", "UNKNOWN")), None)


def safekeeping(blocks: list[Block]) -> str | None:
    return next((found for b in blocks if (found := account(b.get("97", "SAFE")))), None)


def side_of(blocks: list[Block], stated: str | None, safe: str | None = None) -> str | None:
    """RECEIVE or DELIVER: as stated, else by the counterparty: who delivers to us means we receive. ``safe``: our account."""
    if stated:
        return stated
    found = [side for *agents, side in _AGENTS if any(b.all("95", *agents) for b in blocks)]
    if len(found) < 2:
        return found[0] if found else None
    theirs = {"RECEIVE": "DELIVER", "DELIVER": "RECEIVE"}  # both agents are named: ours is the one of our account
    ours = {theirs[side] for *agents, side in _AGENTS for b in blocks if b.all("95", *agents) and safe and safekeeping([b]) == safe}
    return ours.pop() if len(ours) == 1 else None


def quantity(blocks: list[Block], *qualifiers: str) -> tuple[str | None, Decimal | None]:
    """Type and quantity of field 36B: units or face amount before amortised value. Raises ``UnreadableError``."""
    found = [balance(f.data) for q in qualifiers for b in blocks for f in b.all("36", q)]
    if not found:
        return None, None
    kind, value = next((one for one in found if one[0] != "AMOR"), found[0])
    return kind or None, value


def amount(blocks: list[Block], *qualifiers: str, tag: str = "19") -> tuple[str | None, Decimal | None]:
    """Currency and amount of the first field 19 with one of these qualifiers. Raises ``UnreadableError``."""
    found = next((f for q in qualifiers for b in blocks for f in b.all(tag, q)), None)
    return money(found.data) if found else (None, None)


def signed(side: str | None, value: Decimal | None) -> Decimal | None:
    """A quantity into the account positive, out of it negative."""
    return None if value is None else -abs(value) if side == "DELIVER" else abs(value) if side == "RECEIVE" else value


def paid(side: str | None, value: Decimal | None) -> Decimal | None:
    """The money of a receipt goes out, that of a delivery comes in; a stated minus holds."""
    return None if value is None else value if value < 0 else -value if side == "RECEIVE" else value


def dated(blocks: list[Block], reading: Reading, *qualifiers: str) -> date | None:
    """The first date of these qualifiers; one that cannot be read is an error, and the row goes on without it."""
    found: Field | None = next((f for q in qualifiers for b in blocks for f in b.all("98", q)), None)
    return reading.tried(day, found.data, found.at, f"{found.tag}::{found.qualifier}") if found else None


def words(blocks: list[Block], *tags: str) -> str | None:
    return "; ".join(f.data.replace("\n", " ") for b in blocks for tag in tags for f in b.all(tag) if f.data) or None


def counterparty(blocks: list[Block], side: str | None) -> str | None:
    """Buyer or seller, else the agent, on the other side: BIC, code or name as sent."""
    seekers = ("BUYR", "REAG") if side == "DELIVER" else ("SELL", "DEAG")
    found = next((f for q in seekers for b in blocks for f in b.all("95", q)), None)
    return found.data.replace("\n", " ") or None if found else None


def price(blocks: list[Block], reading: Reading) -> Decimal | None:
    """Deal price: an amount per unit (90B) or percent of par (90A)."""
    found = next((f for b in blocks for f in b.all("90", "DEAL")), None)
    if found is None:
        return None
    stated: Any = reading.tried(
        money if found.tag == "90B" else lambda text: ("", balance(text)[1]), _last(found), found.at, found.tag
    )
    return stated[1] if stated else None


def _last(one: Field) -> str:
    return one.code if one.tag == "90B" else one.data
