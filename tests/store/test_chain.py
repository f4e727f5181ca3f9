"""Whatever is changed behind the store's back is found, and found at its place; the triggers stop what they can."""

import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from bo_lib.model.findings import Outcome
from bo_lib.store import Store, StoreAltered
from tests.store.scenario import EVENING, tamper, trade


@pytest.fixture
def books(store: Store) -> Store:
    store.append([trade(i) for i in range(1, 6)], "ops", EVENING)
    store.append([trade(i, stream="GLOBAL-BOND") for i in range(6, 9)], "ops", EVENING)
    return store


def letter(outcome: Outcome[int]) -> tuple[str, str]:
    (finding,) = outcome.findings
    return finding.code, finding.place.at


def test_an_untouched_store_stands(books: Store) -> None:
    assert books.verify() == Outcome(8)
    assert books.verify("GLOBAL-BOND") == Outcome(3)
    assert books.verify("NOBODY") == Outcome(0)


def test_an_auditor_can_compute_the_hash_by_hand(books: Store) -> None:
    fact = books.facts(stream="EURO-UCITS")[0]
    text = json.dumps(
        {
            "actor": "ops",
            "effective_date": "2026-06-01",
            "entity": "T1",
            "id": "T1",
            "kind": "event.trade",
            "known_at": "2026-06-01T18:00:00.000000Z",
            "n": 1,
            "payload": '{"price":"12.50","quantity":"100"}',
            "stream": "EURO-UCITS",
        },
        separators=(",", ":"),
    )
    assert fact.hash == hashlib.sha256(("0" * 64 + "\n" + text).encode()).hexdigest()


@pytest.mark.parametrize("column", ["id", "kind", "entity", "effective_date", "known_at", "actor", "payload", "hash", "prev_hash"])
def test_a_changed_byte_is_found(books: Store, column: str) -> None:
    tamper(books, f"UPDATE fact SET {column} = {column} || ' ' WHERE id = 'T3'")  # noqa: S608
    code, place = letter(books.verify())
    assert (code, place) == ("chain-link" if column == "prev_hash" else "chain-content", "EURO-UCITS fact 3")
    assert books.verify().value == 2 + 3


def test_a_deletion_in_the_middle_is_found(books: Store) -> None:
    tamper(books, "DELETE FROM fact WHERE id = 'T2'")
    assert letter(books.verify()) == ("chain-gap", "EURO-UCITS fact 2")


def test_a_deletion_with_the_gap_closed_is_found(books: Store) -> None:
    tamper(books, "DELETE FROM fact WHERE id = 'T4'", "UPDATE fact SET n = 4 WHERE id = 'T5'")
    assert letter(books.verify()) == ("chain-link", "EURO-UCITS fact 4")


def test_a_truncation_is_found_against_the_head(books: Store) -> None:
    tamper(books, "DELETE FROM fact WHERE id IN ('T4', 'T5')")
    assert letter(books.verify()) == ("chain-cut", "EURO-UCITS head")
    tamper(books, "DELETE FROM fact WHERE stream = 'EURO-UCITS'")
    assert letter(books.verify()) == ("chain-cut", "EURO-UCITS head")


def test_a_lost_or_changed_head_is_found(books: Store) -> None:
    tamper(books, "DELETE FROM chain_head WHERE stream = 'EURO-UCITS'", "UPDATE chain_head SET n = 2 WHERE stream = 'GLOBAL-BOND'")
    assert [finding.place.at for finding in books.verify().findings] == ["EURO-UCITS head", "GLOBAL-BOND head"]


def test_a_fact_moved_in_time_of_commit_is_found(books: Store) -> None:
    tamper(books, "UPDATE fact SET seq = 1000 WHERE id = 'T2'")
    assert letter(books.verify()) == ("chain-order", "EURO-UCITS fact 3")


def test_a_fact_moved_to_another_stream_is_found_in_both(books: Store) -> None:
    tamper(books, "UPDATE fact SET stream = 'GLOBAL-BOND', n = 4 WHERE id = 'T5'")
    assert [f.code for f in books.verify().findings] == ["chain-cut", "chain-link"]


def test_a_whole_chain_forged_with_right_hashes_differs_from_the_anchor_in_the_pack(books: Store, tmp_path: Path) -> None:
    printed = books.anchor()
    with Store.open(f"sqlite:///{tmp_path}/forged.sqlite") as forged:
        forged.append([trade(i, price="12.51") for i in range(1, 6)], "ops", EVENING)
        forged.append([trade(i, stream="GLOBAL-BOND") for i in range(6, 9)], "ops", EVENING)
        assert forged.verify().ok and forged.anchor() != printed


def test_bytes_that_are_no_text_are_found(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/books.sqlite") as store:
        store.append([trade(1), trade(2)], "ops", EVENING)
        tamper(
            store, "UPDATE fact SET payload = CAST(x'7bff7d' AS TEXT) WHERE id = 'T1'", "UPDATE fact SET actor = x'00' WHERE n = 2"
        )
        assert letter(store.verify()) == ("chain-content", "EURO-UCITS fact 1")
        tamper(store, "UPDATE fact SET payload = 7 WHERE id = 'T1'")
        assert letter(store.verify()) == ("chain-content", "EURO-UCITS fact 1")


def test_a_fact_that_cannot_be_read_is_a_letter(books: Store) -> None:
    tamper(books, "UPDATE fact SET payload = '{' WHERE id = 'T1'")
    with pytest.raises(StoreAltered, match=r"fact T1 of stream EURO-UCITS cannot be read .* verify the store"):
        books.facts()


COPY = "seq, id, stream, n, kind, entity, effective_date, known_at, actor, payload, prev_hash, hash"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fact SET actor = 'nobody'",
        "DELETE FROM fact",
        "DELETE FROM fact WHERE n = 5",
        "DELETE FROM chain_head",
        "UPDATE chain_head SET n = n + 1",
        "UPDATE chain_head SET n = 2, hash = (SELECT hash FROM fact WHERE id = 'T2') WHERE stream = 'EURO-UCITS'",
        "UPDATE chain_head SET stream = 'X' WHERE stream = 'EURO-UCITS'",
        "INSERT INTO chain_head VALUES ('NEW', 1, 'abc')",
        f"INSERT INTO fact ({COPY}) SELECT 99, 'T99', stream, 9, '', '', '', '', '', '', prev_hash, hash FROM fact WHERE n = 5",  # noqa: S608
    ],
)
def test_the_database_itself_refuses(books: Store, statement: str) -> None:
    _refused(books, statement)


def test_sqlite_refuses_replacing_a_fact(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/books.sqlite") as store:
        store.append([trade(1)], "ops", EVENING)
        _refused(store, f"INSERT OR REPLACE INTO fact ({COPY}) SELECT {COPY} FROM fact WHERE n = 1")  # noqa: S608
        _refused(store, "INSERT OR REPLACE INTO chain_head SELECT * FROM chain_head")


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["fact", "chain_head"])
def test_postgresql_refuses_truncation(books: Store, table: str) -> None:
    _refused(books, f"TRUNCATE {table}")


def _refused(store: Store, statement: str) -> None:
    before = store.facts()
    with pytest.raises(sa.exc.DBAPIError, match=r"fact|chain head"), store._database.write() as connection:
        connection.exec_driver_sql(statement)
    assert store.facts() == before and store.verify().ok
