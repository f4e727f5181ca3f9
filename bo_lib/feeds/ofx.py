"""OFX bank, card and investment statements, in the SGML of version 1 and the XML of version 2.

Source: Open Financial Exchange 1.6 and 2.2. The elements are read with a tokeniser of our own, linear in the size of the file:
a bad row must not end the file, and the day of a date is the one written, whatever its time zone (``ofxparse`` is the oracle of
the tests). A statement carries its closing balance alone, so that it cannot be proven by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from html import escape, unescape
from typing import Any

from bo_lib.feeds.reading import Reading, UnreadableError, decode
from bo_lib.feeds.xml import number
from bo_lib.model.money import NO_CURRENCY
from bo_lib.model.tables import CASH_MOVEMENTS, HOLDINGS, STATEMENTS, TRANSACTIONS

DEPTH_MAX = 64
_TAG = re.compile(r"<(/?)([A-Za-z0-9_.]+)[^<>]*>([^<]*)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HUGE = re.compile(r"&#(?=x?[0-9A-Fa-f]{8})")
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_CHARSET = re.compile(rb"(?:CHARSET:\s*|encoding=[\"'])([\w-]+)", re.IGNORECASE)
_CASH = {"STMTRS": "cash", "CCSTMTRS": "cash"}
_TRADES = {
    "BUYDEBT": "BUY", "BUYMF": "BUY", "BUYOPT": "BUY", "BUYOTHER": "BUY", "BUYSTOCK": "BUY", "SELLDEBT": "SELL", "SELLMF": "SELL",
    "SELLOPT": "SELL", "SELLOTHER": "SELL", "SELLSTOCK": "SELL", "REINVEST": "BUY",
}  # fmt: skip
_OTHERS = {
    "CLOSUREOPT": "corporate_action", "INCOME": "income", "INVEXPENSE": "fee", "JRNLFUND": "transfer", "JRNLSEC": "transfer",
    "MARGININTEREST": "fee", "RETOFCAP": "corporate_action", "SPLIT": "corporate_action", "TRANSFER": "transfer",
}  # fmt: skip
_POSITIONS = ("POSMF", "POSSTOCK", "POSDEBT", "POSOPT", "POSOTHER")
_ROWS = {"STMTTRN", *_TRADES, *_OTHERS, *_POSITIONS}


@dataclass
class _Node:
    """An aggregate with its children, or an element with its text."""

    name: str
    line: int
    value: str = ""
    children: list[_Node] = field(default_factory=list)

    def inside(self, *names: str) -> Iterator[_Node]:
        """Every node of these names at any depth, in the order of the file."""
        waiting = [iter(self.children)]
        while waiting:
            node = next(waiting[-1], None)
            if node is None:
                waiting.pop()
            else:
                if node.name in names:
                    yield node
                waiting.append(iter(node.children))

    def text(self, *names: str) -> str | None:
        """The first stated value of these elements, in order of preference."""
        return next((n.value for name in names for n in self.inside(name) if n.value), None)

    def amount(self, *names: str) -> Decimal | None:
        """Raises ``UnreadableError``."""
        for name in names:
            if (said := self.text(name)) is not None:
                try:
                    return number(_plain(said))
                except UnreadableError as why:
                    why.field = name
                    raise
        return None

    def day(self, *names: str) -> date | None:
        """The day as written. Raises ``UnreadableError``."""
        said = self.text(*names)
        if said is None or said.startswith("00000000"):
            return None
        try:
            return datetime.strptime(said[:8], "%Y%m%d").date()  # noqa: DTZ007
        except ValueError:
            raise UnreadableError("date-invalid", "no such date", said, "YYYYMMDD", field=names[0]) from None


def _plain(said: str) -> str:
    """A number with a decimal comma, or with groups of three, as one with a point."""
    bare = said.replace(" ", "").replace("\u00a0", "")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d*", bare):
        return bare.replace(",", "")
    if re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d*", bare):
        return bare.replace(".", "").replace(",", ".")
    return bare


def looks_like(head: str) -> bool:
    """The header of version 1 or 2, or the root element itself, also behind a comment or lines of a transport."""
    if re.search(r"^\s*OFXHEADER\s*:", head[:4096], re.IGNORECASE | re.MULTILINE):
        return True
    said = _COMMENT.sub("", head).lstrip()
    return said.startswith("<") and re.search(r"<OFX>|<\?OFX\s", said, re.IGNORECASE) is not None


def _encoding(data: bytes) -> str:
    """The code page of the header, unless the file is UTF-8: many institutions state 1252 and write UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        stated = _CHARSET.search(data[:2048])
        charset = stated[1].decode("ascii", "replace") if stated else ""
        return f"cp{charset}" if charset.isdigit() else "utf-8"
    return "utf-8"


def read(data: bytes, reading: Reading) -> None:
    """Every statement of the file into ``statements``, ``cash_movements``, ``transactions`` and ``holdings``."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS)
    text = decode(data, reading, _encoding(data))
    if "<!DOCTYPE" in text[:65536].upper() or "<!ENTITY" in text[:65536].upper():
        reading.error("xml-dtd", "the file declares a document type; none of these formats has one, and it can do harm",
                      todo="do not open the file; ask the sender")  # fmt: skip
        return
    root = _tree(text, reading)
    if root is None:
        return
    for status in root.inside("STATUS"):
        if status.text("SEVERITY") == "ERROR":
            reading.error("answer-refused", f"the institution answers with an error: {status.text('MESSAGE') or 'no message'}",
                          f"line {status.line}", "STATUS/CODE", found=status.text("CODE") or "", expected="0")  # fmt: skip
    names = {n.text("UNIQUEID"): (n.text("SECNAME"), n.text("UNIQUEIDTYPE"), n.text("TICKER")) for n in root.inside("SECINFO")}
    found = list(root.inside(*_CASH, "INVSTMTRS"))
    if not found:
        reading.error("statement-missing", "the file holds no statement", "line 1", expected="STMTRS, CCSTMTRS or INVSTMTRS",
                      todo="ask the institution for it again")  # fmt: skip
    for ordinal, node in enumerate(found, 1):
        _Statement(node, f"line {node.line} {node.name}[{ordinal}]", names, reading).read()


def _tree(text: str, reading: Reading) -> _Node | None:
    """Elements nested as their end tags say; an element with text needs none. What stands in a comment is not said."""
    text = _COMMENT.sub(lambda m: "\n" * m[0].count("\n"), text)
    text = _CDATA.sub(lambda m: escape(m[1]), text)
    start = re.search(r"<OFX>", text, re.IGNORECASE)
    root = _Node("", 1)
    unclosed = 0
    open_, line, at = [root], text.count("\n", 0, start.start() if start else 0) + 1, start.start() if start else 0
    for tag in _TAG.finditer(text, at):
        line += text.count("\n", at, tag.start())
        at = tag.start()
        name, value = tag[2].upper(), _unescaped(tag[3])
        if tag[1]:
            places = [i for i, node in enumerate(open_) if node.name == name]
            if places:
                del open_[places[-1] :]
            continue
        node = _Node(name, line, value)
        inside = next((i for i, other in enumerate(open_) if other.name == name), 0) if name in _ROWS else 0
        if inside:  # no row stands in one of its own name: the first has lost its end
            unclosed += 1
            del open_[inside:]
        open_[-1].children.append(node)
        if not value and not tag[0].rstrip().endswith("/>"):
            empty = re.compile(rf"</{re.escape(tag[2])}>").match(text, tag.end())
            if not empty:
                open_.append(node)
        if len(open_) > DEPTH_MAX:
            reading.error("nested-too-deep", f"more than {DEPTH_MAX} elements inside each other", f"line {line}", name,
                          todo="the file is no statement or means harm: ask the sender")  # fmt: skip
            return None
    if unclosed:
        reading.warning("element-unclosed", f"{unclosed} rows are not closed before the next", f"line {line}",
                        todo="tell the institution")  # fmt: skip
    if any(node.name == "OFX" for node in open_):
        reading.error("file-truncated", "the file ends before its last element is closed", f"line {line}", expected="</OFX>",
                      todo="the file is cut: ask the sender for it again")  # fmt: skip
    return root


def _unescaped(said: str) -> str:
    """Text with its entities resolved; a number that is no character stays as it is written."""
    return unescape(_HUGE.sub("&amp;#", said) if "&#" in said else said).strip()


class _Statement:
    """One statement response on its way into the canonical tables."""

    def __init__(self, node: _Node, place: str, names: dict[Any, Any], reading: Reading) -> None:
        self.node, self.place, self.names, self.reading = node, place, names, reading
        self.currency = node.text("CURDEF") or self._of_rows()
        self.account = node.text("ACCTID") or ""

    def _of_rows(self) -> str | None:
        """The currency that every row states, where the statement states none."""
        stated = {self._stated(one) for one in self.node.inside("STMTTRN")}
        if len(stated) != 1 or None in stated:
            return None
        [found] = stated
        self.reading.warning("currency-missing", "the statement names no currency; taken from its rows", self.place, "CURDEF",
                             found=str(found))  # fmt: skip
        return found

    @staticmethod
    def _stated(one: _Node) -> str | None:
        """The currency of a row's amounts (CURRENCY); an original currency (ORIGCURRENCY) is not theirs."""
        return next((n.text("CURSYM") for n in one.inside("CURRENCY")), None)

    def read(self) -> None:
        cash = self.node.name in _CASH
        rows = list(self.node.inside("STMTTRN"))
        if not self.account:
            self.reading.error("account-missing", "the statement names no account; its rows belong to nobody", self.place, "ACCTID",
                               expected="ACCTID", todo="ask the sender whose statement it is")  # fmt: skip
            self.account = "NONREF"
        until = self._tried(lambda: self.node.day("DTEND", "DTASOF"))
        start = self._tried(lambda: self.node.day("DTSTART"))
        number_ = "-".join(d.isoformat() for d in (start, until) if d) or None
        row: dict[str, Any] = {
            "statement_id": self.reading.statement_id(self.account, number_ or "1"), "account": self.account,
            "kind": "cash" if cash else "securities", "number": number_,
            "currency": self.currency if cash else None, "statement_date": until, "proven": None,
        }  # fmt: skip
        if cash:
            balance = next(self.node.inside("LEDGERBAL"), None)
            row["closing"] = self._tried(lambda: balance.amount("BALAMT")) if balance else None
            if row["closing"] is None:
                self.reading.warning("balance-missing", "the statement states no ledger balance", self.place, "LEDGERBAL/BALAMT")
        self.reading.add(STATEMENTS, self.place, row)
        if rows and not self.currency:
            self.reading.error("currency-missing", "the statement names no currency; its rows are kept without one", self.place,
                               "CURDEF", found=NO_CURRENCY, todo="ask the sender")  # fmt: skip
        ids = {self.currency or NO_CURRENCY: row["statement_id"]} if cash else {}
        balance = next(self.node.inside("INVBAL"), None)
        if not cash and balance and (held := self._tried(lambda: balance.amount("AVAILCASH"))) is not None and self.currency:
            ids[self.currency] = self._cash(row, self.currency, held)
        self._check_ids(rows)
        for ordinal, one in enumerate(rows, 1):
            currency = self._stated(one) or self.currency or NO_CURRENCY
            if currency not in ids:  # the amounts of another currency are in no balance of this one
                ids[currency] = self._cash(row, currency)
            self._add(CASH_MOVEMENTS, one, ordinal, lambda node, name=ids[currency], currency=currency: {
                "statement_id": name, "currency": currency, **self._movement(node)})  # fmt: skip
        if not cash:
            self._investments(row["statement_id"], until)

    def _check_ids(self, rows: list[_Node]) -> None:
        """A warning for entries of one statement that carry the same identifier: one may stand there twice."""
        ids = Counter(filter(None, (one.text("FITID") for one in rows)))
        if twice := [f"{name} ({count})" for name, count in ids.items() if count > 1]:
            self.reading.warning("entries-repeated", "entries carry the same identifier; all of them are kept", self.place, "FITID",
                                 found=", ".join(twice)[:200], todo="see whether one stands there twice")  # fmt: skip

    def _cash(self, row: dict[str, Any], currency: str, closing: Decimal | None = None) -> str:
        """A statement of the cash beside ``row``; hands back its id. An investment account states what is available alone."""
        part = currency if row["kind"] == "cash" else "cash"
        name = self.reading.statement_id(self.account, f"{row['number'] or '1'}/{part}")
        cash = {"statement_id": name, "kind": "cash", "currency": currency, "closing": closing}
        self.reading.add(STATEMENTS, self.place, {**row, **cash})
        return name

    def _investments(self, name: Any, until: date | None) -> None:
        self.reading.expect(TRANSACTIONS, HOLDINGS)
        for ordinal, one in enumerate(self.node.inside(*_TRADES, *_OTHERS), 1):
            self._add(TRANSACTIONS, one, ordinal, lambda node: {"statement_id": name, **self._transaction(node)})
        for ordinal, one in enumerate(self.node.inside(*_POSITIONS), 1):
            self._add(HOLDINGS, one, ordinal, lambda node: {"statement_id": name, **self._holding(node, until)})

    def _add(self, table: Any, node: _Node, ordinal: int, make: Any) -> None:
        place = f"line {node.line} {node.name}[{ordinal}]"
        try:
            self.reading.add(table, place, make(node))
        except UnreadableError as why:
            self.reading.refuse(why, place)

    def _tried(self, read_one: Any) -> Any:
        try:
            return read_one()
        except UnreadableError as why:
            self.reading.error(why.code, why.message, self.place, why.field, **why.said)
            return None

    def _movement(self, one: _Node) -> dict[str, Any]:
        value = one.amount("TRNAMT")
        if value is None:
            raise UnreadableError("amount-missing", "no amount", expected="TRNAMT", field="TRNAMT")
        if one.text("DTPOSTED") is None:
            self.reading.error("date-missing", "the entry has no date; it is kept without", f"line {one.line} STMTTRN", "DTPOSTED",
                               expected="YYYYMMDD", todo="ask the institution for it again")  # fmt: skip
        words = dict.fromkeys(filter(None, (one.text("NAME", "PAYEE"), one.text("MEMO"))))
        return {
            "account": self.account, "amount": value, "booking_date": one.day("DTPOSTED"),
            "value_date": one.day("DTAVAIL", "DTUSER", "DTPOSTED"), "reference": one.text("CHECKNUM", "REFNUM"),
            "bank_reference": one.text("FITID"), "code": one.text("TRNTYPE"), "text": "\n".join(words) or None, "reversal": False,
        }  # fmt: skip

    def _security(self, one: _Node) -> dict[str, Any]:
        code, kind = one.text("UNIQUEID"), (one.text("UNIQUEIDTYPE") or "other").lower()
        name, listed, ticker = self.names.get(code, (None, None, None))
        kind = (listed or kind).lower()
        isin = code if kind == "isin" else None
        return {"account": self.account, "isin": isin, "local_id": f"{kind}:{code}" if code and not isin else None,
                "name": name or ticker}  # fmt: skip

    def _transaction(self, one: _Node) -> dict[str, Any]:
        units, fees = one.amount("UNITS"), [one.amount(n) for n in ("COMMISSION", "FEES", "LOAD")]
        side = _TRADES.get(one.name)
        if one.name == "TRANSFER":
            side = {"IN": "RECEIVE", "OUT": "DELIVER"}.get((one.text("TFERACTION") or "").upper())
        if units is not None and side in ("SELL", "DELIVER"):
            units = -abs(units)
        return {
            **self._security(one), "kind": _OTHERS.get(one.name, "trade"), "status": None, "side": side,
            "servicer_reference": one.text("FITID"), "quantity": units, "price": one.amount("UNITPRICE"),
            "currency": self._stated(one) or self.currency, "amount": one.amount("TOTAL"),
            "commission": sum(f for f in fees if f is not None) if any(f is not None for f in fees) else None,
            "taxes": one.amount("TAXES"), "accrued_interest": one.amount("ACCRDINT"), "trade_date": one.day("DTTRADE"),
            "settlement_date": one.day("DTSETTLE"), "text": one.text("MEMO", "INCOMETYPE") or one.name,
        }  # fmt: skip

    def _holding(self, one: _Node, until: date | None) -> dict[str, Any]:
        held = one.amount("UNITS")
        if held is None:
            raise UnreadableError("quantity-missing", "the position states no units", expected="UNITS", field="UNITS")
        held = -abs(held) if one.text("POSTYPE") == "SHORT" else held
        return {
            **self._security(one), "business_date": one.day("DTPRICEASOF") or until, "basis": "trade", "quantity": held,
            "quantity_type": {"POSDEBT": "FAMT", "POSOPT": "CONT"}.get(one.name, "UNIT"), "price": one.amount("UNITPRICE"),
            "price_currency": self._stated(one) or self.currency, "market_value": one.amount("MKTVAL"),
            "value_currency": self._stated(one) or self.currency, "asset_kind": one.name.removeprefix("POS").lower(),
        }  # fmt: skip
