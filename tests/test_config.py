from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib import config

ROOT = Path(__file__).parents[1]
FUND = (ROOT / "parameters/funds/EURO-UCITS.yaml").read_text()


def _firm(folder: Path, text: str, name: str = "EURO-UCITS") -> Path:
    (folder / "parameters/funds").mkdir(parents=True)
    (folder / f"parameters/funds/{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("fund_id", config.load_firm(ROOT).funds)
def test_every_prospectus_of_the_demonstration_firm_is_typed(fund_id: str) -> None:
    fund = config.load_fund(ROOT, fund_id)
    assert fund.on(date(2026, 6, 30)).classes


def test_a_typo_is_refused_with_the_nearest_known_name(tmp_path: Path) -> None:
    root = _firm(tmp_path, FUND.replace("threshold_pct: 2,", "treshold_pct: 2,"))
    with pytest.raises(
        config.ParameterError, match=r"UCITS.yaml: line \d+: terms.0.swing.treshold_pct: unknown key; did you mean 'threshold_pct'"
    ):
        config.load_fund(root, "EURO-UCITS")


def test_a_wrong_value_names_file_and_field(tmp_path: Path) -> None:
    root = _firm(tmp_path, FUND.replace("inception: 2026-05-29", "inception: yesterday"))
    with pytest.raises(config.ParameterError, match=r"inception: found 'yesterday'"):
        config.load_fund(root, "EURO-UCITS")


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ("threshold_pct: 2,", "threshold_pct: -2,", "swing.threshold_pct"),
        ("terms:\n", "tolerances: {admin_bps: -1}\nterms:\n", "tolerances.admin_bps"),
        ("terms:\n", "tolerances: {price_stale_days: -1}\nterms:\n", "tolerances.price_stale_days"),
    ],
)
def test_a_limit_below_zero_is_refused(tmp_path: Path, right: str, wrong: str, field: str) -> None:
    assert right in FUND
    text = "\n".join(line for line in FUND.splitlines() if not line.startswith("tolerances:")) + "\n"
    root = _firm(tmp_path, text.replace(right, wrong))
    with pytest.raises(
        config.ParameterError, match=rf"line \d+: .*{field}: found '-\d': Input should be greater than or equal to 0"
    ):
        config.load_fund(root, "EURO-UCITS")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    root = _firm(tmp_path, FUND + "\ndomicile: IE\n")
    with pytest.raises(config.ParameterError, match="'domicile' stands twice"):
        config.load_fund(root, "EURO-UCITS")


def test_an_unknown_fund_names_the_nearest(tmp_path: Path) -> None:
    root = _firm(tmp_path, FUND)
    with pytest.raises(config.ParameterError, match=r"no fund 'EURO-UCIT' .* did you mean EURO-UCITS"):
        config.load_fund(root, "EURO-UCIT")


def test_numbers_with_a_point_stay_decimal(tmp_path: Path) -> None:
    root = _firm(tmp_path, FUND.replace("factor_bps: 20,", "factor_bps: 0.1,"))
    swing = config.load_fund(root, "EURO-UCITS").on(date(2026, 6, 30)).swing
    assert swing is not None and swing.factor_bps == Decimal("0.1")


def test_terms_are_those_in_force_on_the_day(tmp_path: Path) -> None:
    later = (
        FUND[FUND.index("terms:") + len("terms:") :]
        .replace("from: 2026-01-01", "from: 2026-07-01")
        .replace("bps_annual: 60", "bps_annual: 55")
    )
    fund = config.load_fund(_firm(tmp_path, FUND + later), "EURO-UCITS")
    assert [fund.on(d).share_class("I").management_fee_bps_annual for d in (date(2026, 6, 30), date(2026, 7, 1))] == [60, 55]
    with pytest.raises(config.ParameterError, match="no terms in force on 2025-12-31"):
        fund.on(date(2025, 12, 31))


def test_the_lot_method_is_dated_and_a_basis_may_have_its_own() -> None:
    fund = config.load_fund(ROOT, "EURO-UCITS")
    changes = [{"from": "2026-07-01", "method": "HIFO"}, {"from": "2026-01-01", "method": "LIFO", "basis": "TAX"}]
    changed = type(fund).model_validate({**fund.model_dump(by_alias=True), "lot_methods": changes})
    assert fund.lot_methods_of("TAX") == {fund.inception: "FIFO"}
    assert changed.lot_methods_of() == changed.lot_methods_of("IFRS") == {fund.inception: "FIFO", date(2026, 7, 1): "HIFO"}
    assert changed.lot_methods_of("TAX") == {fund.inception: "FIFO", date(2026, 1, 1): "LIFO"}
