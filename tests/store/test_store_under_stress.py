"""Several writers, killed writers, a locked store, a full disk, a wrong URL."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bo_lib.store import Store, StoreFull, StoreLocked, StoreUnreachable
from bo_lib.store.errors import explained
from tests.store.scenario import EVENING, trade
from tests.store.writer import SIZE, batch

ROOT = Path(__file__).parents[2]


def _writer(url: str, name: str, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.writer", url, name, str(batches)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_writers_of_several_processes_lose_and_double_nothing(url: str) -> None:
    """They start on a store that is not there yet, write to the same streams, and all bring one fact that is the same."""
    writers = [_writer(url, name, 12) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.communicate()
    with Store.open(url) as store:
        expected = {"T0"} | {fact_id for name in "abc" for number in range(12) for fact_id in batch(name, number)}
        assert sorted(fact.id for fact in store.facts()) == sorted(expected)
        assert store.verify().findings == () and store.verify().value == 3 * 12 * SIZE + 1


def test_a_writer_killed_in_the_middle_leaves_whole_batches_and_can_be_run_again(url: str) -> None:
    writer = _writer(url, "k", 100_000)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(15)]
    writer.kill()
    said += [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.wait()
    with Store.open(url) as store:
        kept = {fact.id for fact in store.facts()} - {"T0"}
        whole = len(kept) // SIZE
        assert kept == {fact_id for number in range(whole) for fact_id in batch("k", number)}
        assert whole in (len(said), len(said) + 1)  # all that was acknowledged, at most the one in flight more
        assert store.verify().ok
    again = _writer(url, "k", whole + 1)
    assert again.wait(60) == 0
    again.communicate()
    with Store.open(url) as store:
        assert len(store.facts()) == (whole + 1) * SIZE + 1 and store.verify().ok


def test_a_locked_file_says_which_how_long_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "books.sqlite"
    with Store.open(f"sqlite:///{file}", wait_seconds=0.2) as store:
        store.append([trade(1)], "ops", EVENING)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match=r"books\.sqlite: another process has held it for more than 0\.2 s.* repeat"):
            store.append([trade(2)], "ops", EVENING)
        assert len(store.facts()) == 1  # readers go on
        other.execute("ROLLBACK")
        assert store.append([trade(2)], "ops", EVENING).new == ["T2"]
        other.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_locked_server_says_so_too(url: str) -> None:
    with Store.open(url, wait_seconds=0.2) as store, Store.open(url) as other:
        with other._database.write(), pytest.raises(StoreLocked, match=r"for more than 0\.2 s"):
            store.append([trade(1)], "ops", EVENING)
        assert store.append([trade(1)], "ops", EVENING).new == ["T1"]


def test_a_full_disk_writes_nothing_and_says_so(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/books.sqlite") as store:
        store.append([trade(1)], "ops", EVENING)
        with store._database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match=r"books\.sqlite: there is no room left.*nothing of this call was written"):
            store.append([trade(i, note="x" * 1000) for i in range(2, 50)], "ops", EVENING)
        assert [fact.id for fact in store.facts()] == ["T1"] and store.verify().ok


@pytest.mark.parametrize(
    ("wrong", "letter"),
    [
        (psycopg.errors.DiskFull("could not extend file"), StoreFull),
        (psycopg.errors.LockNotAvailable("canceling"), StoreLocked),
        (psycopg.errors.InvalidPassword("no"), StoreUnreachable),
        (psycopg.errors.AdminShutdown("bye"), StoreUnreachable),
        (psycopg.OperationalError("connection refused for secret"), StoreUnreachable),
    ],
)
def test_a_servers_errors_become_letters_without_the_password(wrong: Exception, letter: type[Exception]) -> None:
    url = sa.make_url("postgresql+psycopg://ops:secret@db.example/books?sslkey=hush")
    found = explained(sa.exc.OperationalError("SELECT 1", None, wrong), url, 30)
    assert type(found) is letter
    assert "postgresql+psycopg://ops@db.example/books" in str(found)
    assert "secret" not in str(found) and "hush" not in str(found)


def test_a_programmers_mistake_stays_itself() -> None:
    mistake = sa.exc.ProgrammingError("SELEC 1", None, psycopg.errors.SyntaxError("syntax error"))
    assert explained(mistake, sa.make_url("postgresql+psycopg://h/db"), 30) is mistake


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("books.sqlite", "URL cannot be read; expected sqlite:///"),
        ("mysql://ops:secret@h/db", "mysql is not a kind of store; expected sqlite:///"),
        ("sqlite:////no/such/folder/books.sqlite", "that the folder exists"),
        ("postgresql+psycopg://ops:secret@127.0.0.1:1/books", "ops@127.0.0.1:1/books: it cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened(url: str, said: str) -> None:
    with pytest.raises(StoreUnreachable, match=said) as raised:
        Store.open(url, wait_seconds=2)
    assert "secret" not in str(raised.value) and raised.value.__cause__ is None


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "books.sqlite").write_text("Ref;Amount\n" * 1000)
    with pytest.raises(StoreUnreachable, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/books.sqlite")


def test_a_store_in_memory() -> None:
    with Store.open("sqlite://") as store:
        store.append([trade(1)], "ops", EVENING)
        assert store.verify().value == 1 and len(store.facts()) == 1
