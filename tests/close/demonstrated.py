"""A month of a demonstration fund: every day struck, the last one's accruals booked; evidence and statements are made of it."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple

from bo_lib.close import Evidence, Sources, period, roll_forward, sourced_journal, statement_of_net_assets, trial_balance
from bo_lib.model.money import ZERO
from bo_lib.nav import Evidence as StrikeEvidence
from bo_lib.nav import control, marks, opening_state, strike, value
from tests.close.books import CHART, LEVELS
from tests.nav.demonstration import demonstrate

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
    evidence = Evidence(fund.id, END, book, struck, controls, None, frozenset(), adjusted, stated, roll)
    journal = sourced_journal(book)
    of = period(fund.id, fund.base_currency, journal, marked_before, struck.marked, fund.inception, END, CHART)
    return Month(evidence, Sources(of, struck, demo.instruments, book.realised, observed, LEVELS, 365))
