"""A fund from a public filing: opening books, a first NAV, and what the filing does not itemise stated as a residual.

Form N-PORT lists every investment with its value in US dollars, but cash, receivables and payables only in total. The
residual is the filed net assets less the holdings and the stated cash; it stands in suspense, where everybody sees it.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from bo_lib import config, feeds
from bo_lib.config import ParameterError
from bo_lib.model import events, tables
from bo_lib.model.money import ZERO, Rates, round_money, round_to
from bo_lib.nav import ClassState, net_assets_by_ledger, select_prices, value
from bo_lib.nav.valuation import marks
from bo_lib.store import Fact
from bo_lib.views.pages.onboard import opening_report
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.known import Known
from bo_lib.workbench.office import Office
from bo_lib.workbench.opening import OPENING_NAV

SENDER = "SEC"
BASE = "USD"
CUSTODIAN = "CUSTODIAN"
WHOLE = "ALL"  # a filing tells no units: the fund is opened as one class of one unit,
HOLDERS = "HOLDERS OF RECORD"  # and no investors: all of them hold it


_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
FIRM = "name: Onboarded from filings\nfunds: []\nstore: sqlite:///outputs/books.sqlite\ninbox: inbox\ncalendar: US\n"


@dataclass(frozen=True)
class Held:
    """A line of the filing as an opening lot: ``price`` x ``quantity`` rounds to ``value`` exactly."""

    isin: str
    row: dict[str, Any]
    quantity: Decimal
    price: Decimal
    value: Decimal


def onboard(root: Path, filing: Path) -> Report:
    """Opens the books of the filing's fund in the firm at ``root`` (made when there is none) and strikes its first NAV.

    Raises ``ParameterError`` when the file is no N-PORT filing or states no net assets or date.
    """
    read = feeds.read(filing)
    if read.value.format != "nport" or not read.value.tables.get("filing_totals"):
        said = "; ".join(map(str, read.findings[:3])) or f"it reads as {read.value.format or 'nothing known'}"
        raise ParameterError(f"{filing}: not a Form N-PORT filing (XML): {said}")
    if cut := next((f for f in read.findings if f.code.endswith("-cut")), None):
        raise ParameterError(str(cut))
    totals = read.value.tables["filing_totals"].to_pylist()
    stated = {row["item"]: row["amount"] for row in totals}
    fund_id, day = totals[0]["fund"], totals[0]["business_date"]
    if stated.get("netAssets") is None or day is None:
        raise ParameterError(f"{filing}: states no net assets or no date (fundInfo/netAssets, genInfo/repPdDate)")
    if not _ID.fullmatch(fund_id):
        raise ParameterError(f"{filing}: names its fund {fund_id!r}; expected letters, digits, dots and dashes (genInfo/seriesId)")
    given = {"price_sources": ["FILING"], "fx_source": "FILING"}
    make_firm(root, fund_id, filing.stem, day, BASE, "US", [{"id": CUSTODIAN, "custodian": CUSTODIAN, "custody": fund_id}], given)
    office = Office(root)
    post(office, filing, SENDER, day)
    known = Known(office, fund_id, day)
    held = _held(read.value.tables["holdings"].to_pylist())
    source = f"{read.value.sha256}#"
    known.book_events(_opening(fund_id, day, held, stated, source))
    return _strike(known, held, stated, tuple(read.findings))


def make_firm(
    root: Path, fund_id: str, name: str, day: date, base: str, calendar: str, accounts: Sequence[Mapping[str, Any]],
    given: Mapping[str, Any],
) -> None:  # fmt: skip
    """Parameters of a fund that opens on ``day`` with one class of one unit; what is there is left as it is."""
    folder = root / "parameters" / "funds"
    folder.mkdir(parents=True, exist_ok=True)
    firm = folder.parent / "firm.yaml"
    if not firm.exists():
        firm.write_text(FIRM, "utf-8")
    if fund_id not in config.load_firm(root).funds:
        text = firm.read_text("utf-8")
        entry = fund_id if isinstance(yaml.safe_load(fund_id), str) else f'"{fund_id}"'
        listed = re.sub(r"^funds: *\[(.*?)\]", lambda m: f"funds: [{', '.join(p for p in (m[1], entry) if p)}]", text, flags=re.M)
        if listed == text:
            raise ParameterError(f"{firm}: funds: write them in brackets, such as [{entry}], so that a fund can be added")
        firm.write_text(listed, "utf-8")
    path = folder / f"{fund_id}.yaml"
    if not path.exists():
        from_day = day - timedelta(days=7)  # a strike looks at the terms of the business day before, too
        terms = {"from": from_day, "classes": [{"id": WHOLE, "currency": base, "unit_decimals": 0, "nav_decimals": 2}]}
        said = {
            "id": fund_id, "name": name, "kind": "fund", "domicile": "US", "base_currency": base, "calendar": calendar,
            "inception": day, **given, "accounts": [dict(account) for account in accounts], "terms": [terms],
        }  # fmt: skip
        path.write_text(
            f"# Opened from {name}; fill in accounts, deliveries and terms.\n" + yaml.safe_dump(said, sort_keys=False), "utf-8"
        )


def post(office: Office, file: Path, sender: str, day: date) -> None:
    """Puts a file where the sender's files of the day belong, and reads it. Raises ``ParameterError`` for a name in use."""
    target = office.inbox(day) / sender / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copyfile(file, target)
    elif target.read_bytes() != file.read_bytes():
        raise ParameterError(f"{target}: is there with other content; give what replaces it a name of its own")
    inbox.ingest(office, day)


def _held(holdings: list[dict[str, Any]]) -> list[Held]:
    """Lines that can be carried as quantity and price; lines of one security keep one price each."""
    names = [row["isin"] or row["local_id"] or row["name"] or "unnamed" for row in holdings]
    seen = Counter(names)
    found = []
    for n, (name, row) in enumerate(zip(names, holdings, strict=True), 1):
        if row["market_value"] is None:
            continue
        worth = round_money(row["market_value"], BASE)
        quantity = row["quantity"] if row["quantity"] and worth * row["quantity"] >= 0 else Decimal(1).copy_sign(worth or 1)
        price = round_to(worth / quantity, 12)
        if round_money(price * quantity, BASE) != worth:  # too many units for twelve decimals: one unit at its value
            quantity, price = Decimal(1).copy_sign(worth), abs(worth)
        if worth:
            found.append(Held(name if seen[name] == 1 and row["isin"] else f"{name}#{n}", row, quantity, price, worth))
    return found


def _opening(fund_id: str, day: date, held: list[Held], stated: dict[str, Decimal], source: str) -> list[events.Event]:
    lots: list[events.Event] = [
        events.OpeningLot(
            event_id=f"{fund_id}:opening:{h.isin}", fund=fund_id, effective_date=day, source=source + h.row["at"],
            account=CUSTODIAN, isin=h.isin,
            quantity=h.quantity, currency=BASE, cost_local=h.value, cost_base=h.value, acquired=day,
        )
        for h in held
    ]  # fmt: skip
    net = round_money(stated["netAssets"], BASE)
    cash = round_money(stated.get("cshNotRptdInCorD") or ZERO, BASE)
    residual = net - cash - sum((h.value for h in held), ZERO)
    balances = [("cash", CUSTODIAN, "", cash), ("suspense", "", "", residual), ("capital", "", WHOLE, -net)]
    return lots + [
        events.OpeningBalance(
            event_id=f"{fund_id}:opening:{ledger}", fund=fund_id, effective_date=day, source=f"{source}fundInfo", ledger=ledger,
            account=account,
            share_class=share_class, currency=BASE, local=amount, base=amount,
        )
        for ledger, account, share_class, amount in balances if amount
    ]  # fmt: skip


def _strike(known: Known, held: list[Held], stated: dict[str, Decimal], findings: tuple[Any, ...]) -> Report:
    day, fund_id = known.day, known.fund.id
    instruments = _instruments(held)
    prices = tables.PRICES.build(
        {
            "source": "FILING",
            "isin": h.isin,
            "price_date": day,
            "price": h.price,
            "currency": BASE,
            "file": h.row["file"],
            "at": h.row["at"],
        }
        for h in held
    )
    _keep(known, {"instruments": instruments, "prices": prices.value})
    book = known.book()
    priced = select_prices(
        prices.value, [h.isin for h in held], ("FILING",), day, tolerances=known.fund.tolerances, instruments=instruments
    )
    valued = value(book.value, priced.value, Rates({}, BASE), instruments, BASE, day)
    ledger = net_assets_by_ledger(book.value, marks(book.value, valued.value, fund_id))
    record_opening(known, WHOLE, valued.value.net_assets)
    said = (*findings, *book.findings, *priced.findings, *valued.findings)
    kinds = [(h.row["asset_kind"] or "other", h.value) for h in held]
    return opening_report(known.fund, valued.value, ledger, stated["netAssets"], kinds, said, "filed")


def record_opening(known: Known, share_class: str, net_assets: Decimal) -> None:
    """The first NAV: one class of one unit, held by all holders of record."""
    state = ClassState(
        share_class=share_class, nav_date=known.day, net_assets=net_assets, units=Decimal(1), capital_to_date=net_assets
    )  # fmt: skip
    register = [{"investor": HOLDERS, "share_class": share_class, "units": "1"}]
    opening = {"state": {share_class: state.model_dump(mode="json")}, "register": register}
    known.record(OPENING_NAV, known.fund.id, opening, f"{OPENING_NAV}:{known.fund.id}")


def _instruments(held: list[Held]) -> pa.Table:
    rows = [
        {
            "isin": h.isin,
            "name": h.row["name"] or h.isin,
            "kind": "filed",
            "currency": BASE,
            "file": h.row["file"],
            "at": h.row["at"],
        }
        for h in held
    ]
    return tables.INSTRUMENTS.build(rows).value


def _keep(known: Known, made: dict[str, pa.Table]) -> None:
    """The security master and prices that follow from the filing, as a file of their own."""
    office, day = known.office, known.day
    hashes = {name: office.tables.put(table) for name, table in made.items()}
    digest = hashes["prices"]
    payload = {
        "sender": SENDER, "name": "from the filing", "sha256": digest, "format": "prices", "bytes": 0, "business_date": str(day),
        "accounts": [],
        "funds": [known.fund.id], "tables": hashes, "rows": {name: t.num_rows for name, t in made.items()}, "quarantined": 0,
        "findings": [], "refused": "",
    }  # fmt: skip
    fact = Fact(
        f"file:{day}:{SENDER}/{known.fund.id}:{digest[:16]}", inbox.STREAM, "file", f"{SENDER}/{known.fund.id}", day, payload
    )
    office.append([fact])
    known.forget_files()
