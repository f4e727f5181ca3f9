"""The canonical tables: every column, type and unit declared once.

Inside the library a table is a ``pyarrow.Table`` with exactly the schema declared here; ``Table.build`` makes one
and ``Table.check`` guards a border. Money, quantities, prices and rates are decimals of a declared scale. Every row
that came from a file ends with ``file`` (SHA-256 of the file) and ``at`` (its line or element).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Outcome, Place, error

TEXT = pa.string()
DATE = pa.date32()
FLAG = pa.bool_()
COUNT = pa.int64()
AMOUNT = pa.decimal128(38, 6)  # money in major units of the row's currency
QUANTITY = pa.decimal128(38, 10)  # shares, or nominal of a bond
PRICE = pa.decimal128(38, 12)  # per share; bonds in percent of par, clean
RATE = pa.decimal128(38, 18)  # units of one currency for one unit of another; also ratios and percentages


@dataclass(frozen=True)
class Column:
    name: str
    type: pa.DataType
    says: str  # meaning, unit and sign
    required: bool = False


@dataclass(frozen=True)
class Table:
    name: str
    says: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type, nullable=not c.required) for c in self.columns])

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    def empty(self) -> pa.Table:
        return self.schema.empty_table()

    def build(self, rows: Iterable[Mapping[str, Any]]) -> Outcome[pa.Table]:
        """Rows of Python values (decimals, dates, text) as a table; a row that does not fit becomes a finding.

        A row does not fit when it has an unknown column (a programmer's mistake: ``KeyError``), lacks a required value
        or holds a number that the declared scale cannot hold exactly.
        """
        rows = list(rows)
        if (whole := self._whole(rows)) is not None:
            return Outcome(whole)
        good: list[Mapping[str, Any]] = []
        findings: list[Finding] = []
        for row in rows:
            if unknown := row.keys() - set(self.names):
                raise KeyError(f"{self.name} has no column {sorted(unknown)}")
            wrong = [finding for column in self.columns if (finding := _misfit(self.name, column, row))]
            findings += wrong
            if not wrong:
                good.append(row)
        return Outcome(pa.Table.from_pylist(good, schema=self.schema), tuple(findings))

    def _whole(self, rows: list[Mapping[str, Any]]) -> pa.Table | None:
        """All rows at once, column by column (the usual case); None when any of them does not fit."""
        if unknown := set(chain.from_iterable(rows)) - set(self.names):
            raise KeyError(f"{self.name} has no column {sorted(unknown)}")
        arrays = []
        for column in self.columns:
            values = [row.get(column.name) for row in rows]
            try:
                array = pa.array(values, type=column.type)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                return None
            if column.required and (array.null_count or (pa.types.is_string(column.type) and "" in values)):
                return None
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def check(self, table: pa.Table) -> pa.Table:
        """The table itself when it has exactly this schema and no null where a value is required; ``TypeError`` otherwise."""
        if table.schema.names != self.names or any(a.type != b.type for a, b in zip(table.schema, self.schema, strict=True)):
            raise TypeError(f"not a table of {self.name}:\nfound\n{table.schema}\nexpected\n{self.schema}")
        if empty := [c.name for c in self.columns if c.required and table[c.name].null_count]:
            raise TypeError(f"{self.name}: no value in the required columns {empty}")
        return table


def built(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table of rows that a room made itself: a row that does not fit is a programmer's mistake (``ValueError``)."""
    outcome = table.build(rows)
    if outcome.findings:
        raise ValueError("; ".join(map(str, outcome.findings)))
    return outcome.value


def _misfit(table: str, column: Column, row: Mapping[str, Any]) -> Finding | None:
    value = row.get(column.name)
    place = Place(sha256=row.get("file") or "", at=row.get("at") or "", field=f"{table}.{column.name}")
    if value is None or value == "":
        return error("value-missing", f"{column.says} is missing", place, expected=str(column.type)) if column.required else None
    if pa.types.is_decimal(column.type) and not _holds(column.type, value):
        limits = f"at most {column.type.scale} decimals and {column.type.precision} digits"
        return error("number-too-fine", f"{column.says} cannot be kept exactly", place, found=str(value), expected=limits)
    return None


def _holds(kind: pa.Decimal128Type, value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return False  # NaN or infinity
    text = "".join(map(str, digits))
    needless = len(text) - len(text.rstrip("0")) if value else len(text)
    scale = max(0, -exponent - needless)
    return bool(scale <= kind.scale and value.adjusted() + 1 + kind.scale <= kind.precision)


_FILE = (
    Column("file", TEXT, "SHA-256 of the source file"),
    Column("at", TEXT, "line or element in the source file"),
)

STATEMENTS = Table("statements", "account statements: one row per statement or page sequence", ("statement_id",), (
    Column("statement_id", TEXT, "account/number of the statement", True),
    Column("account", TEXT, "account as the sender names it", True),
    Column("kind", TEXT, "cash or securities", True),
    Column("number", TEXT, "statement number / page as sent"),
    Column("currency", TEXT, "ISO 4217, cash only"),
    Column("statement_date", DATE, "business date the statement is for (closing balance date)"),
    Column("opening", AMOUNT, "opening booked balance, credit positive"),
    Column("closing", AMOUNT, "closing booked balance, credit positive"),
    Column("basis", TEXT, "securities: trade or settlement date basis"),
    Column("proven", FLAG, "opening + movements = closing; null where no balances are carried"),
    *_FILE,
))  # fmt: skip

CASH_MOVEMENTS = Table("cash_movements", "entries of cash statements", ("statement_id", "at"), (
    Column("statement_id", TEXT, "statement the entry stands in", True),
    Column("account", TEXT, "account as the sender names it", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("amount", AMOUNT, "signed: money in positive, out negative; reversals already turned", True),
    Column("booking_date", DATE, "entry date"),
    Column("value_date", DATE, "value date"),
    Column("reference", TEXT, "the account owner's reference (ours)"),
    Column("bank_reference", TEXT, "the servicer's reference"),
    Column("code", TEXT, "transaction type, such as NTRF or a bank transaction code"),
    Column("text", TEXT, "narrative"),
    Column("reversal", FLAG, "the entry reverses an earlier one"),
    *_FILE,
))  # fmt: skip

HOLDINGS = Table("holdings", "positions as a custodian, broker, administrator or filing reports them", ("statement_id", "at"), (
    Column("statement_id", TEXT, "statement the position stands in", True),
    Column("account", TEXT, "safekeeping account as the sender names it", True),
    Column("business_date", DATE, "date of the position"),
    Column("basis", TEXT, "trade or settlement"),
    Column("isin", TEXT, "ISO 6166"),
    Column("local_id", TEXT, "other identifier as sent, with its scheme: cusip:…, sedol:…, ticker:…"),
    Column("name", TEXT, "description as sent"),
    Column("quantity", QUANTITY, "signed: long positive; shares or nominal", True),
    Column("quantity_type", TEXT, "UNIT shares, FAMT face amount, AMOR amortised, CONT contracts, OTHR"),
    Column("price", PRICE, "per share, or percent of par"),
    Column("price_currency", TEXT, "ISO 4217"),
    Column("market_value", AMOUNT, "value in value_currency"),
    Column("value_currency", TEXT, "ISO 4217"),
    Column("accrued_interest", AMOUNT, "in value_currency"),
    Column("asset_kind", TEXT, "kind as the sender classifies it"),
    *_FILE,
))  # fmt: skip

TRADES = Table("trades", "trades as the order system or a broker reports them", ("trade_id", "version"), (
    Column("trade_id", TEXT, "the trade's own reference", True),
    Column("version", COUNT, "1, then 2 for an amendment"),
    Column("status", TEXT, "NEW, AMEND or CANCEL", True),
    Column("account", TEXT, "account the trade settles in", True),
    Column("isin", TEXT, "ISO 6166", True),
    Column("side", TEXT, "BUY, SELL, SHORT or COVER", True),
    Column("quantity", QUANTITY, "always positive: shares or nominal", True),
    Column("price", PRICE, "per share, or clean percent of par", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("commission", AMOUNT, "positive cost in currency"),
    Column("taxes", AMOUNT, "stamp duty and other taxes, positive cost in currency"),
    Column("accrued_interest", AMOUNT, "bond interest to settlement, paid by the buyer"),
    Column("net_amount", AMOUNT, "money that changes hands, positive"),
    Column("trade_date", DATE, "trade date", True),
    Column("settlement_date", DATE, "intended settlement date", True),
    Column("counterparty", TEXT, "executing broker"),
    *_FILE,
))  # fmt: skip

FX_DEALS = Table("fx_deals", "spot and forward currency deals", ("deal_id",), (
    Column("deal_id", TEXT, "the deal's own reference", True),
    Column("status", TEXT, "NEW or CANCEL", True),
    Column("kind", TEXT, "SPOT or FORWARD", True),
    Column("account", TEXT, "cash account group (fund's account at the custodian)", True),
    Column("buy_currency", TEXT, "ISO 4217", True),
    Column("buy_amount", AMOUNT, "positive", True),
    Column("sell_currency", TEXT, "ISO 4217", True),
    Column("sell_amount", AMOUNT, "positive", True),
    Column("trade_date", DATE, "trade date", True),
    Column("settlement_date", DATE, "value date", True),
    Column("share_class", TEXT, "class that is hedged; empty for the fund as a whole"),
    Column("counterparty", TEXT, "bank"),
    *_FILE,
))  # fmt: skip

SETTLEMENTS = Table("settlements", "statuses and confirmations of instructions (MT544-548)", ("file", "at"), (
    Column("reference", TEXT, "our reference of the instruction: the trade_id", True),
    Column("account", TEXT, "safekeeping account", True),
    Column("status", TEXT, "settled, partially_settled, pending, failing, unmatched, matched, cancelled or rejected", True),
    Column("reason", TEXT, "ISO reason code, such as LACK or CMIS"),
    Column("isin", TEXT, "ISO 6166"),
    Column("local_id", TEXT, "other identifier as sent, with its scheme: cusip:…, sedol:…, ticker:…"),
    Column("side", TEXT, "RECEIVE or DELIVER"),
    Column("quantity", QUANTITY, "settled or instructed quantity, positive"),
    Column("currency", TEXT, "ISO 4217"),
    Column("amount", AMOUNT, "settled or instructed amount, positive"),
    Column("trade_date", DATE, "trade date"),
    Column("intended_date", DATE, "intended settlement date"),
    Column("effective_date", DATE, "actual settlement date, or date of the status"),
    Column("text", TEXT, "narrative"),
    *_FILE,
))  # fmt: skip

ANNOUNCEMENTS = Table("announcements", "corporate action notifications", ("event_ref", "option", "movement"), (
    Column("event_ref", TEXT, "sender's reference of the event (CORP)", True),
    Column("function", TEXT, "NEWM, REPL, CANC, WITH, RMDR"),
    Column("sender", TEXT, "who announced it"),
    Column("account", TEXT, "safekeeping account; GENR when for all"),
    Column("caev", TEXT, "ISO event type: DVCA, SPLF, RHDI, …", True),
    Column("camv", TEXT, "MAND, CHOS or VOLU"),
    Column("isin", TEXT, "underlying security; empty where the sender names it by another code alone"),
    Column("local_id", TEXT, "other identifier as sent, with its scheme: cusip:…, sedol:…, ticker:…"),
    Column("announced", DATE, "announcement date"),
    Column("ex_date", DATE, "ex date"),
    Column("record_date", DATE, "record date"),
    Column("payment_date", DATE, "payment date"),
    Column("deadline", DATE, "response deadline"),
    Column("option", TEXT, "option number, such as 001"),
    Column("option_type", TEXT, "CASH, SECU, EXER, LAPS, SLLE, …"),
    Column("default_option", FLAG, "applies when nobody instructs"),
    Column("movement", TEXT, "cash or securities, with its ordinal: cash-1"),
    Column("direction", TEXT, "CRED or DEBT"),
    Column("currency", TEXT, "of the rate or price"),
    Column("rate", PRICE, "gross per unit held (dividend), or percent of nominal (interest)"),
    Column("withholding_pct", RATE, "tax rate in percent"),
    Column("price", PRICE, "subscription or redemption price per new unit"),
    Column("new_isin", TEXT, "security received"),
    Column("ratio_new", QUANTITY, "units received (split: units after)"),
    Column("ratio_old", QUANTITY, "for units held (split: units before)"),
    Column("eligible", QUANTITY, "eligible balance as the sender sees it"),
    *_FILE,
))  # fmt: skip

TRANSACTIONS = Table(
    "transactions", "what a custodian or broker says happened: trades, deliveries, corporate actions", ("file", "at"), (
    Column("statement_id", TEXT, "statement the transaction stands in, where it stands in one"),
    Column("account", TEXT, "account as the sender names it", True),
    Column("kind", TEXT, "trade, delivery, corporate_action, transfer, income or fee", True),
    Column("status", TEXT, "settled, pending, failing, cancelled; empty where the sender does not say"),
    Column("reference", TEXT, "the account owner's reference (ours): the trade_id"),
    Column("servicer_reference", TEXT, "the sender's own reference"),
    Column("isin", TEXT, "ISO 6166"),
    Column("local_id", TEXT, "other identifier as sent, with its scheme: cusip:…, conid:…, ticker:…"),
    Column("name", TEXT, "description as sent"),
    Column("side", TEXT, "BUY or SELL of a trade; RECEIVE or DELIVER of securities"),
    Column("quantity", QUANTITY, "signed: into the account positive; shares, nominal or contracts"),
    Column("quantity_type", TEXT, "UNIT shares, FAMT face amount, AMOR amortised, CONT contracts, OTHR"),
    Column("price", PRICE, "per share, or clean percent of par"),
    Column("currency", TEXT, "ISO 4217 of the money columns"),
    Column("amount", AMOUNT, "money that changes hands, signed: into the account positive"),
    Column("commission", AMOUNT, "positive cost"),
    Column("taxes", AMOUNT, "positive cost"),
    Column("accrued_interest", AMOUNT, "bond interest to settlement, paid by the buyer"),
    Column("trade_date", DATE, "trade date"),
    Column("settlement_date", DATE, "intended settlement date"),
    Column("effective_date", DATE, "actual settlement date, or date the transaction took effect"),
    Column("counterparty", TEXT, "broker, bank or depository"),
    Column("text", TEXT, "narrative"),
    *_FILE,
))  # fmt: skip

PRICES = Table("prices", "prices as vendors send them", ("source", "isin", "price_date"), (
    Column("source", TEXT, "vendor", True),
    Column("isin", TEXT, "ISO 6166", True),
    Column("price_date", DATE, "date the price is of", True),
    Column("price", PRICE, "per share in currency, or clean percent of par", True),
    Column("currency", TEXT, "ISO 4217; GBX where the vendor quotes pence"),
    Column("price_type", TEXT, "close, mid, bid, fair"),
    Column("bid", PRICE, "what buyers pay, quoted as price is; null or zero where there is none"),
    Column("ask", PRICE, "what sellers ask, quoted as price is; null or zero where there is none"),
    Column("quoted_at", TEXT, "ISO 8601 with offset: the moment the price is of, where the vendor says it"),
    *_FILE,
))  # fmt: skip

FX_RATES = Table("fx_rates", "exchange rates as vendors send them", ("source", "currency", "rate_date"), (
    Column("source", TEXT, "vendor", True),
    Column("pivot", TEXT, "one unit of this currency …", True),
    Column("currency", TEXT, "… costs `rate` units of this one", True),
    Column("rate_date", DATE, "date the rate is of", True),
    Column("rate", RATE, "units of currency for one pivot", True),
    Column("quoted_at", TEXT, "ISO 8601 with offset: the moment the rate is of, where the vendor says it"),
    *_FILE,
))  # fmt: skip

INSTRUMENTS = Table("instruments", "the security master", ("isin",), (
    Column("isin", TEXT, "ISO 6166", True),
    Column("name", TEXT, "short name", True),
    Column("kind", TEXT, "equity, fund, right, …_bond, bill, future, option, swap, private_equity: see model/instruments.py", True),
    Column("currency", TEXT, "ISO 4217 of price and settlement", True),
    Column("country", TEXT, "ISO 3166 of the issuer"),
    Column("sector", TEXT, "sector"),
    Column("mic", TEXT, "ISO 10383 of the main exchange"),
    Column("market", TEXT, "settlement market: US, EU, GB, CH, JP"),
    Column("ticker", TEXT, "exchange symbol"),
    Column("coupon_pct", RATE, "bond: yearly coupon in percent"),
    Column("coupons_per_year", COUNT, "bond: 1, 2 or 4"),
    Column("day_count", TEXT, "bond: ACT/ACT ICMA, 30/360 US, 30E/360, ACT/360, ACT/365F"),
    Column("issued", DATE, "bond: first accrual date"),
    Column("maturity", DATE, "bond: redemption date"),
    Column("withholding_pct", RATE, "withholding tax rate on income, in percent"),
    Column("multiplier", QUANTITY, "future, option: units of the underlying, or money per point, per contract; empty: 1"),
    Column("ex_dividend_days", COUNT, "bond: business days before a coupon from which it trades without it; empty: none"),
    Column("call_date", DATE, "bond: first day the issuer may repay it; empty: not before maturity"),
    Column("call_price", RATE, "bond: what it then pays, in percent of nominal; empty: 100"),
    *_FILE,
))  # fmt: skip

ORDERS = Table("orders", "investors' dealing orders", ("order_id",), (
    Column("order_id", TEXT, "the order's reference", True),
    Column("fund", TEXT, "fund", True),
    Column("investor", TEXT, "register account", True),
    Column("share_class", TEXT, "class", True),
    Column("kind", TEXT, "SUBSCRIBE, REDEEM", True),
    Column("amount", AMOUNT, "money, when dealt by amount"),
    Column("units", QUANTITY, "units, when dealt by units"),
    Column("currency", TEXT, "ISO 4217", True),
    Column("received", TEXT, "date and time received, ISO 8601 with offset", True),
    Column("dealing_date", DATE, "dealing day asked for"),
    *_FILE,
))  # fmt: skip

NAV_PACK = Table("nav_pack", "the administrator's NAV by component", ("fund", "nav_date", "component", "share_class", "item"), (
    Column("fund", TEXT, "fund", True),
    Column("nav_date", DATE, "valuation date", True),
    Column("component", TEXT, "holding, cash, receivable, payable, accrual, forward, net_assets, units, nav_per_unit, rate", True),
    Column("share_class", TEXT, "class, where the component is of one"),
    Column("item", TEXT, "ISIN, currency, fee or account the figure is of"),
    Column("quantity", QUANTITY, "holding: shares or nominal; units: units in issue"),
    Column("price", PRICE, "holding: price; rate: FX rate; nav_per_unit: NAV per unit"),
    Column("currency", TEXT, "currency of amount", True),
    Column("amount", AMOUNT, "value, assets positive, liabilities negative"),
    *_FILE,
))  # fmt: skip

FILING_TOTALS = Table("filing_totals", "totals and facts that a filing states", ("fund", "item"), (
    Column("fund", TEXT, "series or registrant", True),
    Column("item", TEXT, "name of the fact, such as netAssets", True),
    Column("business_date", DATE, "as-of date"),
    Column("currency", TEXT, "ISO 4217"),
    Column("amount", AMOUNT, "amount"),
    *_FILE,
))  # fmt: skip

JOURNAL = Table("journal", "double-entry lines; debit positive, credit negative", ("event_id", "line"), (
    Column("event_id", TEXT, "event the line comes from", True),
    Column("line", COUNT, "ordinal within the event", True),
    Column("fund", TEXT, "fund", True),
    Column("effective_date", DATE, "accounting date", True),
    Column("ledger", TEXT, "ledger account of the chart, such as cash or dividend_income", True),
    Column("account", TEXT, "custody or bank account, where one is meant"),
    Column("isin", TEXT, "instrument, where one is meant"),
    Column("share_class", TEXT, "class, where one is meant"),
    Column("currency", TEXT, "currency of local", True),
    Column("local", AMOUNT, "amount in currency: debit positive", True),
    Column("base", AMOUNT, "amount in the fund's base currency: debit positive", True),
    Column("quantity", QUANTITY, "change of position, signed"),
    Column("reference", TEXT, "trade, deal or order reference that both sides know"),
    Column("text", TEXT, "what it is, for people"),
))  # fmt: skip

LOTS = Table("lots", "open tax lots", ("account", "lot_id"), (
    Column("lot_id", TEXT, "event that opened the lot, with an ordinal", True),
    Column("account", TEXT, "custody account", True),
    Column("isin", TEXT, "instrument", True),
    Column("acquired", DATE, "acquisition date", True),
    Column("quantity", QUANTITY, "open quantity, signed: short negative", True),
    Column("currency", TEXT, "currency of cost_local", True),
    Column("cost_local", AMOUNT, "signed cost of the open quantity", True),
    Column("cost_base", AMOUNT, "the same in base currency at the rates of acquisition", True),
))  # fmt: skip

REALISED = Table("realised", "gains and losses realised, one row per lot relieved", ("event_id", "lot_id"), (
    Column("event_id", TEXT, "event that relieved the lot", True),
    Column("lot_id", TEXT, "lot relieved", True),
    Column("isin", TEXT, "instrument", True),
    Column("effective_date", DATE, "trade date", True),
    Column("acquired", DATE, "acquisition date of the lot", True),
    Column("quantity", QUANTITY, "quantity relieved, positive", True),
    Column("currency", TEXT, "currency of the local columns", True),
    Column("proceeds_local", AMOUNT, "net proceeds (short: proceeds of the opening sale)", True),
    Column("cost_local", AMOUNT, "cost relieved (short: cost of the cover)", True),
    Column("price_gain_base", AMOUNT, "(proceeds - cost) local at the rate of the closing trade", True),
    Column("currency_gain_base", AMOUNT, "cost local at that rate less cost base", True),
))  # fmt: skip

POSITIONS = Table("positions", "what the books hold, per account and instrument", ("account", "isin"), (
    Column("account", TEXT, "custody account", True),
    Column("isin", TEXT, "instrument", True),
    Column("quantity", QUANTITY, "signed quantity on the basis asked for", True),
    Column("cost_local", AMOUNT, "signed cost of the open lots", True),
    Column("cost_base", AMOUNT, "the same in base currency", True),
    Column("currency", TEXT, "currency of cost_local", True),
))  # fmt: skip

TRIAL_BALANCE = Table("trial_balance", "ledger balances; debit positive", ("ledger", "account", "share_class", "currency"), (
    Column("ledger", TEXT, "ledger account", True),
    Column("account", TEXT, "custody or bank account, where one is meant"),
    Column("share_class", TEXT, "class, where the balance is of one"),
    Column("currency", TEXT, "currency of local", True),
    Column("local", AMOUNT, "balance in currency", True),
    Column("base", AMOUNT, "balance in base currency", True),
))  # fmt: skip

TABLES = {
    table.name: table
    for table in (
        STATEMENTS, CASH_MOVEMENTS, HOLDINGS, TRADES, FX_DEALS, SETTLEMENTS, ANNOUNCEMENTS, TRANSACTIONS, PRICES, FX_RATES,
        INSTRUMENTS, ORDERS, NAV_PACK, FILING_TOTALS, JOURNAL, LOTS, REALISED, POSITIONS, TRIAL_BALANCE,
    )
}  # fmt: skip
