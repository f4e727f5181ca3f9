"""Laws of the books that hold for any month: balance, conservation, order, time, reversal, and FIFO by a second method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import get_args

import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.books import METHODS, Book
from bo_lib.books.posting import RULES
from bo_lib.config import Basis
from bo_lib.model import events as ev
from tests.books.contracts import every_contract, every_other
from tests.books.desk import (
    BASES,
    accrual,
    action,
    capital,
    deal,
    dividend,
    june,
    keep,
    lot,
    reversal,
    rights,
    settled,
    split,
    trade,
)

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHARES = ("EURO-SHARE", "US-SHARE", "JP-SHARE")
cents = st.integers(1, 99999).map(lambda n: str(Decimal(n) / 100))
days = st.integers(1, 25)


@st.composite
def contracts(draw: st.DrawFn) -> list[ev.Event]:
    """A few of the events of contracts and reorganisations, on the shares of the month and on contracts of their own."""
    events: list[ev.Event] = []
    for n, kind in enumerate(draw(st.lists(st.sampled_from(sorted(FURTHER)), max_size=5))):
        day, amount, small = draw(days), draw(cents), draw(st.integers(1, 60))
        more = FURTHER[kind](day, amount, small)
        events += [event.model_copy(update={"event_id": f"{event.event_id}{n}"}) for event in more]
    return events


def _option(day: int, amount: str, small: int) -> list[ev.Event]:
    side, isin = ("BUY", "EURO-CALL") if small % 2 else ("SHORT", "EURO-PUT")
    fields = {"underlying": "EURO-SHARE", "style": isin.removeprefix("EURO-"), "quantity": 1, "strike": amount, "pay": day + 2}
    return [
        trade("ko", day, side, small, isin, "1.37", trade_id=f"KO{day}{small}{amount}"),
        action("option_exercise", "kx", day, isin, **fields),
        action("redemption", "ke", day + 3, isin, price="0"),
    ]


def _future(day: int, amount: str, small: int) -> list[ev.Event]:
    side = "BUY" if small % 2 else "SHORT"
    return [
        trade("kf", day, side, small, "US-FUTURE", amount, commission="1.99", trade_id=f"KF{day}{small}{amount}"),
        action("variation_margin", "kv", day + 1, "US-FUTURE", price="411.25", pay=day + 2),
        action("transfer", "kt", day + 2, "US-FUTURE", to_account="BROKER", quantity=1),
        action("redemption", "kr", 29, "US-FUTURE", price="400"),
    ]


def _linker(day: int, amount: str, small: int) -> list[ev.Event]:
    ratio = str(Decimal(1) + Decimal(small) / 1000)
    return [
        trade("kl", day, "BUY", 1000 * small, "US-LINKER", "99.31", index_ratio=ratio, trade_id=f"KL{day}{small}{amount}"),
        action("index_fixing", "ki", day + 1, "US-LINKER", index_ratio="1.031234567"),
        action("redemption", "kq", day + 3, "US-LINKER", price="100", portion_pct=str(small), pay=day + 4),
    ]


FURTHER: dict[str, Callable[[int, str, int], list[ev.Event]]] = {
    "spin-off": lambda day, amount, small: [
        action("spin_off", "ks", day, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=small, cost_pct=small),
        action("cash_in_lieu", "kc", day + 1, "EURO-NEW", quantity="0.25", amount=amount, pay=day + 2),
    ],
    "merger": lambda day, amount, small: [
        action("merger", "km", day, "US-SHARE", new_isin="US-NEW", new=small % 3, old=2, value_new=amount, pay=day + 3,
               cash_per_share=small, recognise="BOOT" if small % 2 else "FULL"),
    ],
    "capital returned": lambda day, amount, small: [
        action("return_of_capital", "kd", day, "JP-SHARE", rate_per_share=small, pay=day + 2),
    ],
    "transfer": lambda day, amount, small: [
        action("transfer", "kt", day, "EURO-SHARE", to_account="BROKER", quantity=small),
    ],
    "in kind": lambda day, amount, small: [
        action("in_kind", "ki", day, "JP-SHARE", order_id="O", share_class="A", direction="IN", quantity=small, value=small * 1000,
               currency="EUR", amount=amount),
        action("in_kind", "ku", day + 1, "EURO-SHARE", order_id="O", share_class="A", direction="OUT", quantity=small, value=amount,
               amount=amount),
    ],
    "amortisation": lambda day, amount, small: [
        lot("kb", "US-BOND", date(2025, 1, 2), "1000", "900.03", "800.02"),
        action("amortisation", "ka", day, "US-BOND", lot_id="kb0/1", amount=amount),
    ],
    "swap": lambda day, amount, small: [
        action("swap_payment", "kw", day, "US-SWAP", amount=f"-{amount}" if small % 2 else amount, pay=day + 2),
    ],
    "money": lambda day, amount, small: [
        action("money_deal", "kn", day, "", deal_id=f"{day}{small}{amount}", style=("DEPOSIT", "REPO", "LENDING")[small % 3],
               currency="USD", principal=amount, rate_pct_annual=small, maturity_date=june(day + 4)),
    ],
    "option": _option, "future": _future, "linker": _linker,
}  # fmt: skip


@st.composite
def months(draw: st.DrawFn) -> list[ev.Event]:
    """Trades with some settled (in one or two parts), income, splits, rights, deals, capital, fees and a few reversals."""
    events: list[ev.Event] = [
        lot("l1", "EURO-SHARE", date(2025, 1, 2), "1000", "10000.03", "10000.03"),
        lot("l2", "US-SHARE", date(2024, 1, 2), "-500", "-7000.01", "-6400.02"),
    ]
    for n in range(draw(st.integers(0, 14))):
        day, isin = draw(days), draw(st.sampled_from(SHARES))
        side, quantity = draw(st.sampled_from(["BUY", "SELL", "SHORT", "COVER"])), draw(st.integers(1, 900))
        price = draw(cents)
        events.append(trade(f"t{n}", day, side, quantity, isin, price, commission=draw(cents)))
        parts = draw(st.sampled_from([(), (quantity,), (1, quantity - 1)]))
        events += [
            settled(f"x{n}-{k}", min(day + 2 + k, 30), f"t{n}", part, str(part * Decimal(price)))
            for k, part in enumerate(parts)
            if part
        ]
    others = draw(st.lists(st.sampled_from(["dividend", "split", "spot", "forward", "capital", "fee", "rights"]), max_size=5))
    for n, kind in enumerate(others):
        day, isin, amount = draw(days), draw(st.sampled_from(SHARES)), draw(cents)
        events.append({
            "dividend": dividend(f"o{n}", day, isin, "0.37", "15", day + 3),
            "split": split(f"o{n}", day, isin, draw(st.integers(1, 7)), draw(st.integers(1, 7))),
            "spot": deal(f"o{n}", day, "SPOT", f"USD {amount}", "EUR 77.10", day + 2),
            "forward": deal(f"o{n}", day, "FORWARD", f"EUR {amount}", "USD 81.20", day + 4, share_class="H"),
            "capital": capital(f"o{n}", day, "SUBSCRIBE", "1", amount, "91.17", "USD", day + 3),
            "fee": accrual(f"o{n}", day, "audit_fee", amount),
            "rights": rights(day).model_copy(update={"event_id": f"o{n}"}),
        }[kind])  # fmt: skip
    events += draw(contracts())
    targets = st.sampled_from([event.event_id for event in events])
    for n, target in enumerate(draw(st.lists(targets, max_size=3, unique=True))):
        events.append(reversal(f"r{n}", draw(days) + 5, target))
    return events


bases = st.sampled_from(BASES.bases)


@QUICK
@given(months(), bases)
def test_the_journal_balances_per_event_day_and_currency_and_in_base_on_every_basis(events: list[ev.Event], basis: Basis) -> None:
    assert not unbalanced(keep(*events, basis=basis).value)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), bases)
def test_every_kind_of_event_balances_on_every_day_and_basis(day: int, basis: Basis) -> None:
    """One of each kind: each line-up of event, day and currency sums to zero, and so does base."""
    events = [*every_contract(), *every_other()]
    kinds = {kind.model_fields["kind"].default for kind in get_args(get_args(ev.Event)[0])}
    assert {event.kind for event in events} == kinds == set(ev.KINDS) == {*RULES, "reversal"}, "a new kind of event belongs here"
    assert not unbalanced(keep(*events, until=june(day), basis=basis).value)


def unbalanced(book: Book) -> dict[tuple[object, ...], Decimal]:
    sums: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for row in book.journal.to_pylist():
        sums[row["event_id"], row["effective_date"], row["currency"]] += row["local"]
        sums[row["event_id"], row["effective_date"], "base"] += row["base"]
    return {key: amount for key, amount in sums.items() if amount}


@QUICK
@given(months(), days, bases)
def test_adding_day_by_day_leads_to_the_same_books(events: list[ev.Event], day: int, basis: Basis) -> None:
    """What was known on a day is a prefix of the journal: events that come later change nothing on it."""
    early = [event for event in events if event.effective_date <= june(day)]
    before, after = (keep(*given, until=june(day), basis=basis).value for given in (early, events))
    assert before.journal.equals(after.journal)
    assert before.lots().equals(after.lots())


@QUICK
@given(months(), st.sampled_from(sorted(METHODS)), bases)
def test_lots_positions_and_ledger_tell_one_story(events: list[ev.Event], method: str, basis: Basis) -> None:
    """Quantity of lots = quantity of the journal; cost of lots = investments in the ledger; gains realised = gain accounts."""
    book = keep(*events, lot_method=method, basis=basis).value
    quantity: dict[str, Decimal] = defaultdict(Decimal)
    cost: dict[str, Decimal] = defaultdict(Decimal)
    gain = cost_base = Decimal(0)
    for row in book.journal.to_pylist():
        if row["ledger"] == "investments":
            quantity[row["isin"]] += row["quantity"] or 0
            cost[row["isin"]] += row["local"]
            cost_base += row["base"]
        gain -= row["base"] if row["ledger"] == "realised_gain" else 0
    lots = book.lots().to_pylist()
    for isin in quantity:
        assert sum(x["quantity"] for x in lots if x["isin"] == isin) == quantity[isin]
        assert sum(x["cost_local"] for x in lots if x["isin"] == isin) == cost[isin]
    assert sum(x["cost_base"] for x in lots) == cost_base
    assert sum(x["price_gain_base"] for x in book.realised.to_pylist()) == gain
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in book.positions().to_pylist():
        held[row["isin"]] += row["quantity"]
    assert held == {isin: total for isin, total in quantity.items() if total}


@QUICK
@given(months(), st.randoms(use_true_random=False), bases)
def test_the_order_of_arrival_does_not_matter(events: list[ev.Event], shuffle: object, basis: Basis) -> None:
    book = keep(*events, basis=basis).value
    mixed = list(events)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    again = keep(*mixed, basis=basis).value
    assert again.journal.equals(book.journal)
    assert again.lots().equals(book.lots())
    assert again.realised.equals(book.realised)


@QUICK
@given(months(), days)
def test_replay_to_a_day_is_the_journal_up_to_that_day(events: list[ev.Event], day: int) -> None:
    whole, part = keep(*events).value, keep(*events, until=june(day)).value
    assert part.journal.equals(whole.journal.filter(pc.less_equal(whole.journal["effective_date"], june(day))))
    assert whole.lots(as_of=june(day)).equals(part.lots())


@QUICK
@given(months(), bases)
def test_reversing_everything_leaves_nothing(events: list[ev.Event], basis: Basis) -> None:
    standing = [event for event in events if event.kind != "reversal"]
    undone = [reversal(f"u{n}", 30, event.event_id) for n, event in enumerate(standing)]
    book = keep(*standing, *undone, until=june(30), basis=basis).value
    assert book.trial_balance().num_rows == book.lots().num_rows == book.open_trades.num_rows == 0


@QUICK
@given(months(), st.data(), bases)
def test_a_reversal_restores_the_books_as_if_the_event_had_not_been(
    events: list[ev.Event], data: st.DataObject, basis: Basis
) -> None:
    standing = [event for event in events if event.kind != "reversal"]
    target = data.draw(st.sampled_from(standing))
    without = keep(*(event for event in standing if event is not target), basis=basis).value
    back = keep(*standing, reversal("u", data.draw(days), target.event_id), basis=basis).value
    assert back.trial_balance().equals(without.trial_balance())
    assert back.lots().equals(without.lots())
    assert back.positions("settlement").equals(without.positions("settlement"))


sequences = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 50), st.integers(1, 500)), max_size=25)


@settings(max_examples=150, deadline=None)
@given(sequences)
def test_fifo_is_the_kth_unit_bought_against_the_kth_unit_sold(sequence: list[tuple[int, int, int]]) -> None:
    """Without lots: laid in a row, the k-th unit of all purchases meets the k-th unit of all sales."""
    events = [trade(f"t{n:02}", 1 + n, "BUY" if sign > 0 else "SELL", quantity, "EURO-SHARE", str(price))
              for n, (sign, quantity, price) in enumerate(sequence)]  # fmt: skip
    book = keep(*events).value
    bought = [price for sign, quantity, price in sequence if sign > 0 for _ in range(quantity)]
    sold = [price for sign, quantity, price in sequence if sign < 0 for _ in range(quantity)]
    pairs = list(zip(bought, sold, strict=False))
    realised = book.realised.to_pylist()
    assert sum(row["quantity"] for row in realised) == len(pairs)
    assert sum(row["price_gain_base"] for row in realised) == sum(out - into for into, out in pairs)
    left = sum(bought[len(pairs):]) - sum(sold[len(pairs):])  # fmt: skip
    assert sum(x["cost_local"] for x in book.lots().to_pylist()) == left
