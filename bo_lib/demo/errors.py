"""What goes wrong at the counterparties, when, and the record of it that only tests and benchmarks read.

``PLAN`` says on which business day of a month which error is due; a writer asks ``due`` and, once it made the error,
``record``s it. An error that finds nothing to spoil on its day (no dividend, no such entry) waits for the next day. Errors never
touch the simulator's truth; a late order and a failing settlement are part of life and only recorded here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bo_lib.demo.files import Outbox, csv_text, text_of
from bo_lib.model.dates import add_business_days, business_days

# kind -> the room that should find it
KINDS = {
    **dict.fromkeys(
        ("cash_missing", "cash_duplicated", "cash_amount", "cash_value_date", "cash_reversed", "cash_fee"), "cash_recon"
    ),
    **dict.fromkeys(("position_quantity", "position_missing", "position_split"), "position_recon"),
    **dict.fromkeys(("confirmation_missing", "fail"), "settlement"),
    **dict.fromkeys(("file_missing", "file_truncated", "file_empty", "file_duplicate", "file_stale"), "arrivals"),
    **dict.fromkeys(("statement_gap", "statement_opening"), "cash_recon"),
    "statement_proof": "feeds",
    **dict.fromkeys(
        ("price_missing", "price_stale", "price_spike", "price_unit", "price_zero", "price_variance", "price_split"), "prices"
    ),
    **dict.fromkeys(("trade_duplicate", "trade_unknown_isin", "trade_price", "trade_cancelled"), "trades"),
    "trade_quantity": "settlement",
    **dict.fromkeys(("order_late", "order_uncleared", "order_excess", "order_below_minimum", "order_unknown_class"), "dealing"),
    **dict.fromkeys(("nav_accrual", "nav_dividend", "nav_fx", "nav_units", "nav_price"), "nav_shadow"),
    "nav_columns": "feeds",
    **dict.fromkeys(("action_rate", "action_ex_date", "action_missing"), "actions"),
}
FUNDS = ("GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE")
# Business day of the month: kind and fund; for what belongs to no fund, kind and sender; for whole files, also how the name begins.
_PLAN = """
 3: cash_missing EURO-UCITS, trade_price GLOBAL-EQ-LS
 4: price_spike VENDOR-A
 5: nav_accrual EURO-UCITS, action_rate VENDOR-B
 7: cash_fee EURO-UCITS
 8: trade_duplicate EURO-UCITS
 9: file_missing BOREAL semt002_GLOBAL-BOND
10: position_quantity GLOBAL-EQ-LS
11: cash_amount GLOBAL-BOND
12: nav_price GLOBAL-BOND
13: order_uncleared EURO-UCITS
14: price_unit VENDOR-A
15: file_truncated ALPINE mt535
17: position_missing GLOBAL-BOND
18: cash_missing GLOBAL-EQ-LS, cash_amount EURO-UCITS, price_spike VENDOR-A, trade_duplicate GLOBAL-EQ-LS, nav_dividend EURO-UCITS
18: file_empty VENDOR-B prices, action_rate VENDOR-B, trade_quantity GLOBAL-EQ-LS
19: cash_value_date EURO-UCITS, cash_fee GLOBAL-EQ-LS, position_split EURO-UCITS, price_split VENDOR-A, nav_fx GLOBAL-EQ-LS
19: trade_unknown_isin EURO-UCITS, order_excess EURO-UCITS, confirmation_missing EURO-UCITS, action_missing ALPINE
19: file_duplicate NORTHGATE positions
20: cash_duplicated EURO-UCITS, cash_reversed GLOBAL-BOND, position_missing GLOBAL-EQ-LS, price_missing VENDOR-A
20: price_zero VENDOR-B, trade_price EURO-UCITS, order_below_minimum EURO-UCITS, nav_price EURO-UCITS
20: file_truncated BOREAL semt002_GLOBAL-BOND, action_ex_date GLOBAL-EQ-LS
21: statement_gap EURO-UCITS, statement_opening GLOBAL-BOND, price_unit VENDOR-A, price_stale VENDOR-A
21: trade_cancelled GLOBAL-EQ-LS, order_unknown_class EURO-UCITS, nav_accrual GLOBAL-BOND, nav_columns HARBOUR-PE
21: file_stale ALPINE mt535
22: statement_proof GLOBAL-EQ-LS, price_variance VENDOR-B, nav_units EURO-UCITS, order_uncleared GLOBAL-EQ-LS
22: position_quantity EURO-UCITS, file_missing BOREAL semt002_GLOBAL-BOND
"""
PLAN: tuple[tuple[int, str, str, str], ...] = tuple(
    (int(day), *[*item.split(), ""][:3])  # type: ignore[misc]
    for day, _, items in (line.partition(":") for line in _PLAN.strip().splitlines())
    for item in items.split(",")
)
HEADER = ("date", "fund", "sender", "kind", "file", "key", "field", "right", "wrong", "found_by", "note")


@dataclass
class Errors:
    """The plan applied to a run of days, and the truth of what was done."""

    on: bool
    from_day: date = date.min  # errors begin after the opening
    day: date = date.min
    waiting: list[tuple[str, str, str]] = field(default_factory=list)  # kind, whom, file
    truth: list[dict[str, Any]] = field(default_factory=list)

    def start(self, day: date) -> None:
        """A new business day: what the plan has for it is due, from the month after the opening on."""
        self.day = day
        month = business_days(day.replace(day=1), day, "TARGET")
        if self.on and day > self.from_day and month and month[-1] == day:
            self.waiting += [(kind, whom, name) for ordinal, kind, whom, name in PLAN if ordinal == len(month)]

    def due(self, kind: str, whom: str) -> bool:
        return any(w[:2] == (kind, whom) for w in self.waiting)

    def planned_in(self, kind: str, whom: str, days: int) -> bool:
        """True when the plan has this error ``days`` business days from now (some errors need a start)."""
        then = add_business_days(self.day, days, "TARGET")
        ordinal = len(business_days(then.replace(day=1), then, "TARGET"))
        return self.on and self.day > self.from_day and any(row[:3] == (ordinal, kind, whom) for row in PLAN)

    def spoil_files(self, out: Outbox, before: dict[str, bytes]) -> None:
        """Lose, cut, empty, repeat or mix up whole files; ``before`` holds yesterday's."""
        for kind, sender, start in [w for w in self.waiting if w[0].startswith("file_")]:
            path = out.find(sender, start)
            if not path:
                continue
            content = out.files[path]
            wrong = kind.removeprefix("file_")
            self.record(kind, sender, path, path.split("/")[1], "file", f"{len(content)} bytes once", wrong)
            if kind == "file_missing":
                del out.files[path]
            elif kind == "file_truncated":
                out.files[path] = content[: len(content) * 6 // 10]
            elif kind == "file_empty":
                out.files[path] = b""
            elif kind == "file_duplicate":
                stem, _, ending = path.rpartition(".")
                out.files[f"{stem}_2.{ending}"] = content
            else:
                out.files[path] = next(old for name, old in sorted(before.items()) if name.startswith(f"{sender}/{start}"))

    def record(
        self, kind: str, whom: str, file: str, key: str, field: str, right: Any, wrong: Any = "", note: str = "", fund: str = ""
    ) -> None:
        """Note an error as made; it is no longer due. ``whom`` is the fund or sender of the plan, ``file`` SENDER/name."""
        if not self.on:
            return
        done = next((w for w in self.waiting if w[:2] == (kind, whom) and w[2] in file), None)
        if done:
            self.waiting.remove(done)
        fund = fund or (whom if whom in FUNDS else "")
        row = (self.day, fund, file.split("/")[0], kind, file, key, field, right, wrong, KINDS[kind], note)
        self.truth.append(dict(zip(HEADER, row, strict=True)))

    def csv(self) -> str:
        rows = sorted(self.truth, key=lambda row: (row["date"], row["fund"], row["sender"], row["kind"], row["key"]))
        return csv_text(HEADER, ([text_of(row[name]) for name in HEADER] for row in rows))
