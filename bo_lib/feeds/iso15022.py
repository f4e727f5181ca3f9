"""FIN messages (SWIFT MT): block wrappers, fields with line numbers, nested 16R/16S blocks, qualifiers.

Source: SWIFT Standards MT General Information (block structure) and ISO 15022 (field formats). Tolerates CR, CRLF, LF,
bare text without wrappers, several messages in a file, and text around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from bo_lib.feeds.reading import Reading, UnreadableError, decode, lines_of

DEPTH_MAX = 50
_HEADER = re.compile(r"\{([123]):((?:[^{}]|\{[^{}]*\})*)\}")
_TAG = re.compile(r":(\d{2,3}[A-Z]?|[A-Z]{2}):(.*)")
_TYPE = re.compile(r"\{2:[IO](\d{3})")
_QUALIFIED = re.compile(r":([A-Z0-9]{4})/([^/]*)/(.*)", re.DOTALL)
_NUMBER = re.compile(r"(N?)(\d*),?(\d*)")


@dataclass(slots=True)
class Field:
    """``:22F::CAEV//DVCA`` in line 9: tag ``22F``, value ``:CAEV//DVCA``, qualifier ``CAEV``, data ``DVCA``."""

    tag: str
    value: str
    line: int

    @property
    def at(self) -> str:
        return f"line {self.line}"

    @property
    def qualifier(self) -> str:
        found = _QUALIFIED.match(self.value)
        return found[1] if found else ""

    @property
    def data(self) -> str:
        found = _QUALIFIED.match(self.value)
        return (found[3] if found else self.value).strip()

    @property
    def code(self) -> str:
        """Last part of coded data: ``AFTE`` of ``:LINK//AFTE``, ``STF`` of ``:CLAS/ISIT/STF``."""
        return self.data.split("/")[-1].strip()


@dataclass(slots=True)
class Block:
    """A 16R…16S block, or the whole message: its own fields and the blocks inside it."""

    name: str
    line: int
    fields: list[Field] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def at(self) -> str:
        return f"line {self.line}"

    def all(self, tag: str, *qualifiers: str) -> list[Field]:
        """Own fields whose tag starts with ``tag`` (``98`` finds 98A and 98C), in the order of ``qualifiers`` if any."""
        found = [f for f in self.fields if f.tag.startswith(tag)]
        return [f for q in qualifiers for f in found if f.qualifier == q] if qualifiers else found

    def get(self, tag: str, *qualifiers: str) -> Field | None:
        return next(iter(self.all(tag, *qualifiers)), None)

    def text(self, tag: str, *qualifiers: str) -> str | None:
        found = self.get(tag, *qualifiers)
        return found.data or None if found else None

    def code(self, tag: str, *qualifiers: str) -> str | None:
        found = self.get(tag, *qualifiers)
        return found.code or None if found else None

    def children(self, *names: str) -> list[Block]:
        return [b for b in self.blocks if b.name in names]

    def inside(self, *names: str) -> Iterator[Block]:
        """Blocks of these names at any depth, in the order of the file."""
        waiting = list(reversed(self.blocks))
        while waiting:
            block = waiting.pop()
            if block.name in names:
                yield block
            waiting += reversed(block.blocks)

    def part(self, *names: str) -> Block:
        """The first block of these names at any depth; an empty one where there is none."""
        return next(self.inside(*names), Block(names[0], self.line))


@dataclass(slots=True)
class Message:
    """One message. ``kind`` is the MT number or empty (bare text); ``sender`` a BIC; ``closed`` when its end was seen."""

    kind: str
    sender: str
    line: int
    wrapped: bool = False
    closed: bool = False
    fields: list[Field] = field(default_factory=list)

    @property
    def at(self) -> str:
        return f"line {self.line}"


def kind_of(head: str) -> str:
    """MT number of the first message of a file's head (``535``), guessed from its fields where there is no header; or empty."""
    if found := _TYPE.search(head):
        return found[1]
    tags = {m[1]: m[2] for line in lines_of(head) if (m := _TAG.match(line.strip("\x01\x02\x03 ")))}
    if "20" in tags and tags.keys() & {"60F", "60M", "61", "62F", "62M", "25", "34F", "90C", "90D"}:
        return "942" if tags.keys() & {"34F", "90C", "90D", "13D"} and not tags.keys() & {"60F", "60M"} else "940"
    if not tags.keys() & {"16R", "16S"}:
        return ""
    if re.search(r"^:22F::CAEV/", head, re.MULTILINE):
        return "564"
    if re.search(r"^:16R:(SUBSAFE|FIN)\b|^:22F::(STTY|STBA)/", head, re.MULTILINE):
        return "535"
    if re.search(r"^:25D::(SETT|MTCH|INMH|IPRC|CPRC|TPRC)/", head, re.MULTILINE):
        return "548"
    return "547" if re.search(r"^:\d\d[A-Z]::ESTT/", head, re.MULTILINE) else ""


def messages(data: bytes, reading: Reading) -> list[Message]:
    """All messages of a file, their fields in order. A message without its end is an error finding and is still handed on."""
    found: list[Message] = []
    current = Message("", "", 1)
    last: Field | None = None
    for number, line in enumerate(lines_of(decode(data, reading)), 1):
        if line.strip() == "-" or line.startswith("-}"):
            current.closed, last, line = True, None, line[2:]
        if line.lstrip(" $\x01\x02\x03").startswith("{"):
            kind, sender, line = _header(line)
            if kind or sender:
                found.append(current)
                current, last = Message(kind, sender, number, wrapped=True), None
        tag = _TAG.match(line.lstrip("\x01\x02\x03 "))
        if tag is None:
            if last is not None:
                last.value += "\n" + line.rstrip()
            continue
        if _starts(current, tag[1], tag[2]):
            found.append(current)
            current = Message(current.kind, current.sender, number)
        last = Field(tag[1], tag[2].rstrip(), number)
        if not current.fields and not current.wrapped:
            current.line = number
        current.fields.append(last)
    found = [m for m in (*found, current) if m.fields or m.wrapped]
    for message in found:
        if message.wrapped and not message.closed:
            reading.error("message-cut", f"the MT{message.kind} has no end", message.at, expected="a line -}",
                          todo="the file was cut: ask the sender for it again")  # fmt: skip
    return found


def _starts(current: Message, tag: str, value: str) -> bool:
    """True when a field opens another message of a file whose messages are not wrapped one by one."""
    opens = tag == "20" or (tag == "16R" and value.strip() == "GENL")
    return opens and any(f.tag == tag and (tag == "20" or f.value == "GENL") for f in current.fields)


def _header(line: str) -> tuple[str, str, str]:
    """MT number and sender's BIC of ``{1:…}{2:…}``, and what follows ``{4:``."""
    blocks = {m[1]: m[2] for m in _HEADER.finditer(line)}
    text, application = blocks.get("1", ""), blocks.get("2", "")
    kind = application[1:4] if application[1:4].isdigit() else ""
    terminal = application[14:26] if application.startswith("O") else text[3:15]  # output: logical terminal of the MIR
    sender = terminal[:8] + terminal[9:12].replace("XXX", "") if len(terminal) >= 8 else ""
    return kind, sender, line.partition("{4:")[2]


def tree(message: Message, reading: Reading) -> Block:
    """The message's fields as nested blocks; blocks that do not close in order are findings and are closed."""
    root = Block("", message.line)
    stack = [root]
    for one in message.fields:
        name = one.value.strip()
        if one.tag == "16R" and len(stack) < DEPTH_MAX:
            stack[-1].blocks.append(Block(name, one.line))
            stack.append(stack[-1].blocks[-1])
        elif one.tag == "16S":
            _close(stack, name, one, reading)
        else:
            stack[-1].fields.append(one)
    for block in stack[1:]:
        reading.error("block-cut", f"the block {block.name} has no end; rows in it may be missing", block.at,
                      expected=f":16S:{block.name}", todo="ask the sender for the message again")  # fmt: skip
    return root


def _close(stack: list[Block], name: str, one: Field, reading: Reading) -> None:
    depth = next((d for d in range(len(stack) - 1, 0, -1) if stack[d].name == name), len(stack) - 1)
    if len(stack) == 1 or stack[-1].name != name:
        expected = f":16S:{stack[-1].name}" if len(stack) > 1 else "no block to close"
        reading.warning(
            "block-end-unexpected", "a block ends that is not the open one", one.at, found=f":16S:{name}", expected=expected
        )
    del stack[max(1, depth) :]


def number(text: str) -> Decimal:
    """``N1234,5`` -> -1234.5 (field format [N]15d). Raises ``UnreadableError``."""
    found = _NUMBER.fullmatch(text.strip())
    if not found or not (found[2] or found[3]):
        raise UnreadableError("number-invalid", "not a number", text, "digits with one decimal comma, N before it when negative")
    value = Decimal(f"{found[2] or 0}.{found[3] or 0}") if found[3] else Decimal(found[2])
    return -value if found[1] else value


def money(text: str) -> tuple[str, Decimal]:
    """``NEUR12,5`` -> ("EUR", -12.5). Raises ``UnreadableError``."""
    found = re.fullmatch(r"(N?)([A-Z]{3})([\d,]+)", text.strip())
    if not found:
        raise UnreadableError("amount-invalid", "not an amount", text, "currency and amount, such as EUR1234,56")
    return found[2], number(found[1] + found[3])


def balance(text: str) -> tuple[str, Decimal]:
    """``FAMT/N1000,`` or ``ELIG/UNIT/5,`` -> quantity type and signed quantity. Raises ``UnreadableError``."""
    *types, amount = text.split("/")
    return (types[-1].strip() if types else ""), number(amount)


def day(text: str) -> date | None:
    """The date of field 98: YYYYMMDD with or without a time; None for a code such as UKWN or OPEN. Raises ``UnreadableError``."""
    digits = text.strip()[:8]
    if not digits.isdigit() and not digits[:1].isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        raise UnreadableError("date-invalid", "no such date", text, "YYYYMMDD") from None


_SCHEMES = {"US": "cusip", "CA": "cusip", "CUSP": "cusip", "GB": "sedol", "CH": "valor", "DE": "wkn", "TS": "ticker"}


def account(one: Field | None) -> str | None:
    """Field 97: the account itself; 97B carries its type before it."""
    return (one.data if one.tag != "97B" else one.code) or None if one else None


def security(one: Field | None) -> tuple[str | None, str | None, str | None]:
    """Field 35B as ISIN, other identifier with its scheme (``cusip:…``), description."""
    isin, local, words = None, None, []
    for line in one.value.split("\n") if one else ():
        if found := re.match(r"ISIN\s*([A-Z0-9]+)", line):
            isin = found[1]
        elif (found := re.match(r"/([A-Z0-9]{2,4})/(.+)", line)) and not local:
            local = f"{_SCHEMES.get(found[1], found[1].lower())}:{found[2].strip()}"
        elif line.strip():
            words.append(line.strip())
    return isin, local, " ".join(words) or None
