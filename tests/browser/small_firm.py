"""A small firm with one finished day in its store, for the dashboards: two funds, one of them with a hostile name."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from bo_lib.store import Fact, Store

REPOSITORY = Path(__file__).parents[2]
DAYS = [date(2026, 6, day) for day in (24, 25, 26, 29, 30)]
TODAY = DAYS[-1]
HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">'
EXECUTED = "outputs/2026-06-30/EURO-UCITS/daily_recon/r1"
NAVS = {
    "EURO-UCITS": ("EUR", {"A": "104.2513", "I": "108.9901", "H-USD": "99.1230"}),
    "GLOBAL-EQ-LS": ("USD", {"S-2025-01": "118.4400"}),
}
NET_ASSETS = {"EURO-UCITS": "104566778.12", "GLOBAL-EQ-LS": "58200114.07"}  # on the last day
PROCESSES = {
    "EURO-UCITS": {
        "settlement": "pass",
        "corporate_actions": "pass",
        "daily_recon": "attention",
        "nav_strike": "pass",
        "dealing": "pass",
    },
    "GLOBAL-EQ-LS": {"settlement": "pass", "corporate_actions": "pass", "daily_recon": "blocked", "nav_strike": "failed"},
}
BREAKS = [  # fund, opened, closed, amount in base currency, kind, text
    ("EURO-UCITS", date(2026, 6, 30), None, "-120.50", "missing_there", "coupon not on the statement"),
    ("EURO-UCITS", date(2026, 6, 26), None, "1500.00", "amount", "net amount differs"),
    ("EURO-UCITS", date(2026, 6, 25), date(2026, 6, 29), "77.00", "missing_here", "closed yesterday"),
    ("GLOBAL-EQ-LS", date(2026, 6, 12), None, "25000.25", "missing_here", HOSTILE),
    ("GLOBAL-EQ-LS", date(2026, 6, 30), None, "10.00", "missing_there", "fee"),
]


def build(root: Path) -> Path:
    """The firm at ``root``: parameters and dashboards of the repository, facts of five days, one executed run."""
    shutil.copytree(REPOSITORY / "parameters", root / "parameters")
    shutil.copytree(REPOSITORY / "notebooks/dashboards", root / "notebooks/dashboards")
    page = {"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "for the desk only"}], "metadata": {}}
    (root / "notebooks/desk_only.ipynb").write_text(json.dumps({**page, "nbformat": 4, "nbformat_minor": 5}))
    firm = root / "parameters/firm.yaml"
    firm.write_text(firm.read_text().replace("[GLOBAL-EQ-LS, EURO-UCITS, GLOBAL-BOND, HARBOUR-PE]", "[EURO-UCITS, GLOBAL-EQ-LS]"))
    fund = root / "parameters/funds/GLOBAL-EQ-LS.yaml"
    fund.write_text(fund.read_text().replace("name: Harbour Lane Global Equity Long/Short", f"name: {json.dumps(HOSTILE)}"))
    (root / "outputs").mkdir()
    with Store.open(f"sqlite:///{root}/outputs/books.sqlite") as store:
        store.append([*_navs(), *_runs(), *_breaks(), *_arrivals()], "tests", "2026-06-30T18:04:00Z")
    page = root / EXECUTED / "executed.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html><title>run</title><h1>Daily reconciliation</h1>")
    (page.parent / "manifest.json").write_text("{}")
    return root


def _fact(kind: str, stream: str, entity: str, day: date, payload: dict[str, Any]) -> Fact:
    return Fact(f"{kind}:{stream}:{entity}:{day}", stream, kind, entity, day, payload)


def _navs() -> list[Fact]:
    facts = []
    for fund, (currency, classes) in NAVS.items():
        for number, day in enumerate(reversed(DAYS)):
            step = -number * (3 if fund == "EURO-UCITS" else 5)
            units = [
                {"id": name, "net_assets": "1000000.00", "units": "10000", "nav_per_unit": f"{float(last) + step / 10:.4f}"}
                for name, last in classes.items()
            ]
            total = NET_ASSETS[fund] if day == TODAY else "100000000.00"
            facts.append(_fact("nav", fund, fund, day, {"net_assets": total, "currency": currency, "classes": units}))
    return facts


def _runs() -> list[Fact]:
    facts = []
    for fund, verdicts in PROCESSES.items():
        for process, verdict in verdicts.items():
            said = (
                {"state": "failed", "verdict": "", "error": "price missing"}
                if verdict == "failed"
                else {"state": "finished", "verdict": verdict}
            )
            folder = f"outputs/{TODAY}/{fund}/{process}/r1"
            payload = {
                "fund": fund,
                "notebook": process,
                "summary": f"{process} said {verdict}",
                "seconds": "12.0",
                "folder": folder,
                **said,
            }
            facts.append(_fact("run.finished", "runs", f"{fund}/{process}", TODAY, payload))
    return facts


def _breaks() -> list[Fact]:
    facts = []
    for number, (fund, opened, closed, amount, kind, text) in enumerate(BREAKS):
        said = {"fund": fund, "value_base": amount, "kind": kind, "text": text, "recon": "cash"}
        facts.append(_fact("break.opened", fund, f"break-{number}", opened, said))
        if closed:
            facts.append(_fact("break.closed", fund, f"break-{number}", closed, {}))
    return facts


def _arrivals() -> list[Fact]:
    said = {"sender": "ALPINE", "format": "mt940", "state": "arrived", "findings": []}
    late = {"sender": "NORTHGATE", "format": "pb_cash", "state": "missing", "findings": [{"message": "due 06:30, not there"}]}
    return [
        _fact("arrival", "EURO-UCITS", "ALPINE/mt940", TODAY, said),
        _fact("arrival", "GLOBAL-EQ-LS", "NORTHGATE/pb_cash", TODAY, late),
    ]
