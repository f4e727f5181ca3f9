"""The market of the demonstration: securities, prices, corporate actions, all fictional and all from one seed.

Prices follow a random walk with a market and a sector factor. On a day when an instrument's exchange is closed its
last close is repeated under that day's date, as vendors' end-of-day files do. Exchange rates are the ECB's, real.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from math import exp

from bo_lib.demo.bonds import coupon_dates
from bo_lib.model.dates import CURRENCY_CALENDAR, add_business_days, business_days, is_business_day, is_trading_day, month_end
from bo_lib.model.identifiers import isin_with_check_digit
from bo_lib.model.money import ZERO, Rates, round_to

CALENDARS = ("TARGET", "US")  # a day on which either is open is a day of the demonstration
CURRENCIES = ("USD", "GBP", "CHF", "JPY")  # besides the euro
STEMS = """Alder Birch Cedar Dover Elm Fjord Garnet Heron Iris Juniper Kestrel Larch Maple Norden Orchid Pine Quarry Rowan
Sable Thorn Umber Vale Willow Xenon Yarrow Zephyr Amber Basalt Cobalt Delta Ember Flint Gable Harbor Inlet Jasper Keel
Linden Mistral Nova""".split()
SECTORS = {"Technology": "Systems", "Health Care": "Pharma", "Financials": "Financial", "Industrials": "Engineering",
           "Consumer": "Brands", "Energy": "Energy", "Materials": "Materials", "Utilities": "Networks"}  # fmt: skip
# country: currency, settlement market, exchange, legal form, withholding pct, equities at size 1, lowest and highest price
COUNTRIES = {
    "US": ("USD", "US", "XNYS", "Inc", "30", 25, 20, 400),
    "DE": ("EUR", "EU", "XETR", "AG", "26.375", 8, 15, 250),
    "FR": ("EUR", "EU", "XPAR", "SA", "25", 8, 15, 250),
    "NL": ("EUR", "EU", "XAMS", "NV", "15", 6, 15, 250),
    "GB": ("GBP", "GB", "XLON", "plc", "0", 7, 2, 30),
    "CH": ("CHF", "CH", "XSWX", "Holding", "35", 5, 30, 300),
    "JP": ("JPY", "JP", "XTKS", "KK", "15.315", 4, 1200, 8000),
}
# Slices of each market's equities (at size 1): long/short's longs, its shorts, the UCITS fund's holdings.
SLICES = {
    "US": ((0, 16), (16, 24), (0, 3)), "EU": ((0, 6), (6, 9), (2, 22)), "GB": ((0, 3), (3, 5), (1, 7)),
    "CH": ((0, 2), (2, 3), (1, 5)), "JP": ((0, 3), (3, 4), (0, 2)),
}  # fmt: skip
# issuer, kind, country, coupon pct, coupons a year, day count, maturity: some coupons fall in June, one on a Saturday.
BONDS = (
    ("Federal Note", "government_bond", "US", "ACT/ACT ICMA", 2, (
        ("4.125", "2031-06-15"), ("3.875", "2029-08-15"), ("4.5", "2033-11-15"), ("3.5", "2028-04-15"), ("4.25", "2036-02-15"))),
    ("Euroland Bund", "government_bond", "DE", "ACT/ACT ICMA", 1, (
        ("2.3", "2033-06-10"), ("2.6", "2034-08-15"), ("1.7", "2032-02-15"), ("0.5", "2028-04-15"), ("2.9", "2036-05-25"))),
    ("Notes", "corporate_bond", "US", "30/360 US", 2, (
        ("5.35", "2032-06-25"), ("4.9", "2030-03-01"), ("6.125", "2034-09-15"), ("5.75", "2029-05-20"), ("4.65", "2031-07-08"))),
    ("Anleihe", "corporate_bond", "FR", "ACT/ACT ICMA", 1, (
        ("3.25", "2030-06-13"), ("3.875", "2031-10-05"), ("2.95", "2029-06-24"), ("4.1", "2033-01-20"), ("3.6", "2032-07-03"))),
)  # fmt: skip


def dice(*key: object) -> random.Random:
    """A random stream of its own for every purpose, so that no draw depends on how many were made elsewhere."""
    return random.Random("/".join(map(str, key)))


@dataclass(frozen=True)
class Security:
    """One line of the security master."""

    isin: str
    name: str
    kind: str
    currency: str
    country: str
    sector: str = ""
    mic: str = ""
    market: str = ""
    ticker: str = ""
    withholding_pct: Decimal = ZERO
    coupon_pct: Decimal = ZERO
    coupons_per_year: int = 0
    day_count: str = ""
    issued: date | None = None
    maturity: date = date.max
    listed: date = date.min  # known to vendors from this day on

    @property
    def is_bond(self) -> bool:
        return self.kind.endswith("_bond")

    @property
    def price_decimals(self) -> int:
        return 3 if self.is_bond or self.currency == "GBP" else 0 if self.currency == "JPY" else 2

    def trades_on(self, day: date) -> bool:
        if self.is_bond:
            return is_business_day(day, "US_GOVERNMENT_BOND" if self.currency == "USD" else "TARGET")
        return self.kind == "equity" and is_trading_day(day, self.mic)


@dataclass(frozen=True)
class Action:
    """A corporate action as it really is; senders announce it, rightly or not."""

    ref: str
    caev: str  # DVCA, SPLF, RHDI, EXRI, INTR
    isin: str
    announced: date
    ex: date
    record: date
    pay: date
    currency: str = ""
    rate: Decimal = ZERO  # dividend: gross per share; interest: percent of nominal for this payment
    withholding_pct: Decimal = ZERO
    new: Decimal = ZERO
    old: Decimal = ZERO
    new_isin: str = ""
    price: Decimal = ZERO  # subscription price
    deadline: date | None = None


@dataclass
class Market:
    """Everything outside the firm, for one seed and size, from ``inception`` to ``last``."""

    seed: int
    size: int
    inception: date
    last: date
    securities: dict[str, Security] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    prices: dict[date, dict[str, Decimal]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._make_equities()
        self._make_bonds()
        for number, name in enumerate(("Tallinn Robotics", "Porto Biologics", "Gent Logistics"), 1):
            self._add(Security(_isin("LU", "HLP", number), name, "private_equity", "EUR", "LU", "Private companies", market="EU"))
        self._make_actions()
        self._walk()

    @cached_property
    def days(self) -> list[date]:
        """Days of the demonstration, the opening included."""
        return sorted({day for name in CALENDARS for day in business_days(self.inception, self.last, name)})

    def held(self, kind: str) -> list[tuple[str, int]]:
        """ISIN and side (+1 long, -1 short) of the opening holdings of a fund of ``kind``."""
        if kind in ("bond", "closed_end"):
            return [(s.isin, 1) for s in self.securities.values() if (s.is_bond if kind == "bond" else s.kind == "private_equity")]
        chosen = []
        for market, slices in SLICES.items():
            there = [s.isin for s in self.securities.values() if s.kind == "equity" and s.market == market]
            for (low, high), side in zip(slices[:2] if kind == "long_short" else slices[2:], (1, -1), strict=False):
                chosen += [(isin, side) for isin in there[low * self.size : high * self.size]]
        return chosen

    def rates(self, day: date) -> Rates:
        """The ECB's reference rates of ``day``; on a holiday of the euro, of the last day before."""
        return Rates({currency: _ecb(currency, day) for currency in CURRENCIES})

    def price(self, isin: str, day: date, source: str = "VENDOR-A") -> Decimal:
        """Closing price as ``source`` sees it, in the instrument's currency. Vendors agree on closes, less so on bonds' mids."""
        price = self.prices[day][isin]
        if source == "VENDOR-B" and self.securities[isin].is_bond:
            price += Decimal(dice(self.seed, source, isin, day).randint(-25, 25)) / 1000
        return price

    def is_quiet(self, isin: str, day: date) -> bool:
        """No corporate action near: who trades then settles before record date, so that no market claims arise."""
        return not any(
            a.ex - timedelta(days=9) <= day <= (a.pay if a.new_isin else a.ex) + timedelta(days=1) for a in self._of[isin]
        )

    @cached_property
    def _of(self) -> dict[str, list[Action]]:
        return {isin: [a for a in self.actions if a.isin == isin] for isin in self.securities}

    def _add(self, security: Security) -> Security:
        return self.securities.setdefault(security.isin, security)

    def _make_equities(self) -> None:
        number = 0
        for country, (currency, market, mic, form, tax, count, *_) in COUNTRIES.items():
            for _ in range(count * self.size):
                sector = list(SECTORS)[(number * 3 + number // len(STEMS)) % len(SECTORS)]
                stem, series = STEMS[number % len(STEMS)], number // (len(STEMS) * len(SECTORS))
                name = f"{stem} {SECTORS[sector]} {form}{f' {series + 1}' if series else ''}"
                self._add(Security(_isin(country, "HL", number), name, "equity", currency, country, sector, mic, market,
                                   f"{stem[:3].upper()}{number}", Decimal(tax)))  # fmt: skip
                number += 1

    def _make_bonds(self) -> None:
        number = 0
        for name, kind, country, basis, frequency, terms in BONDS:
            for copy in range(self.size):
                for coupon, text in terms:
                    matures = date.fromisoformat(text).replace(year=int(text[:4]) + copy % 5)
                    currency, market = COUNTRIES[country][:2]
                    issuer = name if kind == "government_bond" else f"{STEMS[number % len(STEMS)]} {name}"
                    self._add(Security(
                        _isin(country, "HLB", number), f"{issuer} {coupon} {matures:%m/%Y}", kind, currency, country,
                        "Government" if kind == "government_bond" else "Corporate", market=market, coupon_pct=Decimal(coupon),
                        coupons_per_year=frequency, day_count=basis, issued=matures.replace(year=2022), maturity=matures,
                    ))  # fmt: skip
                    number += 1

    def _make_actions(self) -> None:
        horizon, month = self.last + timedelta(days=25), self.inception + timedelta(days=3)
        while month.replace(day=1) <= horizon:
            self._dividends(month.replace(day=1))
            month = month_end(month) + timedelta(days=1)
        self._split_and_rights()
        for bond in [s for s in self.securities.values() if s.is_bond]:
            for day in coupon_dates(bond, self.inception, horizon):
                pay = add_business_days(day, 0, CURRENCY_CALENDAR[bond.currency] + "+TARGET")
                self._announce(
                    "INTR", bond.isin, day, pay, pay, currency=bond.currency, rate=bond.coupon_pct / bond.coupons_per_year
                )
        self.actions.sort(key=lambda a: (a.announced, a.ref))

    def _announce(self, caev: str, isin: str, ex: date, record: date, pay: date, days_before: int = 8, **more: object) -> None:
        announced = max(self.inception, add_business_days(ex, -days_before, "TARGET"))
        ref = f"{caev[:2]}{ex:%y%m%d}{isin[-4:]}"
        self.actions.append(Action(ref, caev, isin, announced, ex, record, pay, **more))  # type: ignore[arg-type]

    def _dividends(self, month: date) -> None:
        """A dozen a month on fixed business days: some on longs, some on shorts, some in the UCITS fund."""
        days, draw = business_days(month, month_end(month), "TARGET"), dice(self.seed, "dividends", month)
        longs = [isin for isin, side in self.held("long_short") if side > 0]
        shorts = [isin for isin, side in self.held("long_short") if side < 0]
        ucits = [isin for isin, _ in self.held("ucits")]
        fixed = set(self._special)
        for ordinal, pool in zip((2, 4, 5, 7, 8, 10, 12, 13, 16, 17, 18, 19, 20), [ucits, longs, shorts, ucits] * 4, strict=False):
            paper = self.securities[draw.choice([isin for isin in pool if isin not in fixed])]
            fixed.add(paper.isin)
            calendar = {"EU": "TARGET"}.get(paper.market, paper.market)
            ex = add_business_days(days[ordinal], 0, f"TARGET+US+{calendar}")
            record = ex if paper.market == "US" else add_business_days(ex, 1, calendar)
            pay = add_business_days(record, 8 if paper.market == "US" else 4, f"TARGET+US+{calendar}")
            rate = round_to(
                Decimal(str(self._first_price(paper))) * draw.randint(40, 150) / 10000, 0 if paper.currency == "JPY" else 3
            )
            self._announce(
                "DVCA", paper.isin, ex, record, pay, currency=paper.currency, rate=rate, withholding_pct=paper.withholding_pct
            )

    @cached_property
    def _special(self) -> tuple[str, str]:
        """The share that is split (both equity funds hold it) and the one with the rights issue (the UCITS fund alone)."""
        euro = [s.isin for s in self.securities.values() if s.kind == "equity" and s.market == "EU"]
        return self.held("ucits")[0][0], euro[12]

    def _split_and_rights(self) -> None:
        """In the first month: a 3:1 split on the 19th business day; 1 right for 4 shares on the 6th, exercised on the 16th."""
        month = (self.inception + timedelta(days=3)).replace(day=1)
        days, (split, issuer) = business_days(month, month_end(month), "TARGET"), self._special
        self._announce("SPLF", split, days[18], days[17], days[18], new=Decimal(3), old=Decimal(1), new_isin=split)
        paper = self.securities[issuer]
        right = self._add(Security(
            _isin(paper.country, "HLR", 1), f"{paper.name} Rights", "right", paper.currency, paper.country, paper.sector, paper.mic,
            paper.market, f"{paper.ticker}R", listed=self.inception,
        ))  # fmt: skip
        price = round_to(Decimal(str(self._first_price(paper))) * Decimal("0.7"), 2)
        self._announce("RHDI", issuer, days[5], days[6], days[5], new=Decimal(1), old=Decimal(4), new_isin=right.isin)
        self._announce("EXRI", right.isin, days[15], days[15], days[15], 10, currency=paper.currency, price=price, new=Decimal(1),
                       old=Decimal(1), new_isin=issuer, deadline=days[13])  # fmt: skip

    def _first_price(self, paper: Security) -> float:
        draw = dice(self.seed, "first", paper.isin)
        if paper.is_bond:
            return draw.uniform(94, 104)
        low, high = COUNTRIES[paper.country][-2:] if paper.kind == "equity" else (40, 90)
        return draw.uniform(low, high)

    def _walk(self) -> None:
        raw = {s.isin: self._first_price(s) for s in self.securities.values()}
        draws = {isin: dice(self.seed, "walk", isin) for isin in raw}
        effects = {(a.isin, day): a for a in self.actions for day in [add_business_days(a.ex, 0, "TARGET")]}
        for day in self.days:
            factors = dice(self.seed, "factors", day)
            shock = {sector: factors.gauss(0, 0.003) for sector in SECTORS}
            common, interest = factors.gauss(0.0003, 0.006), factors.gauss(0, 0.0012)
            for paper in self.securities.values():
                own = draws[paper.isin].gauss(0, 1)  # drawn on closed days too: a holiday shifts nobody's path
                if action := effects.get((paper.isin, day)):
                    raw[paper.isin] = _after(action, raw[paper.isin])
                if day == self.inception or not _moves(paper, day):
                    continue
                move = interest + own * 0.0006 if paper.is_bond else common + shock.get(paper.sector, 0) + own * 0.009
                raw[paper.isin] *= exp(
                    max(-0.06, min(0.06, move)) if paper.kind == "equity" else move * (1 if paper.is_bond else 6)
                )
            self.prices[day] = {s.isin: round_to(Decimal(repr(raw[s.isin])), s.price_decimals) for s in self.securities.values()}
            for action in (
                a for a in self.actions if a.caev == "EXRI"
            ):  # a right is worth what the share costs above the subscription
                worth = self.prices[day][action.new_isin] - action.price
                self.prices[day][action.isin] = max(worth, Decimal("0.01"))


def _moves(paper: Security, day: date) -> bool:
    if paper.kind == "private_equity":  # valued at quarter-ends, the last valuation repeated in between
        return day.month % 3 == 0 and day == add_business_days(month_end(day) + timedelta(days=1), -1, "TARGET")
    return paper.trades_on(day)


def _after(action: Action, price: float) -> float:
    """A share's price after the event: less the dividend, per new share, or the theoretical ex-rights price."""
    if action.caev == "DVCA":
        return price - float(action.rate)
    if action.caev == "SPLF":
        return price * float(action.old / action.new)
    return (4 * price + 0.7 * price) / 5 if action.caev == "RHDI" else price


def _isin(country: str, series: str, number: int) -> str:
    """A fictional ISIN: CUSIPs of the range kept for private use, else a national number no exchange gives."""
    if country == "US":
        from stdnum import cusip

        stem = f"99{number:04d}{ {'HL': '10', 'HLB': 'AB'}[series] }".replace(" ", "")
        return isin_with_check_digit("US", stem + cusip.calc_check_digit(stem))
    return isin_with_check_digit(country, f"{series}{number:0{9 - len(series)}d}")


@cache
def _converter() -> object:
    from currency_converter import CurrencyConverter  # 0.3 s

    return CurrencyConverter(decimal=True, fallback_on_missing_rate=True, fallback_on_missing_rate_method="last_known")


@cache
def _ecb(currency: str, day: date) -> Decimal:
    return Decimal(_converter().convert(Decimal(1), "EUR", currency, date=day))  # type: ignore[attr-defined]
