"""What the counterparties did wrong is found; what they did right raises no alarm."""

from datetime import date
from pathlib import Path

from tests.cases.scoreboard import carry_month, found, tally, truth
from tests.conftest import Month, firm

ALL_OF_JUNE = date(2026, 6, 1)


def test_every_seeded_error_of_the_month_is_found(month: Month) -> None:
    seeded = truth(month.root, ALL_OF_JUNE)
    missed = [s for s in seeded if not found(s, month.heard)]
    assert len(seeded) >= 60 and not missed, missed


def test_every_kind_of_error_occurs_in_the_last_week(month: Month) -> None:
    assert len(tally(truth(month.root, date(2026, 6, 24)), month.heard)) >= 40


def test_a_wrong_key_is_not_found(month: Month) -> None:
    """The scoreboard itself can fail: an error that nobody made is not among the alarms."""
    seeded = truth(month.root, ALL_OF_JUNE)[0]
    assert not found(type(seeded)(seeded.day, seeded.fund, seeded.kind, ("XX0000000000",), seeded.found_by), month.heard)


def test_a_month_without_errors_raises_no_alarm_but_what_life_brings(tmp_path: Path) -> None:
    """Fails and late orders happen anyway. Nothing else is said of files, cash, positions, trades, actions or the NAV."""
    heard = carry_month(firm(tmp_path / "firm", date(2026, 6, 10), errors=False), date(2026, 6, 10))
    quiet = ("arrivals", "trades", "recon_cash", "recon_positions", "announcements", "shadow", "strike", "controls")
    loud = {key: said for key, said in heard.items() if said and key[2] in quiet}
    assert not loud
