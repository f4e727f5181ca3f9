"""Trades of the order system before they are booked: what is good becomes events, the rest waits with a letter.

The last version of a trade in the files counts. An amendment of a booked trade reverses it and books the new version, on the
trade's own date; the reversal and both versions stay visible.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import pyarrow as pa

from bo_lib.config import Cycles
from bo_lib.model.events import Reversal, Trade
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.money import ZERO, minor_unit_digits, round_money
from bo_lib.model.tables import TRADES
from bo_lib.settlement.cycles import UnknownCycleError, settlement_date

SIDES = ("BUY", "SELL", "SHORT", "COVER")
LastPrice = Callable[[str], Decimal | Collection[Decimal] | None]  # isin -> last known price or prices, per share or % of par
_BUSINESS = tuple(name for name in TRADES.names if name not in ("file", "at"))


@dataclass(frozen=True)
class Refused:
    """A row that is not booked, and why. ``key`` (trade_id/version) in ``released`` lets its price pass."""

    row: Mapping[str, Any]
    finding: Finding

    @property
    def key(self) -> str:
        return f"{self.row['trade_id']}/{self.row['version'] or 1}"


@dataclass(frozen=True)
class TradeDay:
    """``events`` to book, reversals before what replaces them; ``refused`` rows wait for an amendment or a decision."""

    events: tuple[Trade | Reversal, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Against:
    """What trades are checked against.

    accounts: account ids of the fund. instruments: table INSTRUMENTS as isin -> row. booked: trades that stand in the books.
    price_move_pct: a price further than this from the last known one is held back. released: trade_id/version that a person let
    pass all the same.
    """

    fund: str
    accounts: Collection[str]
    instruments: Mapping[str, Mapping[str, Any]]
    cycles: Cycles
    last_price: LastPrice
    price_move_pct: Decimal = Decimal(15)
    released: frozenset[str] = frozenset()


def check_trades(
    rows: pa.Table,
    day: date,
    *,
    fund: str,
    accounts: Collection[str],
    instruments: pa.Table,
    cycles: Cycles,
    booked: Sequence[Trade] = (),
    last_price: LastPrice = lambda isin: None,
    price_move_pct: Decimal = Decimal(15),
    released: frozenset[str] = frozenset(),
) -> Outcome[TradeDay]:
    """Rows of table TRADES (with the books' account ids) received up to the close of ``day``, as events.

    booked: the fund's trades in the books that are not reversed; running again on the same rows gives no event twice.
    """
    against = Against(fund, accounts, {i["isin"]: i for i in instruments.to_pylist()}, cycles, last_price, price_move_pct, released)
    live = {trade.trade_id: trade for trade in booked}
    events: list[Trade | Reversal] = []
    refused: list[Refused] = []
    findings: list[Finding] = []
    ordered = sorted(rows.to_pylist(), key=lambda r: r["trade_id"])
    for _, versions in groupby(ordered, key=lambda r: r["trade_id"]):
        kept, doubled = _last_version(list(versions))
        new, bad, letters = _decide(kept, live.get(kept["trade_id"]), day, against)
        known = not new and not bad and kept["trade_id"] in live  # what is wrong with its rows was said when it was booked
        findings += letters if known else [*doubled, *letters]
        events, refused = events + new, refused + bad
    findings += _lookalikes(events, live.values())
    return Outcome(TradeDay(tuple(events), tuple(refused)), tuple(findings))


_SAME = ("trade_id", "account", "isin", "side", "quantity", "price", "currency", "settlement_date")
_COSTS = ("commission", "taxes", "accrued_interest")


def _is_booked(row: Mapping[str, Any], live: Trade) -> bool:
    """True when the books have the row as it stands, whatever version it came as."""
    same = all(row[name] == getattr(live, name) for name in _SAME) and row["trade_date"] == live.own_date
    return same and all((row[name] or ZERO) == getattr(live, name) for name in _COSTS)


def trade_event(row: Mapping[str, Any], fund: str, *, fits: bool = True) -> Trade:
    """The booking of a row of TRADES; ``fits`` False: of one that was refused, as it stands, for a person to correct."""
    values: dict[str, Any] = {name: row[name] for name in _SAME} | {name: row[name] or ZERO for name in _COSTS}
    place = f"{row['file'] or ''}#{row['at'] or ''}"
    values |= {"event_id": event_id(row, fund), "fund": fund, "effective_date": row["trade_date"], "source": place}
    return (Trade if fits else Trade.model_construct)(counterparty=row["counterparty"] or "", **values)


def event_id(row: Mapping[str, Any], fund: str) -> str:
    """Of the trade of a row of TRADES."""
    return f"trade:{fund}:{row['trade_id']}:v{row['version'] or 1}"


def _version(event: Trade) -> int:
    text = event.event_id.rpartition(":v")[2].partition("~")[0]
    return int(text) if text.isdigit() else 1


def _last_version(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Finding]]:
    """The row that counts among those of one trade, and letters about rows that say the same twice or contradict."""
    letters: list[Finding] = []
    kept: dict[tuple[int, bool], dict[str, Any]] = {}
    for row in rows:
        key = (row["version"] or 1, row["status"] == "CANCEL")
        first = kept.setdefault(key, row)
        if first is row:
            continue
        name = f"trade {row['trade_id']} version {key[0]}"
        if all(first[n] == row[n] for n in _BUSINESS):
            letters.append(warning("trade-duplicate", f"{name} stands twice; counted once", _place(row)))
        else:
            wrong = next(n for n in _BUSINESS if first[n] != row[n])
            todo = "ask the order system which one stands; the first one counts"
            letters.append(
                error(
                    "trade-contradicts",
                    f"{name} stands twice with another {wrong}",
                    _place(row, wrong),
                    found=str(row[wrong]),
                    expected=str(first[wrong]),
                    todo=todo,
                )
            )
    return kept[max(kept)], letters


def _decide(
    row: dict[str, Any], live: Trade | None, day: date, against: Against
) -> tuple[list[Trade | Reversal], list[Refused], list[Finding]]:
    """Events, refusals and letters for the row that counts of one trade, given what of it is booked."""
    version = row["version"] or 1
    if live and version < _version(live):
        return [], [], []  # an older version than the books have: they had it before
    if row["status"] == "CANCEL":
        return _cancel(row, live, against)
    if live and _is_booked(row, live):
        return [], [], []  # it was checked on its day, against the prices of that day
    problem = _problem(row, day, against)
    if problem:
        return [], [Refused(row, problem)], [problem]
    event = trade_event(row, against.fund)
    if live and version == _version(live):
        said = f"{row['trade_id']} version {version} is booked otherwise; the booking stands"
        letter = error("trade-booked-otherwise", said, _place(row), todo="have it amended with a new version")
        return [], [Refused(row, letter)], [letter]
    letters = _remarks(row, day, against)
    if live:
        letters.append(
            info("trade-amended", f"{row['trade_id']}: version {version} replaces version {_version(live)}", _place(row))
        )
        return [_reversal(live, f"amended by version {version}", row), event], [], letters
    return [event], [], letters


def _cancel(
    row: dict[str, Any], live: Trade | None, against: Against
) -> tuple[list[Trade | Reversal], list[Refused], list[Finding]]:
    if live:
        letter = info("trade-cancelled", f"{row['trade_id']} is cancelled and taken back", _place(row, "status"))
        return [_reversal(live, "cancelled by the order system", row)], [], [letter]
    return [], [], [info("trade-cancelled", f"{row['trade_id']} is cancelled; it is not in the books", _place(row, "status"))]


def _reversal(live: Trade, reason: str, row: Mapping[str, Any]) -> Reversal:
    return Reversal(
        event_id=f"reversal:{live.event_id}", fund=live.fund, effective_date=live.effective_date, reverses=live.event_id,
        reason=reason, source=f"{row['file'] or ''}#{row['at'] or ''}",
    )  # fmt: skip


# Checks --------------------------------------------------------------------------------------------------------------


def _place(row: Mapping[str, Any], name: str = "trade_id") -> Place:
    return Place(file=f"trade {row['trade_id']}", at=row["at"] or "", field=name, sha256=row["file"] or "")


def _problem(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    """The first reason for which a row cannot be booked."""
    return next((finding for check in CHECKS if (finding := check(row, day, against))), None)


def _known_account(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    if row["account"] in against.accounts:
        return None
    said = f"{row['trade_id']} settles in an account that the fund has not"
    known = ", ".join(sorted(against.accounts))
    return error(
        "trade-account-unknown",
        said,
        _place(row, "account"),
        found=row["account"],
        expected=known,
        todo="correct the account and send an amendment",
    )


def _known_instrument(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    known = against.instruments.get(row["isin"])
    if known is None:
        said, todo = f"{row['trade_id']}: {row['isin']} is not in the security master", "correct the ISIN, or load the instrument"
        return error("trade-isin-unknown", said, _place(row, "isin"), found=row["isin"], expected="a known ISIN", todo=todo)
    if known["currency"] != row["currency"]:
        said = f"{row['trade_id']}: {row['isin']} trades in {known['currency']}"
        return error(
            "trade-currency-differs",
            said,
            _place(row, "currency"),
            found=row["currency"],
            expected=known["currency"],
            todo="correct the currency",
        )
    return None


def _sane_figures(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    if row["side"] not in SIDES:
        return error(
            "trade-side-unknown",
            f"{row['trade_id']}: unknown side",
            _place(row, "side"),
            found=row["side"],
            expected=", ".join(SIDES),
        )
    for name in ("quantity", "price"):
        if row[name] <= 0:
            return error(
                f"trade-{name}",
                f"{row['trade_id']}: {name} is not positive",
                _place(row, name),
                found=str(row[name]),
                expected="more than 0",
            )
    for name in ("commission", "taxes"):
        if (row[name] or ZERO) < 0:
            return error(
                f"trade-{name}",
                f"{row['trade_id']}: {name} is negative",
                _place(row, name),
                found=str(row[name]),
                expected="0 or more",
            )
    return None


def _possible_dates(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    if row["trade_date"] > day:
        said = f"{row['trade_id']} is of a day to come"
        return error("trade-in-future", said, _place(row, "trade_date"), found=str(row["trade_date"]), expected=f"at most {day}")
    if row["settlement_date"] < row["trade_date"]:
        said, expected = f"{row['trade_id']} settles before it is traded", f"{row['trade_date']} or later"
        return error(
            "trade-settles-early", said, _place(row, "settlement_date"), found=str(row["settlement_date"]), expected=expected
        )
    return None


def net_amount(row: Mapping[str, Any], is_bond: bool) -> Decimal:
    """Money that changes hands: gross rounded to the minor unit, plus interest, with costs on top or taken off."""
    gross = round_money(row["quantity"] * row["price"] / (100 if is_bond else 1), row["currency"])
    costs = (row["commission"] or ZERO) + (row["taxes"] or ZERO)
    return gross + (row["accrued_interest"] or ZERO) + (costs if row["side"] in ("BUY", "COVER") else -costs)


def _money_adds_up(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    """Net amount within one minor unit of quantity x price, interest and costs."""
    if row["net_amount"] is None:
        return None
    ours = net_amount(row, _is_bond(row, against))
    if abs(ours - row["net_amount"]) <= Decimal(1).scaleb(-minor_unit_digits(row["currency"])):
        return None
    said = f"{row['trade_id']}: quantity, price and costs do not give the net amount"
    return error(
        "trade-net-differs",
        said,
        _place(row, "net_amount"),
        found=str(row["net_amount"]),
        expected=str(ours),
        todo="have the trade amended",
    )


def _near_price(row: Mapping[str, Any], day: date, against: Against) -> Finding | None:
    """Price within the limit of a last known one (any, when sources differ), unless a person released the trade."""
    known = against.last_price(row["isin"]) or ()
    last = [known] if isinstance(known, Decimal) else list(known)
    if not last or f"{row['trade_id']}/{row['version'] or 1}" in against.released:
        return None
    if any(abs(row["price"] - price) * 100 <= price * against.price_move_pct for price in last):
        return None
    said = f"{row['trade_id']}: the price is {row['price'] / last[0]:.2f} times the last known one; held back"
    todo = "have it amended, or release it"
    expected = f"{' or '.join(f'{price.normalize():f}' for price in last)} +/- {against.price_move_pct}%"
    return error("trade-price-far", said, _place(row, "price"), found=str(row["price"]), expected=expected, todo=todo)


CHECKS = (_known_account, _known_instrument, _sane_figures, _possible_dates, _money_adds_up, _near_price)


def _is_bond(row: Mapping[str, Any], against: Against) -> bool:
    return str(against.instruments[row["isin"]]["kind"]).endswith("_bond")


def _remarks(row: Mapping[str, Any], day: date, against: Against) -> list[Finding]:
    """Letters about a trade that is booked all the same."""
    letters = []
    known = against.instruments[row["isin"]]
    try:
        due = settlement_date(row["trade_date"], known["market"] or "", known["kind"], against.cycles)
    except UnknownCycleError as reason:
        letters.append(warning("trade-cycle-unknown", f"{row['trade_id']}: {reason}", _place(row, "settlement_date")))
    else:
        if due != row["settlement_date"]:
            said = f"{row['trade_id']} does not settle on the market's cycle; booked as sent"
            letters.append(
                warning(
                    "trade-settlement-date",
                    said,
                    _place(row, "settlement_date"),
                    found=str(row["settlement_date"]),
                    expected=str(due),
                    todo="confirm the date with the broker",
                )
            )
    if row["trade_date"] < day:
        letters.append(
            info("trade-backdated", f"{row['trade_id']} is of {row['trade_date']} and came on {day}", _place(row, "trade_date"))
        )
    return letters


def _lookalikes(events: Iterable[Trade | Reversal], live: Iterable[Trade]) -> Iterator[Finding]:
    """Trades under two references that agree in everything else: perhaps one trade sent twice."""
    seen: dict[tuple[Any, ...], Trade] = {}
    fields = ("account", "isin", "side", "quantity", "price", "effective_date", "counterparty")
    taken_back = {e.reverses for e in events if isinstance(e, Reversal)}
    for trade in [t for t in live if t.event_id not in taken_back] + [e for e in events if isinstance(e, Trade)]:
        first = seen.setdefault(tuple(getattr(trade, f) for f in fields), trade)
        if first.trade_id != trade.trade_id and trade in events:
            said = f"{trade.trade_id} is like {first.trade_id} in every figure; both are booked"
            yield warning(
                "trade-looks-doubled",
                said,
                Place(file=f"trade {trade.trade_id}", field="trade_id"),
                todo="ask the manager whether it is one trade",
            )
