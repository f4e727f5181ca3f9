"""Tables of the corporate actions desk."""

from __future__ import annotations

from bo_lib.model.tables import AMOUNT, COUNT, DATE, FLAG, QUANTITY, RATE, TEXT, Column, Table

ENTITLEMENTS = Table("entitlements", "what each account is entitled to, by event", ("ref", "account"), (
    Column("ref", TEXT, "golden record", True),
    Column("caev", TEXT, "ISO event type", True),
    Column("isin", TEXT, "security held", True),
    Column("account", TEXT, "the fund's account", True),
    Column("eligible", QUANTITY, "signed position at the close before, traded; interest: settling before its ex date", True),
    Column("eligible_at_custodian", QUANTITY, "balance as the custodian announced it, where it did"),
    Column("currency", TEXT, "of the amounts"),
    Column("gross", AMOUNT, "eligible x rate; short positions pay: negative"),
    Column("withholding", AMOUNT, "tax withheld, positive; none on short positions"),
    Column("net", AMOUNT, "money to come"),
    Column("new_isin", TEXT, "security received"),
    Column("new_quantity", QUANTITY, "change of position in it"),
    Column("effective_date", DATE, "day it counts from", True),
    Column("payment_date", DATE, "day money or securities move"),
))  # fmt: skip

UPCOMING = Table("upcoming_actions", "dates ahead, nearest first", ("day", "what", "ref"), (
    Column("day", DATE, "the date", True),
    Column("days_left", COUNT, "calendar days from today", True),
    Column("what", TEXT, "deadline, ex or payment", True),
    Column("ref", TEXT, "golden record", True),
    Column("caev", TEXT, "ISO event type", True),
    Column("isin", TEXT, "security", True),
    Column("held", QUANTITY, "position of the fund, where positions were given"),
    Column("to_decide", FLAG, "somebody must instruct, or the default applies", True),
    Column("default", TEXT, "type of the option that applies without instruction"),
    Column("open_questions", COUNT, "fields on which senders differ or that are missing", True),
))  # fmt: skip

COUPONS_DUE = Table("coupons_due", "coupons by the bonds' own terms", ("isin", "due"), (
    Column("isin", TEXT, "bond", True),
    Column("due", DATE, "coupon date, not adjusted", True),
    Column("ex_date", DATE, "first day of settlement without it: the coupon date, or that of the ex-dividend period", True),
    Column("payment_date", DATE, "next business day of the currency's calendar", True),
    Column("rate_pct_of_nominal", RATE, "for this payment", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("regular", FLAG, "false for a first coupon of an odd period: its rate is another", True),
))  # fmt: skip
