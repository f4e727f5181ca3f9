"""Files of the manager's order system (trades, currency deals) and of the register (investors' orders), with their errors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bo_lib.config import Fund
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox, csv_text
from bo_lib.demo.ledger import CODE, Book, Deal, Trade
from bo_lib.demo.market import dice
from bo_lib.model.dates import add_business_days, business_days, is_last_business_day_of_month
from bo_lib.model.identifiers import isin_with_check_digit
from bo_lib.model.money import ZERO, round_money

TRADE_HEADER = (
    "Trade Ref|Version|Status|Account|ISIN|Side|Quantity|Price|Ccy|Commission|Taxes|Accrued|Net Amount"
    "|Trade Date|Settle Date|Broker"
).split("|")
FX_HEADER = "Deal Ref|Status|Type|Account|Buy Ccy|Buy Amount|Sell Ccy|Sell Amount|Trade Date|Value Date|Class|Bank".split("|")
ORDER_HEADER = "Order Ref|Fund|Investor|Class|Type|Amount|Units|Ccy|Received|Dealing Date".split("|")
SIDES = {"BUY": "B", "SELL": "S", "SHORT": "SS", "COVER": "BC"}


@dataclass(frozen=True)
class Order:
    order_id: str
    fund: str
    investor: str
    share_class: str
    kind: str  # SUBSCRIBE, REDEEM, CALL
    amount: Decimal
    units: Decimal
    currency: str
    received: str
    dealing_date: date  # asked for
    deals_on: date  # after the cut-off: the next dealing day

    @property
    def cells(self) -> tuple[Any, ...]:
        money = (self.amount or "", self.units or "", self.currency)
        return (self.order_id, self.fund, self.investor, self.share_class, self.kind, *money, self.received, self.dealing_date)


class OrderSystem:
    """Writes trades and currency deals; a wrong row is put right by an amendment some days later."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.amendments: dict[date, list[list[Any]]] = defaultdict(list)

    def write(self, out: Outbox, trades: list[Trade], deals: list[Deal], errors: Errors) -> None:
        fund = self.book.fund
        account = fund.accounts[0].custody
        rows = [row for day in sorted(self.amendments) if day <= out.day for row in self.amendments.pop(day)]
        amended = len(rows)
        rows += [_trade_row(trade, account) for trade in trades]
        path = f"ORDERS/trades_{fund.id}_{out.ymd}.csv"
        for kind in ("trade_unknown_isin", "trade_price", "trade_quantity", "trade_duplicate", "trade_cancelled"):
            spoiled = [row[0] for row in rows if row.count("spoiled")]
            clean = [t for t in trades if t.trade_id not in spoiled and not t.reason]
            if errors.due(kind, fund.id) and clean:
                self._spoil(kind, rows, clean, amended, path, errors)
        title = f"Trades of {fund.id} - {out.day}"  # so that no two files are the same, not even empty ones
        out.put(path, csv_text(TRADE_HEADER, (row[: len(TRADE_HEADER)] for row in rows), titles=[title]))
        if deals:
            lines = [
                (d.deal_id, "NEW", d.kind, account, *d.buy, *d.sell, d.trade_date, d.settlement_date, d.share_class, "CALDER")
                for d in deals
            ]
            out.put(f"ORDERS/fx_{fund.id}_{out.ymd}.csv", csv_text(FX_HEADER, lines))

    def _spoil(self, kind: str, rows: list[list[Any]], clean: list[Trade], amended: int, path: str, errors: Errors) -> None:
        """Make one error in ``rows``; marked rows are not spoiled twice."""
        book, fund = self.book, self.book.fund
        trade = dice(book.market.seed, kind, errors.day).choice(clean)
        at = next(i for i, row in enumerate(rows) if i >= amended and row[0] == trade.trade_id)
        right, row = list(rows[at]), rows[at]
        next_day = add_business_days(errors.day, 1, fund.calendar)
        row.append("spoiled")
        if kind == "trade_duplicate":
            rows.insert(at + 1, list(row))
            errors.record(kind, fund.id, path, trade.trade_id, "row", "one row", "the row twice")
            return
        if kind == "trade_cancelled":
            fake = _trade_row(replace(trade, trade_id=f"{trade.trade_id[:8]}-9001"), right[3])
            rows += [[*fake, "spoiled"], [*fake[:1], 2, "CANCEL", *fake[3:], "spoiled"]]
            errors.record(kind, fund.id, path, fake[0], "status", "no trade", "NEW, then CANCEL", "must not be booked")
            return
        note = f"amended {next_day}"
        if kind == "trade_unknown_isin":
            row[4] = isin_with_check_digit(trade.isin[:2], f"ZZ{trade.isin[4:11]}")
            errors.record(kind, fund.id, path, trade.trade_id, "isin", trade.isin, row[4], note)
        elif kind == "trade_price":
            row[7] = trade.price * 10
            errors.record(kind, fund.id, path, trade.trade_id, "price", trade.price, row[7], note)
        else:
            row[6] = trade.quantity * 2
            next_day = add_business_days(trade.settlement_date, 0, fund.calendar)
            note = f"the custodian knows the right one; amended {next_day}"
            errors.record(kind, fund.id, path, trade.trade_id, "quantity", trade.quantity, row[6], note)
        row[12] = _net(row, book.market.securities[trade.isin].is_bond)
        self.amendments[next_day].append([right[0], 2, "AMEND", *right[3:], "spoiled"])


def _trade_row(trade: Trade, account: str) -> list[Any]:
    what = (trade.isin, SIDES[trade.side], trade.quantity, trade.price, trade.currency)
    money = (trade.commission, trade.taxes, trade.accrued, trade.net)
    return [trade.trade_id, 1, "NEW", account, *what, *money, trade.trade_date, trade.settlement_date, trade.broker]


def _net(row: list[Any], is_bond: bool) -> Decimal:
    """Money of a row as the order system computes it, from whatever price and quantity stand in it."""
    gross = round_money(row[6] * row[7] / (100 if is_bond else 1), row[8])
    return Decimal(gross + row[11] + (row[9] + row[10]) * (1 if row[5] in ("B", "BC") else -1))


def investors_orders(book: Book, day: date, size: int) -> list[Order]:
    """Good orders of the day (a late one among them now and then deals the next day)."""
    fund = book.fund
    dealing, draw = fund.on(day).dealing, dice(book.market.seed, "orders", fund.id, day)
    if fund.kind == "closed_end":
        return _capital_call(book, day)
    if dealing.frequency == "monthly":
        return _month_end_orders(book, day) if is_last_business_day_of_month(day, fund.calendar) else []
    ordinal = len(business_days(day.replace(day=1), day, "TARGET"))
    held = sorted(key for key, units in book.register.items() if units > 0)
    orders = []
    for number in range(1, draw.randint(1, 3) * size + 1):
        investor, share_class = draw.choice(held)
        late = number == 1 and ordinal in (5, 19) and fund.kind == "ucits"  # after the cut-off: deals on the next dealing day
        if draw.random() < 0.55:
            amount, units = Decimal(draw.randint(20, 400) * 1000), ZERO
        else:
            amount, units = ZERO, round_units(book.register[investor, share_class] * Decimal(draw.randint(1, 12)) / 1000 / size)
        orders.append(order_of(book, day, number, investor, share_class, amount, units, late))
    if ordinal == 18 and fund.kind == "ucits":  # large enough to swing the NAV
        orders.append(order_of(book, day, len(orders) + 1, held[0][0], held[0][1], Decimal(3_200_000), ZERO))
    return orders


def round_units(units: Decimal) -> Decimal:
    return units.quantize(Decimal(1))


def order_of(
    book: Book,
    day: date,
    number: int,
    investor: str,
    share_class: str,
    amount: Decimal,
    units: Decimal,
    late: bool = False,
    currency: str = "",
) -> Order:
    fund, dealing = book.fund, book.fund.on(day).dealing
    currency = currency or fund.on(day).share_class(share_class).currency
    zone = ZoneInfo(dealing.timezone)
    minutes = dealing.cut_off.hour * 60 + (95 if late else -10 - 13 * (number % 9))
    moment = _at(day, minutes, zone)
    deals_on = add_business_days(day, 1, fund.calendar) if late else day
    kind = "REDEEM" if units else "SUBSCRIBE"
    reference = f"{CODE[fund.kind]}{day:%y%m%d}-O{number:03d}"
    return Order(reference, fund.id, investor, share_class, kind, amount, units, currency, moment, day, deals_on)


def _at(day: date, minutes: int, zone: ZoneInfo) -> str:
    from datetime import datetime

    return datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone).isoformat()


def _month_end_orders(book: Book, day: date) -> list[Order]:
    """Monthly dealing: a subscription into next month's series, where the prospectus has it, and a redemption."""
    following = add_business_days(day, 1, book.fund.calendar)
    series, held = f"S-{following:%Y-%m}", sorted(key for key, units in book.register.items() if units > 0)
    orders = []
    if any(c.id == series for c in book.fund.on(day).classes):
        orders.append(order_of(book, day, 1, held[0][0], series, Decimal(1_000_000), ZERO))
    orders.append(order_of(book, day, 2, held[-1][0], held[-1][1], ZERO, Decimal(5000)))
    return orders


def _capital_call(book: Book, day: date) -> list[Order]:
    """5% of commitments in the fund's first month: notice on the 3rd business day, due ten business days later."""
    month = business_days(day.replace(day=1), day, "TARGET")
    if len(month) != 3 or (day - book.fund.inception).days > 30:
        return []
    due = add_business_days(day, 10, book.fund.calendar)
    share_class, noted = book.fund.on(day).classes[0], _at(day, 600, ZoneInfo("UTC"))
    calls = []
    for number, partner in enumerate(book.fund.investors, 1):
        reference, amount = f"{CODE[book.fund.kind]}{day:%y%m%d}-C{number:03d}", partner.commitment * 5 / 100
        what = (share_class.id, "CALL", amount, ZERO, share_class.currency)
        calls.append(Order(reference, book.fund.id, partner.id, *what, noted, due, day))
    return calls


def write_orders(book: Book, out: Outbox, orders: list[Order], errors: Errors) -> None:
    """The register's file: the good orders, and those that must be refused."""
    fund = book.fund
    path = f"REGISTER/orders_{fund.id}_{out.ymd}.csv"
    for order in orders:
        if order.deals_on > order.dealing_date and order.kind != "CALL":
            asked, note = order.dealing_date, "after the cut-off: deals on the next dealing day"
            errors.record("order_late", fund.id, path, order.order_id, "received", order.deals_on, asked, note)
    shown = list(orders)
    for kind in ("order_uncleared", "order_excess", "order_below_minimum", "order_unknown_class"):
        if errors.due(kind, fund.id) and (fund.on(out.day).dealing.frequency == "daily" or orders):
            bad, field, right, wrong = _bad_order(kind, book, out.day, len(shown) + 1)
            shown.append(bad)
            errors.record(kind, fund.id, path, bad.order_id, field, right, wrong, "must be refused")
    if fund.on(out.day).dealing.frequency == "daily" or shown:
        out.put(
            path,
            csv_text(ORDER_HEADER, (order.cells for order in shown), titles=[f"Orders of {fund.id} - {out.day}"]),
        )


def _bad_order(kind: str, book: Book, day: date, number: int) -> tuple[Order, str, Any, Any]:
    fund: Fund = book.fund
    held = sorted(key for key, units in book.register.items() if units > 0)
    (investor, share_class), currency = held[0], fund.on(day).share_class(held[0][1]).currency
    if kind == "order_uncleared":
        stranger = next(i.id for i in fund.investors if not i.cleared)
        return (
            order_of(book, day, number, stranger, share_class, Decimal(300_000), ZERO),
            "investor",
            "a cleared investor",
            stranger,
        )
    if kind == "order_excess":
        units = book.register[investor, share_class]
        return (
            order_of(book, day, number, investor, share_class, ZERO, round_units(units * 2)),
            "units",
            units,
            round_units(units * 2),
        )
    if kind == "order_unknown_class":
        return order_of(book, day, number, investor, "B", Decimal(50_000), ZERO, currency=currency), "share_class", share_class, "B"
    new = next(i.id for i in fund.investors if i.cleared and not any(key[0] == i.id and u for key, u in book.register.items()))
    minimum = fund.on(day).dealing.minimum_first
    return order_of(book, day, number, new, share_class, minimum / 2, ZERO), "amount", minimum, minimum / 2
