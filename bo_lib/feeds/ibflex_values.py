"""Attributes of Flex elements as values: numbers, money, days in any of the layouts that a query may ask for."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

from lxml import etree

from bo_lib.feeds.reading import UnreadableError
from bo_lib.feeds.xml import number
from bo_lib.model.money import round_to


class Element:
    """The attributes of one element as values; an unreadable one is an error when it is asked for."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element

    def text(self, *names: str) -> str | None:
        said = (str(self.element.get(name) or "").strip() for name in names)
        return next((s for s in said if s not in ("", "-", "--", "N/A")), None)

    def amount(self, *names: str) -> Decimal | None:
        """The number of the first of these attributes that is there. Raises ``UnreadableError``."""
        for name in names:
            if (said := self.text(name)) is not None:
                try:
                    grouped = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", said)
                    return number(said.replace(",", "") if grouped else said)
                except UnreadableError as why:
                    why.field = name
                    raise
        return None

    def money(self, *names: str) -> Decimal | None:
        """The same, to six decimals: the broker states commissions to eight and more."""
        return rounded(self.amount(*names))

    def day(self, *names: str) -> date | None:
        """The day of the first of these attributes that is there, in any of the layouts a query may ask for."""
        for name in names:
            if (said := self.text(name)) is not None and said != "MULTI":
                return _day(said, name)
        return None


def rounded(value: Decimal | None) -> Decimal | None:
    """To six decimals, where it has more."""
    return round_to(value, 6) if value is not None and round_to(value, 6) != value else value


def _day(said: str, field: str) -> date:
    from ibflex import parser

    first = re.split(r"[;, T]", said, maxsplit=1)[0]
    for layout in (said, first):
        with suppress(Exception):  # the library raises what its parts raise
            found = parser.convert_datetime(layout)
            if isinstance(found, datetime):
                return found.date()
    with suppress(ValueError):
        return datetime.strptime(first, "%d/%m/%Y" if "/" in first else "%d-%b-%y").date()  # noqa: DTZ007
    raise UnreadableError("date-invalid", "no such date", said, "YYYYMMDD or YYYY-MM-DD", "set the query's date format", field)
