"""The custodians ALPINE and BOREAL and the prime broker NORTHGATE: their own accounts of our cash and securities.

Each keeps its balances from its own entries, so that what it forgot or booked twice carries on until it is put right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.demo import iso20022, swift
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox, csv_text, plain, xlsx_bytes
from bo_lib.demo.ledger import Action, Book, Entry, Holding, Notice, Statement, Status, Trade
from bo_lib.demo.market import dice
from bo_lib.model.dates import add_business_days
from bo_lib.model.money import ZERO, minor_unit_digits, round_money

CASH_ERRORS = ("cash_missing", "cash_duplicated", "cash_amount", "cash_value_date", "cash_reversed")
CHARGE, BACKDATED, MISPRINT = Decimal(25), Decimal(1000), Decimal(90)


class Custodian:
    """One fund's account at its custodian."""

    def __init__(self, book: Book) -> None:
        self.book, self.account = book, book.fund.accounts[0]
        self.sender = self.account.custodian
        self.closing = dict(book.cash)
        self.number = dict.fromkeys(book.cash, 100)
        self.later: list[tuple[date, Entry]] = []  # corrections the bank will book
        self.sequence = 100

    def write(self, out: Outbox, entries: Sequence[Entry], settled: Sequence[Trade], traded: Sequence[Trade], previous: date,
              errors: Errors) -> None:  # fmt: skip
        """All files of the day: cash, holdings, settlements, announcements."""
        self.sequence += 1
        statements = self._statements(out, entries, errors)
        holdings = self._holdings(out, errors)
        statuses = self._statuses(out, settled, traded, previous, errors)
        {"ALPINE": self._alpine, "BOREAL": self._boreal}.get(self.sender, self._northgate)(out, statements, holdings, statuses)
        self.announce(out, self.notices(previous, out.day, errors, out))

    # cash ---------------------------------------------------------------------------------------------------------------------------

    def _statements(self, out: Outbox, entries: Sequence[Entry], errors: Errors) -> list[Statement]:
        kept = self._kept(out, list(entries), errors)
        found = []
        for currency in sorted(self.closing):
            own = tuple(e for e in kept if e.currency == currency)
            opening, self.number[currency] = self.closing[currency], self.number[currency] + 1
            if currency == self.book.base:
                opening = self._misnumbered(out, opening, errors)
            self.closing[currency] = opening + sum((e.amount for e in own), ZERO)
            found.append(Statement(self.account.cash[currency], currency, self.number[currency], out.day, opening, own, self.closing[currency]))
        return [self._misprinted(out, s, errors) if s.currency == self.book.base else s for s in found]

    def _kept(self, out: Outbox, entries: list[Entry], errors: Errors) -> list[Entry]:
        """The day's entries as the bank books them: what is due from earlier corrections, and today's mistakes."""
        fund, day = self.book.fund, out.day
        fresh = [e for e in entries if abs(e.amount) > 1000]
        entries += [replace(e, booked=day) for when, e in self.later if when <= day]
        self.later = [(when, e) for when, e in self.later if when > day]
        for kind in CASH_ERRORS:
            if errors.due(kind, fund.id) and fresh:
                entry = fresh.pop(dice(self.book.market.seed, kind, day).randrange(len(fresh)))
                self._spoil(kind, entry, entries, out, errors)
        if errors.due("cash_fee", fund.id):
            text = "STOCK BORROW FEE" if fund.kind == "long_short" else "CUSTODY CHARGES"
            entries.append(Entry("", self.book.base, -CHARGE, day, day, "CHG", text))
            errors.record("cash_fee", fund.id, sender=self.sender, file=self._cash_file(out, self.book.base), key=f"{self._cash(self.book.base)} {text}",
                          field="entry", right="not booked by us", wrong=-CHARGE, note="stays in the bank's balance")  # fmt: skip
        return entries

    def _spoil(self, kind: str, e: Entry, entries: list[Entry], out: Outbox, errors: Errors) -> None:
        at, day, fund = entries.index(e), out.day, self.book.fund

        def after(days: int) -> date:
            return add_business_days(day, days, fund.calendar)

        right: Any = e.amount
        wrong: Any = ""
        note, field = "", "amount"
        if kind == "cash_missing":
            del entries[at]
            self.later.append((after(2), e))
            note = f"booked {after(2)}"
        elif kind == "cash_duplicated":
            entries.insert(at + 1, e)
            self.later.append((after(2), replace(e, amount=-e.amount, reversal=True, text=f"REVERSAL OF DOUBLE ENTRY {e.text}")))
            wrong, note = e.amount * 2, f"reversed {after(2)}"
        elif kind == "cash_amount":
            charge = round_money(CHARGE * (100 if not minor_unit_digits(e.currency) else 1), e.currency)
            entries[at] = replace(e, amount=e.amount - charge)
            wrong, note = e.amount - charge, "a bank charge taken off; stays in the bank's balance"
        elif kind == "cash_value_date":
            entries[at] = replace(e, value=after(2))
            field, right, wrong = "value_date", e.value, after(2)
        else:
            back = replace(e, amount=-e.amount, reversal=True, text=f"REVERSAL {e.text}")
            entries[at : at + 1] = [e, back, replace(e, text=f"REBOOKED {e.text}")]
            field, right, wrong, note = "entry", "once", "booked, reversed, booked", "adds up to the right balance"
        errors.record(kind, fund.id, sender=self.sender, file=self._cash_file(out, e.currency), key=e.reference or e.text, field=field, right=right,
                      wrong=wrong, note=note)  # fmt: skip

    def _misnumbered(self, out: Outbox, opening: Decimal, errors: Errors) -> Decimal:
        fund, base, day = self.book.fund, self.book.base, out.day
        say = {"sender": self.sender, "file": self._cash_file(out, base), "key": self._cash(base)}
        if errors.due("statement_gap", fund.id):
            errors.record("statement_gap", fund.id, **say, field="number", right=self.number[base], wrong=self.number[base] + 1)
            self.number[base] += 1
        if errors.due("statement_opening", fund.id):
            errors.record("statement_opening", fund.id, **say, field="opening", right=opening, wrong=opening + BACKDATED,
                          note="an entry put into yesterday after its statement was sent; taken back two days later")  # fmt: skip
            text = "CORRECTION OF BACKDATED ENTRY"
            self.later.append((add_business_days(day, 2, fund.calendar), Entry("", base, -BACKDATED, day, day, "RTI", text, True)))
            return opening + BACKDATED
        return opening

    def _misprinted(self, out: Outbox, s: Statement, errors: Errors) -> Statement:
        if not errors.due("statement_proof", self.book.fund.id):
            return s
        errors.record("statement_proof", self.book.fund.id, sender=self.sender, file=self._cash_file(out, s.currency), key=s.account, field="closing",
                      right=s.closing, wrong=s.closing + MISPRINT, note="the next opening is right again")  # fmt: skip
        return replace(s, closing=s.closing + MISPRINT)

    def _cash(self, currency: str) -> str:
        return self.account.cash[currency]

    def _cash_file(self, out: Outbox, currency: str) -> str:
        name = {"ALPINE": f"mt940_{self._cash(currency)}_{out.ymd}.sta", "BOREAL": f"camt053_{self.book.fund.id}_{out.ymd}.xml"}
        return f"{self.sender}/{name.get(self.sender, f'cash_{out.ymd}.xlsx')}"

    # securities -----------------------------------------------------------------------------------------------------------------------

    def _holdings(self, out: Outbox, errors: Errors) -> list[Holding]:
        """Positions on the account's basis, valued at the custodian's prices; errors last one day."""
        book, market, fund = self.book, self.book.market, self.book.fund
        quantities = book.position if self.account.position_basis == "trade" else book.settled
        names = {"ALPINE": f"mt535_{out.ymd}.fin", "BOREAL": f"semt002_{fund.id}_{out.ymd}.xml"}
        path = f"{self.sender}/{names.get(self.sender, f'positions_{out.ymd}.csv')}"
        held = {isin: quantity for isin, quantity in sorted(quantities.items()) if quantity}
        splits = [a for a in market.actions if a.caev == "SPLF" and a.ex == out.day and a.isin in held]
        plain_ones = [isin for isin in held if market.is_quiet(isin, out.day)]
        for kind in ("position_split", "position_quantity", "position_missing"):
            if not errors.due(kind, fund.id) or (kind == "position_split" and not splits):
                continue
            isin = splits[0].isin if kind == "position_split" else plain_ones.pop(dice(market.seed, kind, out.day).randrange(len(plain_ones)))
            right, step = held[isin], 10_000 if market.securities[isin].is_bond else 100
            wrong = {"position_split": right / 3, "position_quantity": right + step, "position_missing": ZERO}[kind]
            held[isin] = wrong
            errors.record(kind, fund.id, sender=self.sender, file=path, key=isin, field="quantity", right=right, wrong=wrong, note="this day only")
        found = []
        for isin, quantity in held.items():
            paper, price = market.securities[isin], market.prices[out.day][isin]
            value = round_money(quantity * price / (100 if paper.is_bond else 1), paper.currency)
            if quantity:
                found.append(Holding(isin, paper.name, paper.is_bond, quantity, price, paper.currency, value))
        return found

    def _statuses(self, out: Outbox, settled: Sequence[Trade], traded: Sequence[Trade], previous: date, errors: Errors) -> list[Status]:
        fund, day = self.book.fund, out.day
        path = f"{self.sender}/{self._settlement_name(out)}"
        disputed = {row["key"] for row in errors.truth if row["kind"] == "trade_quantity" and row["date"] == day}
        found = [_status(t, "unmatched", day, "DQUA") for t in traded if t.trade_id in disputed]
        for trade in self.book.trades.values():
            if trade.settlement_date <= day and trade.reason:
                found.append(_status(trade, "failing", day, trade.reason))
                if trade.settlement_date > previous:
                    errors.record("fail", fund.id, sender=self.sender, file=path, key=trade.trade_id, field="settlement_date",
                                  right=trade.settlement_date, wrong=trade.settles, note=trade.reason)  # fmt: skip
            elif previous <= trade.trade_date < day:
                found.append(_status(trade, "matched", day))
        confirmed = list(settled)
        if errors.due("confirmation_missing", fund.id) and confirmed:
            trade = confirmed.pop(dice(self.book.market.seed, "confirmation", day).randrange(len(confirmed)))
            errors.record("confirmation_missing", fund.id, sender=self.sender, file=path, key=trade.trade_id, field="confirmation", right=trade.settles,
                          note="cash and securities moved, nobody said so")  # fmt: skip
        return found + [_status(t, "settled", t.settles) for t in confirmed]

    def notices(self, previous: date, day: date, errors: Errors, out: Outbox) -> list[Notice]:
        """What was announced since the last file, for what the account holds."""
        book, found = self.book, []
        quantities = book.position if self.account.position_basis == "trade" else book.settled
        for action in book.market.actions:
            is_new = previous < action.announced <= day
            held = quantities.get(action.isin, ZERO)
            if action.caev == "EXRI":  # the rights are not held yet when their exercise is announced on the same day as their distribution
                held = held or next((quantities.get(a.isin, ZERO) // a.old for a in book.market.actions if a.new_isin == action.isin), ZERO)
            if is_new and held:
                found.append(Notice(action, f"{self.sender[0]}-{action.ref}", self.account.custody, held))
        dividends = [n for n in found if n.action.caev == "DVCA"]
        if errors.due("action_missing", self.sender) and dividends:
            found.remove(dividends[0])
            errors.record("action_missing", self.sender, sender=self.sender, file=f"{self.sender}/mt564_{out.ymd}.fin", key=dividends[0].action.isin, field="announcement", fund=book.fund.id,
                          right=f"V-{dividends[0].action.ref}", note="the vendor announced it")  # fmt: skip
        if errors.due("action_ex_date", book.fund.id) and dividends:
            notice = dividends[-1]
            wrong = add_business_days(notice.action.ex, 1, book.fund.calendar)
            found[found.index(notice)] = replace(notice, action=replace(notice.action, ex=wrong))
            errors.record("action_ex_date", book.fund.id, sender=self.sender, file=f"{self.sender}/corporate_actions_{out.ymd}.csv", key=notice.action.isin,
                          field="ex_date", right=notice.action.ex, wrong=wrong)  # fmt: skip
        return found

    # formats --------------------------------------------------------------------------------------------------------------------------

    def _settlement_name(self, out: Outbox) -> str:
        names = {"ALPINE": f"mt54x_{out.ymd}.fin", "BOREAL": f"mt54x_{self.book.fund.id}_{out.ymd}.fin"}
        return names.get(self.sender, f"settlements_{out.ymd}.csv")

    def announce(self, out: Outbox, notices: Sequence[Notice]) -> None:
        """The day's announcements, when there are any: MT564, or the prime broker's CSV."""
        if not notices:
            return
        if self.sender == "NORTHGATE":
            rows = map(_action_row, notices)
            out.put(self.sender, f"corporate_actions_{out.ymd}.csv", csv_text(ACTION_HEADER, rows, dates="%m/%d/%Y"))
            return
        papers, part = self.book.market.securities, f"_{self.book.fund.id}" if self.sender == "BOREAL" else ""
        texts = [swift.mt564(self.sender, out.day, n, notice, papers[notice.action.isin].is_bond) for n, notice in enumerate(notices, 1)]
        out.put(self.sender, f"mt564{part}_{out.ymd}.fin", "".join(texts))

    def _settlement_messages(self, out: Outbox, statuses: Sequence[Status]) -> None:
        papers, account = self.book.market.securities, self.account.custody
        texts = [swift.mt54x(self.sender, account, out.day, n, s, papers[s.trade.isin].is_bond) for n, s in enumerate(statuses, 1)]
        if texts:
            out.put(self.sender, self._settlement_name(out), "".join(texts))

    def _alpine(self, out: Outbox, statements: Sequence[Statement], holdings: Sequence[Holding], statuses: Sequence[Status]) -> None:
        for s in statements:
            out.put(self.sender, f"mt940_{s.account}_{out.ymd}.sta", swift.mt940(s, f"AL{out.ymd[2:]}{s.currency}"))
        out.put(self.sender, f"mt535_{out.ymd}.fin", swift.mt535(self.sender, self.account.custody, out.day, self.sequence, holdings))
        self._settlement_messages(out, statuses)

    def _boreal(self, out: Outbox, statements: Sequence[Statement], holdings: Sequence[Holding], statuses: Sequence[Status]) -> None:
        fund = self.book.fund.id
        out.put(self.sender, f"camt053_{fund}_{out.ymd}.xml", iso20022.camt053(f"BOR-{out.ymd}-{fund}", out.day, statements, f"BO{out.ymd[2:]}"))
        content = iso20022.semt002(f"BOR-{out.ymd}-{self.sequence}", self.account.custody, out.day, holdings)
        out.put(self.sender, f"semt002_{fund}_{out.ymd}.xml", content)
        self._settlement_messages(out, statuses)

    def _northgate(self, out: Outbox, statements: Sequence[Statement], holdings: Sequence[Holding], statuses: Sequence[Status]) -> None:
        us_dates, number = "%m/%d/%Y", self.account.custody
        rows: list[Any] = [(number, out.day, h.isin, h.name, _brackets(h.quantity), h.price, h.currency, _brackets(h.value)) for h in holdings]
        titles = ("Northgate Prime Services - Position Report", f"Client: Harbour Lane - As of {out.day:%m/%d/%Y} - Trade date basis")
        header: Sequence[str] = ("Account", "As Of", "ISIN", "Description", "Quantity", "Price", "Ccy", "Market Value")
        out.put(self.sender, f"positions_{out.ymd}.csv", csv_text(header, rows, dates=us_dates, titles=titles))
        balances = [(s.account, s.currency, s.day, str(s.number), s.opening, s.closing) for s in statements]
        activity = [
            (s.account, s.currency, s.day, e.booked, e.value, e.amount, e.reference, f"NG{out.ymd[2:]}{s.currency}{n:03d}", e.code, e.text,
             "Y" if e.reversal else "N")
            for s in statements for n, e in enumerate(s.entries, 1)
        ]  # fmt: skip
        sheets = {
            "Balances": (("Account", "Ccy", "As Of", "Statement No", "Opening", "Closing"), balances),
            "Activity": (("Account", "Ccy", "As Of", "Entry Date", "Value Date", "Amount", "Client Ref", "Our Ref", "Type", "Narrative", "Reversal"),
                         activity),
        }  # fmt: skip
        out.put(self.sender, f"cash_{out.ymd}.xlsx", xlsx_bytes(sheets, us_dates))
        header = ("Client Ref", "Account", "Status", "Reason", "ISIN", "Side", "Quantity", "Ccy", "Net Amount", "Trade Date", "Contract Date",
                  "Status Date")  # fmt: skip
        rows = [(s.trade.trade_id, number, s.status.title(), s.reason, s.trade.isin, "Receive" if s.trade.sign > 0 else "Deliver", s.quantity,
                 s.trade.currency, s.amount, s.trade.trade_date, s.trade.settlement_date, s.day) for s in statuses]  # fmt: skip
        if rows:
            out.put(self.sender, f"settlements_{out.ymd}.csv", csv_text(header, rows, dates=us_dates))


ACTION_HEADER = ("Event Ref", "Account", "Event", "ISIN", "Announced", "Ex Date", "Record Date", "Pay Date", "Direction", "Ccy", "Rate",
                 "Withholding %", "New ISIN", "New", "Old", "Eligible", "Option", "Movement")  # fmt: skip


def _action_row(notice: Notice) -> tuple[Any, ...]:
    a: Action = notice.action
    short = notice.eligible is not None and notice.eligible < 0
    return (notice.reference, notice.account, a.caev, a.isin, a.announced, a.ex, a.record, a.pay, "DEBT" if short else "CRED", a.currency,
            a.rate or "", a.withholding_pct or "", a.new_isin, a.new or "", a.old or "", _brackets(notice.eligible or ZERO),
            *(("CASH", "cash-1") if a.rate else ("SECU", "securities-1")))  # fmt: skip


def _status(trade: Trade, status: str, day: date, reason: str = "") -> Status:
    return Status(trade, status, day, reason, trade.quantity, trade.net)


def _brackets(number: Decimal) -> str:
    """Thousands separators, and parentheses round what is short."""
    text = f"{abs(Decimal(plain(number))):,f}"
    return f"({text})" if number < 0 else text
