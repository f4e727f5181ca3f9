"""The kinds of reconciliation: which tables of a desk each of them holds against each other.

A rules file of parameters/recon/ names its ``kind`` (default: its name). A further kind is one more function here or in a
module beside, entered in ``KINDS``: it takes the desk and the rules and gives the result; everything after it (breaks, ageing,
decisions, pages, trying rules against history) is the same for all.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.config import ParameterError
from bo_lib.model import dates, events, tables
from bo_lib.model.findings import Outcome
from bo_lib.recon import Reconciliation, Rules, reconcile_cash, reconcile_positions
from bo_lib.recon.causes import WEAK, Background, explained
from bo_lib.workbench.own_recon import own_tables
from bo_lib.workbench.recon_kinds import FURTHER

if TYPE_CHECKING:
    from bo_lib.workbench.recon_desk import ReconDesk

Kind = Callable[["ReconDesk", Rules], Outcome[Reconciliation]]
Basis = Literal["trade", "settlement"]
ACTIONS_BACK_DAYS = 10


def cash(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The books' cash movements and balances against the banks' statements, since the take-over of the books."""
    own, first = desk.known, desk.fund.inception
    book = own.book().value
    outcome = reconcile_cash(
        book.cash_movements(first, desk.day), book.cash(), own.dated_rows(tables.STATEMENTS, first),
        own.in_accounts(tables.CASH_MOVEMENTS, first),
        rules, desk.day, fund=desk.fund.id, value=desk.cash_in_base, calendar=desk.fund.calendar, open_trades=book.open_trades,
        statuses=own.in_accounts(tables.SETTLEMENTS, first), incomplete=own.incomplete, held_back=desk.held_back(),
    )  # fmt: skip
    return _explained(desk, outcome)


def positions(desk: ReconDesk, rules: Rules) -> Outcome[Reconciliation]:
    """The books' quantities against the custodians' holdings of the day, on each custodian's basis."""
    own, book = desk.known, desk.known.book().value
    basis = {a.id: a.position_basis for a in desk.fund.accounts if a.custody}
    parts = [_of(account, book.positions(on)) for account, on in basis.items()]
    back = dates.add_business_days(desk.day, -ACTIONS_BACK_DAYS, desk.fund.calendar)
    announced = own.rows(tables.ANNOUNCEMENTS, desk.fund.inception)
    recent = announced.filter(pa.array((bool(d and back <= d <= desk.day) for d in announced["ex_date"].to_pylist()), pa.bool_()))
    outcome = reconcile_positions(
        pa.concat_tables([tables.POSITIONS.empty(), *parts]), own.in_accounts(tables.HOLDINGS), book.open_trades, recent, rules,
        desk.day, fund=desk.fund.id, value=desk.position_in_base, basis=basis, incomplete=own.incomplete,
        held_back=desk.held_back(), statuses=own.in_accounts(tables.SETTLEMENTS, desk.fund.inception),
    )  # fmt: skip
    return _explained(desk, outcome, basis)


def _explained(
    desk: ReconDesk, outcome: Outcome[Reconciliation], basis: Mapping[str, Basis] | None = None
) -> Outcome[Reconciliation]:
    """With causes that further evidence names; it is read only when a break lacks one."""
    if not any(item.cause in WEAK for item in outcome.value.items):
        return outcome
    own, first, calendar = desk.known, desk.fund.inception, desk.fund.calendar
    trades = [{**t.model_dump(), "trade_date": t.effective_date} for t in own.standing(events.Trade)]
    yesterday = dates.add_business_days(desk.day, -1, calendar)

    @cache
    def held_before(account: str) -> dict[str, Decimal]:
        rows = _of(account, own.book(until=yesterday).value.positions((basis or {})[account])).to_pylist()
        return {row["isin"]: row["quantity"] for row in rows}

    known = Background(
        desk.day, calendar, own.announcements().to_pylist(), own.in_accounts(tables.SETTLEMENTS, first).to_pylist(),
        trades, lambda account, isin: held_before(account).get(isin, Decimal(0)) if basis and account in basis else None,
    )  # fmt: skip
    return Outcome(explained(outcome.value, known), outcome.findings)


KINDS: dict[str, Kind] = {"cash": cash, "positions": positions, **FURTHER, "tables": own_tables}


def kind_of(rules: Rules) -> Kind:
    """The function that carries out ``rules``. Raises ``ParameterError`` with the nearest known kind."""
    name = rules.kind or rules.name
    if name not in KINDS:
        raise ParameterError(f"reconciliation {rules.name}: {_no_such('kind', name, KINDS)}")
    return KINDS[name]


def known_or_nearest(folder: Path, name: str) -> Path:
    """The rules file of that name in ``folder``. Raises ``ParameterError`` with the nearest name."""
    names = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name not in names:
        raise ParameterError(f"parameters/recon: {_no_such('reconciliation', name, names)}")
    return names[name]


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known)) or 'none'}")


def _of(account: str, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["account"], account))
