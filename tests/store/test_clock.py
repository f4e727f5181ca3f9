"""The clock of a store goes forward: nothing is put into the past unseen, at writing or behind the store's back."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from bo_lib.store import ClockBehind, Fact, Store
from bo_lib.store.facts import GENESIS, chain_hash
from tests.store.scenario import EVENING, JUNE_1, tamper, trade

NEXT, LATE = "2026-06-02T18:00:00Z", "2026-06-01T17:00:00Z"


def times(store: Store, stream: str = "EURO-UCITS") -> list[str]:
    return [f.known_at[:19] for f in store.facts(stream=stream)]


def test_a_fact_known_before_the_last_of_its_stream_is_refused_and_nothing_is_written(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    with pytest.raises(ClockBehind, match=r"EURO-UCITS: the time 2026-06-01T17:00.* before .* BO_CLOCK away"):
        store.append([trade(2, stream="GLOBAL-BOND"), trade(3)], "ops", LATE)
    assert [f.id for f in store.facts()] == ["T1"]
    store.append([trade(2, stream="GLOBAL-BOND")], "ops", LATE)
    assert store.append([trade(1)], "ops", LATE).already == ["T1"], "what is there already may be said again at any time"
    assert store.verify().ok


def test_the_streams_of_one_fund_have_one_clock(store: Store) -> None:
    """A NAV is not signed yesterday, because nobody has signed one since."""
    signed = Fact("S1", "EURO-UCITS/release", "nav.signed", "", JUNE_1, {})
    store.append([signed], "ann", LATE)
    store.append([trade(1)], "ops", NEXT)
    again = replace(signed, id="S2")
    with pytest.raises(ClockBehind, match="EURO-UCITS: the time"):
        store.append([again], "ann", EVENING)
    store.append([again], "ann", EVENING, carried=True)
    store.append([replace(trade(2), stream="EURO-UCITS-2")], "ops", EVENING)
    assert times(store, "EURO-UCITS/release")[-1] == NEXT[:19] and store.verify().ok
    _backdate(store, "S2", "2026-06-01T20:00:00.000000Z", "EURO-UCITS/release")
    (finding,) = store.verify().findings
    assert (finding.code, finding.place.at) == ("chain-dated-back", "EURO-UCITS/release fact 2")


def test_writers_that_waited_for_each_other_and_simulated_days_take_the_last_time(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    store.append([trade(2)], "ops", "2026-06-01T17:59:00Z")
    store.append([trade(3)], "ops", LATE, carried=True)
    store.append([trade(4)], "ops", NEXT)
    assert times(store) == ["2026-06-01T18:00:00"] * 3 + ["2026-06-02T18:00:00"]
    assert store.verify().ok


def _backdate(store: Store, fact_id: str, known_at: str, stream: str = "EURO-UCITS") -> None:
    """As somebody would who knows the formula of the chain: the time is changed, and every hash after it made anew."""
    previous = GENESIS
    tamper(store, "UPDATE fact SET known_at = :at WHERE id = :id", at=known_at, id=fact_id)
    for fact in store.facts(stream=stream):
        row = {**fact.__dict__, "effective_date": fact.effective_date.isoformat(), "payload": fact.payload_text}
        made = chain_hash(row, previous)
        tamper(store, "UPDATE fact SET prev_hash = :before, hash = :made WHERE id = :id", before=previous, made=made, id=fact.id)
        previous = made
    tamper(store, "UPDATE chain_head SET hash = :made WHERE stream = :stream", made=previous, stream=stream)


@pytest.mark.parametrize(
    ("known_at", "code", "place"),
    [
        ("2026-06-01T12:00:00.000000Z", "chain-dated-back", "EURO-UCITS fact 2"),
        ("2026-07-01T12:00:00.000000Z", "chain-dated-back", "EURO-UCITS fact 3"),
        (EVENING.replace("Z", ".000001Z"), "", ""),
    ],
)
def test_a_time_changed_with_right_hashes_is_found_against_the_order_of_the_chain(
    store: Store, known_at: str, code: str, place: str
) -> None:
    """Dated back it stands before its predecessor, dated ahead after its successor."""
    for number, time in ((1, EVENING), (2, EVENING), (3, NEXT)):
        store.append([trade(number)], "ops", time)
    _backdate(store, "T2", known_at)
    found = [(f.code, f.place.at) for f in store.verify().findings]
    assert found == ([(code, place)] if code else [])
    if place:
        (finding,) = store.verify().findings
        assert "written by ops" in finding.message and finding.found[:10] in (known_at[:10], NEXT[:10])


def test_a_time_still_to_come_is_found_by_who_knows_the_time(store: Store) -> None:
    store.append([trade(1)], "ops", NEXT)
    assert store.verify().ok and store.verify(now=NEXT).ok
    assert [f.code for f in store.verify(now=EVENING).findings] == ["chain-dated-ahead"]


def test_the_database_itself_refuses_a_fact_dated_back(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    copy = "stream, n, kind, entity, effective_date, known_at, actor, payload, prev_hash, hash"
    picked = "stream, 2, kind, entity, effective_date, '2026-05-01', actor, payload, hash, 'x'"
    with pytest.raises(Exception, match="follow the last of its stream"), store._database.write() as connection:
        connection.exec_driver_sql(f"INSERT INTO fact (seq, id, {copy}) SELECT 9, 'T9', {picked} FROM fact")  # noqa: S608


def _write(url: str, name: str) -> None:
    from bo_lib.workbench.office import wall_clock

    with Store.open(url) as store:
        for number in range(20):
            store.append([replace(trade(0), id=f"{name}{number}")], name, wall_clock())


def test_several_processes_at_the_true_time_write_one_clock_that_goes_forward(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    Store.open(url).close()
    start = multiprocessing.get_context("spawn").Process
    writers = [start(target=_write, args=(url, name)) for name in "ABC"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Store.open(url) as store:
        assert [w.exitcode for w in writers] == [0, 0, 0]
        assert len(times(store)) == 60 and times(store) == sorted(times(store)) and store.verify().ok
