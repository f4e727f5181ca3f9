"""Tables of the close."""

from __future__ import annotations

from bo_lib.model.tables import AMOUNT, COUNT, DATE, JOURNAL, PRICE, QUANTITY, RATE, TEXT, Column, Table

_SOURCE = (
    Column("kind", TEXT, "kind of the event: trade, dividend, subscribe, …; mark or opening where there is none", True),
    Column("own_date", DATE, "date the event is of, where it was booked later", True),
    Column("file", TEXT, "SHA-256 of the file it came from"),
    Column("at", TEXT, "line or element in the file"),
)

SOURCED_JOURNAL = Table("sourced_journal", "the journal with the source of each line", ("event_id", "line"), (
    *JOURNAL.columns, *_SOURCE,
))  # fmt: skip

GENERAL_LEDGER = Table("general_ledger", "every line of a period, by balance; debit positive", ("n",), (
    Column("n", COUNT, "number of the line: the mark to which statements refer", True),
    Column("section", TEXT, "opening, movement or mark", True),
    Column("effective_date", DATE, "accounting date", True),
    Column("ledger", TEXT, "ledger account", True),
    Column("part", TEXT, "instrument or deal, where the balance is of one; else empty"),
    Column("share_class", TEXT, "class, where the balance is of one; else empty"),
    Column("currency", TEXT, "currency of local", True),
    Column("local", AMOUNT, "amount in currency", True),
    Column("base", AMOUNT, "amount in base currency", True),
    Column("quantity", QUANTITY, "change of position or units"),
    Column("event_id", TEXT, "event the line comes from", True),
    Column("line", COUNT, "ordinal within the event", True),
    Column("account", TEXT, "custody or bank account"),
    Column("isin", TEXT, "instrument"),
    Column("reference", TEXT, "trade, deal or order"),
    Column("text", TEXT, "what it is, for people"),
    *_SOURCE,
))  # fmt: skip

BALANCES = Table("balances", "of a period, base currency, debit positive", ("ledger", "part", "share_class", "currency"), (
    Column("type", TEXT, "asset, liability, equity, income or expense", True),
    Column("ledger", TEXT, "ledger account", True),
    Column("part", TEXT, "instrument or deal, or empty"),
    Column("share_class", TEXT, "class, or empty"),
    Column("currency", TEXT, "currency of local", True),
    Column("opening", AMOUNT, "at the beginning, marks included", True),
    Column("movement", AMOUNT, "booked in the period", True),
    Column("mark", AMOUNT, "change of the marks", True),
    Column("closing", AMOUNT, "at the end: opening + movement + mark", True),
    Column("local", AMOUNT, "at the end, in currency", True),
    Column("first", COUNT, "first line in the general ledger", True),
    Column("last", COUNT, "last line in the general ledger", True),
))  # fmt: skip

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

STATEMENT = Table("statement", "one financial statement, laid out", ("n",), (
    Column("n", COUNT, "order of the lines", True),
    Column("part", TEXT, "section or total by its id", True),
    Column("kind", TEXT, "heading, line or total", True),
    Column("code", TEXT, "tick-mark of a line: balances and ledger lines of the same code add up to it"),
    Column("item", TEXT, "what the line says", True),
    Column("amount", AMOUNT, "in base currency; none in a heading"),
    Column("comparative", AMOUNT, "the same of the period before, or at its end"),
    Column("of_net_assets_pct", RATE, "in percent of net assets"),
))  # fmt: skip

TIES = Table("ties", "figures that must be one figure, each with both its values", ("statement", "figure", "against"), (
    Column("statement", TEXT, "where the figure stands", True),
    Column("figure", TEXT, "the figure", True),
    Column("against", TEXT, "what it is held against", True),
    Column("amount", RATE, "the figure as stated", True),
    Column("other", RATE, "the figure it is held against", True),
    Column("difference", RATE, "amount less other: zero when it ties", True),
))  # fmt: skip

HIGHLIGHTS = Table("highlights", "financial highlights of a class for a unit outstanding throughout", ("share_class",), (
    Column("share_class", TEXT, "class or series", True),
    Column("currency", TEXT, "of the figures per unit", True),
    Column("opening_nav", PRICE, "NAV per unit at the beginning", True),
    Column("net_investment_income", PRICE, "per unit, on average units", True),
    Column("gains", PRICE, "realised and unrealised per unit: the balancing figure", True),
    Column("from_operations", PRICE, "net investment income and gains", True),
    Column("distributions", PRICE, "per unit, positive", True),
    Column("closing_nav", PRICE, "NAV per unit at the end", True),
    Column("total_return_pct", RATE, "distributions reinvested", True),
    Column("return_before_incentive_pct", RATE, "the same before incentive fee"),
    Column("expenses_pct", RATE, "expenses without incentive fee to average net assets, annualised"),
    Column("incentive_pct", RATE, "incentive fee to average net assets, not annualised"),
    Column("net_investment_income_pct", RATE, "before incentive fee to average net assets, annualised"),
    Column("net_assets", AMOUNT, "of the class at the end, in base currency", True),
    Column("units", QUANTITY, "in issue at the end", True),
))  # fmt: skip

INVESTMENTS = Table("schedule_of_investments", "every position at the end of the period", ("isin",), (
    Column("side", TEXT, "long or short", True),
    Column("kind", TEXT, "kind of instrument", True),
    Column("country", TEXT, "ISO 3166 of the issuer"),
    Column("sector", TEXT, "industry"),
    Column("isin", TEXT, "ISO 6166", True),
    Column("name", TEXT, "description with coupon and maturity", True),
    Column("quantity", QUANTITY, "shares or nominal, signed", True),
    Column("currency", TEXT, "of the instrument", True),
    Column("price", PRICE, "price used"),
    Column("level", COUNT, "of the fair value hierarchy, 1 to 3", True),
    Column("cost", AMOUNT, "in base currency, signed", True),
    Column("fair_value", AMOUNT, "in base currency, signed", True),
    Column("of_net_assets_pct", RATE, "in percent of net assets"),
))  # fmt: skip

CONDENSED = Table("condensed_schedule", "investments by side, kind, country and industry; any above 5 % by name", ("n",), (
    Column("n", COUNT, "order of the lines", True),
    Column("kind", TEXT, "heading, line or total", True),
    Column("item", TEXT, "group, or an investment above 5 % of net assets", True),
    Column("cost", AMOUNT, "in base currency, signed"),
    Column("fair_value", AMOUNT, "in base currency, signed"),
    Column("of_net_assets_pct", RATE, "in percent of net assets"),
))  # fmt: skip

ROLLED = Table("roll_forwards", "from the beginning to the end of the period", ("of", "item", "step"), (
    Column("of", TEXT, "investments, units, level 3 or a payable", True),
    Column("item", TEXT, "class, ledger account or kind; empty for all"),
    Column("step", TEXT, "opening, what moved it, or closing", True),
    Column("amount", RATE, "in base currency; units of a class", True),
))  # fmt: skip

NOTES = Table("notes", "figures of the notes", ("note", "item", "figure"), (
    Column("note", TEXT, "what the note is about", True),
    Column("item", TEXT, "level, party, currency or kind", True),
    Column("figure", TEXT, "what the amount is", True),
    Column("amount", AMOUNT, "in base currency", True),
))  # fmt: skip

AS_OF = Table("as_of", "from the daily NAV to the NAV of all that is known now", ("cause", "item"), (
    Column("cause", TEXT, "late event, price, rate, currency, fees, value of what was traded late, or unexplained", True),
    Column("item", TEXT, "event, ISIN or fee"),
    Column("kind", TEXT, "kind of the event"),
    Column("own_date", DATE, "date the event is of"),
    Column("known_at", TEXT, "when it became known"),
    Column("amount", AMOUNT, "effect on net assets, in base currency", True),
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
    Column("check", TEXT, "what the check alone says: done, failed or open"),
    Column("evidence", TEXT, "hash of what the check looked at"),
    Column("prepared_by", TEXT, "who signed this very evidence first"),
    Column("reviewed_by", TEXT, "the second person who signed it"),
    Column("late", TEXT, "whom a task that is due waits for"),
    Column("notebook", TEXT, "page that shows it"),
))  # fmt: skip

CLOSE_TIMES = Table("close_times", "how long each task took, against earlier months", ("task",), (
    Column("task", TEXT, "id", True),
    Column("seconds", RATE, "this month's check"),
    Column("seconds_before", RATE, "mean of the earlier months"),
    Column("day", COUNT, "business day after the month's end on which it was reviewed"),
    Column("day_before", RATE, "mean of the earlier months"),
    Column("due_day", COUNT, "business day on which it is due", True),
))  # fmt: skip
