"""The page as widgets: choose a date and everything is of that date; trouble is said in words."""

from pathlib import Path
from typing import Any

import pytest

from bo_lib.config import load_firm
from bo_lib.store import Store, StoreLocked
from bo_lib.views import control_tower as module
from bo_lib.views.control_tower import control_tower
from tests.browser import small_firm


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_firm.build(tmp_path)


def shown(root: Path) -> tuple[Any, Store]:
    store = Store.open(f"sqlite:///{root}/outputs/books.sqlite")
    return control_tower(root, load_firm(root), store), store


def parts(box: Any) -> tuple[Any, Any, Any, Any, Any]:
    top, body, drawn = box.children
    return (*top.children, body, drawn)


def test_it_opens_on_the_latest_date_and_follows_the_selector(root: Path) -> None:
    box, _ = shown(root)
    head, chosen, _, body, drawn = parts(box)
    assert chosen.value == small_firm.TODAY and "30 June 2026" in head.value and "104,566,778.12" in body.value
    assert all(output.outputs[0]["data"] for output in drawn.children)
    chosen.value = small_firm.DAYS[1]
    assert "Nothing has run for 25 June 2026 yet." in head.value and "100,000,000.00" in body.value


def test_a_hostile_name_is_shown_as_it_is_written(root: Path) -> None:
    head, _, _, body, _ = parts(shown(root)[0])
    assert "<script" not in head.value + body.value and "&lt;script&gt;window.hacked" in body.value


def test_a_verdict_leads_to_its_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "notebooks/dashboards")
    assert f'href="../../{small_firm.EXECUTED}/executed.html"' in parts(shown(root)[0])[3].value
    monkeypatch.setenv("VOILA_BASE_URL", "/desk/")
    assert f'href="/desk/runs/{small_firm.EXECUTED.removeprefix("outputs/")}/executed.html"' in parts(shown(root)[0])[3].value


def test_an_empty_store_says_what_to_do(root: Path) -> None:
    with Store.open("sqlite://") as store:
        head, chosen, _, body, drawn = parts(control_tower(root, load_firm(root), store))
    assert "bo demo" in head.value and chosen.options == () and body.value == ""
    assert all(output.layout.display == "none" for output in drawn.children)


def test_a_store_that_cannot_be_read_is_said_on_the_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_: Store) -> None:
        raise StoreLocked("somebody holds the store; try again")

    box, _ = shown(root)
    monkeypatch.setattr(module, "business_dates", locked)
    head, _, refresh, _, _ = parts(box)
    refresh.click()
    assert "somebody holds the store; try again" in head.value
