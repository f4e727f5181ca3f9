"""The custodians' own accounts of our cash and securities, and the files of ALPINE (MT) and BOREAL (ISO 20022, MT).

Each custodian keeps its balances from its own entries, so that what it forgot or booked twice carries on until it is put right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.demo import iso20022, swift
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox
from bo_lib.demo.ledger import Book, Entry, Holding, Notice, Statement, Status, Trade
from bo_lib.demo.market import dice
from bo_lib.model.dates import add_business_days
from bo_lib.model.money import ZERO, minor_unit_digits, round_money

CASH_ERRORS = ("cash_missing", "cash_duplicated", "cash_amount", "cash_value_date", "cash_reversed")
CHARGE, BACKDATED, MISPRINT = Decimal(25), Decimal(1000), Decimal(90)


class Custodian:
    """One fund's account at its custodian. Subclasses say how the files are named and written."""

    # names of the files of a day; {fund}, {ymd} and {account} (a cash account's number) are filled in
    cash_file = holdings_file = settlement_file = action_file = ""

    def __init__(self, book: Book) -> None:
        self.book, self.account = book, book.fund.accounts[0]
        self.sender = self.account.custodian
        self.closing = dict(book.cash)
        self.number = dict.fromkeys(book.cash, 100)  # of the last cash statement
        self.later: list[tuple[date, Entry]] = []  # corrections the bank will book
        self.sequence = 100

    def path(self, pattern: str, out: Outbox, currency: str = "") -> str:
        account = self.account.cash[currency or self.book.base]
        return f"{self.sender}/{pattern.format(fund=self.book.fund.id, ymd=out.ymd, account=account)}"

    def reference(self, action_ref: str) -> str:
        """The custodian's own reference of a corporate action, in announcements and in cash entries."""
        return f"{self.sender[0]}-{action_ref}"

    def write(
        self,
        out: Outbox,
        entries: Sequence[Entry],
        settled: Sequence[Trade],
        traded: Sequence[Trade],
        previous: date,
        errors: Errors,
    ) -> None:
        """All files of the day: cash, holdings, settlements, announcements."""
        self.sequence += 1
        income = ("DIV", "INT", "EXR")
        entries = [replace(e, reference=self.reference(e.reference)) if e.code in income else e for e in entries]
        self.write_cash(out, self._statements(out, entries, errors))
        self.write_holdings(out, self._holdings(out, errors))
        if statuses := self._statuses(out, settled, traded, previous, errors):
            self.write_statuses(out, statuses)
        self.announce(out, previous, errors)

    def announce(self, out: Outbox, previous: date, errors: Errors) -> None:
        """What was announced after ``previous``."""
        if notices := self._notices(out, previous, errors):
            self.write_notices(out, notices)

    def write_cash(self, out: Outbox, statements: Sequence[Statement]) -> None:
        raise NotImplementedError

    def write_holdings(self, out: Outbox, holdings: Sequence[Holding]) -> None:
        raise NotImplementedError

    def write_statuses(self, out: Outbox, statuses: Sequence[Status]) -> None:
        """Confirmations and statuses as FIN messages."""
        papers, account = self.book.market.securities, self.account.custody
        texts = [swift.mt54x(self.sender, account, out.day, n, s, papers[s.trade.isin].is_bond) for n, s in enumerate(statuses, 1)]
        out.put(self.path(self.settlement_file, out), "".join(texts))

    def write_notices(self, out: Outbox, notices: Sequence[Notice]) -> None:
        """Announcements as FIN messages."""
        papers = self.book.market.securities
        texts = [
            swift.mt564(self.sender, out.day, n, notice, papers[notice.action.isin].is_bond) for n, notice in enumerate(notices, 1)
        ]
        out.put(self.path(self.action_file, out), "".join(texts))

    def _statements(self, out: Outbox, entries: Sequence[Entry], errors: Errors) -> list[Statement]:
        kept = self._kept(out, list(entries), errors)
        found = []
        for currency in sorted(self.closing):
            own = tuple(e for e in kept if e.currency == currency)
            opening, self.number[currency] = self.closing[currency], self.number[currency] + 1
            if currency == self.book.base:
                opening = self._misstated(out, opening, errors)
            closing = self.closing[currency] = opening + sum((e.amount for e in own), ZERO)
            if currency == self.book.base and errors.due("statement_proof", self.book.fund.id):
                right, closing = closing, closing + MISPRINT
                file, key = self.path(self.cash_file, out), self.account.cash[currency]
                errors.record(
                    "statement_proof", self.book.fund.id, file, key, "closing", right, closing, "the next opening is right again"
                )
            number = self.number[currency]
            found.append(Statement(self.account.cash[currency], currency, number, out.day, opening, own, closing))
        return found

    def _kept(self, out: Outbox, entries: list[Entry], errors: Errors) -> list[Entry]:
        """The day's entries as the bank books them: what is due from earlier corrections, and today's mistakes."""
        fund, base, day = self.book.fund, self.book.base, out.day
        fresh = [e for e in entries if abs(e.amount) > 1000]
        entries += [replace(e, booked=day) for when, e in self.later if when <= day]
        self.later = [(when, e) for when, e in self.later if when > day]
        for kind in CASH_ERRORS:
            if errors.due(kind, fund.id) and fresh:
                entry = fresh.pop(dice(self.book.market.seed, kind, day).randrange(len(fresh)))
                self._spoil(kind, entry, entries, out, errors)
        if errors.due("cash_fee", fund.id):
            text = "STOCK BORROW FEE" if fund.kind == "long_short" else "CUSTODY CHARGES"
            entries.append(Entry("", base, -CHARGE, day, day, "CHG", text))
            key = f"{self.account.cash[base]} {text}"
            note = "not booked by us; stays in the bank's balance"
            errors.record("cash_fee", fund.id, self.path(self.cash_file, out), key, "entry", "", -CHARGE, note)
        return entries

    def _spoil(self, kind: str, e: Entry, entries: list[Entry], out: Outbox, errors: Errors) -> None:
        at, fund = entries.index(e), self.book.fund
        next_week = add_business_days(out.day, 2, fund.calendar)
        right: Any = e.amount
        wrong: Any = ""
        field, note = "amount", ""
        if kind == "cash_missing":
            del entries[at]
            self.later.append((next_week, e))
            note = f"booked {next_week}"
        elif kind == "cash_duplicated":
            entries.insert(at + 1, e)
            undone = replace(e, amount=-e.amount, reversal=True, text=f"REVERSAL OF DOUBLE ENTRY {e.text}")
            self.later.append((next_week, undone))
            wrong, note = e.amount * 2, f"reversed {next_week}"
        elif kind == "cash_amount":
            charge = round_money(CHARGE * (1 if minor_unit_digits(e.currency) else 100), e.currency)
            entries[at] = replace(e, amount=e.amount - charge)
            wrong, note = e.amount - charge, "a bank charge taken off; stays in the bank's balance"
        elif kind == "cash_value_date":
            entries[at] = replace(e, value=next_week)
            field, right, wrong = "value_date", e.value, next_week
        else:
            back = replace(e, amount=-e.amount, reversal=True, text=f"REVERSAL {e.text}")
            entries[at : at + 1] = [e, back, replace(e, text=f"REBOOKED {e.text}")]
            field, right, wrong, note = "entry", "once", "booked; reversed; booked", "adds up to the right balance"
        errors.record(kind, fund.id, self.path(self.cash_file, out, e.currency), e.reference or e.text, field, right, wrong, note)

    def _misstated(self, out: Outbox, opening: Decimal, errors: Errors) -> Decimal:
        """The opening as the statement in base currency shows it; a number may be skipped."""
        fund, base, day = self.book.fund, self.book.base, out.day
        file, key = self.path(self.cash_file, out), self.account.cash[base]
        if errors.due("statement_gap", fund.id):
            self.number[base] += 1
            errors.record("statement_gap", fund.id, file, key, "number", self.number[base] - 1, self.number[base])
        if errors.due("statement_opening", fund.id):
            note = "an entry put into yesterday after its statement was sent; taken back two days later"
            errors.record("statement_opening", fund.id, file, key, "opening", opening, opening + BACKDATED, note)
            undone = Entry("", base, -BACKDATED, day, day, "RTI", "CORRECTION OF BACKDATED ENTRY", True)
            self.later.append((add_business_days(day, 2, fund.calendar), undone))
            return opening + BACKDATED
        return opening

    def _holdings(self, out: Outbox, errors: Errors) -> list[Holding]:
        """Positions on the account's basis at closing prices; errors last one day."""
        market, found = self.book.market, []
        held = {isin: quantity for isin, quantity in sorted(self._quantities().items()) if quantity}
        self._misreport(held, out, errors)
        for isin, quantity in held.items():
            paper, price = market.securities[isin], market.prices[out.day][isin]
            value = round_money(quantity * price / (100 if paper.is_bond else 1), paper.currency)
            found.append(Holding(isin, paper.name, paper.is_bond, quantity, price, paper.currency, value))
        return found

    def _quantities(self) -> dict[str, Decimal]:
        return self.book.position if self.account.position_basis == "trade" else self.book.settled

    def _misreport(self, held: dict[str, Decimal], out: Outbox, errors: Errors) -> None:
        market, fund = self.book.market, self.book.fund
        split = {a.isin: a for a in market.actions if a.caev == "SPLF" and a.ex == out.day and a.isin in held}
        quiet = [isin for isin in held if market.is_quiet(isin, out.day)]
        for kind in ("position_split", "position_quantity", "position_missing"):
            pool = list(split) if kind == "position_split" else quiet
            if not errors.due(kind, fund.id) or not pool:
                continue
            isin = pool.pop(dice(market.seed, kind, out.day).randrange(len(pool)))
            right = wrong = held[isin]
            if kind == "position_split":
                wrong = held[isin] = right * split[isin].old / split[isin].new
            elif kind == "position_quantity":
                wrong = held[isin] = right + (10_000 if market.securities[isin].is_bond else 100)
            else:
                wrong = ZERO
                del held[isin]
            errors.record(kind, fund.id, self.path(self.holdings_file, out), isin, "quantity", right, wrong, "this day only")

    def _statuses(
        self, out: Outbox, settled: Sequence[Trade], traded: Sequence[Trade], previous: date, errors: Errors
    ) -> list[Status]:
        """Unmatched where our order system is wrong, matched the day after the trade, failing until it settles, then confirmed."""
        fund, day = self.book.fund, out.day
        file = self.path(self.settlement_file, out)
        disputed = {row["key"] for row in errors.truth if row["kind"] == "trade_quantity" and row["date"] == day}
        found = [_status(t, "unmatched", day, "DQUA") for t in traded if t.trade_id in disputed]
        for trade in self.book.trades.values():
            if trade.settlement_date <= day and trade.reason:
                found.append(_status(trade, "failing", day, trade.reason))
                if trade.settlement_date > previous:
                    dates = trade.settlement_date, trade.settles
                    errors.record("fail", fund.id, file, trade.trade_id, "settlement_date", *dates, trade.reason)
            elif previous <= trade.trade_date < day:
                found.append(_status(trade, "matched", day))
        confirmed = list(settled)
        if errors.due("confirmation_missing", fund.id) and confirmed:
            trade = confirmed.pop(dice(self.book.market.seed, "confirmation", day).randrange(len(confirmed)))
            note = "cash and securities moved, nobody said so"
            errors.record("confirmation_missing", fund.id, file, trade.trade_id, "confirmation", trade.settles, "", note)
        return found + [_status(t, "settled", t.settles) for t in confirmed]

    def _notices(self, out: Outbox, previous: date, errors: Errors) -> list[Notice]:
        """Announcements since the last file of what the account holds."""
        book, held, file = self.book, self._quantities(), self.path(self.action_file, out)
        actions = [a for a in book.market.actions if previous < a.announced <= out.day and held.get(a.isin)]
        found = [Notice(a, self.reference(a.ref), self.account.custody, held[a.isin]) for a in actions]
        dividends = [n for n in found if n.action.caev == "DVCA"]
        if errors.due("action_missing", self.sender) and dividends:
            lost = dividends[0].action
            found.remove(dividends[0])
            note = "the vendor announced it"
            errors.record(
                "action_missing", self.sender, file, lost.isin, "announcement", f"V-{lost.ref}", "", note, fund=book.fund.id
            )
        if errors.due("action_ex_date", book.fund.id) and dividends:
            right = dividends[-1].action
            wrong = add_business_days(right.ex, 1, book.fund.calendar)
            found[found.index(dividends[-1])] = replace(dividends[-1], action=replace(right, ex=wrong))
            errors.record(
                "action_ex_date", book.fund.id, file, right.isin, "ex_date", right.ex, wrong, "the vendor's date is right"
            )
        return found


def _status(trade: Trade, status: str, day: date, reason: str = "") -> Status:
    return Status(trade, status, day, reason, trade.quantity, trade.net)


class Alpine(Custodian):
    """A custodian that sends SWIFT MT: a statement per currency account, holdings on settlement-date basis."""

    cash_file, holdings_file = "mt940_{account}_{ymd}.sta", "mt535_{ymd}.fin"
    settlement_file, action_file = "mt54x_{ymd}.fin", "mt564_{ymd}.fin"

    def write_cash(self, out: Outbox, statements: Sequence[Statement]) -> None:
        for s in statements:
            out.put(self.path(self.cash_file, out, s.currency), swift.mt940(s, f"AL{out.ymd[2:]}{s.currency}"))

    def write_holdings(self, out: Outbox, holdings: Sequence[Holding]) -> None:
        content = swift.mt535(self.sender, self.account.custody, out.day, self.sequence, holdings)
        out.put(self.path(self.holdings_file, out), content)


class Boreal(Custodian):
    """A custodian that sends ISO 20022 for cash and holdings, and SWIFT MT for the rest."""

    cash_file, holdings_file = "camt053_{fund}_{ymd}.xml", "semt002_{fund}_{ymd}.xml"
    settlement_file, action_file = "mt54x_{fund}_{ymd}.fin", "mt564_{fund}_{ymd}.fin"

    def write_cash(self, out: Outbox, statements: Sequence[Statement]) -> None:
        content = iso20022.camt053(f"BOR-{out.ymd}-{self.book.fund.id}", out.day, statements, f"BO{out.ymd[2:]}")
        out.put(self.path(self.cash_file, out), content)

    def write_holdings(self, out: Outbox, holdings: Sequence[Holding]) -> None:
        content = iso20022.semt002(f"BOR-{out.ymd}-{self.sequence}", self.account.custody, out.day, holdings)
        out.put(self.path(self.holdings_file, out), content)
