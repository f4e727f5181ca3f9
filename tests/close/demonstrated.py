"""A month of a demonstration fund: every day struck, the last one's accruals booked; evidence and statements are made of it."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple

from bo_lib.close import (
    Evidence,
    Sources,
    compare_as_of,
    financials,
    period,
    roll_forward,
    sourced_journal,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.config import Close, load
from bo_lib.model.money import ZERO, round_money
from bo_lib.nav import Evidence as StrikeEvidence
from bo_lib.nav import control, marks, opening_state, strike, value
from tests.close.books import CHART, LAYOUTS, LEVELS
from tests.nav.demonstration import ROOT, demonstrate

TASKS = load(ROOT / "parameters" / "close.yaml", Close)

END = date(2026, 6, 30)


class Month(NamedTuple):
    evidence: Evidence  # without reconciliations
    sources: Sources


@cache
def month(fund_id: str) -> Month:
    demo = demonstrate(fund_id, END)
    fund, state, accruals = demo.fund, opening_state(demo.opening_pack, demo.opening_balances).value, []
    opening, observed = sum((s.net_assets for s in state.values()), ZERO), {fund.inception: state}
    first = demo.book(fund.inception, [])
    priced, rates = demo.priced(fund.inception), demo.rates(fund.inception)
    valued = value(first, priced, rates, demo.instruments, fund.base_currency, fund.inception).value
    marked_before = marks(first, valued, fund.id)
    before = trial_balance(first.trial_balance(), marked_before, CHART)
    for day in (d for d in demo.days if d <= END):
        book = demo.book(day, accruals)
        struck = strike(book, demo.priced(day), demo.rates(day), fund, day, state, instruments=demo.instruments).value
        state, accruals = struck.state, [*accruals, *struck.accruals]
        observed[day] = state
    book = demo.book(END, accruals)
    adjusted = trial_balance(book.trial_balance(), struck.marked, CHART)
    units = {name: row["units"] for name, row in struck.rows.items()}
    controls = control(StrikeEvidence(struck, fund.tolerances, register_units=units))
    roll = roll_forward(before, adjusted, opening, struck.net_assets)
    stated = statement_of_net_assets(struck)
    of = period(fund.id, fund.base_currency, sourced_journal(book), marked_before, struck.marked, fund.inception, END, CHART)
    sources = Sources(of, struck, demo.instruments, book.realised, observed, LEVELS, 365)
    made = {name: financials(sources, layout) for name, layout in LAYOUTS.items()}
    days = (END - fund.inception).days
    budget = {
        e.name: round_money(e.amount_annual * days / 365, fund.base_currency) for e in fund.on(END).expenses if e.amount_annual
    }
    evidence = Evidence(
        fund.id, END, book, struck, controls, None, frozenset(), adjusted, stated, roll, month=of,
        ties={n: f.ties for n, f in made.items()}, investments=made["ifrs"].investments,
        as_of=compare_as_of(struck, struck, sourced_journal(book), sourced_journal(book), {}),
        related=(), budget=budget, tolerances=TASKS,
    )  # fmt: skip
    return Month(evidence, sources)
