"""Interactive Brokers Flex statements: trades, currency deals, cash transactions, cash report, open positions.

Source: Interactive Brokers Flex Web Service, Activity Flex Query. The library ``ibflex`` turns the attributes that it knows
into values; it is asked attribute by attribute, so that one it does not know, or a value it cannot turn, never makes the file
unreadable. Every cash report of a currency is a statement: its starting cash and the flows it states lead to its ending cash.
Summaries of rows that stand in the file in full (orders, symbols, position lots) are not counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from bo_lib.feeds.ibflex_values import Element, rounded
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.feeds.xml import at, child, children, local, parse, text
from bo_lib.model.money import NO_CURRENCY, ZERO
from bo_lib.model.tables import CASH_MOVEMENTS, FX_DEALS, HOLDINGS, STATEMENTS, TRANSACTIONS

_SUMMARIES = ("BASE_SUMMARY", "BASE")
_COARSER = ("ORDER", "SUMMARY", "SYMBOL_SUMMARY", "ASSET_SUMMARY")
_PARTS = ("LOT", "CLOSED_LOT", "WASH_SALE")  # how a trade closes lots: no trades of their own
_FLOWS = (
    "brokerInterest", "changeInNav", "clientFees", "commissions", "deposits", "withdrawals", "depositWithdrawals", 
    "accountTransfers", "internalTransfers", "dividends", "insuredDepositInterest", "interest", "withholdingTax", "withholding871m",
    "withholdingCollectedTax", "transactionTax", "taxReceipts", "advisorFees", "otherFees", "otherIncome", "brokerFees",
    "netTradesSales", "netTradesPurchases", "futuresMTM", "feesReceivables", "fxTranslationGainLoss", "fxTranslationPnl",
    "cashSettlingMtm", "realizedVm", "cfdCharges", "paymentInLieu", "debitCardActivity", "billPay", "referralFee", "salesTax",
    "bondInterest", "netSecuritiesLentActivity", "linkingAdjustments", "carbonCredits", "donations", "paxosTransfers",
    "otherAdjustments", "insuredBankDepositInterest", "commissionCreditsRedemption", "billableCommissions", "billableSalesTax",
    "excessFundSweep", "taxReceivables", "realizedForexVm", "ipoSubscription", "other",
)  # fmt: skip
_EXACT = Decimal("0.000001")  # the broker reckons in binary fractions and prints up to nine decimals


def read(data: bytes, reading: Reading) -> None:
    """Every Flex statement of the file."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS, TRANSACTIONS, FX_DEALS, HOLDINGS)
    root = parse(data, reading)
    if root is None:
        return
    holder = child(root, "FlexStatements")
    found = [e for e in root.iter() if local(e) == "FlexStatement"]
    if not found:
        answer = " ".join(filter(None, (text(root, name) for name in ("Status", "ErrorCode", "ErrorMessage"))))
        reading.error("statement-missing", "the response holds no Flex statement", at(root), found=answer, expected="FlexStatement",
                      todo="a query that failed answers with a code and message: ask again")  # fmt: skip
        reading.refused += sum(1 for _ in root.iter("Trade", "CashTransaction", "OpenPosition"))
    stated = holder.get("count") if holder is not None else None
    if stated and stated != str(len(found)):
        reading.error("summary-differs", "the file does not hold as many statements as it says", at(root), "FlexStatements/@count",
                      found=stated, expected=str(len(found)), todo="ask for the report again")  # fmt: skip
    for ordinal, statement in enumerate(found, 1):
        _Statement(statement, ordinal, reading).read()


class _Statement:
    """One Flex statement on its way into the canonical tables."""

    def __init__(self, element: etree._Element, ordinal: int, reading: Reading) -> None:
        self.element, self.reading, self.place = element, reading, f"line {element.sourceline} FlexStatement[{ordinal}]"
        one = Element(element)
        rows = (Element(e).text("accountId") for e in element.iter() if isinstance(e.tag, str))
        self.account = next(filter(None, rows), "")  # of the statement, or where it states none of its first row
        self.until: date | None = None
        try:
            self.until = one.day("toDate")
        except UnreadableError as why:
            reading.error(why.code, why.message, self.place, why.field, **why.said)
        period = "-".join(filter(None, [one.text("fromDate"), one.text("toDate")]))
        self.number = period or str(ordinal)
        self.ids: dict[str, str] = {}
        self.sections: dict[str, list[tuple[str, etree._Element]]] = {}

    def read(self) -> None:
        if not self.account:
            self.reading.error("account-missing", "the statement names no account; its rows belong to nobody", self.place,
                               "accountId", expected="FlexStatement/@accountId", todo="add the account to the query")  # fmt: skip
            self.account = "NONREF"
        self._cash()
        self._rows("Trades", ("Trade",), self._trade)
        self._rows("TradeConfirms", ("TradeConfirm", "TradeConfirmation"), self._trade)
        self._rows("FxTransactions", ("FxTransaction",), self._conversion)
        self._rows("CorporateActions", ("CorporateAction",), self._action)
        self._rows("Transfers", ("Transfer",), self._transfer)
        self._positions()

    def _section(self, section: str, names: tuple[str, ...]) -> Iterator[tuple[str, etree._Element]]:
        for group in children(self.element, section):
            for ordinal, element in enumerate(children(group, *names), 1):
                yield f"line {element.sourceline} {local(element)}[{ordinal}]", element

    def _rows(self, section: str, names: tuple[str, ...], make: Any) -> None:
        """A row for each element of a section; summaries of other rows are left out and counted."""
        for place, element in self._once(section, names):
            try:
                made = make(Element(element), place)
            except UnreadableError as why:
                self.reading.refuse(why, place)
                continue
            table, row = made
            self.reading.add(table, place, row)

    def _once(self, section: str, names: tuple[str, ...]) -> list[tuple[str, etree._Element]]:
        """The elements in full detail; where the query gives none, those of the next coarser level."""
        if section in self.sections:
            return self.sections[section]
        found = list(self._section(section, names))
        levels = Counter(element.get("levelOfDetail") or "" for _, element in found)
        coarser = next(((level,) for level in _COARSER if level in levels), ())
        kept = tuple(level for level in levels if level.upper() not in (*_COARSER, *_PARTS)) or coarser
        if left := {level: count for level, count in levels.items() if level not in kept}:
            self.reading.info("summaries-skipped", f"{section}: rows that sum up others are not counted again", self.place,
                              found=", ".join(f"{n} {level}" for level, n in left.items()))  # fmt: skip
        self.sections[section] = [(place, one) for place, one in found if (one.get("levelOfDetail") or "") in kept]
        return self.sections[section]

    def _cash(self) -> None:
        """A statement per currency of the cash report, and one more per currency that only has transactions."""
        reports = [(p, Element(e)) for p, e in self._section("CashReport", ("CashReportCurrency",))]
        movements = [(p, Element(e)) for p, e in self._once("CashTransactions", ("CashTransaction",))]
        for place, report in reports:
            if (currency := report.text("currency")) and currency not in _SUMMARIES:
                self._cash_report(place, report, currency)
        for place, movement in movements:
            try:
                row = self._movement(movement)
            except UnreadableError as why:
                self.reading.refuse(why, place)
                continue
            if row["currency"] not in self.ids:
                self._statement(self.place, row["currency"])
            self.reading.add(CASH_MOVEMENTS, place, {"statement_id": self.ids[row["currency"]], **row})
        self._funds(bool(movements))

    def _funds(self, booked: bool) -> None:
        """The lines of the statement of funds, unless its cash transactions are ``booked``: from balance to balance.

        Lines in the base currency convert those of every currency: they are a statement of their own.
        """
        lines = self._fund_lines()
        if booked and lines:
            self.reading.info("summaries-skipped", "StmtFunds: its lines sum up the cash transactions and trades of the file",
                              self.place, found=f"{len(lines)} lines")  # fmt: skip
            return
        by_currency: dict[str, list[tuple[str, Element]]] = {}
        for place, line in lines:
            base = " base" if line.text("levelOfDetail") == "BaseCurrency" else ""
            by_currency.setdefault((line.text("currency") or NO_CURRENCY) + base, []).append((place, line))
        for name, found in by_currency.items():
            self._funds_of(name, found)

    def _fund_lines(self) -> list[tuple[str, Element]]:
        """In each currency; in the base currency alone where the query gives no others."""
        names = ("StmtFunds", "StatementOfFunds")
        lines = [(p, Element(e)) for name in names for p, e in self._section(name, ("StatementOfFundsLine",))]
        own = [one for one in lines if one[1].text("levelOfDetail") != "BaseCurrency"]
        return own or lines

    def _funds_of(self, name: str, lines: list[tuple[str, Element]]) -> None:
        kept, amounts, balances = [], [], []
        for place, line in lines:
            try:
                amount, balance = line.amount("amount", "credit", "debit"), line.amount("balance")
                if balance is not None:
                    balances.append((balance, amount or ZERO))
                if amount is None:
                    continue  # a line of a balance alone
                kept.append((place, {**self._movement(line), "currency": name[:3]}))
                amounts.append(amount)
            except UnreadableError as why:
                self.reading.refuse(why, place)
        if name not in self.ids:
            opening = balances[0][0] - balances[0][1] if balances else None
            closing = balances[-1][0] if balances else None
            row = self._statement(self.place, name, opening=rounded(opening), closing=rounded(closing))
            if opening is not None and closing is not None:
                row["proven"] = abs(opening + sum(amounts, ZERO) - closing) < _EXACT
                if not row["proven"]:
                    self.reading.prove(row, amounts, len(lines) - len(kept))
        for place, movement in kept:
            self.reading.add(CASH_MOVEMENTS, place, {"statement_id": self.ids[name], **movement})

    def _statement(self, place: str, name: str, **balances: Decimal | None) -> dict[str, Any]:
        """``name``: the currency, or ``EUR base`` of what is converted into it."""
        self.ids[name] = self.reading.statement_id(self.account, f"{self.number}/{name}")
        return self.reading.add(STATEMENTS, place, {
            "statement_id": self.ids[name], "account": self.account, "kind": "cash", "number": self.number,
            "currency": name[:3], "statement_date": self.until, "proven": None, **balances,
        })  # fmt: skip

    def _cash_report(self, place: str, report: Element, currency: str) -> None:
        """Proven by the flows that the report itself states, or by the trades and cash transactions of the file."""
        try:
            opening, closing = report.amount("startingCash"), report.amount("endingCash")
            flows = {name: value for name in _FLOWS if (value := report.amount(name)) is not None}
        except UnreadableError as why:
            self.reading.error(why.code, why.message, place, why.field, **why.said)
            opening = closing = None
            flows = {}
        row = self._statement(place, currency, opening=rounded(opening), closing=rounded(closing))
        if opening is None or closing is None:
            return
        if "deposits" in flows or "withdrawals" in flows:
            flows.pop("depositWithdrawals", None)
        moved, booked = sum(flows.values(), ZERO), self._booked(currency)
        row["proven"] = any(abs(opening + total - closing) < _EXACT for total in (moved, booked) if total is not None)
        if not flows and booked is None and not row["proven"]:
            row["proven"] = None
            self.reading.warning("flows-missing", f"{currency}: neither flows nor transactions are in the query, so the balances "
                                 "cannot be proven", place, "CashReport",
                                 todo="add the columns of the cash report to the query")  # fmt: skip
        elif not row["proven"]:
            self.reading.error(
                "balance-not-proven",
                f"{currency}: starting cash {opening} + stated flows {moved} ({len(flows)}) = {opening + moved}, not {closing}: "
                f"difference {closing - opening - moved}", place, "endingCash", found=str(closing), expected=str(opening + moved),
                todo="add all columns of the cash report to the query, or ask the broker",
            )  # fmt: skip

    def _booked(self, currency: str) -> Decimal | None:
        """What trades and cash transactions of the file move in a currency; None where it has none or one cannot be read."""
        amounts = []
        try:
            for _, element in self._once("CashTransactions", ("CashTransaction",)):
                one = Element(element)
                amounts += [one.amount("amount")] if one.text("currency") == currency else []
            for _, element in self._once("Trades", ("Trade",)):
                one = Element(element)
                if one.text("assetCategory") == "CASH":  # EUR.USD: quantity of the first, proceeds of the second currency
                    parts = (("quantity", (one.text("symbol") or "").partition(".")[0]), ("proceeds", one.text("currency")),
                             ("ibCommission", one.text("ibCommissionCurrency")))  # fmt: skip
                    amounts += [one.amount(name) for name, of in parts if of == currency]
                elif one.text("currency") == currency:
                    amounts.append(one.amount("netCash"))
            if not amounts or None in amounts:
                lines = [e for _, e in self._fund_lines() if e.text("currency") == currency]
                amounts = [
                    e.amount("amount", "credit", "debit") or ZERO for e in lines if e.text("levelOfDetail") != "BaseCurrency"
                ]
        except UnreadableError:
            return None
        return sum((a for a in amounts if a is not None), ZERO) if amounts and None not in amounts else None

    def _movement(self, one: Element) -> dict[str, Any]:
        amount, currency = one.money("amount", "credit", "debit"), one.text("currency")
        if amount is None or currency is None:
            field = "amount" if amount is None else "currency"
            raise UnreadableError("value-missing", f"the cash transaction has no {field}", expected=field, field=field)
        return {
            "account": one.text("accountId") or self.account, "currency": currency, "amount": amount,
            "booking_date": one.day("reportDate", "dateTime", "date"),
            "value_date": one.day("settleDate", "dateTime", "reportDate", "date"),
            "reference": one.text("clientReference"), "bank_reference": one.text("transactionID", "actionID", "tradeID"),
            "code": one.text("type", "activityCode"), "text": one.text("activityDescription", "description"), "reversal": False,
        }  # fmt: skip

    def _trade(self, one: Element, place: str) -> tuple[Any, dict[str, Any]]:
        quantity = one.amount("quantity")
        if quantity is None:
            raise UnreadableError("quantity-missing", "the trade has no quantity", expected="quantity", field="quantity")
        said = (one.text("buySell") or "").upper()
        cancelled = "CA." in said
        if not said:
            said = "BUY" if quantity > 0 else "SELL"
        elif not cancelled:  # some tools write what is sold without its sign
            quantity = abs(quantity) if said.startswith("BUY") else -abs(quantity)
        fee = one.money("ibCommission", "commission")
        row: dict[str, Any] = {
            **self._security(one), "kind": "trade", "status": "cancelled" if cancelled else None,
            "reference": one.text("orderReference"),
            "servicer_reference": one.text("tradeID", "transactionID", "execID", "ibExecID"),
            "side": "BUY" if said.startswith("BUY") else "SELL",
            "quantity": quantity, "price": one.amount("tradePrice", "price"), "currency": one.text("currency"),
            "amount": one.money("netCash", "proceeds"), "commission": -fee if fee is not None else None,
            "taxes": -tax if (tax := one.money("taxes", "tax")) is not None else None,
            "accrued_interest": one.money("accruedInt"),
            "trade_date": one.day("tradeDate", "dateTime"), "settlement_date": one.day("settleDateTarget", "settleDate"),
            "counterparty": one.text("exchange"), "text": one.text("notes", "transactionType"),
        }  # fmt: skip
        deal = self._deal(one, row) if one.text("assetCategory") == "CASH" else None
        return (FX_DEALS, deal) if deal else (TRANSACTIONS, row)

    def _deal(self, one: Element, row: dict[str, Any]) -> dict[str, Any] | None:
        """A trade in a currency pair as a deal; None (kept as a transaction) where it does not say what a deal needs."""
        base, _, quoted = (one.text("symbol") or "").partition(".")
        money, held = one.money("proceeds"), row["quantity"]
        complete = row["servicer_reference"] and row["trade_date"] and row["settlement_date"] and not row["status"]
        if quoted != row["currency"] or len(base) != 3 or not money or not held or (money > 0) == (held > 0) or not complete:
            return None
        bought, sold = ((base, held), (quoted, -money)) if held > 0 else ((quoted, money), (base, -held))
        spot = (row["settlement_date"] - row["trade_date"]).days <= 7
        return {
            "deal_id": row["servicer_reference"], "status": "NEW", "kind": "SPOT" if spot else "FORWARD", "account": row["account"],
            "buy_currency": bought[0], "buy_amount": bought[1], "sell_currency": sold[0], "sell_amount": sold[1],
            "trade_date": row["trade_date"], "settlement_date": row["settlement_date"], "counterparty": row["counterparty"],
        }  # fmt: skip

    def _conversion(self, one: Element, place: str) -> tuple[Any, dict[str, Any]]:
        into = one.text("functionalCurrency", "toCurrency") or ""
        pair = "/".join(filter(None, [one.text("fxCurrency", "fromCurrency"), into]))
        return TRANSACTIONS, {
            "account": one.text("accountId") or self.account, "kind": "transfer", "local_id": f"currency:{pair}" if pair else None,
            "servicer_reference": one.text("transactionID"), "quantity": one.amount("quantity"), "currency": into or None,
            "amount": one.money("proceeds"), "trade_date": one.day("dateTime", "reportDate"),
            "text": one.text("activityDescription"),
        }  # fmt: skip

    def _action(self, one: Element, place: str) -> tuple[Any, dict[str, Any]]:
        return TRANSACTIONS, {
            **self._security(one), "kind": "corporate_action", "servicer_reference": one.text("transactionID", "actionID"),
            "quantity": one.amount("quantity"), "currency": one.text("currency"), "amount": one.money("proceeds", "amount"),
            "trade_date": one.day("dateTime", "reportDate"), "effective_date": one.day("reportDate", "dateTime"),
            "text": one.text("actionDescription", "description", "type"),
        }  # fmt: skip

    def _transfer(self, one: Element, place: str) -> tuple[Any, dict[str, Any]]:
        size, into = one.amount("quantity"), one.text("direction") != "OUT"
        return TRANSACTIONS, {
            **self._security(one), "kind": "transfer", "servicer_reference": one.text("transactionID"),
            "side": "RECEIVE" if into else "DELIVER", "quantity": (abs(size) if into else -abs(size)) if size is not None else None,
            "currency": one.text("currency"), "amount": one.money("cashTransfer"),
            "effective_date": one.day("date", "dateTime", "reportDate"), "text": one.text("type"),
        }  # fmt: skip

    def _security(self, one: Element) -> dict[str, Any]:
        """Account, ISIN, other identifier and description."""
        code = one.text("securityID") if one.text("securityIDType") == "ISIN" else None
        others = (("cusip", "cusip"), ("conid", "conid"), ("symbol", "ticker"))
        local_id = next((f"{scheme}:{said}" for name, scheme in others if (said := one.text(name))), None)
        return {"account": one.text("accountId") or self.account, "isin": one.text("isin") or code, "local_id": local_id,
                "name": one.text("description") or one.text("symbol")}  # fmt: skip

    def _positions(self) -> None:
        """Open positions in total: lots only where the query gives no totals of them."""
        found = [(p, Element(e)) for p, e in self._section("OpenPositions", ("OpenPosition",))]
        totals = {self._key(e) for _, e in found if e.text("levelOfDetail") != "LOT"}
        if not found:
            return
        name = self.reading.statement_id(self.account, f"{self.number}/positions")
        self.reading.add(STATEMENTS, self.place, {
            "statement_id": name, "account": self.account, "kind": "securities", "number": self.number,
            "statement_date": self.until, "basis": "trade",
        })  # fmt: skip
        lots = 0
        for place, one in found:
            if one.text("levelOfDetail") == "LOT" and self._key(one) in totals:
                lots += 1
                continue
            try:
                self.reading.add(HOLDINGS, place, {"statement_id": name, **self._holding(one)})
            except UnreadableError as why:
                self.reading.refuse(why, place)
        if lots:
            said = f"OpenPositions: {lots} lots of positions that stand in total are not counted again"
            self.reading.info("summaries-skipped", said, self.place)

    @staticmethod
    def _key(one: Element) -> tuple[str | None, ...]:
        return one.text("accountId"), one.text("conid"), one.text("symbol"), one.text("currency")

    def _holding(self, one: Element) -> dict[str, Any]:
        held = one.amount("position", "quantity")
        if held is None:
            raise UnreadableError("quantity-missing", "the position has no quantity", expected="position", field="position")
        if one.text("side") == "Short" and held > 0:
            held = -held
        kind = one.text("assetCategory")
        return {
            **self._security(one), "business_date": one.day("reportDate") or self.until, "basis": "trade", "quantity": held,
            "quantity_type": {"BOND": "FAMT", "BILL": "FAMT", "OPT": "CONT", "FUT": "CONT", "FOP": "CONT"}.get(kind or "", "UNIT"),
            "price": one.amount("markPrice"), "price_currency": one.text("currency"), "market_value": one.money("positionValue"),
            "value_currency": one.text("currency"), "accrued_interest": one.money("accruedInt"), "asset_kind": kind,
        }  # fmt: skip
