"""XML read safely: no DTD, no entities, no network, bounded size and depth; elements by local name."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from lxml import etree

from bo_lib.feeds.reading import Reading, UnreadableError, decode
from bo_lib.model.money import decimal_from

BYTES_MAX = 512 * 2**20
_BARE_AMPERSAND = re.compile(rb"&(?!#\d{1,7};|#x[0-9A-Fa-f]{1,6};|[A-Za-z]{1,8};)")
_CONTROL = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcBC]|[eE]|[fF]|1[0-9a-fA-F]));"
)
_DECLARED = re.compile(rb"""(<\?xml\s[^<>]{0,200}?encoding\s*=\s*["'])([^"']{1,40})(["'])""", re.IGNORECASE)
_DECLARATION = re.compile(rb"<\?xml\s[^<>]{0,200}\?>")
_MESSAGE = re.compile(r"\b(?:DRAFT\d*)?([a-z]{4}\.\d{3}\.\d{3}\.\d{2})$")
_BRACES = re.compile(r"\{[^{}]*\}")
_SAFE: dict[str, Any] = {
    "resolve_entities": False, "no_network": True, "huge_tree": False, "load_dtd": False, "remove_comments": True,
    "remove_pis": True,
}  # fmt: skip
_ROWS = frozenset((  # elements that become rows: read whole or not at all
    "Ntry", "BalForAcct", "BalanceForAccount", "BalForSubAcct", "BalanceForSubAccount", "Tx", "invstOrSec", "CorpActnNtfctn",
    "Trade", "CashTransaction", "OpenPosition",
))  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")


def parse(data: bytes, reading: Reading, bytes_max: int = BYTES_MAX) -> etree._Element | None:
    """The root element, or None with an error finding. libxml2 bounds depth (256) and text (10 MB) as ``huge_tree`` is off."""
    data = _from_its_start(data)
    if len(data) > bytes_max:
        reading.error(
            "file-too-large", "the XML is larger than this reader takes", found=f"{len(data)} bytes", expected=f"{bytes_max}"
        )
        return None
    if "<!DOCTYPE" in decode(data[: 2**16]):
        _refuse_dtd(reading)
        return None
    root: etree._Element | None
    data = _in_its_encoding(data, reading)
    try:
        root = _parsed(data, reading)
    except etree.XMLSyntaxError as reason:
        root = _before_the_damage(_mended(data), reason, reading)
    except (ValueError, LookupError) as reason:
        reading.error("xml-malformed", f"not readable as XML: {reason}", todo="ask the sender for the file again")
        return None
    if root is None:
        return None
    if root.getroottree().docinfo.internalDTD is not None:
        _refuse_dtd(reading)
        return None
    if reading.schemas is not None:
        _validate(root, reading.schemas, reading)
    return root


def _from_its_start(data: bytes) -> bytes:
    """Without the blanks before the declaration, which are common in filings, also behind a byte order mark."""
    data = data.lstrip()
    mark = next((m for m in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff") if data.startswith(m)), b"")
    if len(mark) != 2:
        return data[len(mark) :].lstrip()
    name = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
    if not data[2:4].decode(name, "replace").isspace():
        return data
    return mark + data[2:].decode(name, "replace").lstrip().encode(name)


def _validate(root: etree._Element, folder: Path, reading: Reading) -> None:
    """Every document of the file against the official schema of its namespace; what departs from it is an error with its line."""
    for document in root.iter():
        found = _MESSAGE.search(document.tag.rpartition("}")[0]) if _name(document.tag) == "Document" else None
        if found is None:
            continue
        schema = _schema(folder, found[1])
        if schema is None:
            said = f"no schema of {found[1]} to validate against"
            reading.info("schema-missing", said, at(document), expected=f"{found[1]}.xsd")
            continue
        schema.validate(document)
        for wrong in list(schema.error_log):  # type: ignore[call-overload]
            message = _BRACES.sub("", wrong.message)
            element = message.partition("'")[2].partition("'")[0]
            reading.error("schema-invalid", message[:300], f"line {wrong.line}", element, expected=f"{found[1]}.xsd",
                          todo="tell the sender; what could be read was read")  # fmt: skip


@lru_cache(32)
def _schema(folder: Path, name: str) -> etree.XMLSchema | None:
    """The schema of a message in the folder or a folder in it; None where there is none that can be used."""
    path = next(iter(sorted(folder.rglob(f"*{name}.xsd"))), None)
    with suppress(etree.LxmlError, OSError):
        return etree.XMLSchema(etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True))) if path else None
    return None


def _parsed(data: bytes, reading: Reading) -> etree._Element:
    """The root; where need be of what the file is with its small faults mended, or of all its documents (said in a finding)."""
    try:
        return etree.fromstring(data, etree.XMLParser(**_SAFE))
    except etree.XMLSyntaxError as reason:
        mended, place = _mended(data), f"line {reason.lineno or 1}"
        several = b"<documents>%b</documents>" % _DECLARATION.sub(b"", mended)
        control = _CONTROL.search(data) is not None
        said = "characters that XML forbids are left out" if control else "an & is not escaped and was read as the character"
        for made, code, message in (
            (mended, "xml-characters" if control else "xml-ampersand", said),
            (several, "xml-several", "the file goes on after its first document; all that stands in it is read"),
        ):
            with suppress(etree.XMLSyntaxError):
                root = etree.fromstring(made, etree.XMLParser(**_SAFE))
                reading.warning(code, message, place, todo="tell the sender")
                return root
        raise


def _mended(data: bytes) -> bytes:
    """Without control characters, and with the bare ``&`` escaped that some senders forget."""
    return data if b"\x00" in data[:4] else _BARE_AMPERSAND.sub(b"&amp;", _CONTROL.sub(b"", data))


def _in_its_encoding(data: bytes, reading: Reading) -> bytes:
    """A file that is not of the encoding it declares (UTF-16 of what is UTF-8, UTF-8 of what is Latin-1), as UTF-8."""
    found = _DECLARED.match(data[:400])
    declared = found[2].decode("ascii", "replace").lower() if found else "utf-8"
    wide = declared.startswith(("utf-16", "utf-32", "ucs", "unicode"))
    other = not wide and _is_encoding(declared) and declared not in ("utf-8", "utf8", "us-ascii", "ascii")
    if other or data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        return data
    try:
        data.decode()
        if wide:
            reading.info("encoding", f"the file is not in the encoding that it declares, {declared}", "line 1")
    except UnicodeDecodeError:
        data = decode(data, reading, "utf-8").encode()
    return _DECLARED.sub(rb"\1UTF-8\3", data, count=1) if found else data


def _is_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name))
    except LookupError:
        return False


def _before_the_damage(data: bytes, reason: etree.XMLSyntaxError, reading: Reading) -> etree._Element | None:
    """What stands whole before the place where the file is cut or damaged; the row that is open there is quarantined."""
    parser = etree.XMLPullParser(("start", "end"), **_SAFE)
    with suppress(etree.XMLSyntaxError):
        parser.feed(data)
    root: etree._Element | None = None
    still_open: list[etree._Element] = []
    for event, found in parser.read_events():
        element = cast(etree._Element, found)
        root = element if root is None else root
        still_open.append(element) if event == "start" else still_open.pop()
    cut = next((e for e in still_open if _name(e.tag) in _ROWS), None)
    line = f"line {reason.lineno or 1}"
    kept = root is not None and "depth" not in reason.msg and any(_name(e.tag) in _ROWS for e in root.iter() if e is not cut)
    if root is None or not kept:
        reading.error("xml-malformed", f"not well-formed XML: {reason.msg}", line,
                      todo="the file is cut or damaged; nothing of it is kept: ask the sender for it again")  # fmt: skip
        return None
    if cut is not None and (parent := cut.getparent()) is not None:
        parent.remove(cut)
        reading.refused += 1
    reading.error("xml-cut", f"cut or damaged here: {reason.msg}; what stands whole before is kept, nothing after", line,
                  todo="ask the sender for the whole file")  # fmt: skip
    return root


def _refuse_dtd(reading: Reading) -> None:
    reading.error("xml-dtd", "the XML declares a document type; none of these formats has one, and it can do harm",
                  todo="do not open the file; ask the sender")  # fmt: skip


@lru_cache(4096)
def _name(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def local(element: etree._Element | None) -> str:
    return _name(element.tag) if element is not None else ""


def children(element: etree._Element | None, *names: str) -> list[etree._Element]:
    return [child for child in element if _name(child.tag) in names] if element is not None else []


@cache
def _steps(step: str) -> frozenset[str]:
    return frozenset(step.split("|"))


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element down a path of local names; a step ``A|B`` takes either."""
    for step in path:
        if element is None:
            return None
        names = _steps(step)
        for found in element:
            if _name(found.tag) in names:
                break
        else:
            return None
        element = found
    return element


def text(element: etree._Element | None, *path: str) -> str | None:
    """Text at the end of a path, without blanks around it; None where absent or empty."""
    found = child(element, *path)
    said = found.text if found is not None else None
    return (said or "").strip() or None


def at(element: etree._Element, ordinal: int | None = None) -> str:
    """Place of an element: its line and name, and its ordinal where given (a file may be all one line)."""
    name = local(element) + (f"[{ordinal}]" if ordinal else "")
    return f"line {element.sourceline} {name}"


def number(said: str) -> Decimal:
    """An xs:decimal. Raises ``UnreadableError``."""
    if not _NUMBER.fullmatch(said.strip()):
        raise UnreadableError("number-invalid", "not a number", said, "digits with a decimal point")
    value = decimal_from(said.strip())
    if value.adjusted() > 27:
        raise UnreadableError("number-invalid", "the number is larger than any amount", said, "at most 28 digits before the point")
    return value


def day(said: str) -> date:
    """The date of an ISO date or date and time, as written (its time zone is the sender's). Raises ``UnreadableError``."""
    try:
        return date.fromisoformat(said.strip()[:10])
    except ValueError:
        raise UnreadableError("date-invalid", "not a date", said, "YYYY-MM-DD") from None


def day_of(element: etree._Element | None, reading: Reading) -> date | None:
    """The date in an element that holds Dt, DtTm or the date itself."""
    if element is None:
        return None
    said = text(element, "Dt|DtTm|Date|DateTime") or text(element)
    return reading.tried(day, said, at(element), local(element))
