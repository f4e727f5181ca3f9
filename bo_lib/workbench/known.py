"""What is known about a fund on a day: tables of the files that count, events, rates and the books they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.books import Book, Refusal, replay
from bo_lib.model import events as ev
from bo_lib.model import tables
from bo_lib.model.findings import Outcome
from bo_lib.model.identifiers import cross_referenced, cross_references
from bo_lib.model.money import Rates
from bo_lib.store import Fact, StoredFact
from bo_lib.store.store import Pins
from bo_lib.workbench import inbox
from bo_lib.workbench.door import CORRECTION, Door, refused_at_the_door
from bo_lib.workbench.office import Office

E = TypeVar("E")
AS_RECORDED = "9999-12-31T23:59:59Z"  # a known-at by which everything that is recorded counts, and nothing is written


class LastPrice(NamedTuple):
    """``price`` as quoted (bonds: percent of par; pence already pounds), ``per_unit`` of quantity."""

    price: Decimal
    per_unit: Decimal
    currency: str


class Known:
    """Facts and files of one fund up to (``day``, ``known_at``); an empty ``known_at`` means all that is known by now.

    ``heads`` pins the chains: the very facts of an earlier reading, and of no other stream.
    """

    def __init__(self, office: Office, fund_id: str, day: date, known_at: str = "", heads: Pins | None = None) -> None:
        self.office, self.day, self.known_at, self.heads = office, day, known_at, heads
        self.fund = office.fund(fund_id)

    @property
    def past(self) -> bool:
        """True when this is not what is known now: it is read, and nothing is written."""
        return bool(self.known_at) or self.heads is not None

    # Files and their tables

    def facts(self, kind: str, stream: str | None = None, until: date | None = None) -> list[StoredFact]:
        return self.office.store.facts(
            kind=kind, stream=stream or self.fund.id, effective_until=until or self.day, known_until=self.known_at or None,
            heads=self.heads,
        )  # fmt: skip

    @cached_property
    def files(self) -> list[StoredFact]:
        """Every file up to the day that concerns this fund, refused ones included; what lies unread in the inbox is read first."""
        if not self.past:
            inbox.ingest(self.office, self.day)
        return [f for f in inbox.in_force(self.facts("file", inbox.STREAM)) if inbox.concerns(f, self.fund)]

    def rows(self, table: tables.Table, first: date | None = None, last: date | None = None) -> pa.Table:
        """Rows of one canonical table from the files of [first, last] (default: the day), in this fund's accounts."""
        start, end = first or self.day, last or self.day
        parts = [part for _, part in self.parts(table, start, end)]
        return pa.concat_tables([table.empty(), *parts], promote_options="default")  # older files know fewer columns

    def announcements(self) -> pa.Table:
        """Announcements of all days, each under the name of who put the file into the inbox."""
        place = tables.ANNOUNCEMENTS.names.index("sender")
        named = [
            part.set_column(place, "sender", pa.array([file.payload["sender"]] * part.num_rows, pa.string()))
            for file, part in self.parts(tables.ANNOUNCEMENTS, self.fund.inception, self.day)
        ]
        return pa.concat_tables([tables.ANNOUNCEMENTS.empty(), *named], promote_options="default")

    def parts(self, table: tables.Table, first: date, last: date) -> Iterator[tuple[StoredFact, pa.Table]]:
        """Each file that counts with its rows of one table, in the senders' numbers."""
        for file in self.files:
            sha = file.payload["tables"].get(table.name)
            if sha and not file.payload["refused"] and first <= file.effective_date <= last:
                yield file, self._with_isins(self._own(self.office.table(sha)))

    def in_accounts(self, table: tables.Table, first: date | None = None) -> pa.Table:
        """``rows`` with the books' account ids in place of the senders' numbers."""
        return self.with_account_ids(self.rows(table, first))

    def dated_rows(self, table: tables.Table, first: date) -> pa.Table:
        """``in_accounts`` with a further column ``business_date``: the day the file was delivered for."""
        dated = table.empty().append_column("business_date", pa.array([], pa.date32()))
        parts = [
            part.append_column("business_date", pa.array([file.effective_date] * part.num_rows, pa.date32()))
            for file, part in self.parts(table, first, self.day)
        ]
        return self.with_account_ids(pa.concat_tables([dated, *parts], promote_options="default"))

    def name_of(self, sha256: str | None) -> str:
        """``sender/file`` of a file by its hash; the hash itself where no file of the inbox has it."""
        return self._names.get(sha256 or "", sha256 or "")

    @cached_property
    def _names(self) -> dict[str, str]:
        return {f.payload["sha256"]: f.entity for f in self.office.store.facts("file", stream=inbox.STREAM, heads=self.heads)}

    def forget_files(self) -> None:
        """After files were added: what was read of them before is out of date."""
        for name in ("files", "instruments", "_codes", "_rates", "_names", "last_prices", "quoted"):
            self.__dict__.pop(name, None)

    def _own(self, table: pa.Table) -> pa.Table:
        numbers = pa.array(self.fund.accounts_by_number)
        if "account" in table.column_names and table.schema.field("account").nullable is False:
            return table.filter(pc.is_in(table["account"], numbers))
        return table.filter(pc.equal(table["fund"], self.fund.id)) if "fund" in table.column_names else table

    def _with_isins(self, table: pa.Table) -> pa.Table:
        """ISINs of the security master for rows that name their security by another code alone."""
        if not {"isin", "local_id"} <= set(table.column_names) or not table["isin"].null_count:
            return table
        pairs = zip(table["isin"].to_pylist(), table["local_id"].to_pylist(), strict=True)
        isins = pa.array([isin or cross_referenced(code, self._codes) for isin, code in pairs], pa.string())
        return table.set_column(table.column_names.index("isin"), table.schema.field("isin"), isins)

    @cached_property
    def _codes(self) -> dict[str, str]:
        master = self.instruments
        return cross_references(zip(master["isin"].to_pylist(), master["ticker"].to_pylist(), strict=True))

    def with_account_ids(self, table: pa.Table) -> pa.Table:
        """The books' account ids in place of the senders' numbers, which must all be this fund's (``KeyError``)."""
        ids = [self.fund.accounts_by_number[number].id for number in table["account"].to_pylist()]
        return table.set_column(table.column_names.index("account"), table.schema.field("account"), pa.array(ids, pa.string()))

    @cached_property
    def last_prices(self) -> dict[str, LastPrice]:
        """The newest price of each instrument by the fund's first source that has one: to value differences, not to strike."""
        bonds = {r["isin"] for r in self.instruments.select(["isin", "coupon_pct"]).to_pylist() if r["coupon_pct"] is not None}
        rank = {source: -n for n, source in enumerate(self.fund.price_sources)}
        found: dict[str, tuple[tuple[date, int], LastPrice]] = {}
        for row in self.rows(tables.PRICES, self.day - timedelta(days=10)).to_pylist():
            order = (row["price_date"], rank.get(row["source"], -9))
            if row["price"] > 0 and row["currency"] and (row["isin"] not in found or order > found[row["isin"]][0]):
                minor, currency = (100, "GBP") if row["currency"] == "GBX" else (1, row["currency"])
                price = row["price"] / minor
                found[row["isin"]] = order, LastPrice(price, price / 100 if row["isin"] in bonds else price, currency)
        return {isin: price for isin, (_, price) in found.items()}

    @cached_property
    def quoted(self) -> dict[str, list[Decimal]]:
        """Prices of the last days by every vendor: what a trade's price is held against. One bad vendor holds nothing back."""
        found: dict[str, list[Decimal]] = {}
        for row in self.rows(tables.PRICES, self.day - timedelta(days=5)).to_pylist():
            if row["price"] > 0:
                found.setdefault(row["isin"], []).append(row["price"] / (100 if row["currency"] == "GBX" else 1))
        return found

    @property
    def incomplete(self) -> list[str]:
        """Hashes of files that end too early: what is not in them may still be so."""
        return [f.payload["sha256"] for f in self.files if any(p["code"].endswith("-cut") for p in f.payload["findings"])]

    @cached_property
    def instruments(self) -> pa.Table:
        """The newest security master, and what earlier ones knew besides."""
        newest: dict[str, dict[str, Any]] = {}
        for row in self.rows(tables.INSTRUMENTS, self.fund.inception).to_pylist():
            newest[row["isin"]] = row
        return pa.Table.from_pylist(list(newest.values()), schema=tables.INSTRUMENTS.schema)

    def rates_on(self, day: date) -> Rates | None:
        """The fund's rates of ``day``, or of the last day before it that has any."""
        known = [d for d in self._rates if d <= day]
        return self._rates[max(known)] if known else None

    @cached_property
    def _rates(self) -> dict[date, Rates]:
        by_day: dict[date, dict[str, Decimal]] = {}
        pivots: dict[date, str] = {}
        for row in self.rows(tables.FX_RATES, self.fund.inception).to_pylist():
            if row["source"] == self.fund.fx_source and row["rate"] > 0:
                by_day.setdefault(row["rate_date"], {})[row["currency"]] = row["rate"]
                pivots[row["rate_date"]] = row["pivot"]
        return {day: Rates(rates, pivots[day]) for day, rates in by_day.items()}

    # Events and the books

    def events(self, without: Iterable[str] = ()) -> list[ev.Event]:
        """Events of the fund up to the day; ``without`` leaves out those whose id starts so."""
        skip = tuple(without)
        return [event for event in self._all_events(self._length()) if not (skip and event.event_id.startswith(skip))]

    def book(
        self, without: Iterable[str] = (), until: date | None = None, basis: str = "", plus: Sequence[ev.Event] = ()
    ) -> Outcome[Book]:
        """The books as of the day (or ``until``), replayed from events; on another ``basis`` than US GAAP: IFRS, TAX, ….

        ``without`` leaves out events whose id starts so, ``plus`` are events that are in no store.

        Raises ``ParameterError`` for a basis that parameters/rules/bases.yaml does not know.
        """
        return self._replayed(tuple(without), until or self.day, self._length(), basis, tuple(plus))

    def _length(self) -> int:
        """How many facts the fund has: what was read stays good until there are more."""
        heads = self.office.store.heads() if self.heads is None else self.heads
        return int(heads[self.fund.id][0]) if self.fund.id in heads else 0

    @lru_cache(maxsize=2)  # noqa: B019 as long as one desk
    def _all_events(self, length: int) -> list[ev.Event]:
        return [ev.from_payload(f.payload) for f in self.facts("event")]

    @lru_cache(maxsize=2)  # noqa: B019
    def _paid_ahead(self, length: int) -> list[ev.Capital]:
        """Capital whose money has moved by the day and whose units come later: no event of the day, but in its cash."""
        ahead = (ev.from_payload(f.payload) for f in self.facts("event.capital", until=date.max) if f.effective_date > self.day)
        return [e for e in ahead if isinstance(e, ev.Capital) and e.settlement_date <= self.day]

    @lru_cache(maxsize=6)  # noqa: B019
    def _replayed(
        self, without: tuple[str, ...], until: date, length: int, basis: str, plus: tuple[ev.Event, ...]
    ) -> Outcome[Book]:
        ahead = [e for e in self._paid_ahead(length) if not e.event_id.startswith(without)]
        told = [*self.events(without), *ahead, *plus]
        return replay(
            told, base_currency=self.fund.base_currency, instruments=self.instruments, rates=self.rates_on,
            lot_method=self.fund.lot_methods_of(basis), until=until, shorts_allowed=self.fund.kind == "long_short",
            chart=self.office.chart, basis=self.office.bases.of(basis) if basis else None,
        )  # fmt: skip

    def standing(self, kind: type[E]) -> list[E]:
        """Events of one kind that are not reversed."""
        known = self.events()
        gone = {e.reverses for e in known if isinstance(e, ev.Reversal)}
        return [e for e in known if isinstance(e, kind) and e.event_id not in gone]

    def corrected(self) -> set[str]:
        """Ids of the events that a person has corrected or withdrawn; their files say what they said before."""
        return {f.entity for f in self.facts(CORRECTION, until=date.max)}

    # Writing, by adding

    def record(self, kind: str, entity: str, payload: dict[str, Any], fact_id: str) -> None:
        if not self.past:  # a desk that looks at the past writes nothing
            fact = Fact(fact_id, self.fund.id, kind, entity, self.day, payload)
            self.office.append([fact])

    def book_events(self, new: Sequence[ev.Event]) -> int:
        """Adds events through the door of the books (see ``door``). Returns how many."""
        return 0 if self.past else Door(self.office, self.fund).enter(new)

    def refused(self, without: Iterable[str] = ()) -> list[Refusal]:
        """What waits for a person: refused by the books (see ``book``) as of the day, or at their door."""
        return [
            *self.book(without).value.refused,
            *refused_at_the_door(self.office, self.fund.id, self.day, self.known_at, self.heads),
        ]
