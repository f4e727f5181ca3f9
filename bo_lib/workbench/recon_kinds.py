"""Further kinds of reconciliation: trades, income, prices, NAV components, units, and positions of three parties.

Each takes its two or three sides from the desk and hands them to the reconciliation room; a side that is not there is said, and
nothing is compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model import dates, events, tables
from bo_lib.model.findings import Finding, Outcome, Place, info, warning
from bo_lib.model.money import ZERO, round_to
from bo_lib.recon import Reconciliation, Rules
from bo_lib.recon.administrator import DIGITS, PRICE_ROWS, reconcile_components, reconcile_prices
from bo_lib.recon.compare import not_compared
from bo_lib.recon.income import reconcile_income
from bo_lib.recon.parties import reconcile_positions_three_way, reconcile_units
from bo_lib.recon.trades import reconcile_trades

if TYPE_CHECKING:
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.recon_desk import ReconDesk

RECENT_DAYS = 3  # business days back in which a trade or capital may explain who is late


def trades(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The trades booked since the take-over against the custodians' statuses and confirmations."""
    own, first = desk.known, desk.fund.inception
    result = reconcile_trades(
        own.standing(events.Trade), own.in_accounts(tables.SETTLEMENTS, first), rules, desk.day, fund=desk.fund.id,
        value=lambda row, amount: desk.cash_in_base(row["currency"], amount), bonds=_bonds(desk),
        transactions=own.in_accounts(tables.TRANSACTIONS, first), held_back=[row["trade_id"] for row in desk.held_back()],
        scopes=[(a.id, currency) for a in desk.fund.accounts if a.custody for currency in a.cash],
    )  # fmt: skip
    return Outcome(result, result.findings)


def income(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """Dividends and coupons since the take-over against the custodians' notices and the entries of their cash statements."""
    own, first = desk.known, desk.fund.inception
    owed = [(a.id, currency) for a in desk.fund.accounts for currency in a.cash]
    sound = _statements_of_the_day(desk)
    findings = [_no_statement(account, currency, desk.day) for account, currency in owed if (account, currency) not in sound]
    numbers = pa.array([a.custody for a in desk.fund.accounts if a.custody])
    announced = own.rows(tables.ANNOUNCEMENTS, first)
    notices = own.with_account_ids(announced.filter(pc.is_in(announced["account"], numbers)))
    result = reconcile_income(
        [*own.standing(events.Dividend), *own.standing(events.Coupon)], own.book().value.journal,
        own.in_accounts(tables.CASH_MOVEMENTS, first), notices, rules, desk.day, fund=desk.fund.id,
        value=lambda row, amount: desk.cash_in_base(row["currency"], amount), covered=sound & set(owed), findings=findings,
        transactions=own.in_accounts(tables.TRANSACTIONS, first),
    )  # fmt: skip
    return Outcome(result, result.findings)


def prices(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The prices of the strike against the administrator's, or (a right side of another name) against another source's."""
    bench, day = _bench(desk), desk.day
    chosen = {r["isin"]: r for r in bench.priced().value.table.to_pylist() if r["chosen"]}
    held = _quantities(desk)
    if rules.right.name == "administrator":
        theirs = {r["item"]: r for r in _pack(desk, day) if r["component"] == "holding" and r["price"] is not None}
        if not theirs:
            return not_compared(rules, day, desk.fund.id, [_no_pack(desk)])
        others = [_price_row(desk, isin, r["price"], r["quantity"]) for isin, r in theirs.items()]
    else:
        found = _other_source(bench, rules.right.name, chosen)
        if not found:
            said = f"no prices of {rules.right.name} besides those that were struck with"
            return not_compared(rules, day, desk.fund.id, [info("second-source-missing", said)])
        chosen = {isin: row for isin, row in chosen.items() if isin in found or row["source"] != rules.right.name}
        others = [_price_row(desk, isin, r["price"], held.get(isin, ZERO), r) for isin, r in found.items()]
    ours = [_price_row(desk, isin, r["price"], held.get(isin, ZERO), r) for isin, r in chosen.items()]
    result = reconcile_prices(
        pa.Table.from_pylist(ours, PRICE_ROWS), pa.Table.from_pylist(others, PRICE_ROWS), rules, day, fund=desk.fund.id,
        value=lambda row, apart: desk.cash_in_base(row["currency"], _worth(desk, row, apart)),
        before=_prices_before(desk) if rules.right.name == "administrator" else None,
        stale_days=desk.fund.tolerances.price_stale_days, currencies=desk.known.instruments["currency"].to_pylist(),
    )  # fmt: skip
    return Outcome(result, result.findings)


def nav_components(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The shadow NAV of the day as a reconciliation: what it finds becomes breaks that age and close."""
    bench = _bench(desk)
    compared, struck = bench.compared(), bench.struck()
    if not compared.value.table.num_rows or not struck.ok:
        return not_compared(rules, desk.day, desk.fund.id, [*(f for f in struck.findings if not struck.ok), *compared.findings])
    net_assets = {"": struck.value.net_assets, **{name: row["net_assets"] for name, row in struck.value.rows.items()}}
    result = reconcile_components(
        compared.value.table, rules, desk.day, fund=desk.fund.id, base_currency=desk.fund.base_currency, net_assets=net_assets,
    )  # fmt: skip
    return Outcome(result, result.findings)


def units(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The investors' register, the administrator's units in issue and the units of the strike."""
    bench = _bench(desk)
    theirs = {r["share_class"]: r["quantity"] for r in _pack(desk, desk.day) if r["component"] == "units"}
    struck = bench.struck()
    if not theirs or not struck.ok:
        return not_compared(rules, desk.day, desk.fund.id, [_no_pack(desk)] if not theirs else struck.findings)
    nav = {name: row["units"] for name, row in struck.value.rows.items()}
    per_unit = {name: row["net_assets"] / row["units"] for name, row in struck.value.rows.items() if row["units"]}
    moved: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for e in desk.known.standing(events.Capital):
        if e.effective_date >= dates.add_business_days(desk.day, -RECENT_DAYS, desk.fund.calendar):
            moved[e.share_class].append((e.order_id, e.units))
    sides = {rules.left.name: dict(bench.register_units() or {}), rules.right.name: theirs, _third(rules): nav}
    result = reconcile_units(
        sides, rules, desk.day, fund=desk.fund.id, effective=moved,
        value=lambda row, apart: apart * per_unit[row["share_class"]] if row["share_class"] in per_unit else None,
    )  # fmt: skip
    return Outcome(result, result.findings)


def positions_three_way(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """Books, custodians and administrator, each brought to the basis of the rules."""
    book, day = desk.known.book().value, desk.day
    pairwise = desk.reconciled("positions").value
    waiting = {a.id for a in desk.fund.accounts if a.custody} - {account for account, _ in pairwise.compared}
    theirs = {r["item"]: r["quantity"] for r in _pack(desk, day) if r["component"] == "holding" and r["quantity"] is not None}
    findings = [_no_holdings(account, day) for account in sorted(waiting)] + ([] if theirs else [_no_pack(desk, info)])
    if findings and (waiting or book.positions().num_rows):
        return not_compared(rules, day, desk.fund.id, findings)
    on_trade, settled = _by_account(book.positions()), _by_account(book.positions("settlement"))
    pending = {key: on_trade.get(key, ZERO) - settled.get(key, ZERO) for key in on_trade.keys() | settled.keys()}
    since = dates.add_business_days(day, -RECENT_DAYS, desk.fund.calendar)
    result = reconcile_positions_three_way(
        book.positions(), _holdings_of_the_day(desk), theirs, {key: q for key, q in pending.items() if q}, rules, day,
        fund=desk.fund.id, value=lambda row, apart: desk.position_in_base(row["isin"], apart),
        basis={a.id: a.position_basis for a in desk.fund.accounts if a.custody},
        explained={item.isin: (item.cause, item.evidence.partition("; ")[2]) for item in pairwise.items if item.isin},
        trades=[t for t in desk.known.standing(events.Trade) if since <= t.effective_date <= day],
    )  # fmt: skip
    return Outcome(result, result.findings)


Kind = Callable[["ReconDesk", Rules], Outcome[Reconciliation]]
FURTHER: dict[str, Kind] = {
    "trades": trades, "income": income, "prices": prices, "nav_components": nav_components, "units": units,
    "positions_three_way": positions_three_way,
}  # fmt: skip


# What the sides are made of ------------------------------------------------------------------------------------------


def _bench(desk: ReconDesk) -> Workbench:
    """The desk with its rooms of NAV and investors, which these kinds need."""
    return cast("Workbench", desk)


def _third(rules: Rules) -> str:
    return rules.third.name if rules.third else ""


def _master(desk: ReconDesk) -> Mapping[str, Mapping[str, Any]]:
    return {r["isin"]: r for r in desk.known.instruments.to_pylist()}


def _bonds(desk: ReconDesk) -> list[str]:
    return [isin for isin, r in _master(desk).items() if r["coupon_pct"] is not None]


def _pack(desk: ReconDesk, day: date) -> list[dict[str, Any]]:
    rows = desk.known.rows(tables.NAV_PACK, day, desk.day).to_pylist()
    return [r for r in rows if r["fund"] == desk.fund.id and r["nav_date"] == day]


def _no_pack(desk: ReconDesk, say: Callable[..., Finding] = warning) -> Finding:
    """A warning once the fund is struck; before, the administrator may not be there yet."""
    said = f"no NAV pack of {desk.fund.administrator} for {desk.day}"
    return say("administrator-missing", said, Place(field="nav_date"), expected=str(desk.day), todo="ask the administrator")


def _no_statement(account: str, currency: str, day: date) -> Finding:
    said = f"no cash statement of {day} for {account} {currency}; its income waits"
    return warning("statement-missing", said, Place(field="statement_date"), expected=str(day), todo="ask for it")


def _no_holdings(account: str, day: date) -> Finding:
    said = f"no holdings of {day} for {account}; positions of three parties wait"
    return warning("statement-missing", said, Place(field="business_date"), expected=str(day), todo="ask for them")


def _statements_of_the_day(desk: ReconDesk) -> set[tuple[str, str]]:
    """(account, currency) with a whole cash statement that closes the day."""
    cut = set(desk.known.incomplete)
    rows = desk.known.dated_rows(tables.STATEMENTS, desk.day).to_pylist()
    return {
        (r["account"], r["currency"]) for r in rows
        if r["kind"] == "cash" and r["statement_date"] == desk.day and r["file"] not in cut
    }  # fmt: skip


def _by_account(positions: pa.Table) -> dict[tuple[str, str], Decimal]:
    return {(r["account"], r["isin"]): r["quantity"] for r in positions.to_pylist()}


def _quantities(desk: ReconDesk) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for r in _bench(desk).book_to_strike().positions().to_pylist():
        found[r["isin"]] += r["quantity"]
    return dict(found)


def _holdings_of_the_day(desk: ReconDesk) -> pa.Table:
    """Holdings of the day; a statement that came twice counts once."""
    rows: list[dict[str, Any]] = []
    counted: dict[tuple[str, str], str | None] = {}
    for r in desk.known.in_accounts(tables.HOLDINGS).to_pylist():
        first = counted.setdefault((r["account"], r["statement_id"]), r["file"])
        if first == r["file"] and r["business_date"] == desk.day:
            rows.append(r)
    return pa.Table.from_pylist(rows, schema=tables.HOLDINGS.schema)


# Prices --------------------------------------------------------------------------------------------------------------


def _price_row(
    desk: ReconDesk, isin: str, price: Decimal, quantity: Decimal, candidate: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    known, seen = _master(desk).get(isin, {}), candidate or {}
    return {
        "isin": isin, "currency": seen.get("currency") or known.get("currency"), "asset_class": known.get("kind"),
        "price": round_to(price, DIGITS), "price_date": seen.get("price_date"), "quantity": quantity,
        "unchanged_days": seen.get("unchanged_days"), "text": " ".join(filter(None, (known.get("name"), seen.get("source")))),
    }  # fmt: skip


def _worth(desk: ReconDesk, row: Mapping[str, Any], apart: Decimal) -> Decimal:
    bond = _master(desk).get(row["isin"], {}).get("coupon_pct") is not None
    return (row["quantity"] or ZERO) * apart / (100 if bond else 1)


def _other_source(bench: Workbench, name: str, chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The candidate of the source named, or of the fund's first source that was not struck with; rejected ones count too."""
    candidates = {(r["isin"], r["source"]): r for r in bench.priced().value.table.to_pylist()}
    order: Sequence[str] = (name,) if any(source == name for _, source in candidates) else bench.fund.price_sources
    found: dict[str, Mapping[str, Any]] = {}
    for isin, own in chosen.items():
        row = next((candidates[isin, s] for s in order if s != own["source"] and (isin, s) in candidates), None)
        found |= {isin: row} if row else {}
    return found


def _prices_before(desk: ReconDesk) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """Both sides' prices of the business day before, as known now."""
    earlier = _bench(desk).day_before()
    theirs = {r["item"]: r["price"] for r in _pack(desk, earlier.day) if r["component"] == "holding"}
    ours = earlier.priced().value.prices if theirs else {}
    return {isin: (_rounded(ours.get(isin)), _rounded(theirs.get(isin))) for isin in ours.keys() | theirs.keys()}


def _rounded(price: Decimal | None) -> Decimal | None:
    return None if price is None else round_to(price, DIGITS)
