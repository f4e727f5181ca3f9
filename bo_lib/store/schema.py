"""The two tables of the store and the triggers that keep them append-only, on SQLite and PostgreSQL.

``fact`` only grows, and each fact must follow the last of its stream, in time too. ``chain_head`` says where each stream
ends; it may only move forward, to a fact that exists. Triggers stop mistakes and careless tools; whoever may drop them is found by
``verify``, and by an anchor kept elsewhere.
"""

from __future__ import annotations

import sqlalchemy as sa

# Byte order on both databases: fixed-width times and dates sort right, and a range finds a prefix.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
METADATA = sa.MetaData()

FACT = sa.Table(
    "fact",
    METADATA,
    sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
    sa.Column("id", _TEXT, nullable=False, unique=True),
    sa.Column("stream", _TEXT, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("kind", _TEXT, nullable=False),
    sa.Column("entity", _TEXT, nullable=False),
    sa.Column("effective_date", _TEXT, nullable=False),
    sa.Column("known_at", _TEXT, nullable=False),
    sa.Column("actor", _TEXT, nullable=False),
    sa.Column("payload", _TEXT, nullable=False),
    sa.Column("prev_hash", _TEXT, nullable=False),
    sa.Column("hash", _TEXT, nullable=False),
    sa.UniqueConstraint("stream", "n"),
    sa.Index("ix_fact_kind", "kind", "stream", "entity", "effective_date"),
    sqlite_autoincrement=True,
)
CHAIN_HEAD = sa.Table(
    "chain_head",
    METADATA,
    sa.Column("stream", _TEXT, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("hash", _TEXT, nullable=False),
)

_GENESIS = "0" * 64
_FOLLOWS = f"""((NEW.n = 1 AND NEW.prev_hash = '{_GENESIS}')
    OR EXISTS (SELECT 1 FROM fact
               WHERE stream = NEW.stream AND n = NEW.n - 1 AND hash = NEW.prev_hash AND known_at <= NEW.known_at))"""  # noqa: S608
_EXISTS = "EXISTS (SELECT 1 FROM fact WHERE stream = NEW.stream AND n = NEW.n AND hash = NEW.hash)"
_FORWARD = f"NEW.stream = OLD.stream AND NEW.n > OLD.n AND {_EXISTS}"

# INSERT OR REPLACE deletes without firing the DELETE trigger, so a taken key is refused before the insert.
_TAKEN = "EXISTS (SELECT 1 FROM fact WHERE id = NEW.id OR seq = NEW.seq)"
_SQLITE = {
    "fact_no_update": ("UPDATE ON fact", "1", "facts are never updated: add one that supersedes"),
    "fact_no_delete": ("DELETE ON fact", "1", "facts are never deleted: add one that supersedes"),
    "fact_follows": ("INSERT ON fact", f"{_TAKEN} OR NOT {_FOLLOWS}", "a fact must be new and follow the last of its stream"),
    "head_no_delete": ("DELETE ON chain_head", "1", "chain heads are never deleted"),
    "head_exists": (
        "INSERT ON chain_head",
        f"NOT {_EXISTS} OR EXISTS (SELECT 1 FROM chain_head WHERE stream = NEW.stream)",  # noqa: S608
        "a chain head must be a stored fact",
    ),
    "head_forward": ("UPDATE ON chain_head", f"NOT ({_FORWARD})", "a chain head only moves forward to a stored fact"),
}
_POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION fact_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF {_FOLLOWS} THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'a fact must follow the last of its stream';
    END IF;
    RAISE EXCEPTION 'facts are never changed by %: add one that supersedes', TG_OP;
END $$;
CREATE OR REPLACE FUNCTION chain_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF {_EXISTS} THEN RETURN NEW; END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF {_FORWARD} THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'a chain head only moves forward to a stored fact (%)', TG_OP;
END $$;
CREATE TRIGGER fact_rows BEFORE INSERT ON fact FOR EACH ROW EXECUTE FUNCTION fact_guard();
CREATE TRIGGER fact_whole BEFORE UPDATE OR DELETE OR TRUNCATE ON fact FOR EACH STATEMENT EXECUTE FUNCTION fact_guard();
CREATE TRIGGER chain_head_rows BEFORE INSERT OR UPDATE ON chain_head FOR EACH ROW EXECUTE FUNCTION chain_head_guard();
CREATE TRIGGER chain_head_whole BEFORE DELETE OR TRUNCATE ON chain_head FOR EACH STATEMENT EXECUTE FUNCTION chain_head_guard();
"""


def create(connection: sa.Connection) -> None:
    """Make tables and triggers; the caller holds the write lock and the tables are not there yet."""
    METADATA.create_all(connection, checkfirst=False)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRESQL.replace("%", "%%"))
        return
    for name, (when, wrong, said) in _SQLITE.items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} BEFORE {when} WHEN {wrong} BEGIN SELECT RAISE(ABORT, '{said}'); END")
