"""From an empty firm to a NAV with one's own files: what the README promises in ten minutes."""

import shutil
from datetime import date
from pathlib import Path

from bo_lib.model.findings import Verdict
from bo_lib.run.new import new_firm
from bo_lib.workbench import Workbench
from bo_lib.workbench.inbox import ingest
from bo_lib.workbench.office import Office
from tests.conftest import PROJECT, firm


def test_an_empty_firm_with_terms_a_take_over_pack_and_a_days_files_strikes_a_nav(tmp_path: Path) -> None:
    sent = firm(tmp_path / "counterparties", date(2026, 6, 1), errors=False) / "outputs" / "inbox"
    root = new_firm(tmp_path / "my-firm")
    shutil.copy(PROJECT / "parameters/funds/GLOBAL-BOND.yaml", root / "parameters/funds")
    settings = (root / "parameters/firm.yaml").read_text().replace("funds: []", "funds: [GLOBAL-BOND]")
    (root / "parameters/firm.yaml").write_text(settings)
    shutil.copytree(sent, root / "inbox", dirs_exist_ok=True)
    desk = Workbench.open("GLOBAL-BOND", "2026-06-01", root=root)
    assert "not recognised" in desk.loaded().summary
    assert desk.strike().verdict is Verdict.BLOCKED
    shutil.copytree(PROJECT / "parameters/mappings", root / "parameters/mappings", dirs_exist_ok=True)
    desk = Workbench.open("GLOBAL-BOND", "2026-06-01", root=root)
    assert desk.arrivals().summary == "5 deliveries of 5 came."
    assert desk.settle().verdict is Verdict.PASS
    assert desk.reconcile("cash").verdict is Verdict.PASS
    assert desk.strike().verdict is Verdict.PASS
    assert desk.shadow().verdict is Verdict.PASS
    mapping = root / "parameters/mappings/orders_trades.yaml"
    mapping.write_text(mapping.read_text() + "thousands: ','\n")
    ingest(Office(root), date(2026, 6, 1), again=True)
    assert Workbench.open("GLOBAL-BOND", "2026-06-01", root=root).arrivals().summary == "5 deliveries of 5 came."


def test_books_that_are_not_open_are_said_with_where_the_pack_goes(tmp_path: Path) -> None:
    root = new_firm(tmp_path / "my-firm")
    example = (root / "parameters/funds/FUND.yaml.example").read_text()
    (root / "parameters/funds/MY-FUND.yaml").write_text(example)
    report = Workbench.open("MY-FUND", "2026-01-05", root=root).strike()
    assert report.verdict is Verdict.BLOCKED
    assert any("put the take-over pack into" in f.todo and "2026-01-02" in f.todo for f in report.findings)
