"""A fund from a list of its opening positions: lots at cost, a first NAV at the prices of the list, and a stated residual.

The list is read through a mapping (``parameters/mappings/opening_positions.yaml`` or one's own) into lots, instruments, prices
and rates. What is no position (cash, receivables, payables) is what is told besides, and the rest of the net assets told.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib import config, feeds
from bo_lib.config import ParameterError
from bo_lib.feeds import FileRead
from bo_lib.feeds.mapping import Mapping
from bo_lib.model import events
from bo_lib.model.dates import CURRENCY_CALENDAR
from bo_lib.model.findings import Finding, Outcome, Place, Severity, error, warning
from bo_lib.model.money import ZERO, Rates, round_money
from bo_lib.nav import Priced, Valuation, marks, net_assets_by_ledger, select_prices, value
from bo_lib.views.pages.onboard import opening_report
from bo_lib.views.report import Report
from bo_lib.workbench.known import Known
from bo_lib.workbench.office import Office
from bo_lib.workbench.onboard import make_firm, post, record_opening

SENDER = "OPENING"  # of the list in the inbox, and of its prices and rates
NEEDED = ("lots", "instruments", "prices", "fx_rates")


def onboard_positions(
    root: Path, positions: Path, fund_id: str, mapping: Path, net_assets: Decimal | None = None, cash: Decimal = ZERO
) -> Report:
    """Opens the books of ``fund_id`` in the firm at ``root`` (made when there is none) from the list and strikes a first NAV.

    ``mapping`` reads the list; ``net_assets`` and ``cash`` are in base currency (None: holdings and cash, no residual). Rows
    that cannot be read are left out, with findings. Raises ``ParameterError`` when nothing can be opened.
    """
    read = feeds.read(positions, (config.load(mapping, Mapping),))
    day, base = _about(positions, read)
    numbers = sorted(set(read.value.tables["lots"]["account"].to_pylist()))
    accounts = [{"id": n, "custodian": n, "custody": n} for n in numbers]
    given = {"price_sources": [SENDER], "fx_source": SENDER}
    make_firm(root, fund_id, fund_id, day, base, CURRENCY_CALENDAR.get(base, "NONE"), accounts, given)
    _keep_mapping(root, mapping)
    office = Office(root)
    known = Known(office, fund_id, day)
    share_class = _fitting(known.fund, numbers, day, base)
    post(office, positions, SENDER, day)
    known.book_events(list(_lots(known, read.value)))
    return _open(known, read, share_class, net_assets, cash)


def _about(path: Path, read: Outcome[FileRead]) -> tuple[date, str]:
    """The day and the base currency of the list."""
    there = read.value.tables
    if missing := [name for name in NEEDED if not there.get(name)]:
        said = "; ".join(map(str, read.findings[:3])) or "the headings are not those of the mapping"
        raise ParameterError(f"{path}: no opening positions: nothing for {', '.join(missing)}: {said}")
    days, bases = set(there["prices"]["price_date"].to_pylist()), set(there["fx_rates"]["pivot"].to_pylist())
    if len(days) > 1 or len(bases) > 1:
        found = ", ".join(sorted(map(str, days if len(days) > 1 else bases)))
        raise ParameterError(f"{path}: expected one date and one base currency for all rows; found {found}")
    return days.pop(), bases.pop()


def _keep_mapping(root: Path, mapping: Path) -> None:
    """The firm reads the list again as it was read now."""
    target = root / "parameters" / "mappings" / mapping.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mapping, target)


def _fitting(fund: config.Fund, numbers: list[str], day: date, base: str) -> str:
    """The class that holds everything; a letter where the fund's parameters say otherwise than the list."""
    classes = [c.id for c in fund.on(day).classes]
    unknown = [n for n in numbers if n not in fund.accounts_by_number]
    letters = [
        (fund.inception != day, f"inception {fund.inception}, the list is of {day}"),
        (fund.base_currency != base, f"base_currency {fund.base_currency}, the list says {base}"),
        (bool(unknown), f"accounts do not name {', '.join(unknown)}"),
        (len(classes) != 1, f"{len(classes)} classes: a take-over pack says what each has, a list of positions does not"),
    ]
    if wrong := [said for is_so, said in letters if is_so]:
        raise ParameterError(f"parameters/funds/{fund.id}.yaml: {'; '.join(wrong)}")
    return classes[0]


def _lots(known: Known, read: FileRead) -> Iterator[events.OpeningLot]:
    """A lot a row; equal account, instrument and date are told apart by a number."""
    seen: Counter[str] = Counter()
    lots, lines = read.tables["lots"].to_pylist(), _lines(read)
    for row in lots:
        seen[row["lot_id"]] += 1
        n = seen[row["lot_id"]]
        yield events.OpeningLot(
            event_id=f"{known.fund.id}:opening:{row['lot_id']}" + (f"#{n}" if n > 1 else ""), fund=known.fund.id,
            effective_date=known.day, source=f"{read.sha256}#{next(lines[row['isin']], row['lot_id'])}",
            account=known.fund.accounts_by_number[row["account"]].id, isin=row["isin"], quantity=row["quantity"],
            currency=row["currency"], cost_local=row["cost_local"], cost_base=row["cost_base"], acquired=row["acquired"],
        )  # fmt: skip


def _lines(read: FileRead) -> dict[str, Iterator[str]]:
    """The lines of each instrument, in order, where every one of them made a lot."""
    lots = Counter(read.tables["lots"]["isin"].to_pylist())
    found: dict[str, list[str]] = defaultdict(list)
    for row in read.tables["prices"].to_pylist():
        found[row["isin"]].append(row["at"])
    return defaultdict(lambda: iter(()), {isin: iter(at) for isin, at in found.items() if len(at) == lots[isin]})


def _open(known: Known, read: Outcome[FileRead], share_class: str, net_assets: Decimal | None, cash: Decimal) -> Report:
    """Values the lots, books what is besides them, and records the first NAV."""
    base = known.fund.base_currency
    rates = {row["currency"]: row["rate"] for row in read.value.tables["fx_rates"].to_pylist()} | {base: Decimal(1)}
    valued = _valued(known, read.value, Rates(rates, base))
    holdings = valued.value.holdings()
    worth = sum((row["base"] for row in valued.value.rows if row["component"] in ("holding", "accrual")), ZERO)
    net = round_money(worth + cash if net_assets is None else net_assets, base)
    balances = [
        ("cash", known.fund.accounts[0].id, "", cash),
        ("suspense", "", "", net - cash - worth),
        ("capital", "", share_class, -net),
    ]
    known.book_events(list(_balances(known, read.value.sha256, valued.value, balances)))
    again = _valued(known, read.value, Rates(rates, base))
    book = known.book()
    ledger = net_assets_by_ledger(book.value, marks(book.value, again.value, known.fund.id))
    record_opening(known, share_class, again.value.net_assets)
    kind_of = {row["isin"]: row["kind"] for row in known.instruments.to_pylist()}
    kinds = [(kind_of[isin], row["base"]) for isin, row in holdings.items()]
    findings = [_left_out(f) for f in read.findings] + [*_contradictions(read.value), *book.findings, *again.findings]
    return opening_report(known.fund, again.value, ledger, net, kinds, findings, "stated")


def _valued(known: Known, read: FileRead, rates: Rates) -> Outcome[Valuation]:
    book, instruments = known.book().value, known.instruments
    held = book.positions()["isin"].to_pylist()
    priced: Outcome[Priced] = select_prices(
        read.tables["prices"], held, (SENDER,), known.day, tolerances=known.fund.tolerances, instruments=instruments
    )
    made = value(book, priced.value, rates, instruments, known.fund.base_currency, known.day)
    return Outcome(made.value, (*priced.findings, *made.findings))


def _balances(
    known: Known, sha256: str, valued: Valuation, others: list[tuple[str, str, str, Decimal]]
) -> Iterator[events.OpeningBalance]:
    """Cash, residual and capital; what the lots are worth above cost, by currency, and interest accrued on them."""
    base = known.fund.base_currency
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for row in valued.rows:
        if row["component"] in ("holding", "accrual"):
            ledger = "unrealised_appreciation" if row["component"] == "holding" else "interest_receivable"
            total = sums[ledger, row["currency"]]
            total[0] += row["local"] - (row["cost_local"] or ZERO)
            total[1] += row["base"] - (row["cost_base"] or ZERO)
    rows: list[tuple[str, str, str, str, Decimal, Decimal]] = [
        (ledger, "", "", currency, local, in_base) for (ledger, currency), (local, in_base) in sorted(sums.items())
    ]
    rows += [(ledger, account, share_class, base, amount, amount) for ledger, account, share_class, amount in others]
    for ledger, account, share_class, currency, local, in_base in rows:
        if local or in_base:
            yield events.OpeningBalance(
                event_id=f"{known.fund.id}:opening:{ledger}:{currency}", fund=known.fund.id, effective_date=known.day,
                source=f"{sha256}#{ledger}", ledger=ledger, account=account, share_class=share_class, currency=currency,
                local=local, base=in_base,
            )  # fmt: skip


def _left_out(finding: Finding) -> Finding:
    """A row that cannot be read is no reason not to open the others: somebody looks, and the residual holds what it is worth."""
    if finding.severity is not Severity.ERROR:
        return finding
    return warning(
        finding.code, f"left out: {finding.message}", finding.place, expected=finding.expected, found=finding.found,
        todo=finding.todo,
    )  # fmt: skip


def _contradictions(read: FileRead) -> Iterator[Finding]:
    """Rows that price one instrument, or rate one currency, in two ways: the last one counts."""
    for name, key, figure in (("prices", "isin", "price"), ("fx_rates", "currency", "rate")):
        first: dict[str, dict[str, Any]] = {}
        for row in read.tables[name].to_pylist():
            known = first.setdefault(row[key], row)
            if known[figure] != row[figure]:
                said = {"found": f"{row[figure].normalize():f}", "expected": f"{known[figure].normalize():f} as at {known['at']}"}
                place = Place(read.name, row["at"], figure, read.sha256)
                yield error(f"{figure}-contradicts", f"{row[key]} has two {figure}s", place, **said, todo="correct the list")
