"""The NAV pack: one strike with its evidence as PDF for people, XLSX that computes itself, Parquet and JSON for systems.

Every rendering is of the same reports and tables; the same strike, signatures and inputs give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bo_lib.model.findings import Verdict
from bo_lib.nav import Attribution, Shadow, Strike
from bo_lib.nav.release import PREPARER, REVIEWER, ReleaseState
from bo_lib.views import nav_workbook, pdf
from bo_lib.views.pages.common import table
from bo_lib.views.report import Report, Section
from bo_lib.views.wording import day_words

NOT_ON_PAPER = frozenset({"Rejected candidates", "Everything compared", "By component", "Findings"})


@dataclass(frozen=True)
class NavPack:
    """``reports`` in the order in which they are read; ``evidence``: chain heads and the hash of the inputs."""

    fund_name: str
    struck: Strike
    roll: Attribution | None
    shadow: Shadow
    state: ReleaseState
    reports: tuple[Report, ...]
    evidence: Mapping[str, Any]

    @property
    def status(self) -> str:
        return self.state.says.capitalize() if self.state.released else f"Not released: {self.state.says}"

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(r.verdict for r in self.reports)


def write(pack: NavPack, folder: Path) -> list[Path]:
    """Writes the pack into ``folder`` (made when it is not there); returns its files."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"nav_{pack.struck.fund}_{pack.struck.day}"
    title = f"NAV of {pack.fund_name}"
    book = nav_workbook.write(folder / f"{name}.xlsx", title, pack.struck, pack.roll, pack.shadow, pack.reports)
    paper, data = folder / f"{name}.pdf", folder / f"{name}.json"
    paper.write_bytes(pdf.render(_document(pack, title)))
    data.write_text(json.dumps(_data(pack), indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8", newline="")
    tables = [_parquet(folder / f"{name}_{kind}.parquet", rows) for kind, rows in _tables(pack).items()]
    return [paper, book, data, *tables]


def _document(pack: NavPack, title: str) -> pdf.Document:
    strike = pack.struck
    said = f"Net assets {strike.net_assets:,.2f} {strike.base_currency} at the close of {day_words(strike.day)}."
    names = ("share_class", "currency", "net_assets", "units", "nav_per_unit")
    reports = [{"part": r.title, "verdict": r.verdict.value, "says": r.summary} for r in pack.reports]
    cover = (
        Section("NAV per unit", table=strike.classes.select(list(names))),
        Section("What stands behind it", table=table(reports, ("part", "verdict", "says"))),
        Section("Signatures", table=table(_signers(pack.state), ("as", "by", "at"))),
    )
    footer = f"Inputs {pack.evidence['inputs_sha256'][:16]}, NAV {pack.state.candidate.nav_sha256[:16]}"
    return pdf.Document(
        title, f"{strike.fund}, {day_words(strike.day)}", strike.day, pack.verdict.value, pack.status, said, cover, pack.reports,
        author="Back Office Workbench", footer=footer, left_out=NOT_ON_PAPER,
    )  # fmt: skip


def _signers(state: ReleaseState) -> list[dict[str, str]]:
    signs = {s.role: s for s in state.signs if not s.stale}
    rows = [
        {"as": role, "by": signs[role].by if role in signs else "not signed", "at": signs[role].at[:16] if role in signs else ""}
        for role in (PREPARER, REVIEWER)
    ]
    return [*rows, {"as": "released", "by": state.released["by"], "at": state.released["at"][:16]}] if state.released else rows


def _data(pack: NavPack) -> dict[str, Any]:
    strike = pack.struck
    return {
        "fund": strike.fund, "business_date": strike.day.isoformat(), "previous_date": strike.previous_day.isoformat(),
        "base_currency": strike.base_currency, "net_assets": f"{strike.net_assets:f}", "status": pack.state.says,
        "nav_sha256": pack.state.candidate.nav_sha256, **pack.evidence, "state": strike.state_payload(),
        "rates": {c: f"{r:f}" for c, r in strike.rates.per_pivot.items()}, "rates_pivot": strike.rates.pivot,
        "signatures": [{"role": s.role, "by": s.by, "at": s.at, "text": s.text, "stale": s.stale} for s in pack.state.signs],
        "released": dict(pack.state.released) if pack.state.released else None,
        "reports": [r.to_dict() for r in pack.reports],
    }  # fmt: skip


def _tables(pack: NavPack) -> dict[str, pa.Table]:
    strike = pack.struck
    found = {"classes": strike.classes, "components": strike.components, "prices": strike.priced.table, "marks": strike.marked}
    return {**found, "shadow": pack.shadow.table, **({"attribution": pack.roll.table} if pack.roll else {})}


def _parquet(path: Path, rows: pa.Table) -> Path:
    pq.write_table(rows.replace_schema_metadata(None).combine_chunks(), path, version="2.6", compression="zstd")
    return path
