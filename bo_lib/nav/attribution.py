"""Why net assets moved: yesterday's NAV rolled by price, currency, trading, income, fees, hedge and capital.

Price and currency effects come from quantities, prices and rates, not from the ledger, so the roll is an expected NAV. What
rounding can explain goes to a line of that name; what it cannot is the residual, and a residual blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.money import ZERO, Rates, minor_unit_digits, round_money
from bo_lib.nav.columns import decimals, of_columns
from bo_lib.nav.strike import Strike
from bo_lib.nav.tables import ATTRIBUTION
from bo_lib.nav.valuation import Valuation, component_of, is_balance_sheet

LATE, PRIOR = "late items", "prior-period items"
CAUSES = ("price", "currency", "trading", "income", "fees", "hedge", "capital", LATE, PRIOR, "other", "rounding", "residual")
_INCOME = frozenset({"dividend_income", "dividend_expense", "withholding_tax", "interest_income"})
_TRADING = frozenset({"investments", "realised_gain", "realised_currency_gain"})


@dataclass(frozen=True)
class Attribution:
    """``table`` (ATTRIBUTION) adds up to ``closing`` less ``opening`` exactly."""

    opening: Decimal
    closing: Decimal
    table: pa.Table

    @cached_property
    def by_cause(self) -> dict[str, Decimal]:
        sums = self.table.group_by("cause").aggregate([("amount", "sum")]).to_pylist()
        return dict.fromkeys(CAUSES, ZERO) | {row["cause"]: row["amount_sum"] for row in sums}

    @property
    def expected(self) -> Decimal:
        """Yesterday's NAV rolled forward: what the strike should give but for the residual."""
        return self.closing - self.residual

    @property
    def residual(self) -> Decimal:
        return self.by_cause["residual"]


def attribute(
    before: Valuation, struck: Strike, journal: pa.Table, *, struck_before: Decimal | None = None, prior: Collection[str] = ()
) -> Attribution:
    """The move of net assets between the strike before and ``struck``.

    ``before``: yesterday's books valued at yesterday's prices and rates, its accruals booked, as known today. ``journal``: the
    journal of today's books (JOURNAL). ``struck_before``: net assets as struck yesterday; what became known of earlier days since
    then shows as late items. ``prior``: ids of events booked now that belong to a closed period; what they do to net assets shows
    as prior-period items, currency on open balances apart.
    """
    opening = before.net_assets if struck_before is None else struck_before
    return Attribution(opening, struck.net_assets, _Roll(before, struck, journal, prior).table(opening))


_Held = tuple[Decimal, Decimal, Decimal, str]  # quantity, price, value in base, currency
_NOTHING: _Held = ZERO, ZERO, ZERO, ""
_NOT_TRADED = ZERO, ZERO, ZERO, ZERO


def _held(valuation: Valuation) -> dict[str, _Held]:
    """Holdings by ISIN; one without a price counts zero."""
    held = valuation.held
    numbers = (decimals(column) for column in (held["quantity"], pc.fill_null(held["price"], ZERO), held["base"]))
    return dict(zip(held["item"].to_pylist(), zip(*numbers, held["currency"].to_pylist(), strict=True), strict=True))


class _Roll:
    def __init__(self, before: Valuation, struck: Strike, journal: pa.Table, prior: Collection[str]) -> None:
        self.prior = frozenset(prior)
        self.before, self.after, self.struck = before, struck.valuation, struck
        self.base = struck.base_currency
        own = {a.event_id for a in struck.accruals}
        dated = journal["effective_date"]
        since = journal.filter(pc.and_(pc.greater(dated, before.day), pc.less_equal(dated, struck.day))).to_pylist()
        self.lines: list[dict[str, Any]] = [r for r in since if r["event_id"] not in own]
        self.traded = {r["event_id"] for r in self.lines if r["ledger"] == "investments"}
        self.trades: dict[str, list[dict[str, Any]]] = defaultdict(list)  # lines of trades by ISIN
        for r in self.lines:
            if r["isin"] and r["event_id"] in self.traded and r["ledger"] in _TRADING:
                self.trades[r["isin"]].append(r)
        self.old, self.new = _held(before), _held(self.after)
        self.bonds = before.interest().keys() | self.after.interest().keys()
        self.rates: dict[str, tuple[Decimal, Decimal, Decimal]] = {}  # currency -> rate then, rate now, what rounding can leave
        self.sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def table(self, opening: Decimal) -> pa.Table:
        """Table ATTRIBUTION of the move since ``opening``."""
        for isin in sorted(self.old.keys() | self.new.keys() | self.trades.keys()):
            self._holding(isin)
        self._interest()
        self._money()
        self._forwards()
        self._ledgers()
        self.sums[LATE, "known since the strike before"] += self.before.net_assets - opening
        self.sums["residual", "unexplained"] += self.struck.net_assets - opening - sum(self.sums.values(), ZERO)
        kept = {key: amount for key, amount in self.sums.items() if amount}
        causes, items = [cause for cause, _ in kept], [item for _, item in kept]
        found = of_columns(ATTRIBUTION, len(kept), cause=causes, item=items, amount=list(kept.values()))
        order = pc.index_in(found["cause"], value_set=pa.array(CAUSES))
        by = pa.table({"order": order, "size": pc.abs(found["amount"]), "item": found["item"]})
        return found.take(pc.sort_indices(by, [("order", "ascending"), ("size", "descending"), ("item", "ascending")]))

    def _holding(self, isin: str) -> None:
        """Price on what was held, currency on it, and the result of what was traded, each rounded to the cent.

        A split (quantity without money) restates the quantity held before. The rest of the change of value is rounding as far
        as the roundings of value can make it, and residual beyond.
        """
        held, price_then, base_then, currency_then = self.old.get(isin, _NOTHING)
        _, price_now, base_now, currency_now = self.new.get(isin) or _NOTHING
        if isin not in self.new:
            price_now = self.struck.priced.prices.get(isin, price_then)
        then, now, slack = self._rates(currency_now or currency_then or self.base)
        per = 100 if isin in self.bonds else 1
        money, split, trading, belated = self._traded(isin, price_now, per, now) if isin in self.trades else _NOT_TRADED
        stood = held * price_then / per
        price = round_money(((held + split) * price_now / per - stood) * now, self.base)
        currency = round_money(stood * (now - then), self.base) if now != then else ZERO
        rest = base_now - base_then + money - price - currency - trading - belated
        explained = "rounding" if abs(rest) <= slack else "residual"
        causes = (("price", price), ("currency", currency), ("trading", trading), (PRIOR, belated), (explained, rest))
        for cause, amount in causes:
            if amount:
                self.sums[cause, isin] += amount

    def _traded(self, isin: str, price: Decimal, per: int, rate: Decimal) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Money of trades, quantity of splits, result of trading at today's price, and what of it belongs to a closed period."""

        def result(lines: list[dict[str, Any]], without: Decimal = ZERO) -> Decimal:
            quantity = sum((r["quantity"] or ZERO for r in lines), -without)
            return round_money(quantity * price / per * rate - sum((r["base"] for r in lines), ZERO), self.base)

        lines = self.trades[isin]
        split = sum((r["quantity"] for r in lines if r["quantity"] and not r["local"] and not r["base"]), ZERO)
        belated = result([r for r in lines if r["event_id"] in self.prior])
        return -sum((r["base"] for r in lines), ZERO), split, result(lines, split) - belated, belated

    def _rates(self, currency: str) -> tuple[Decimal, Decimal, Decimal]:
        if currency not in self.rates:
            then, now = _rate(self.before.rates, currency, self.base), _rate(self.after.rates, currency, self.base)
            self.rates[currency] = then, now, self._rounding(currency, then, now)
        return self.rates[currency]

    def _rounding(self, currency: str, then: Decimal, now: Decimal) -> Decimal:
        """The most that rounding of two values (local, then base) and three effects can leave."""
        half_local, half_base = (
            Decimal(5).scaleb(-minor_unit_digits(currency) - 1),
            Decimal(5).scaleb(-minor_unit_digits(self.base) - 1),
        )
        return half_local * (then + now) + 5 * half_base

    def _interest(self) -> None:
        old, new = self.before.interest(), self.after.interest()
        for isin in old.keys() | new.keys():
            was, is_now = old.get(isin), new.get(isin)
            ccy = (was or is_now or {})["currency"]
            moved = (
                was["local"] * (_rate(self.after.rates, ccy, self.base) - _rate(self.before.rates, ccy, self.base)) if was else ZERO
            )
            currency = round_money(moved, self.base)
            change = (is_now["base"] if is_now else ZERO) - (was["base"] if was else ZERO)
            self.sums["currency", isin] += currency
            self.sums["income", isin] += change - currency

    def _money(self) -> None:
        """Cash, receivables and payables: what they are worth today less yesterday less what was booked, by currency."""
        for valuation, sign in ((self.after, 1), (self.before, -1)):
            interest = valuation.interest()
            for row in valuation.others:
                if row["component"] != "forward" and row["item"] not in interest:
                    self.sums["currency", row["currency"]] += sign * row["base"]
        for r in self.lines:
            of_trade = r["event_id"] in self.traded and r["isin"]  # money that leaves at its cost belongs to no instrument
            if component_of(r["ledger"]) or (r["ledger"] == "realised_currency_gain" and not of_trade):
                self.sums["currency", r["currency"]] -= r["base"]

    def _forwards(self) -> None:
        for valuation, sign in ((self.after, 1), (self.before, -1)):
            for row in valuation.others:
                if row["component"] == "forward":
                    cause = ("hedge", row["share_class"]) if row["share_class"] else ("currency", row["item"])
                    self.sums[cause] += sign * row["base"]

    def _ledgers(self) -> None:
        """Income, fees, hedge gains and capital as booked; and today's accruals, which are not yet."""
        for r in self.lines:
            ledger = r["ledger"]
            if is_balance_sheet(ledger) or (
                ledger in _TRADING and (r["event_id"] in self.traded or ledger == "realised_currency_gain")
            ):
                continue
            self.sums[self._cause(r)] -= r["base"]
        for a in self.struck.accruals:
            self.sums["fees", f"{a.name} {a.share_class}".rstrip()] -= a.amount

    def _cause(self, r: dict[str, Any]) -> tuple[str, str]:
        ledger, share_class = r["ledger"], r["share_class"] or ""
        if r["event_id"] in self.prior and ledger != "capital":
            return PRIOR, r["isin"] or ledger
        if ledger in _INCOME:
            return "income", r["isin"] or ledger
        if ledger == "hedge_gain":
            return "hedge", share_class
        if ledger == "capital":
            return "capital", share_class
        if ledger in _TRADING or ledger in (
            "currency_exchange",
            "opening_equity",
            "retained_earnings",
            "unrealised_gain",
            "unrealised_currency_gain",
        ):
            return "other", ledger
        return "fees", f"{ledger} {share_class}".rstrip()


def _rate(rates: Rates, currency: str, into: str) -> Decimal:
    return rates.rate(currency, into) if currency in rates or currency == into else ZERO
