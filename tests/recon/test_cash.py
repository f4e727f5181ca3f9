"""Cash of a fund, as the desk tells it: books and statements in, proof and breaks out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Outcome, Verdict
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS
from bo_lib.recon import Reconciliation, Rules, reconcile_cash
from tests.recon.scenario import CASH_ROWS, june

BALANCES = pa.schema([("account", pa.string()), ("currency", pa.string()), ("balance", pa.decimal128(38, 6))])


class Desk:
    """One account in euro. The bank opens at ``opening``; each day's statement chains to the one before."""

    def __init__(self, rules: Rules, opening: str = "1000") -> None:
        self.rules, self.opening = rules, Decimal(opening)
        self.book: list[dict[str, Any]] = []
        self.statements: list[dict[str, Any]] = []
        self.movements: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.held_back: list[dict[str, Any]] = []
        self.incomplete: tuple[str, ...] = ()

    def books(self, amount: str, day: int, reference: str | None, **more: Any) -> Desk:
        row = {"account": "ALPINE", "currency": "EUR", "amount": Decimal(amount), "value_date": june(day), "reference": reference}
        self.book.append(row | more)
        return self

    def bank(self, day: int, *entries: tuple[Any, ...], delivered: int | None = None, number: str = "", file: str = "") -> Desk:
        """A statement of ``day`` with entries (amount, reference, further columns)."""
        opening = self.statements[-1]["closing"] if self.statements else self.opening
        closing = opening + sum(Decimal(entry[0]) for entry in entries)
        name, sent = f"EUR/{number or day}", file or f"file-{day}"
        self.statements.append({
            "statement_id": name, "account": "ALPINE", "kind": "cash", "number": number or str(day), "currency": "EUR",
            "statement_date": june(day), "opening": opening, "closing": closing, "proven": True, "file": sent, "at": "1",
            "business_date": june(delivered or day),
        })  # fmt: skip
        for n, (amount, reference, *more) in enumerate(entries):
            row = {"statement_id": name, "account": "ALPINE", "currency": "EUR", "amount": Decimal(amount), "value_date": june(day)}
            self.movements.append(
                row | {"reference": reference, "reversal": False, "file": sent, "at": str(n)} | (more[0] if more else {})
            )
        return self

    def reconcile(self, day: int, balance: str | None = None) -> Outcome[Reconciliation]:
        held = Decimal(balance) if balance else self.opening + sum(r["amount"] for r in self.book if r["value_date"] <= june(day))
        balances = pa.Table.from_pylist([{"account": "ALPINE", "currency": "EUR", "balance": held}], BALANCES)
        book = pa.Table.from_pylist(self.book, CASH_ROWS.append(pa.field("kind", pa.string())))
        statements = pa.Table.from_pylist(self.statements, STATEMENTS.schema.append(pa.field("business_date", pa.date32())))
        return reconcile_cash(
            book, balances, statements, pa.Table.from_pylist(self.movements, CASH_MOVEMENTS.schema), self.rules, june(day),
            fund="EURO", value=lambda currency, amount: amount, calendar="TARGET", open_trades=pa.Table.from_pylist(self.trades),
            statuses=pa.Table.from_pylist(self.statuses), incomplete=self.incomplete,
            held_back=self.held_back,
        )  # fmt: skip


def proof(found: Outcome[Reconciliation]) -> dict[str, Any]:
    (row,) = found.value.proof.to_pylist()
    return row


def breaks(found: Outcome[Reconciliation]) -> list[tuple[str, str, Decimal]]:
    return [(item.kind, item.cause, item.amount) for item in found.value.items]


def codes(found: Outcome[Reconciliation]) -> list[str]:
    return [f.code for f in found.findings]


def test_a_day_that_agrees_is_proven(cash_rules: Rules) -> None:
    found = (
        Desk(cash_rules).books("-100", 2, "T1").books("25", 2, "DIV").bank(1).bank(2, ("25", "DIV"), ("-100", "T1")).reconcile(2)
    )
    assert (found.value.verdict, found.value.proven, breaks(found)) == (Verdict.PASS, True, [])
    assert found.value.matched_pct == 100


def test_open_items_explain_the_difference_of_the_balances(cash_rules: Rules) -> None:
    found = Desk(cash_rules).books("-100", 2, "T1").bank(2, ("-12.50", None, {"code": "NCHG", "text": "CUSTODY FEE"})).reconcile(2)
    assert proof(found)["difference"] == Decimal("-87.50") and proof(found)["unexplained"] == 0
    assert sorted(breaks(found)) == [
        ("missing_here", "fee charged by the bank", Decimal("12.50")),
        ("missing_there", "timing", Decimal("-100")),
    ]
    assert sum(item.amount for item in found.value.items) == proof(found)["difference"]
    assert found.value.verdict is Verdict.ATTENTION


def test_a_difference_that_no_item_explains_is_not_proven(cash_rules: Rules) -> None:
    found = Desk(cash_rules).bank(2).reconcile(2, balance="1000.01")
    assert proof(found)["unexplained"] == Decimal("0.01") and found.value.verdict is Verdict.BLOCKED


def test_rounding_within_tolerance_is_part_of_the_proof(cash_rules: Rules) -> None:
    found = Desk(cash_rules).books("-33.33", 2, "FX1").bank(2, ("-33.34", "FX1")).reconcile(2)
    assert proof(found)["rounding"] == Decimal("0.01") and proof(found)["proven"] and breaks(found) == []


def test_money_that_moved_for_an_open_trade_lacks_its_confirmation(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(2, ("-500", "T9", {"code": "NSEC"}))
    desk.trades = [{"trade_id": "T9", "settlement_date": june(2)}]
    assert breaks(desk.reconcile(2)) == [("missing_here", "confirmation missing", Decimal(500))]


def test_causes_are_named_from_evidence(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-70", 1, "T7").books("-100", 2, "T1").books("60", 2, "T2").books("9.99", 2, "T3")
    desk.bank(1).bank(
        2, ("-100", "T1"), ("-100", "T1"), ("5", "T8", {"reversal": True, "text": "CORRECTION"}),
        ("1.23", None, {"text": "CREDIT INTEREST"}), ("60.05", "T2"), ("77", "X"),
    ).bank(3, ("9.99", "T3"))  # fmt: skip
    desk.statuses = [{"reference": "T7", "status": "failing", "reason": "LACK", "effective_date": june(2)}]
    assert sorted(breaks(desk.reconcile(3))) == [
        ("amount", "rounding or exchange rate", Decimal("-0.05")),
        ("date", "wrong value date", Decimal(0)),
        ("duplicate", "booked twice", Decimal(100)),
        ("missing_here", "interest not booked", Decimal("-1.23")),
        ("missing_here", "not booked by us", Decimal(-77)),
        ("missing_here", "reversed by the bank", Decimal(-5)),
        ("missing_there", "settlement fails", Decimal(-70)),
    ]


def test_a_late_statement_leaves_the_account_waiting(cash_rules: Rules) -> None:
    found = Desk(cash_rules).books("-100", 2, "T1").bank(1).reconcile(2)
    assert codes(found) == ["statement-missing"] and "the last is of 2026-06-01" in found.findings[0].message
    assert found.value.verdict is Verdict.BLOCKED and found.value.compared == frozenset() and found.value.items == ()


def test_yesterdays_file_is_refused_not_matched(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-100", 1, "T1").bank(1, ("-100", "T1")).bank(1, ("-100", "T1"), delivered=2, file="again")
    assert codes(desk.reconcile(2)) == ["statement-of-another-day", "statement-missing"]


def test_a_statement_that_came_twice_counts_once(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-100", 2, "T1").bank(2, ("-100", "T1"))
    desk.statements.append(desk.statements[0] | {"file": "resent"})
    desk.movements.append(desk.movements[0] | {"file": "resent"})
    found = desk.reconcile(2)
    assert codes(found) == ["statement-duplicate"] and proof(found)["proven"] and breaks(found) == []


def test_a_second_statement_with_other_balances_blocks(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(2, ("-100", "T1"))
    desk.statements.append(desk.statements[0] | {"file": "other", "closing": Decimal(901)})
    assert codes(desk.reconcile(2)) == ["statement-contradicts"]


def test_statements_must_continue_one_another(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(1).bank(2).bank(3)
    desk.statements[1]["number"] = "2"
    del desk.statements[1]
    assert codes(desk.reconcile(3)) == ["statement-number"]
    desk.statements[1]["opening"] = Decimal(900)
    assert codes(desk.reconcile(3)) == ["statement-gap"]


def test_a_statement_that_does_not_add_up_is_named(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(2, ("-100", "T1"))
    desk.statements[0]["proven"] = False
    assert codes(desk.reconcile(2)) == ["statement-unproven"]


def test_statements_of_later_days_wait(cash_rules: Rules) -> None:
    found = Desk(cash_rules).bank(1).bank(2, ("-100", "T1")).reconcile(1)
    assert found.value.verdict is Verdict.PASS and found.value.business_date == date(2026, 6, 1)


def test_a_gap_between_statements_is_an_item_of_its_own_until_it_is_corrected(cash_rules: Rules) -> None:
    """The bank put 40 into yesterday after yesterday's statement was sent, and takes it back two days later."""
    desk = Desk(cash_rules).bank(1)
    desk.statements[-1]["closing"] += 40
    desk.bank(2)
    desk.statements[0]["closing"] -= 40
    found = desk.reconcile(2)
    assert breaks(found) == [("missing_here", "not shown on any statement", Decimal(-40))]
    assert codes(found) == ["statement-gap"] and proof(found)["unexplained"] == 0 and found.value.verdict is Verdict.BLOCKED
    found = desk.bank(3).reconcile(3)
    assert codes(found) == [] and found.value.verdict is Verdict.ATTENTION and proof(found)["proven"]
    found = desk.bank(4, ("-40", None, {"text": "CORRECTION OF BACKDATED ENTRY", "reversal": True})).reconcile(4)
    assert breaks(found) == [] and found.value.verdict is Verdict.PASS


def test_a_misprinted_closing_is_explained_and_gone_the_next_day(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(1)
    desk.statements[0] |= {"closing": Decimal(1090), "proven": False}
    found = desk.reconcile(1)
    assert (
        breaks(found) == [("missing_here", "not shown on any statement", Decimal(-90))] and found.value.verdict is Verdict.BLOCKED
    )
    desk.bank(2)
    desk.statements[1] |= {"opening": Decimal(1000), "closing": Decimal(1000)}
    assert breaks(desk.reconcile(2)) == []


def test_a_statement_of_a_file_that_was_cut_is_not_compared(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-100", 2, "T1").bank(1).bank(2, ("-100", "T1"))
    desk.incomplete = ("file-2",)
    found = desk.reconcile(2)
    assert codes(found) == ["statement-cut", "statement-missing"] and found.value.items == ()


def test_why_the_bank_has_another_amount(cash_rules: Rules) -> None:
    kinds = [
        ("settlement", "-100", "-125"),
        ("dividend", "1000", "850"),
        ("capital", "-5000", "-4990"),
        ("fx_deal", "300", "200.01"),
    ]
    desk = Desk(cash_rules)
    for n, (kind, ours, _) in enumerate(kinds):
        desk.books(ours, 2, f"R{n}", kind=kind)
    found = desk.bank(2, *((theirs, f"R{n}") for n, (*_, theirs) in enumerate(kinds))).reconcile(2)
    assert [cause for _, cause, _ in breaks(found)] == [
        "charge taken off by the bank", "rate or withholding tax differs", "units priced otherwise", "charge taken off by the bank",
    ]  # fmt: skip


def test_money_of_a_trade_that_we_held_back(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).bank(2, ("-500", "T9"))
    desk.held_back = [{"trade_id": "T9"}]
    assert breaks(desk.reconcile(2)) == [("missing_here", "trade held back by us", Decimal(500))]
