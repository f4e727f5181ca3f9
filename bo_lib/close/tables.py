"""Tables of the close."""

from __future__ import annotations

from bo_lib.model.tables import AMOUNT, COUNT, DATE, PRICE, QUANTITY, RATE, TEXT, Column, Table

ADJUSTED_BALANCE = Table("adjusted_balance", "trial balance with marks; debit positive", ("ledger", "share_class", "currency"), (
    Column("type", TEXT, "asset, liability, equity, income or expense", True),
    Column("ledger", TEXT, "ledger account", True),
    Column("share_class", TEXT, "class, where the balance is of one"),
    Column("currency", TEXT, "currency of local", True),
    Column("local", AMOUNT, "balance as booked, in currency", True),
    Column("base", AMOUNT, "balance as booked, in base currency", True),
    Column("marks", AMOUNT, "marks of the strike, in base currency", True),
    Column("adjusted", AMOUNT, "booked and marked, in base currency", True),
))  # fmt: skip

NET_ASSETS = Table("statement_of_net_assets", "assets, liabilities, classes", ("section", "item", "share_class"), (
    Column("section", TEXT, "assets, liabilities, net assets or classes", True),
    Column("item", TEXT, "line of the statement", True),
    Column("share_class", TEXT, "class, for lines of one"),
    Column("amount", AMOUNT, "in base currency; liabilities positive", True),
    Column("of_net_assets_pct", RATE, "in percent of net assets"),
    Column("units", QUANTITY, "classes: units in issue"),
    Column("nav_per_unit", PRICE, "classes: in class currency"),
    Column("currency", TEXT, "classes: currency of NAV per unit"),
))  # fmt: skip

ROLL_FORWARD = Table("roll_forward", "opening net assets + operations + capital = closing net assets", ("section", "item"), (
    Column("section", TEXT, "opening, operations, capital, other, closing or difference", True),
    Column("item", TEXT, "ledger account or class", True),
    Column("amount", AMOUNT, "in base currency, what adds to net assets positive", True),
))  # fmt: skip

CLOSE_TASKS = Table("close_tasks", "the tasks of a month-end close and where each stands", ("task",), (
    Column("task", TEXT, "id", True),
    Column("title", TEXT, "what it proves", True),
    Column("state", TEXT, "done, open (evidence missing), failed or blocked (by a task it needs)", True),
    Column("says", TEXT, "the evidence in a sentence", True),
    Column("needs", TEXT, "tasks that come first"),
    Column("owner", TEXT, "who does it", True),
    Column("reviewer", TEXT, "who reviews it", True),
    Column("due", DATE, "day it is due", True),
    Column("items", COUNT, "how many things failed or are left over, such as open breaks"),
))  # fmt: skip
