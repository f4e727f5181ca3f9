"""What can happen to a fund's books. One frozen class per kind of event; books and NAV are folds over these.

Amounts are positive unless said otherwise and in the currency named beside them. ``effective_date`` is the accounting
date (trade date of a trade, ex date of a dividend, first day in NAV of capital). ``event_id`` is stable and is the
idempotency key in the store. ``source`` is ``sha256#place`` of the file row the event came from.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

ZERO = Decimal(0)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    fund: str
    effective_date: date
    source: str = ""
    belongs_to: date | None = None  # of a prior-period adjustment: its own date, in the closed period

    @property
    def own_date(self) -> date:
        """The date the event is of, whenever it was booked."""
        return self.belongs_to or self.effective_date


class OpeningLot(_Event):
    """A lot taken over from earlier books; ``quantity`` and costs are signed (short negative).

    ``index_ratio``: up to which the cost of an inflation-linked bond holds inflation.
    """

    kind: Literal["opening_lot"] = "opening_lot"
    account: str
    isin: str
    quantity: Decimal
    currency: str
    cost_local: Decimal
    cost_base: Decimal
    acquired: date
    index_ratio: Decimal = Decimal(1)


class OpeningBalance(_Event):
    """A ledger balance taken over from earlier books, debit positive; the difference goes to opening equity."""

    kind: Literal["opening_balance"] = "opening_balance"
    ledger: str
    account: str = ""
    share_class: str = ""
    currency: str
    local: Decimal
    base: Decimal


class LotPick(BaseModel):
    """Part of an open lot that a trade names to be closed; ``quantity`` positive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lot_id: str
    quantity: Decimal


class Trade(_Event):
    """A purchase, sale, short sale or cover. ``accrued_interest`` is paid by the buyer on top of the clean price.

    ``lots``: the lots that a closing trade takes (specific identification); empty: the fund's method. ``index_ratio``: of an
    inflation-linked bond on settlement date; its price is of the uninflated nominal.
    """

    kind: Literal["trade"] = "trade"
    trade_id: str
    account: str
    isin: str
    side: Literal["BUY", "SELL", "SHORT", "COVER"]
    quantity: Decimal
    price: Decimal
    currency: str
    commission: Decimal = ZERO
    taxes: Decimal = ZERO
    accrued_interest: Decimal = ZERO
    settlement_date: date
    counterparty: str = ""
    lots: tuple[LotPick, ...] = ()
    index_ratio: Decimal = Decimal(1)


class Settlement(_Event):
    """Cash and securities of a trade changed hands, in full or (``quantity``) in part, for ``amount`` of money."""

    kind: Literal["settlement"] = "settlement"
    trade_id: str
    quantity: Decimal
    amount: Decimal


class FxDeal(_Event):
    """A spot or forward currency deal; a spot is in NAV from trade date, cash moves on ``settlement_date``."""

    kind: Literal["fx_deal"] = "fx_deal"
    deal_id: str
    account: str
    style: Literal["SPOT", "FORWARD"]
    buy_currency: str
    buy_amount: Decimal
    sell_currency: str
    sell_amount: Decimal
    settlement_date: date
    share_class: str = ""


class Dividend(_Event):
    """A dividend (per share) on its ex date, for the position held at the close of the day before.

    ``withholding_pct`` is in percent of the gross, ``reclaim_pct`` that part of it which a treaty gives back later. Shorts pay the
    gross.
    """

    kind: Literal["dividend"] = "dividend"
    event_ref: str
    isin: str
    currency: str
    rate_per_share: Decimal
    withholding_pct: Decimal = ZERO
    reclaim_pct: Decimal = ZERO
    payment_date: date


class Coupon(_Event):
    """A bond coupon on its ex date, for the nominal that settles before it by agreement: ``rate_pct_of_nominal`` for this payment
    (half the yearly coupon if two a year).

    The ex date is the first day of settlement without it: the coupon date itself, or the first day of the ex-dividend period.
    """

    kind: Literal["coupon"] = "coupon"
    event_ref: str
    isin: str
    currency: str
    rate_pct_of_nominal: Decimal
    withholding_pct: Decimal = ZERO
    payment_date: date


class Split(_Event):
    """``new`` shares for every ``old`` shares, from the open of ``effective_date`` (the ex date); fractions are kept."""

    kind: Literal["split"] = "split"
    event_ref: str
    isin: str
    new: Decimal
    old: Decimal


class RightsIssue(_Event):
    """``new`` rights for every ``old`` shares held at the close before the ex date; rights are rounded down.

    Cost follows market value on the first day (26 CFR 1.307-1): ``value_share`` ex rights and ``value_right``.
    """

    kind: Literal["rights_issue"] = "rights_issue"
    event_ref: str
    isin: str
    rights_isin: str
    new: Decimal
    old: Decimal
    value_share: Decimal
    value_right: Decimal


class RightsExercise(_Event):
    """``quantity`` rights used up at ``subscription_price`` each for as many new shares; cash leaves on ``payment_date``."""

    kind: Literal["rights_exercise"] = "rights_exercise"
    event_ref: str
    account: str
    rights_isin: str
    isin: str
    quantity: Decimal
    subscription_price: Decimal
    currency: str
    payment_date: date


class Capital(_Event):
    """Units issued or redeemed: in NAV from ``effective_date`` (the day after dealing), cash on ``settlement_date``.

    ``amount`` is in the class currency, ``amount_base`` the same at the rates of the dealing day. EXCHANGE_OUT and EXCHANGE_IN move
    units between classes (a series rolled up) or restate them (equalisation at crystallisation): no cash moves. ``in_kind``:
    securities are delivered instead of it (``InKind``).
    """

    kind: Literal["capital"] = "capital"
    order_id: str
    investor: str
    share_class: str
    action: Literal["SUBSCRIBE", "REDEEM", "CALL", "DISTRIBUTE", "EXCHANGE_IN", "EXCHANGE_OUT"]
    units: Decimal
    amount: Decimal
    amount_base: Decimal
    currency: str
    account: str
    settlement_date: date
    in_kind: bool = False


class Accrual(_Event):
    """An expense accrued to date; negative ``amount`` releases. ``name``: management_fee, performance_fee, administration…"""

    kind: Literal["accrual"] = "accrual"
    name: str
    share_class: str = ""
    currency: str
    amount: Decimal


class Payment(_Event):
    """Money in (positive ``amount``) or out against a ledger account: an accrued fee paid, bank interest, a charge."""

    kind: Literal["payment"] = "payment"
    reference: str
    account: str
    ledger: str
    share_class: str = ""
    currency: str
    amount: Decimal
    text: str = ""


class JournalLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger: str
    account: str = ""
    share_class: str = ""
    currency: str
    local: Decimal
    base: Decimal


class ManualJournal(_Event):
    """Lines that a person booked; they balance per currency and in base.

    ``maker`` and ``checker`` are the authors of its proposal and of the approval: the door of the books fills them in.
    """

    kind: Literal["manual_journal"] = "manual_journal"
    lines: tuple[JournalLine, ...]
    reason: str
    maker: str = ""
    checker: str = ""


class SpinOff(_Event):
    """``new`` shares of ``new_isin`` for every ``old`` held at the close before, with ``cost_pct`` percent of each lot's cost and
    its acquisition date (26 CFR 1.358-2). Fractions stay until their cash in lieu.
    """

    kind: Literal["spin_off"] = "spin_off"
    event_ref: str
    isin: str
    new_isin: str
    new: Decimal
    old: Decimal
    cost_pct: Decimal


class Merger(_Event):
    """Every ``old`` shares become ``new`` of ``new_isin`` and ``cash_per_share`` for each share given up.

    ``recognise`` BOOT: gain up to the cash, cost and dates carried over (26 CFR 1.356-1); FULL: all of it, at ``value_new`` for a
    new share, acquired that day. A merger for cash alone has ``new`` 0. Fractions stay until their cash in lieu.
    """

    kind: Literal["merger"] = "merger"
    event_ref: str
    isin: str
    new_isin: str
    new: Decimal
    old: Decimal
    value_new: Decimal
    cash_per_share: Decimal = ZERO
    currency: str
    recognise: Literal["BOOT", "FULL"] = "BOOT"
    payment_date: date


class CashInLieu(_Event):
    """Money for the fraction ``quantity`` of a share, whose part of the cost leaves with it."""

    kind: Literal["cash_in_lieu"] = "cash_in_lieu"
    event_ref: str
    account: str
    isin: str
    quantity: Decimal
    amount: Decimal
    currency: str
    payment_date: date


class ReturnOfCapital(_Event):
    """Money per share that lowers the cost of each lot; what exceeds it is gain. For the position at the close before."""

    kind: Literal["return_of_capital"] = "return_of_capital"
    event_ref: str
    isin: str
    currency: str
    rate_per_share: Decimal
    payment_date: date


class Transfer(_Event):
    """``quantity`` moves from one account of the fund to another: its lots go with cost and acquisition date."""

    kind: Literal["transfer"] = "transfer"
    reference: str
    account: str
    to_account: str
    isin: str
    quantity: Decimal


class InKind(_Event):
    """Securities an investor delivers for units (IN) or takes for them (OUT), at market ``value`` in the instrument's currency.

    ``order_id`` and ``amount`` in ``currency``: what is cleared of the units' order, whose ``Capital`` is in kind.
    """

    kind: Literal["in_kind"] = "in_kind"
    order_id: str
    account: str
    isin: str
    direction: Literal["IN", "OUT"]
    quantity: Decimal
    value: Decimal
    currency: str
    amount: Decimal
    share_class: str


class Redemption(_Event):
    """Positions end at ``price``: a bond repaid, called, a liquidation, an option that expires (price 0), a future delivered.

    ``portion_pct`` below 100 takes that part of every lot (a partial call, a pool's factor). Trades of the day count.
    """

    kind: Literal["redemption"] = "redemption"
    event_ref: str
    isin: str
    currency: str
    price: Decimal
    portion_pct: Decimal = Decimal(100)
    payment_date: date


class Amortisation(_Event):
    """Discount (positive ``amount``) or premium (negative) of one lot taken into income; it changes the lot's cost."""

    kind: Literal["amortisation"] = "amortisation"
    account: str
    isin: str
    lot_id: str
    currency: str
    amount: Decimal


class IndexFixing(_Event):
    """The index ratio of an inflation-linked bond: the change since the last, on the nominal held, is interest and cost."""

    kind: Literal["index_fixing"] = "index_fixing"
    isin: str
    index_ratio: Decimal


class VariationMargin(_Event):
    """The day's settlement price of a future: what it moved since the last, or since the trades of the day, is paid."""

    kind: Literal["variation_margin"] = "variation_margin"
    isin: str
    price: Decimal
    payment_date: date


class OptionExercise(_Event):
    """``quantity`` contracts held are exercised, or written ones assigned: the underlying changes hands at ``strike``.

    The premium becomes part of the cost or the proceeds of the underlying.
    """

    kind: Literal["option_exercise"] = "option_exercise"
    event_ref: str
    account: str
    isin: str
    underlying: str
    style: Literal["CALL", "PUT"]
    quantity: Decimal
    strike: Decimal
    currency: str
    payment_date: date


class SwapPayment(_Event):
    """A net payment under a swap: received positive, paid negative. The contract itself is a position valued like others."""

    kind: Literal["swap_payment"] = "swap_payment"
    event_ref: str
    account: str
    isin: str
    currency: str
    amount: Decimal
    payment_date: date


class MoneyDeal(_Event):
    """Money placed (DEPOSIT, REVERSE_REPO) or taken (BORROWING, REPO, and cash collateral for securities lent: LENDING).

    From ``effective_date`` to ``maturity_date`` at ``rate_pct_annual`` simple interest; ``isin`` and ``quantity``: collateral, or
    what is lent, which stays in the books of its owner.
    """

    kind: Literal["money_deal"] = "money_deal"
    deal_id: str
    account: str
    style: Literal["DEPOSIT", "REVERSE_REPO", "BORROWING", "REPO", "LENDING"]
    currency: str
    principal: Decimal
    rate_pct_annual: Decimal
    day_count: Literal["ACT/360", "ACT/365F"] = "ACT/360"
    maturity_date: date
    isin: str = ""
    quantity: Decimal = ZERO


class Reversal(_Event):
    """Takes back one earlier event in full, as of ``effective_date``; both stay visible."""

    kind: Literal["reversal"] = "reversal"
    reverses: str
    reason: str


Event = Annotated[
    OpeningLot | OpeningBalance | Trade | Settlement | FxDeal | Dividend | Coupon | Split | RightsIssue | RightsExercise
    | Capital | Accrual | Payment | ManualJournal | Reversal | SpinOff | Merger | CashInLieu | ReturnOfCapital | Transfer
    | Redemption | Amortisation | IndexFixing | VariationMargin | OptionExercise | SwapPayment | MoneyDeal | InKind,
    Field(discriminator="kind"),
]  # fmt: skip
KINDS: dict[str, type[_Event]] = {kind.model_fields["kind"].default: kind for kind in _Event.__subclasses__()}
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def from_payload(payload: dict[str, Any]) -> Event:
    """The event of a stored payload. Raises ``pydantic.ValidationError`` when it is none."""
    return _EVENT.validate_python(payload)


def to_payload(event: Event) -> dict[str, Any]:
    """The event as plain JSON: decimals and dates as strings. What came to the events later stands only where it says something."""
    return event.model_dump(mode="json", exclude={name for name in ("belongs_to", "in_kind") if not getattr(event, name, None)})
