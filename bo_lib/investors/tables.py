"""Tables of the investors' room."""

from __future__ import annotations

from bo_lib.model.tables import AMOUNT, DATE, ORDERS, PRICE, QUANTITY, TEXT, Column, Table

HOLDERS = Table("holders", "who holds how many units", ("investor", "share_class"), (
    Column("investor", TEXT, "register account", True),
    Column("share_class", TEXT, "class or series", True),
    Column("units", QUANTITY, "units held", True),
    Column("of_class_pct", PRICE, "share of the class in percent", True),
))  # fmt: skip

REGISTER_STATEMENT = Table("register_statement", "entries of the register", ("investor", "share_class", "reference"), (
    Column("effective_date", DATE, "first day the units are in the register", True),
    Column("investor", TEXT, "register account", True),
    Column("share_class", TEXT, "class or series", True),
    Column("action", TEXT, "OPENING, SUBSCRIBE, REDEEM, CALL, DISTRIBUTE or EXCHANGE", True),
    Column("reference", TEXT, "the order's reference"),
    Column("units", QUANTITY, "change of units, redemptions negative", True),
    Column("amount", AMOUNT, "money paid in positive, out negative, class currency", True),
    Column("currency", TEXT, "ISO 4217"),
    Column("balance", QUANTITY, "units after the entry", True),
))  # fmt: skip

ACCEPTED = Table("accepted_orders", "orders that deal, each with its dealing day", ORDERS.key, (
    *ORDERS.columns,
    Column("deals_on", DATE, "dealing day whose NAV the order deals at", True),
))  # fmt: skip

REFUSED = Table("refused_orders", "orders that do not deal, and why", ("order_id", "reason"), (
    *(Column(c.name, c.type, c.says) for c in ORDERS.columns),
    Column("reason", TEXT, "code of the finding", True),
    Column("says", TEXT, "the reason as a sentence", True),
))  # fmt: skip

CONTRACT_NOTES = Table("contract_notes", "what each order dealt at", ("order_id",), (
    Column("order_id", TEXT, "the order's reference", True),
    Column("investor", TEXT, "register account", True),
    Column("share_class", TEXT, "class or series dealt in", True),
    Column("kind", TEXT, "SUBSCRIBE, REDEEM or CALL", True),
    Column("dealing_date", DATE, "day of the NAV", True),
    Column("price", PRICE, "dealing price per unit, class currency"),
    Column("units", QUANTITY, "units issued or redeemed, positive", True),
    Column("amount", AMOUNT, "money paid, positive, class currency", True),
    Column("remainder", AMOUNT, "money that rounding units down left over; it stays in the fund", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("effective_date", DATE, "first day the units are in the register and the NAV", True),
    Column("settlement_date", DATE, "day the money moves", True),
))  # fmt: skip
