"""What a reconciliation concludes: proof, rates, matches, suggestions, breaks, verdict."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import AMOUNT, COUNT, DATE, QUANTITY, RATE, TEXT, Column, Table
from bo_lib.recon.match import Matching
from bo_lib.recon.rules import Rules

BREAKS = Table("breaks", "differences found on a day", ("break_id",), (
    Column("break_id", TEXT, "identity of this difference: key and amount", True),
    Column("key", TEXT, "identity of what differs, whatever the amount", True),
    Column("kind", TEXT, "missing_here, missing_there, amount, quantity, date, account, currency, duplicate, ambiguous", True),
    Column("cause", TEXT, "likely cause"),
    Column("evidence", TEXT, "what speaks for the cause"),
    Column("account", TEXT, "the fund's account", True),
    Column("currency", TEXT, "currency of amount; empty for quantities"),
    Column("isin", TEXT, "instrument, where one is meant"),
    Column("reference", TEXT, "reference that both sides know, or the other side's"),
    Column("item_date", DATE, "value date of the item"),
    Column("amount", QUANTITY, "ours less theirs: money in currency, or quantity", True),
    Column("value_base", AMOUNT, "value at risk in base currency, positive; null when it cannot be priced"),
    Column("text", TEXT, "narrative of the item"),
))  # fmt: skip

RATES = Table("recon_rates", "what each pass did", ("pass",), (
    Column("pass", TEXT, "pass of the rules, or what was left", True),
    Column("rows_left", COUNT, "rows of ours", True),
    Column("rows_right", COUNT, "rows of theirs", True),
    Column("share_pct", RATE, "share of all rows, in percent", True),
))  # fmt: skip


def short_hash(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:20]


def plain(number: Decimal) -> str:
    """A decimal as text without trailing zeros: 1E+2 and 100.00 are both 100."""
    return f"{number.normalize() + ZERO:f}"


def cents(amount: Decimal) -> str:
    """Money as ``plain``, with two places at least where it has any: 82881.40, but 796000."""
    text = plain(amount)
    return text + "0" if len(text.partition(".")[2]) == 1 else text


@dataclass(frozen=True)
class Break:
    """A difference of one day. ``key`` names what differs, ``break_id`` that with its amount.

    amount: ours less theirs; the breaks of an account add up to the difference of the balances. subject: what makes the item
    the same item tomorrow (a reference, an ISIN), never its amount unless nothing else is known of it.
    """

    recon: str
    fund: str
    account: str
    subject: str
    kind: str
    amount: Decimal
    currency: str = ""
    isin: str = ""
    reference: str = ""
    item_date: date | None = None
    cause: str = ""
    evidence: str = ""
    value_base: Decimal | None = None
    text: str = ""
    ordinal: int = 1  # among breaks that are identical

    @cached_property
    def key(self) -> str:
        return short_hash(self.recon, self.fund, self.account, self.currency, self.isin, self.subject)

    @cached_property
    def break_id(self) -> str:
        return short_hash(self.key, plain(self.amount), self.ordinal)

    @property
    def scope(self) -> tuple[str, str]:
        return self.account, self.currency

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in BREAKS.names}


@dataclass(frozen=True)
class Reconciliation:
    """One reconciliation of one fund and business date.

    proof
        per account (and currency): balances, movements, open items, what is left unexplained, ``proven``.
    rates
        per pass: rows of both sides and their share; then what was left open or excluded.
    matches, suggestions
        (group, pass, verdict, side, and the row itself).
    items
        the differences; ``breaks`` is the same as a table.
    compared
        (account, currency) that could be compared; breaks elsewhere stay as they were.
    comparison
        positions: every account and ISIN with both quantities; three parties: every key with the three figures and ``agreement``.
    """

    name: str
    title: str
    fund: str
    business_date: date
    rules: str
    owner: str
    sla_business_days: int
    proof: pa.Table
    rates: pa.Table
    matches: pa.Table
    suggestions: pa.Table
    items: tuple[Break, ...]
    compared: frozenset[tuple[str, str]]
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    comparison: pa.Table | None = None

    @cached_property
    def breaks(self) -> pa.Table:
        return pa.Table.from_pylist([item.row() for item in self.items], schema=BREAKS.schema)

    @property
    def proven(self) -> bool:
        return bool(self.proof.num_rows) and all(self.proof["proven"].to_pylist())

    @property
    def matched_pct(self) -> Decimal:
        """Share of the rows that were matched or netted, in percent of those not excluded; 100 when there were none."""
        rows = [(r["pass"], r["rows_left"] + r["rows_right"]) for r in self.rates.to_pylist() if r["pass"] != "(excluded)"]
        compared, matched = sum(n for _, n in rows), sum(n for name, n in rows if not name.startswith("("))
        return round_to(Decimal(matched * 100) / compared, 4) if compared else Decimal(100)


def rates_of(matching: Matching, rules: Rules) -> pa.Table:
    total = sum(matching.rows.values())
    counts: Counter[tuple[str, str]] = Counter()
    for table, name in ((matching.matches, ""), (matching.breaks, "(open)"), (matching.excluded, "(excluded)")):
        passes = [name] * table.num_rows if name else table["pass"].to_pylist()
        counts.update(zip(passes, table["side"].to_pylist(), strict=True))
    rows = []
    for name in [*(step.id for step in rules.passes), "(open)", "(excluded)"]:
        here, there = counts[name, "left"], counts[name, "right"]
        if here or there:
            share = round_to(Decimal(here + there) * 100 / total, 4)
            rows.append({"pass": name, "rows_left": here, "rows_right": there, "share_pct": share})
    return pa.Table.from_pylist(rows, schema=RATES.schema)


def with_rows(groups: pa.Table, sides: Mapping[str, Sequence[Mapping[str, Any]]], names: Iterable[str]) -> pa.Table:
    """Groups of a matching with the named columns of their rows, for people to read."""
    kept = list(names)
    rows = [
        {"group": g["group"], "pass": g["pass"], "verdict": g["verdict"], "side": g["side"]}
        | {name: sides[g["side"]][g["row"]].get(name) for name in kept}
        for g in groups.to_pylist()
    ]
    return pa.Table.from_pylist(rows) if rows else pa.table({n: [] for n in ("group", "pass", "verdict", "side", *kept)})


def verdict_of(findings: Iterable[Finding], items: Iterable[Break], proof: pa.Table, rules: Rules) -> Verdict:
    """Blocked when a proof fails or a source is not there; attention when a break is material or cannot be valued."""
    if any(f.severity is Severity.ERROR for f in findings) or not all(proof["proven"].to_pylist()):
        return Verdict.BLOCKED
    material = any(item.value_base is None or item.value_base >= rules.materiality_base for item in items)
    warned = any(f.severity is Severity.WARNING for f in findings)
    return Verdict.ATTENTION if material or warned else Verdict.PASS


def without(result: Reconciliation, settled: Collection[str], rules: Rules) -> Reconciliation:
    """``result`` as it is judged when the differences that people closed for good no longer hold it up."""
    items = tuple(item for item in result.items if item.break_id not in settled)
    return replace(result, items=items, verdict=verdict_of(result.findings, items, result.proof, rules))
