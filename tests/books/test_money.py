"""Balances taken over, currency deals, capital, fees, payments and manual journals."""

from datetime import date
from decimal import Decimal

from bo_lib.books.posting import RULES
from tests.books import desk
from tests.books.contracts import every_contract
from tests.books.desk import accrual, balance, balances, booked, capital, codes, deal, june, keep, lot, manual, payment, text


def test_a_spot_is_in_the_books_from_trade_date_and_moves_cash_on_value_date() -> None:
    """Bought 1,100 USD for 1,000 EUR: they cost 1,000, whatever the rate of the day they were agreed on or arrived."""
    book = keep(deal("f1", 2, "SPOT", "USD 1100", "EUR 1000", 3)).value
    assert booked(book, "f1") == text("""
        2 fx_receivable           1100 USD  1000
        2 currency_exchange      -1100 USD -1000
        2 fx_payable             -1000 EUR -1000
        2 currency_exchange       1000 EUR  1000
        3 cash                    1100 USD  1000
        3 fx_receivable          -1100 USD -1000
        3 cash                   -1000 EUR -1000
        3 fx_payable              1000 EUR  1000
    """)


def test_a_spot_of_two_foreign_currencies_is_booked_at_the_rates_of_its_days() -> None:
    """Dollars for 17,000 yen, 100 EUR at 170: 110 USD are worth 99.10 at 1.11 and 98.21 at 1.12, when they arrive."""
    book = keep(deal("f1", 2, "SPOT", "USD 110", "JPY 17000", 3)).value
    assert booked(book, "f1") == text("""
        2 fx_receivable              110 USD   99.1
        2 currency_exchange         -110 USD  -99.1
        2 fx_payable              -17000 JPY -100
        2 currency_exchange        17000 JPY   99.1
        2 realised_currency_gain       0 JPY    0.9
        3 cash                       110 USD   98.21
        3 fx_receivable             -110 USD  -99.1
        3 realised_currency_gain       0 USD    0.89
        3 cash                    -17000 JPY -100
        3 fx_payable               17000 JPY  100
    """)


def test_a_forward_of_a_class_is_valued_until_it_settles_as_hedge_gain() -> None:
    forward = deal("f1", 1, "FORWARD", "EUR 1000", "USD 1110", 4, share_class="H-USD")
    waiting = keep(forward, until=june(3)).value
    assert waiting.journal.num_rows == 0
    assert waiting.open_deals.to_pylist()[0]["share_class"] == "H-USD"
    book = keep(forward).value  # 1,110 USD cost 982.30 EUR at 1.13
    (gain,) = [row for row in book.trial_balance().to_pylist() if row["ledger"] == "hedge_gain"]
    assert (gain["share_class"], gain["base"]) == ("H-USD", Decimal("-17.70"))
    assert balances(book)["cash", "EUR"] == (1000, 1000)
    assert sum(base for (ledger, _), (_, base) in balances(book).items() if ledger == "currency_exchange") == 0
    assert book.open_deals.num_rows == 0


def test_capital_is_owed_until_its_contractual_day() -> None:
    book = keep(capital("o1", 2, "SUBSCRIBE", "10", "1110", "1000", "USD", 4)).value
    assert booked(book, "o1") == text("""
        2 receivable_for_units_issued  1110 USD  1000
        2 capital                     -1110 USD -1000
        4 cash                         1110 USD   982.3
        4 receivable_for_units_issued -1110 USD -1000
        4 realised_currency_gain          0 USD    17.7
    """)


def test_money_that_comes_before_the_units_is_owed_to_the_investor() -> None:
    call = capital("o1", 4, "CALL", "0", "5000", "5000", "EUR", 2)
    assert balances(keep(call, until=june(3)).value)["receivable_for_units_issued", "EUR"] == (-5000, -5000)
    assert balances(keep(call).value) == {("capital", "EUR"): (-5000, -5000), ("cash", "EUR"): (5000, 5000)}


def test_a_redemption_leaves_as_capital_and_then_as_cash() -> None:
    book = keep(capital("o1", 2, "REDEEM", "10", "1000", "1000", "EUR", 4)).value
    assert balances(book) == {("capital", "EUR"): (1000, 1000), ("cash", "EUR"): (-1000, -1000)}


def test_a_fee_accrues_and_its_payment_clears_the_payable() -> None:
    events = [accrual("a1", 1, "administration_fee", "120.50"), accrual("a2", 2, "administration_fee", "120.50")]
    book = keep(*events, payment("p1", 3, "administration_fee_payable", "-241")).value
    assert balances(book) == {("administration_fee", "EUR"): (241, 241), ("cash", "EUR"): (-241, -241)}
    assert desk.CHART.type_of("administration_fee") == "expense"
    assert desk.CHART.type_of("administration_fee_payable") == "liability"


def test_a_ledger_that_nobody_knows_is_refused_with_the_nearest() -> None:
    outcome = keep(payment("p1", 3, "intrest_income", "10"))
    (finding,) = outcome.findings
    assert (finding.code, finding.expected) == ("ledger-unknown", "an account of the chart, such as interest_income")
    assert outcome.value.cash().num_rows == 0


def test_a_manual_journal_needs_two_people_and_balance() -> None:
    even = (("interest_receivable", "EUR", "12"), ("interest_income", "EUR", "-12"))
    assert balances(keep(manual("m1", 1, "ann", "bob", *even)).value)["interest_income", "EUR"] == (-12, -12)
    assert codes(keep(manual("m1", 1, "ann", "ann", *even))) == ["maker-is-checker"]
    for same in ("", " ", "Ann ", "a\u00adnn", "ＡＮＮ"):  # a soft hyphen, full width
        assert codes(keep(manual("m1", 1, "ann", same, *even))) == ["maker-is-checker"], same
    assert codes(keep(manual("m1", 1, "José", "Jose\u0301", *even))) == ["maker-is-checker"], "two encodings of one name"
    assert codes(keep(manual("m1", 1, "ann", "bob"))) == ["journal-empty"]
    (finding,) = keep(manual("m1", 1, "ann", "bob", ("cash", "EUR", "5"), ("suspense", "USD", "-5"))).findings
    assert (finding.code, finding.found) == ("journal-unbalanced", "EUR 5, USD -5")


def test_books_taken_over_agree_with_the_trial_balance_they_came_from() -> None:
    outcome = keep(
        lot("l1", "US-SHARE", date(2025, 3, 3), "100", "1000", "950"), balance("b1", "cash", "EUR", "500", "500", "BANK"),
        balance("b2", "investments", "USD", "1000", "950"), balance("b3", "management_fee_payable", "EUR", "-50", "-50"),
        balance("b4", "capital", "EUR", "-1400", "-1400"), payment("p1", 2, "management_fee_payable", "-50"),
    )  # fmt: skip
    assert not outcome.findings
    assert balances(outcome.value)["investments", "USD"] == (1000, 950)
    assert outcome.value.cash().to_pylist()[0]["balance"] == 450
    assert sum(base for (ledger, _), (_, base) in balances(outcome.value).items() if ledger == "opening_equity") == 0
    assert ("management_fee_payable", "EUR") not in balances(outcome.value)


def test_a_take_over_with_a_lot_missing_is_noticed() -> None:
    outcome = keep(balance("b2", "investments", "USD", "1000", "950"), balance("b4", "capital", "EUR", "-950", "-950"))
    assert codes(outcome) == ["opening-lots-differ", "opening-unbalanced"]


def test_cash_movements_are_those_of_the_days_asked_for_without_balances_taken_over() -> None:
    book = keep(
        balance("b1", "cash", "EUR", "500", "500", "BANK"), payment("p1", 2, "interest_income", "3.10"),
        deal("f1", 1, "SPOT", "USD 1100", "EUR 1000", 3), payment("p2", 4, "interest_income", "9"),
    ).value  # fmt: skip
    moves = book.cash_movements(june(1), june(3)).to_pylist()
    assert [(m["reference"], m["kind"], m["currency"], m["amount"], m["value_date"]) for m in moves] == [
        ("P1", "payment", "EUR", Decimal("3.10"), june(2)),
        ("F1", "fx_deal", "USD", Decimal(1100), june(3)),
        ("F1", "fx_deal", "EUR", Decimal(-1000), june(3)),
    ]


def test_every_ledger_that_rules_post_to_is_in_the_chart() -> None:
    everything = (
        lot("l1", "EURO-SHARE", date(2025, 3, 3), "100", "1000", "1000"), balance("b1", "cash", "EUR", "500", "500", "BANK"),
        desk.trade("b2", 2, "BUY", 10, "US-BOND", "99", accrued_interest="1"), desk.settled("x9", 3, "b2", 10, "11"),
        desk.trade("s1", 4, "SELL", 10, "US-BOND", "99"), desk.trade("s2", 2, "SHORT", 10, "US-SHARE", "9"),
        desk.dividend("d1", 3, "US-SHARE", "1", "15", 4), desk.dividend("d2", 3, "EURO-SHARE", "1", "15", 4),
        desk.coupon("c1", 3, "US-BOND", "2"), desk.split("p1", 5, "EURO-SHARE", 2, 1), desk.rights(6), desk.exercise(7, 10, 8),
        deal("f1", 1, "SPOT", "USD 11", "EUR 10", 3), deal("f2", 1, "FORWARD", "USD 11", "EUR 10", 3, share_class="H"),
        capital("o1", 2, "CALL", "0", "1", "1", "EUR", 3), capital("o2", 2, "REDEEM", "1", "1", "1", "EUR", 3),
        accrual("a1", 3, "audit_fee", "3"), payment("p2", 4, "audit_fee_payable", "-3"), desk.reversal("r9", 9, "p1"),
        manual("m1", 1, "ann", "bob", ("unrealised_gain", "EUR", "1"), ("unrealised_appreciation", "EUR", "-1")),
    )  # fmt: skip
    outcome = keep(*everything)
    assert codes(outcome) == ["nothing-held", "settled-for-another-amount"]
    ledgers = set(outcome.value.journal["ledger"].to_pylist())
    assert ledgers - set(desk.CHART.types) == {"audit_fee", "audit_fee_payable"}
    further = keep(*every_contract())
    assert not further.findings
    assert set(further.value.journal["ledger"].to_pylist()) <= set(desk.CHART.types)
    booked = {event.kind for event in (*every_contract(), *everything)}
    assert booked - {"reversal"} == set(RULES), "a new kind of event belongs into one of these days"


def test_nothing_else_happens_on_an_empty_day() -> None:
    book = keep(desk.trade("b1", 5, "BUY", 1, "EURO-SHARE", "10"), until=june(4)).value
    assert (book.journal.num_rows, book.lots().num_rows, book.trial_balance().num_rows) == (0, 0, 0)


def test_a_currency_deal_has_two_currencies_and_two_positive_amounts() -> None:
    for bought, sold in (("USD -100", "EUR 50"), ("USD 100", "EUR 0"), ("EUR 100", "EUR 50")):
        outcome = keep(deal("f1", 1, "SPOT", bought, sold, 3))
        assert codes(outcome) == ["deal-terms"] and not balances(outcome.value)
