"""The release at the desk: two people with `bo nav`, a price published to dealing, signatures that go stale, unattended names."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bo_lib import cli, config
from bo_lib.run.errors import Exit
from bo_lib.workbench import Workbench, catch_up
from bo_lib.workbench.office import Office, release_stream
from tests.conftest import firm as demonstration

FUND, DAY = "EURO-UCITS", "2026-06-01"
Bo = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first day of a firm where people sign: struck, and not yet signed by anybody."""
    root = demonstration(tmp_path_factory.mktemp("release") / "firm", date.fromisoformat(DAY))
    path = root / "parameters" / "firm.yaml"
    path.write_text(re.sub(r", unattended: \[.*?\]", "", path.read_text("utf-8")), "utf-8")
    catch_up(root, FUND, date.fromisoformat(DAY))
    return root


@pytest.fixture
def firm(first_day: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_day, tmp_path / "firm"))


@pytest.fixture
def bo(firm: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bo:
    monkeypatch.setenv("BO_CLOCK", f"{DAY}T22:00:00Z")

    def run(who: str, task: str, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("BO_ACTOR", who)
        capsys.readouterr()
        code = cli.main(["nav", task, *words, "--fund", FUND, *(["--date", DAY] if task != "list" else []), "--root", str(firm)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def desk(root: Path, day: str = DAY) -> Workbench:
    return Workbench.open(FUND, day, root=root)


def test_two_people_sign_and_orders_deal_at_the_released_price(bo: Bo, firm: Path) -> None:
    before = desk(firm).deal()
    assert before.verdict == "blocked" and "no order deals at it" in str(before.findings[0])
    assert "no order deals at it" in before.summary
    assert bo("ann", "release")[0] == Exit.FAILED
    assert bo("ann", "sign")[0] == Exit.ATTENTION
    code, said = bo("ann", "sign")
    assert code == Exit.FAILED and "a second person reviews it" in said
    assert bo("ben", "sign")[0] == bo("ben", "release")[0] == Exit.OK
    facts = Office(firm).store.facts("nav", stream=release_stream(FUND))
    kinds = ["nav.refused", "nav.signed", "nav.refused", "nav.signed", "nav.released", "nav.frozen"]
    assert [f.kind for f in facts] == kinds and [f.actor for f in facts] == ["ann", "ann", "ann", "ben", "ben", "ben"]
    assert (firm / facts[-1].payload["folder"] / f"nav_{FUND}_{DAY}.pdf").is_file()
    published = facts[-2].payload["dealing_prices"]
    after = desk(firm).deal()
    prices = next(s.table for s in after.sections if s.title == "Prices").to_pylist()
    assert {r["share_class"]: f"{r['dealing_price']:f}" for r in prices} == published
    assert Office(firm).store.verify().ok


def test_a_changed_input_makes_the_signature_stale(bo: Bo, firm: Path) -> None:
    bo("ann", "sign")
    prices = firm / "outputs/inbox" / DAY / "VENDOR-A/prices_20260601.csv"
    prices.write_text(prices.read_text("utf-8") + "\n", "utf-8")  # sent again with a further empty line
    code, said = bo("ben", "release")
    assert code == Exit.FAILED and "nobody has prepared it (ann signed, but an input has changed since)" in said
    _, listed = bo("ben", "list", "--json")
    assert json.loads(listed)["sections"][0]["rows"][0]["state"] == "stale: to be prepared again"


def test_a_desk_in_the_past_signs_nothing(firm: Path) -> None:
    with pytest.raises(config.ParameterError, match="writes nothing"):
        Workbench.open(FUND, DAY, f"{DAY}T23:00:00Z", root=firm).sign()


def test_an_unattended_firm_signs_by_two_names_and_says_so(month_copy: Path) -> None:
    office, last = Office(month_copy), date(2026, 6, 30)
    facts = [f for f in office.store.facts("nav", stream=release_stream(FUND)) if f.effective_date == last]
    assert [(f.kind, f.actor) for f in facts] == [
        ("nav.signed", "demo.preparer"), ("nav.signed", "demo.reviewer"), ("nav.released", "demo.reviewer")]  # fmt: skip
    assert all(f.payload["unattended"] for f in facts)
    heads = office.store.heads()
    Workbench(office, FUND, last).strike()
    assert office.store.heads() == heads, "struck again it is not signed again"


def test_one_person_cannot_stand_for_both_unattended_names() -> None:
    with pytest.raises(ValueError, match="two people"):
        config.Release(unattended=("ann", "Ann"))


def test_a_series_that_opens_deals_at_its_first_price_as_released(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    path = root / "parameters" / "firm.yaml"
    path.write_text(path.read_text("utf-8").replace("{dealing: released", "{dealing: released, unattended: [ann, ben]"), "utf-8")
    catch_up(root, "GLOBAL-EQ-LS", date.fromisoformat(DAY))
    bench = Workbench.open("GLOBAL-EQ-LS", DAY, root=root)
    assert bench.prices_to_deal_at() == bench.dealing_price() and "S-2026-07" in bench.dealing_price()
    assert "nav-changed-since-release" not in {f.code for f in bench.deal().findings}
