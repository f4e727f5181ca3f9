"""Tables of the NAV room: chosen prices, components of net assets, classes, attribution, shadow."""

from __future__ import annotations

from bo_lib.model.tables import AMOUNT, COUNT, DATE, FLAG, PRICE, QUANTITY, RATE, TEXT, Column, Table

CANDIDATES = Table("price_candidates", "every price that was looked at, chosen or rejected with the reason", ("isin", "source"), (
    Column("isin", TEXT, "ISO 6166", True),
    Column("source", TEXT, "vendor, or OVERRIDE", True),
    Column("price", PRICE, "per share in currency (pence already pounds), or clean percent of par", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("price_date", DATE, "date the price is of", True),
    Column("reference", PRICE, "the price before, all sources, splits applied"),
    Column("move_pct", RATE, "move against the reference in percent"),
    Column("unchanged_days", COUNT, "weekdays for which this source has sent the same price"),
    Column("chosen", FLAG, "used in the NAV", True),
    Column("reason", TEXT, "why it was rejected, or what was said about it"),
))  # fmt: skip

COMPONENTS = Table("components", "assets positive, liabilities negative", ("component", "share_class", "item", "currency"), (
    Column("component", TEXT, "holding, accrual, cash, receivable, payable, suspense or forward", True),
    Column("share_class", TEXT, "class, where the component is of one"),
    Column("item", TEXT, "ISIN, currency, fee, ledger account or deal", True),
    Column("quantity", QUANTITY, "signed shares or nominal, all accounts; holding: traded; bond interest: settled by agreement"),
    Column("price", PRICE, "holding: price used"),
    Column("currency", TEXT, "ISO 4217 of local", True),
    Column("local", AMOUNT, "value in currency", True),
    Column("base", AMOUNT, "value in base currency", True),
    Column("cost_local", AMOUNT, "holding: cost of the open lots"),
    Column("cost_base", AMOUNT, "holding: the same at the rates of acquisition"),
    Column("unrealised_base", AMOUNT, "holding: value less cost, in base currency"),
))  # fmt: skip

CLASSES = Table("classes", "the strike by class, base currency unless said otherwise", ("share_class",), (
    Column("share_class", TEXT, "class or series", True),
    Column("currency", TEXT, "currency of NAV per unit", True),
    Column("opening", AMOUNT, "net assets at the previous strike", True),
    Column("capital", AMOUNT, "capital effective since, redemptions negative", True),
    Column("ratio", RATE, "opening with capital over that of all classes", True),
    Column("share", AMOUNT, "share of the fund's common result", True),
    Column("hedge", AMOUNT, "result of the class's own forwards", True),
    Column("management_fee", AMOUNT, "accrued today, positive", True),
    Column("other_fees", AMOUNT, "the class's own expenses and recoupment less waivers, accrued today, positive"),
    Column("performance_fee", AMOUNT, "accrued today, positive; a release is negative", True),
    Column("net_assets", AMOUNT, "opening + capital + share + hedge - management, other and performance fee", True),
    Column("units", QUANTITY, "units in issue", True),
    Column("nav_per_unit", PRICE, "in the class currency, rounded by the terms; null without units"),
    Column("dealing_price", PRICE, "NAV per unit, swung or not; null until the flows are known"),
))  # fmt: skip

ATTRIBUTION = Table("attribution", "the move of net assets by cause; the amounts add up to it exactly", ("cause", "item"), (
    Column("cause", TEXT, "one of ``attribution.CAUSES``", True),
    Column("item", TEXT, "ISIN, currency, fee, class or ledger account", True),
    Column("amount", AMOUNT, "in base currency, gains positive", True),
))  # fmt: skip

SHADOW = Table("shadow", "our NAV against the administrator's, by component", ("component", "share_class", "item", "field"), (
    Column("component", TEXT, "as in the NAV pack", True),
    Column("share_class", TEXT, "class, where the component is of one"),
    Column("item", TEXT, "ISIN, currency, fee, ledger account or deal"),
    Column("field", TEXT, "amount, quantity or price", True),
    Column("ours", RATE, "our figure; null when we have none"),
    Column("theirs", RATE, "the administrator's figure; null when there is none"),
    Column("difference", RATE, "ours less theirs", True),
    Column("difference_bps", RATE, "effect on net assets of the fund (class figures: of the class), in basis points", True),
    Column("within", FLAG, "within tolerance", True),
    Column("explanation", TEXT, "what causes it"),
))  # fmt: skip
