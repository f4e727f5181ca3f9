"""``bo read``: rows, proof and findings for people, the same for machines, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bo_lib import cli
from tests.feeds.samples import CAMT, MT940
from tests.feeds.samples_more import BAI2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # no firm here
    monkeypatch.delenv("BO_ROOT", raising=False)
    return tmp_path


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name


def test_one_file_shows_its_first_rows_its_proof_and_its_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = BAI2.replace("49,202650,6/", "49,1,6/").replace("98,202650,", "98,1,").replace("99,202650,", "99,1,")
    assert cli.main(["read", written(folder, "a", wrong)]) == 1
    seen = capsys.readouterr().out
    assert "cash_movements: 2 of 2 rows" in seen and "WIRE OUT" in seen and "1000.00" in seen
    assert "error control-total: the account's trailer" in seen
    assert "    found    1\n    expected 202650\n    do       a record may be missing" in seen
    assert cli.main(["read", written(folder, "b", BAI2), "--rows", "1"]) == 0
    assert "cash_movements: 1 of 2 rows" in capsys.readouterr().out


def test_the_same_for_machines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["read", written(folder, "a", BAI2), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["statements"] == [
        {"account": "ACC-1", "number": "2026-06-01", "currency": "USD", "opening": "1000.00", "closing": "975.50", "entries": 2,
         "sum": "-24.50", "proven": True}
    ]  # fmt: skip
    assert (said["format"], said["rows"], said["findings"]) == ("bai2", {"statements": 1, "cash_movements": 2}, [])


@pytest.mark.parametrize(
    ("text", "code"), [(CAMT, 0), (CAMT[:900], 2), ("", 2), ("dear all", 2), (CAMT.replace(">20.12345<", ">21<"), 1)]
)
def test_exit_codes(folder: Path, capsys: pytest.CaptureFixture[str], text: str, code: int) -> None:
    assert cli.main(["read", written(folder, "f", text), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["findings"]


def test_a_folder_is_a_table_and_says_what_is_seen_between_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder, "1.sta", MT940)
    written(folder, "2.sta", MT940)
    written(
        folder, "3.sta", MT940.replace(":28C:101/1", ":28C:104/1").replace("2606010601", "2606040604").replace("C260601", "C260604")
    )
    assert cli.main(["read", str(folder)]) == 1
    seen = capsys.readouterr().out
    assert "1 of 1" in seen and "file-read-twice" in seen and "statement-gap" in seen
    assert cli.main(["read", str(folder), "--json"]) == 1
    assert [one["file"].endswith(".sta") for one in json.loads(capsys.readouterr().out)] == [True] * 3
