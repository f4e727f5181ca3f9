"""Every test of the store runs on SQLite and, where a server is installed, on PostgreSQL."""

import os
import pwd
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import port_for
import psycopg
import pytest
from pytest_postgresql.executors import PostgreSQLExecutor

from bo_lib.store import Store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLExecutor]:
    folder = Path(tempfile.mkdtemp(prefix="bo-pg-"))
    try:
        server = PostgreSQLExecutor(
            executable=str(_pg_ctl(folder)),
            host="127.0.0.1",
            port=port_for.select_random(),
            datadir=str(folder / "data"),
            unixsocketdir=str(folder),
            logfile=str(folder / "log"),
            startparams="-w",
            dbname="postgres",
        )
        server.start()
        _wait_for(server.port)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    """On a busy machine the port is open a while before the server takes connections."""
    for _ in range(300):
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL was started and takes no connections after 30 seconds")


def _pg_ctl(folder: Path) -> Path:
    """The server's starter. PostgreSQL refuses root, so root runs it as the user postgres (or nobody)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    if not found:
        pytest.skip("no PostgreSQL server is installed (pg_ctl not found)")
    if os.geteuid():
        return found[-1]
    users = {user.pw_name for user in pwd.getpwall()} & {"postgres", "nobody"}
    if not (runuser := shutil.which("runuser")) or not users:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser or no user postgres to run it as")
    user = max(users)
    shutil.chown(folder, user)
    wrapper = folder / "pg_ctl"
    wrapper.write_text(f'#!/bin/sh\ncd "{folder}" && exec {runuser} -u {user} -- {found[-1]} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/books.sqlite"
        return
    server: PostgreSQLExecutor = request.getfixturevalue("postgresql_server")
    name = f"books_{uuid.uuid4().hex}"
    admin = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened
