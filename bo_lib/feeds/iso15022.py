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
DIGITS_MAX = 25  # the standard allows 15; sums of more than 28 digits would be rounded
OUTSIDE_MAX = 1000
HEADER_MAX = 2000  # blocks 1 to 3 have at most some hundred characters
_TAGS = set("11 12 13 14 16 17 19 20 22 23 24 25 28 35 36 37 39 69 70 90 92 93 94 95 97 98 99".split())
_NARRATIVES = ("86", "70", "77", "79")
CONTROLS = "\x00\x01\x02\x03\x04\x1a\ufeff"
_HEADER = re.compile(r"\{([123]):((?:[^{}]|\{[^{}]*\})*)\}")
TAG = re.compile(r":(\d{2,3}[A-Z]?|NS):(.*)")  # :KO: and the like are words of banks' narratives
_QUALIFIED = re.compile(r":([A-Z0-9]{4})/(?:([^/\n]*)/)?(.*)", re.DOTALL)  # some leave out the slash of the issuer
_NUMBER = re.compile(r"(N?)(\d*),?(\d*)")
_MONEY = re.compile(r"(N?)([A-Z]{3})([\d,]+)")


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

    def within(self, name: str, *outer: str) -> Iterator[tuple[Block, tuple[Block | None, ...]]]:
        """Blocks of this name at any depth, each with the nearest blocks around it of the names ``outer``."""
        waiting: list[tuple[Block, tuple[Block | None, ...]]] = [(self, (None,) * len(outer))]
        while waiting:
            block, around = waiting.pop()
            if block.name == name:
                yield block, around
            around = tuple(block if block.name == o else a for o, a in zip(outer, around, strict=True))
            waiting += [(b, around) for b in reversed(block.blocks)]

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
    ended: bool = False  # closed by -}, after which nothing more belongs to it
    fields: list[Field] = field(default_factory=list)

    @property
    def at(self) -> str:
        return f"line {self.line}"


def messages(data: bytes, reading: Reading) -> list[Message]:
    """All messages of a file, their fields in order. A message without its end is an error finding and is still handed on."""
    splitter = _Splitter()
    for number, line in enumerate(lines_of(decode(data, reading)), 1):
        splitter.take(line.strip(CONTROLS), number)
    found = splitter.finish()
    for message in found:
        if message.wrapped and not message.closed:
            reading.error("message-cut", f"the MT{message.kind} has no end", message.at, expected="a line -}",
                          todo="the file was cut: ask the sender for it again")  # fmt: skip
    if splitter.outside:
        first, text = splitter.outside[0]
        reading.info("text-outside", f"{len(splitter.outside)} lines outside of messages are left out", f"line {first}", found=text)
    return found


class _Splitter:
    """Lines into messages and their fields."""

    def __init__(self) -> None:
        self.done: list[Message] = []
        self.current = Message("", "", 1)
        self.last: Field | None = None
        self.words: list[str] = []  # lines of the last field
        self.outside: list[tuple[int, str]] = []
        self.dash = False  # a line of a dash was seen: the end, or a line of a narrative, as the next line says

    def take(self, line: str, number: int) -> None:
        if self.dash:
            self._dash(line)
        if len(line) < HEADER_MAX and line.strip() == "-":
            self.dash = True
            return
        start = 0
        while (end := line.find("-}", start)) >= 0 and (
            end == start or self.current.wrapped or line.startswith(("{1:", "{2:"), start)
        ):
            if end > start:
                self._line(line[start:end], number)
            self._close(ended=True)
            start = end + 2
        if start < len(line) or not line:
            self._line(line[start:], number)

    def _dash(self, following: str) -> None:
        """A dash before more text is a line of the narrative that is open."""
        self.dash = False
        narrative = self.last is not None and (self.current.wrapped or self.last.tag.startswith(_NARRATIVES))
        if (
            narrative
            and following.strip()
            and not following.lstrip(" $").startswith(("{", "-"))
            and not TAG.match(following.lstrip())
        ):
            self.words.append("-")
        else:
            self._close()

    def finish(self) -> list[Message]:
        if self.dash:
            self._close()
        self._flush()
        return [m for m in (*self.done, self.current) if m.fields or m.wrapped]

    def _line(self, line: str, number: int) -> None:
        if line.lstrip(" $").startswith("{"):
            kind, sender, line = _header(line)
            if kind or sender:
                self._open(kind, sender, number)
        tag = TAG.match(line.lstrip())
        if tag:
            self._field(Field(tag[1], tag[2].rstrip(), number))
        elif self.last is not None:
            self.words.append(line.rstrip())
        elif line.strip() and len(self.outside) < OUTSIDE_MAX:
            self.outside.append((number, line.strip()[:60]))

    def _open(self, kind: str, sender: str, number: int) -> None:
        """A header opens a message; where blocks 1 and 2 stand in two lines they are of one message."""
        now = self.current
        if now.wrapped and not now.fields and not now.closed and not (now.kind and kind):
            now.kind, now.sender = now.kind or kind, now.sender or sender
            return
        self._next(Message(kind, sender, number, wrapped=True))

    def _field(self, one: Field) -> None:
        now = self.current
        opens = one.tag in ("20", "15A") or (one.tag == "16R" and one.value == "GENL")
        if now.ended or (
            opens and (now.closed or any(f.tag == one.tag and (f.tag != "16R" or f.value == "GENL") for f in now.fields))
        ):
            self._next(Message("" if now.wrapped and now.ended else now.kind, now.sender, one.line))
        elif not now.fields and not now.wrapped:
            now.line = one.line
        self._flush()
        self.current.fields.append(one)
        self.last, self.words = one, [one.value]

    def _next(self, message: Message) -> None:
        self._flush()
        self.done.append(self.current)
        self.current = message

    def _close(self, ended: bool = False) -> None:
        self._flush()
        self.current.closed = True
        self.current.ended = self.current.ended or ended

    def _flush(self) -> None:
        if self.last is not None:
            self.last.value = "\n".join(self.words)
        self.last, self.words = None, []


def _header(line: str) -> tuple[str, str, str]:
    """MT number and sender's BIC of ``{1:…}{2:…}``, and what follows ``{4:``."""
    blocks = {m[1]: m[2] for m in _HEADER.finditer(line[:HEADER_MAX])}
    text, application = blocks.get("1", ""), blocks.get("2", "")
    kind = application[1:4] if re.fullmatch("[0-9]{3}", application[1:4]) else ""
    terminal = application[14:26] if application.startswith("O") else text[3:15]  # output: logical terminal of the MIR
    sender = terminal[:8] + terminal[9:12].replace("XXX", "") if len(terminal) >= 8 else ""
    return kind, sender, line.partition("{4:")[2]


def tree(message: Message, reading: Reading) -> Block:
    """The message's fields as nested blocks; blocks that do not close in order are findings and are closed.

    No block stands in one of its own name: where it opens again, the first has lost its end.
    """
    root = Block("", message.line)
    stack = [root]
    for one in message.fields:
        name = one.value.strip()
        if one.tag == "16R":
            same = next((d for d in range(1, len(stack)) if stack[d].name == name), DEPTH_MAX)
            for block in stack[same:]:
                _cut(block, reading)
            del stack[same:]
            stack[-1].blocks.append(Block(name, one.line))
            stack.append(stack[-1].blocks[-1])
        elif one.tag == "16S":
            _close(stack, name, one, reading)
        else:
            stack[-1].fields.append(one)
            if one.tag[:2] not in _TAGS:
                reading.info("tag-unknown", "a field that is no part of securities messages is left out", one.at, one.tag,
                             found=one.value[:80])  # fmt: skip
    for block in stack[1:]:
        _cut(block, reading)
    return root


def _cut(block: Block, reading: Reading) -> None:
    reading.error("block-cut", f"the block {block.name[:20]} has no end; rows in it may be missing", block.at,
                  expected=f":16S:{block.name[:20]}", todo="ask the sender for the message again")  # fmt: skip


def _close(stack: list[Block], name: str, one: Field, reading: Reading) -> None:
    depth = next((d for d in range(len(stack) - 1, 0, -1) if stack[d].name == name), len(stack) - 1)
    if len(stack) == 1 or stack[-1].name != name:
        expected = f":16S:{stack[-1].name[:20]}" if len(stack) > 1 else "no block to close"
        reading.warning(
            "block-end-unexpected", "a block ends that is not the open one", one.at, found=f":16S:{name[:20]}", expected=expected
        )
    del stack[max(1, depth) :]


def number(text: str) -> Decimal:
    """``N1234,5`` -> -1234.5 (field format [N]15d). Raises ``UnreadableError``."""
    found = _NUMBER.fullmatch(text.strip()) if len(text) <= DIGITS_MAX else None
    if not found or not (found[2] or found[3]):
        raise UnreadableError("number-invalid", "not a number", text, "digits with one decimal comma, N before it when negative")
    value = Decimal(f"{found[2] or 0}.{found[3] or 0}") if found[3] else Decimal(found[2])
    return -value if found[1] else value


def money(text: str) -> tuple[str, Decimal]:
    """``NEUR12,5`` -> ("EUR", -12.5). Raises ``UnreadableError``."""
    found = _MONEY.fullmatch(text.strip()) if len(text) <= DIGITS_MAX else None
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


_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_SCHEMES = {"US": "cusip", "CA": "cusip", "CUSP": "cusip", "GB": "sedol", "CH": "valor", "DE": "wkn", "TS": "ticker"}


def account(one: Field | None) -> str | None:
    """Field 97: the account itself; 97B carries its type before it."""
    return (one.data if one.tag != "97B" else one.code) or None if one else None


def security(one: Field | None) -> tuple[str | None, str | None, str | None]:
    """Field 35B as ISIN, other identifier with its scheme (``cusip:…``), description."""
    isin, local, words = None, None, []
    for line in re.split(r"[\n|]", one.value) if one else ():  # German home banking writes | for a line end
        if found := re.match(r"ISIN\s*([A-Z0-9]+)", line):
            isin = found[1]
        elif (found := re.match(r"/([A-Z0-9]{2,4})/(.+)", line)) and not local:
            code = found[2].strip()
            isin = isin or (code if _ISIN.fullmatch(code) else None)  # some write it under its country
            local = None if isin == code else f"{_SCHEMES.get(found[1], found[1].lower())}:{code}"
        elif line.strip():
            words.append(line.strip())
    return isin, local, " ".join(words) or None
