"""Parameters are checked before anything starts."""

from datetime import date
from pathlib import Path

import pytest

from bo_lib import config
from bo_lib.run import notebook
from bo_lib.run.errors import UsageError
from tests.run.firm import conclude, write_firm, write_notebook


def test_parameters_are_the_assignments_of_the_tagged_cell(tmp_path: Path) -> None:
    path = write_notebook(tmp_path, "n", conclude(), parameters='# what for\nfund: str = "A"\na, b = "x", "007"\n')
    assert notebook.read(path).parameters == {"fund": "A", "a": "x", "b": "007"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("limit = 10", "parameter limit = 10 is not text; write limit = '10'"),
        ("fund = open('x')", "sets plain text only"),
        ("fund = ", "is not Python: line 1"),
        ("fund.id = 'x'", "sets plain text only"),
    ],
)
def test_a_parameters_cell_holds_text_only(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        notebook.read(write_notebook(tmp_path, "n", parameters=source))


def test_the_hash_is_over_sources_and_not_outputs(tmp_path: Path) -> None:
    path = write_notebook(tmp_path, "n", "1 + 1")
    before = notebook.read(path).sha256
    path.write_text(path.read_text().replace('"execution_count": null', '"execution_count": 7'))
    assert notebook.read(path).sha256 == before
    write_notebook(tmp_path, "n", "1 + 2")
    assert notebook.read(path).sha256 != before


def test_every_month_has_its_business_dates(tmp_path: Path) -> None:
    fund = config.load_fund(write_firm(tmp_path), "ALPHA")
    assert notebook.check_business_date(fund, "2026-06-30") == date(2026, 6, 30)
    with pytest.raises(UsageError, match="the business day before is 2026-12-24, the next one is 2026-12-28"):
        notebook.check_business_date(fund, "2026-12-25")
    with pytest.raises(config.ParameterError, match="no terms in force on 2025-06-30"):
        notebook.check_business_date(fund, "2025-06-30")
