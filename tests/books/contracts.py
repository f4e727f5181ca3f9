"""One of every kind of event: a portfolio of contracts and reorganisations, and what is trade, money or plain income."""

from __future__ import annotations

from datetime import date

from bo_lib.model import events as ev
from tests.books.desk import (
    accrual,
    action,
    balance,
    capital,
    coupon,
    deal,
    dividend,
    exercise,
    june,
    lot,
    manual,
    payment,
    reversal,
    rights,
    settled,
    split,
    trade,
)


def every_contract() -> list[ev.Event]:
    """Positions in every kind of instrument and what can happen to them; all of it can be booked."""
    start = date(2025, 3, 3)
    return [
        lot("l1", "EURO-SHARE", start, "227", "6356", "6356"), lot("l2", "US-SHARE", start, "100", "8500.07", "7801.11"),
        lot("l3", "US-BOND", start, "10000", "9800.01", "8900.02"), lot("l4", "EURO-BILL", start, "5000", "4900", "4900"),
        lot("l5", "US-LINKER", start, "10000", "10100", "9200"), lot("l6", "EURO-CALL", start, "-3", "-612.01", "-612.01"),
        lot("l7", "EURO-PUT", start, "2", "311", "311"), trade("f1", 1, "BUY", 3, "US-FUTURE", "5000.25", commission="4.50"),
        trade("f2", 2, "SELL", 1, "US-FUTURE", "5010.75"), trade("w1", 1, "BUY", 1000000, "US-SWAP", "0"),
        trade("c1", 1, "BUY", "0.00314159", "EURO-COIN", "61234.56"),
        action("spin_off", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=5, cost_pct="4.2"),
        action("cash_in_lieu", "e2", 4, "EURO-NEW", quantity="0.4", amount="8.18", pay=6),
        action("merger", "e3", 5, "US-SHARE", new_isin="US-NEW", new=1, old=3, value_new="210", cash_per_share="25.01", pay=8),
        action("return_of_capital", "e4", 6, "EURO-SHARE", rate_per_share="1.07", pay=9),
        action("transfer", "e5", 7, "EURO-SHARE", to_account="BROKER", quantity=100),
        action("amortisation", "e6", 8, "US-BOND", lot_id="l3/1", amount="12.34"),
        action("index_fixing", "e7", 9, "US-LINKER", index_ratio="1.01234"),
        action("variation_margin", "e8", 2, "US-FUTURE", price="5007.50", pay=3),
        action("option_exercise", "e9", 10, "EURO-CALL", underlying="EURO-SHARE", style="CALL", quantity=1, strike="31", pay=12),
        action("option_exercise", "e10", 10, "EURO-PUT", underlying="EURO-SHARE", style="PUT", quantity=1, strike="29", pay=12),
        action("swap_payment", "e11", 11, "US-SWAP", amount="-1234.56", pay=12),
        action("money_deal", "e12", 11, "", style="DEPOSIT", principal="100000", rate_pct_annual="2.4", maturity_date=june(18)),
        action("money_deal", "e13", 11, "", currency="USD", style="REPO", principal="7000", rate_pct_annual="4.1",
               maturity_date=june(19), quantity=9000) ,
        action("in_kind", "e17", 12, "US-NEW", order_id="O9", share_class="A", direction="IN", quantity=7, value="1407.07",
               amount="1240.01", currency="EUR"),
        action("in_kind", "e18", 13, "EURO-SHARE", order_id="O8", share_class="A", direction="OUT", quantity=3, value="91.10",
               amount="91.10", account="BROKER"),
        action("redemption", "e14", 15, "EURO-BILL", price="100"), action("redemption", "e15", 16, "EURO-CALL", price="0"),
        action("redemption", "e16", 17, "US-LINKER", price="100", portion_pct="33.3", pay=18),
    ]  # fmt: skip


def every_other() -> list[ev.Event]:
    """One of every kind that ``every_contract`` has not."""
    return [
        balance("z1", "cash", "EUR", "500", "500", "BANK"), settled("z2", 3, "f1", 3, "4.50"),
        deal("z3", 1, "SPOT", "USD 11.11", "EUR 10", 3), deal("z4", 1, "FORWARD", "USD 11.11", "EUR 10", 3, share_class="H"),
        dividend("z5", 3, "US-NEW", "0.37", "15", 4), coupon("z6", 4, "US-BOND", "2.125"), split("z7", 5, "EURO-SHARE", 3, 7),
        rights(6), exercise(7, 10, 8), accrual("z9", 3, "audit_fee", "3.33"),
        capital("z8", 2, "REDEEM", "1", "1.01", "0.99", "USD", 3), payment("z10", 4, "audit_fee_payable", "-3"),
        manual("z11", 1, "ann", "bob", ("suspense", "EUR", "1"), ("cash", "EUR", "-1")),
        reversal("z12", 20, "e3"), reversal("z13", 21, "f1"),
    ]  # fmt: skip
