"""The vendors: A (prices, rates, security master), B (prices, announcements), VALUATION (private companies)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.demo import swift
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox, csv_text
from bo_lib.demo.ledger import Notice
from bo_lib.demo.market import CURRENCIES, Action, Market, Security, dice
from bo_lib.model.dates import add_business_days
from bo_lib.model.money import round_to

STALE_DAYS = 3
FACTORS = {  # what an error makes of a price; a missing one has no factor
    "price_split": Decimal(3), "price_spike": Decimal("1.35"), "price_unit": Decimal(1), "price_zero": Decimal(0),
    "price_variance": Decimal("1.04"),
}  # fmt: skip
MASTER_HEADER = (
    "ISIN|Name|Kind|Currency|Country|Sector|MIC|Market|Ticker|Coupon|Frequency|Day Count|Issued|Maturity|Withholding|As Of"
).split("|")


class Vendors:
    def __init__(self, market: Market) -> None:
        self.market = market
        self.stale: dict[str, tuple[date, Decimal]] = {}  # ISIN -> last day of it, price repeated

    def write(self, out: Outbox, previous: date, errors: Errors, held: set[str]) -> None:
        """The day's market data. Errors fall on what the funds hold."""
        self._prices("VENDOR-A", out, errors, held)
        self._prices("VENDOR-B", out, errors, held)
        rates = self.market.rates(out.day)
        rows: list[tuple[Any, ...]] = [("EUR", currency, out.day, rates.per_pivot[currency]) for currency in CURRENCIES]
        out.put(f"VENDOR-A/fx_{out.ymd}.csv", csv_text(("Base", "Currency", "Date", "Rate"), rows, ";", ","))
        master = [(*_master_row(s), out.day) for s in self.market.securities.values() if s.listed <= out.day]
        out.put(f"VENDOR-A/instruments_{out.ymd}.csv", csv_text(MASTER_HEADER, master, ";", ","))
        self._announcements(out, previous, errors)
        companies = [s for s in self.market.securities.values() if s.kind == "private_equity"]
        rows = [(s.isin, s.name, out.day, self.market.price(s.isin, out.day), s.currency, "fair") for s in companies]
        out.put(
            f"VALUATION/valuations_{out.ymd}.csv", csv_text(("ISIN", "Company", "Valuation Date", "Price", "Ccy", "Basis"), rows)
        )

    def _prices(self, source: str, out: Outbox, errors: Errors, held: set[str]) -> None:
        market, path = self.market, f"{source}/prices_{out.ymd}.csv"
        quotes: dict[str, tuple[Decimal, str]] = {}
        for paper in market.securities.values():
            if paper.kind == "private_equity" or (paper.kind == "right" and not self._right_trades(paper, out.day)):
                continue
            price = market.price(paper.isin, out.day, source)
            pence = source == "VENDOR-A" and paper.currency == "GBP" and not paper.is_bond
            quotes[paper.isin] = (price * 100, "GBX") if pence else (price, paper.currency)
        self._spoil(source, quotes, path, out, errors, held)
        if source == "VENDOR-A":
            rows: list[tuple[Any, ...]] = [(isin, out.day, *quote, "close") for isin, quote in quotes.items()]
            out.put(path, csv_text(("ISIN", "Date", "Price", "Currency", "Type"), rows, ";", ","))
        else:
            rows = [(isin, market.securities[isin].name, *quote, "mid" if market.securities[isin].is_bond else "close", out.day)
                    for isin, quote in quotes.items()]  # fmt: skip
            out.put(path, csv_text(("Instrument", "Description", "Last", "Ccy", "Basis", "As Of"), rows))

    def _right_trades(self, paper: Security, day: date) -> bool:
        first = next(a.ex for a in self.market.actions if a.caev == "RHDI" and a.new_isin == paper.isin)
        last = next(a.pay for a in self.market.actions if a.caev == "EXRI" and a.isin == paper.isin)
        return first <= day <= last

    def _spoil(
        self, source: str, quotes: dict[str, tuple[Decimal, str]], path: str, out: Outbox, errors: Errors, held: set[str]
    ) -> None:
        market, day = self.market, out.day
        for isin, (until, price) in list(self.stale.items()):
            if source == "VENDOR-A" and day <= until:
                quotes[isin] = (price, quotes[isin][1])
        candidates = [
            i
            for i in sorted(held & quotes.keys() - self.stale.keys())
            if market.is_quiet(i, day) and market.securities[i].trades_on(day)
        ]
        for kind in ("price_split", "price_unit", "price_missing", "price_spike", "price_zero", "price_variance"):
            pool = candidates
            if kind == "price_split":
                pool = [a.isin for a in market.actions if a.caev == "SPLF" and a.ex == day and a.isin in held]
            elif kind == "price_unit":
                pool = [i for i in candidates if market.securities[i].currency == "GBP"]
            elif kind == "price_variance":
                pool = [i for i in candidates if market.securities[i].kind == "equity"]
            if not errors.due(kind, source) or not pool:
                continue
            isin = dice(market.seed, kind, day).choice(pool)
            candidates = [i for i in candidates if i != isin]
            (right, currency), decimals = quotes.pop(isin), market.securities[isin].price_decimals
            wrong = round_to(right * FACTORS[kind], decimals) if kind in FACTORS else None
            shown = "GBP" if kind == "price_unit" else currency  # pence under the name of pounds
            if wrong is not None:
                quotes[isin] = (wrong, shown)
            field, stated = ("currency", (currency, shown)) if kind == "price_unit" else ("price", (right, wrong))
            errors.record(kind, source, path, isin, field, *stated)
        self._go_stale(source, quotes, path, day, errors, candidates)

    def _go_stale(
        self, source: str, quotes: dict[str, tuple[Decimal, str]], path: str, day: date, errors: Errors, candidates: list[str]
    ) -> None:
        """Repeat a price from ``STALE_DAYS`` days before the planned day of a stale price to the day after it."""
        if source != "VENDOR-A":
            return
        if errors.on and errors.due("price_stale", source) and self.stale:
            isin, (_, price) = next(iter(self.stale.items()))
            right, note = self.market.price(isin, day), f"unchanged for {STALE_DAYS} days, and for one more"
            errors.record("price_stale", source, path, isin, "price", right, price, note)
        if errors.planned_in("price_stale", source, STALE_DAYS) and candidates:
            isin = dice(self.market.seed, "stale", day).choice(
                [i for i in candidates if self.market.securities[i].kind == "equity"]
            )
            self.stale[isin] = (add_business_days(day, STALE_DAYS + 1, "TARGET"), quotes[isin][0])

    def _announcements(self, out: Outbox, previous: date, errors: Errors) -> None:
        actions = [a for a in self.market.actions if previous < a.announced <= out.day]
        path = f"VENDOR-B/mt564_{out.ymd}.fin"
        dividends = [a for a in actions if a.caev == "DVCA"]
        if errors.due("action_rate", "VENDOR-B") and dividends:
            right = dividends[0]
            actions[actions.index(right)] = spoiled = _dearer(right)
            note = "the custodian's rate is right"
            errors.record("action_rate", "VENDOR-B", path, right.isin, "rate", right.rate, spoiled.rate, note)
        texts = [
            swift.mt564("VENDOR-B", out.day, n, Notice(a, f"V-{a.ref}", "GENR", None), self.market.securities[a.isin].is_bond)
            for n, a in enumerate(actions, 1)
        ]
        if texts:
            out.put(f"VENDOR-B/mt564_{out.ymd}.fin", "".join(texts))


def _dearer(action: Action) -> Action:
    from dataclasses import replace

    return replace(action, rate=round_to(action.rate * Decimal("1.1"), 3))


def _master_row(s: Security) -> tuple[Any, ...]:
    terms = (s.coupon_pct, s.coupons_per_year, s.day_count, s.issued, s.maturity) if s.is_bond else ("", "", "", "", "")
    return (s.isin, s.name, s.kind, s.currency, s.country, s.sector, s.mic, s.market, s.ticker, *terms, s.withholding_pct)
