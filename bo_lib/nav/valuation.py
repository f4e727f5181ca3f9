"""Valuation: holdings, interest, money and forwards as components of net assets, and the marks that book them.

Net assets are computed twice: as the sum of the components (lots, prices, balances), and as what the ledger says
belongs to the unit holders once the marks are on it. The two meet only if lots, ledger and conversion agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.books import Book, interest_to
from bo_lib.model.findings import Finding, Outcome, error, warning
from bo_lib.model.instruments import is_bond
from bo_lib.model.money import ZERO, Rates
from bo_lib.model.tables import AMOUNT, JOURNAL, built
from bo_lib.nav.accrued import bond_interest
from bo_lib.nav.columns import decimals, less, of_columns, rows_where, total
from bo_lib.nav.pricing import Priced
from bo_lib.nav.tables import COMPONENTS

# Ledgers that the marks keep at today's value: whatever was taken over on them is replaced, not added to.
MARKED = frozenset({"unrealised_appreciation", "forward_value"})
_DEAL = "interest on "  # begins the item of interest on a money deal
_PAYABLES = frozenset(
    """payable_for_investments_purchased payable_for_units_redeemed dividends_payable fx_payable repo_payable borrowing_payable
    lending_collateral_payable""".split()
)


def component_of(ledger: str) -> str:
    """cash, receivable, payable, suspense or accrual (a fee's payable) for a balance of money; empty for every other ledger."""
    if ledger in ("cash", "suspense"):
        return ledger
    if ledger in _PAYABLES:
        return "payable"
    if ledger.endswith("_receivable") or ledger.startswith("receivable_"):
        return "receivable"
    return "accrual" if ledger.endswith("_payable") else ""


@dataclass(frozen=True)
class Valuation:
    """What a fund owns and owes at the close of ``day``; ``components`` is a table COMPONENTS."""

    day: date
    base_currency: str
    components: pa.Table
    rates: Rates
    taken_over: Mapping[str, tuple[Decimal, Decimal]]  # interest in the opening balances, now accrued per bond, by currency

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return self.components.to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def held(self) -> pa.Table:
        """The holdings among the components."""
        return rows_where(self.components, "component", "holding")

    @cached_property
    def others(self) -> list[dict[str, Any]]:
        """Rows of all components but the holdings."""
        return rows_where(self.components, "component", lambda kind: kind != "holding").to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def net_assets(self) -> Decimal:
        return total(self.components["base"])

    @cached_property
    def forwards_by_class(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.others:
            if row["component"] == "forward" and row["share_class"]:
                sums[row["share_class"]] += row["base"]
        return dict(sums)

    def holdings(self) -> dict[str, dict[str, Any]]:
        """Holding rows by ISIN."""
        return self._holdings

    def interest(self) -> dict[str, dict[str, Any]]:
        """Rows of interest accrued by ISIN."""
        return self._interest

    @cached_property
    def _holdings(self) -> dict[str, dict[str, Any]]:
        return {row["item"]: row for row in self.held.to_pylist()}

    @cached_property
    def _interest(self) -> dict[str, dict[str, Any]]:
        return {row["item"]: row for row in self.others if row["component"] == "accrual" and row["quantity"] is not None}


def value(book: Book, priced: Priced, rates: Rates, instruments: pa.Table, base_currency: str, day: date) -> Outcome[Valuation]:
    """Every holding, balance and forward of ``book`` at ``priced`` and ``rates``.

    ``instruments``: table INSTRUMENTS. A holding without a price counts zero and is an error; so is a currency without rate.
    """
    findings: list[Finding] = []
    into = _Into(base_currency, rates, findings)
    held = _holdings(book, priced, instruments, into, day)
    taken_over = _interest_taken_over(book)
    bonds, money = _bonds(book, instruments, into, day), _money(book, taken_over, into)
    rows = [*bonds, *money, *_forwards(book, into), *_deals(book, into, day)]
    components = pa.concat_tables([held, built(COMPONENTS, rows)]).combine_chunks()
    return Outcome(Valuation(day, base_currency, components, rates, taken_over), tuple(findings))


@dataclass
class _Into:
    """Converts into base currency; a missing rate is said once."""

    base: str
    rates: Rates
    findings: list[Finding]
    rated: dict[str, bool] = field(default_factory=dict)

    def __call__(self, amount: Decimal, currency: str) -> Decimal:
        if currency not in self.rated:
            self.rated[currency] = currency == self.base or (currency in self.rates and self.base in self.rates)
            if not self.rated[currency]:
                said, todo = f"{currency} cannot be valued in {self.base}", "load the rates of that day"
                self.findings.append(error("rate-missing", said, found=currency, expected="a rate", todo=todo))
        return self.rates.convert(amount, currency, self.base) if self.rated[currency] else ZERO


def _holdings(book: Book, priced: Priced, instruments: pa.Table, into: _Into, day: date) -> pa.Table:
    """Rows of COMPONENTS by ISIN, all accounts together."""
    sums = [(name, "sum") for name in ("quantity", "cost_local", "cost_base")]
    held = book.positions("trade").group_by("isin").aggregate(sums).sort_by("isin")
    currencies = dict(zip(instruments["isin"].to_pylist(), instruments["currency"].to_pylist(), strict=True))
    known, prices, locals_, bases = [], [], [], []
    for n, (isin, quantity) in enumerate(zip(held["isin"].to_pylist(), decimals(held["quantity_sum"]), strict=True)):
        currency, price = currencies.get(isin), priced.prices.get(isin)
        if currency is None:
            said = f"{isin}: {quantity.normalize():f} held and not in the security master"
            into.findings.append(error("instrument-missing", said, found=isin, todo="ask the vendor for its terms"))
            continue
        if price is None:
            said = f"{isin}: {quantity.normalize():f} held and no price on {day}"
            todo = "get the price, or override it with two people"
            into.findings.append(error("holding-unpriced", said, expected="a price", todo=todo))
        known.append(n)
        prices.append(price)
        locals_.append(book.worth(isin, quantity, price or ZERO))
        bases.append(into(locals_[-1], currency))
    held = held.take(pa.array(known, pa.int64()))
    in_base, cost_base = pa.array(bases, AMOUNT), held["cost_base_sum"]
    currency = [currencies[isin] for isin in held["isin"].to_pylist()]
    return of_columns(
        COMPONENTS, len(known), component="holding", item=held["isin"], quantity=held["quantity_sum"], price=prices,
        currency=currency, local=locals_, base=in_base, cost_local=held["cost_local_sum"], cost_base=cost_base,
        unrealised_base=less(in_base, cost_base),
    )  # fmt: skip


def _bonds(book: Book, instruments: pa.Table, into: _Into, day: date) -> Iterator[dict[str, Any]]:
    bonds = {row["isin"]: row for row in rows_where(instruments, "kind", is_bond).to_pylist()}
    accrued = bond_interest(book, bonds, day)
    into.findings += accrued.findings
    for isin, (nominal, local) in sorted(accrued.value.items()):
        currency = bonds[isin]["currency"]
        yield {"component": "accrual", "item": isin, "quantity": nominal, "currency": currency, "local": local,
               "base": into(local, currency)}  # fmt: skip


def _money(book: Book, taken_over: Mapping[str, tuple[Decimal, Decimal]], into: _Into) -> Iterator[dict[str, Any]]:
    """Each (ledger, currency) balance, converted once; a fee's payable also by class."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in book.trial_balance().to_pylist():
        if (kind := component_of(row["ledger"])) and row["ledger"] not in MARKED:
            sums[row["ledger"], (row["share_class"] or "") if kind == "accrual" else "", row["currency"]] += row["local"]
    for currency, (local, _) in taken_over.items():
        sums["interest_receivable", "", currency] -= local
    for (ledger, share_class, currency), local in sorted(sums.items()):
        if local:
            kind = component_of(ledger)
            item = {"cash": currency, "accrual": ledger.removesuffix("_payable")}.get(kind, ledger)
            yield {
                "component": kind,
                "share_class": share_class or None,
                "item": item,
                "currency": currency,
                "local": local,
                "base": into(local, currency),
            }


def _interest_taken_over(book: Book) -> dict[str, tuple[Decimal, Decimal]]:
    """Interest receivable that belongs to no instrument: accrued in the opening balances, now accrued per bond."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for _, _, line in book.lines():
        if line.ledger == "interest_receivable" and not line.isin:
            local, base = sums.get(line.currency, (ZERO, ZERO))
            sums[line.currency] = local + line.local, base + line.base
    return sums


def _forwards(book: Book, into: _Into) -> Iterator[dict[str, Any]]:
    """Open forwards at spot: bought leg less sold leg, each converted."""
    for deal in book.open_deals.to_pylist():
        if deal["kind"] == "FORWARD":
            worth = into(deal["buy_amount"], deal["buy_currency"]) - into(deal["sell_amount"], deal["sell_currency"])
            yield {
                "component": "forward",
                "share_class": deal["share_class"],
                "item": deal["deal_id"],
                "currency": into.base,
                "local": worth,
                "base": worth,
            }


def _deals(book: Book, into: _Into, day: date) -> Iterator[dict[str, Any]]:
    """Interest accrued on deposits, repos and other money deals; their principal is a balance."""
    for deal in book.money_deals:
        local = interest_to(deal, day)
        yield {
            "component": "accrual",
            "item": f"{_DEAL}{deal.deal_id}",
            "currency": deal.currency,
            "local": local,
            "base": into(local, deal.currency),
        }


def marks(book: Book, valuation: Valuation, fund: str) -> pa.Table:
    """The journal lines (table JOURNAL) that bring the books of ``book`` to ``valuation``; they balance in base.

    Gains since the take-over go to ``unrealised_gain`` (price, at today's rate) and ``unrealised_currency_gain``; interest
    to ``interest_income``; forwards of a class to its ``hedge_gain``. Not facts: they are made again at every strike.
    """
    same = {"event_id": f"{fund}:mark:{valuation.day}", "line": 0, "fund": fund, "effective_date": valuation.day}
    rows = [*_interest_marks(book, valuation), *_money_marks(book, valuation), *_forward_marks(book, valuation)]
    lines = pa.concat_tables([_holding_marks(valuation, same), built(JOURNAL, ({**same, **row} for row in rows))])
    lines = lines.filter(pc.or_(pc.not_equal(lines["local"], ZERO), pc.not_equal(lines["base"], ZERO))).combine_chunks()
    at = lines.column_names.index("line")
    return lines.set_column(at, JOURNAL.schema.field(at), pa.array(range(1, lines.num_rows + 1), pa.int64()))


def _pair(ledger: str, gain: str, currency: str, local: Decimal, base: Decimal, text: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"ledger": ledger, "currency": currency, "local": local, "base": base, "text": text, **more},
        {"ledger": gain, "currency": currency, "local": -local, "base": -base, "text": text, **more},
    ]


def _holding_marks(valuation: Valuation, same: Mapping[str, Any]) -> pa.Table:
    """Of each holding the gain at today's rate, then the currency on its cost: lines of JOURNAL."""
    into = _Into(valuation.base_currency, valuation.rates, [])  # a missing rate was said by the valuation
    held, many = valuation.held, valuation.held.num_rows
    gain, none = less(held["local"], held["cost_local"]), pa.array([ZERO] * many, AMOUNT)
    gain_base = pa.array(map(into, decimals(gain), held["currency"].to_pylist()), AMOUNT)
    rest = less(held["unrealised_base"], gain_base)
    four = (
        ("unrealised_appreciation", gain, gain_base, "market value less cost"),
        ("unrealised_gain", pc.negate(gain), pc.negate(gain_base), "market value less cost"),
        ("unrealised_appreciation", none, rest, "currency on cost"),
        ("unrealised_currency_gain", none, pc.negate(rest), "currency on cost"),
    )
    lines = [
        of_columns(
            JOURNAL, many, **same, ledger=ledger, isin=held["item"], currency=held["currency"], local=local, base=base, text=text
        )
        for ledger, local, base, text in four
    ]
    return pa.concat_tables(lines).take(pa.array(np.arange(4 * many).reshape(4, many).T.ravel()))  # holding by holding


def _interest_marks(book: Book, valuation: Valuation) -> Iterator[dict[str, Any]]:
    for isin, row in valuation.interest().items():
        yield from _pair(
            "interest_receivable", "interest_income", row["currency"], row["local"], row["base"], "interest accrued", isin=isin
        )
    for row in valuation.others:
        if row["item"].startswith(_DEAL):
            yield from _pair("interest_receivable", "interest_income", row["currency"], row["local"], row["base"], row["item"])
    for currency, (local, in_base) in sorted(valuation.taken_over.items()):
        yield from _pair("interest_receivable", "interest_income", currency, -local, -in_base, "interest accrued at the take-over")
    for row in book.trial_balance().to_pylist():
        if row["ledger"] == "unrealised_appreciation":
            yield from _pair(
                "unrealised_appreciation",
                "unrealised_gain",
                row["currency"],
                -row["local"],
                -row["base"],
                "appreciation at the take-over",
                account=row["account"],
            )


def _money_marks(book: Book, valuation: Valuation) -> Iterator[dict[str, Any]]:
    """Balances of money at today's rates."""
    stand: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in book.trial_balance().to_pylist():
        if component_of(row["ledger"]) and row["ledger"] not in MARKED:
            stand[row["ledger"], row["currency"]] -= row["base"]
    for currency, (_, in_base) in valuation.taken_over.items():
        stand["interest_receivable", currency] += in_base
    interest = valuation.interest()
    for row in valuation.others:
        if row["component"] != "forward" and row["item"] not in interest and not row["item"].startswith(_DEAL):
            ledger = {"cash": "cash", "accrual": f"{row['item']}_payable"}.get(row["component"], row["item"])
            stand[ledger, row["currency"]] += row["base"]
    for (ledger, currency), adjust in sorted(stand.items()):
        yield from _pair(ledger, "unrealised_currency_gain", currency, ZERO, adjust, "at the rates of the day")


def _forward_marks(book: Book, valuation: Valuation) -> Iterator[dict[str, Any]]:
    for row in valuation.others:
        if row["component"] == "forward":
            gain = "hedge_gain" if row["share_class"] else "unrealised_currency_gain"
            yield from _pair(
                "forward_value",
                gain,
                row["currency"],
                row["local"],
                row["base"],
                "forward at spot",
                share_class=row["share_class"],
                reference=row["item"],
            )
    for row in book.trial_balance().to_pylist():
        if row["ledger"] == "forward_value":
            gain = "hedge_gain" if row["share_class"] else "unrealised_currency_gain"
            yield from _pair(
                "forward_value",
                gain,
                row["currency"],
                -row["local"],
                -row["base"],
                "forwards at the take-over",
                share_class=row["share_class"],
            )


def is_balance_sheet(ledger: str) -> bool:
    """True for assets and liabilities, by name: investments, their appreciation, forwards and money."""
    return ledger == "investments" or ledger in MARKED or bool(component_of(ledger))


def net_assets_by_ledger(book: Book, marked: pa.Table) -> Decimal:
    """The second computation: what capital and results since the opening add up to on the ledger, marks included."""
    results = (rows_where(lines, "ledger", lambda ledger: not is_balance_sheet(ledger)) for lines in (book.trial_balance(), marked))
    return -sum((total(lines["base"]) for lines in results), ZERO)


def unvalued(book: Book, valuation: Valuation) -> list[Finding]:
    """Accounts and lots that do not meet: investments at cost on the ledger against the open lots."""
    ledger = total(rows_where(book.trial_balance(), "ledger", "investments")["base"])
    lots = total(valuation.held["cost_base"])
    if ledger == lots:
        return []
    return [
        warning(
            "lots-off-ledger",
            "investments on the ledger are not the cost of the open lots",
            expected=str(lots),
            found=str(ledger),
            todo="find the event that moved one without the other",
        )
    ]
