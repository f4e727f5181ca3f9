"""Where a firm lives: its folder, parameters, store of facts and tables, and the clock at its edge."""

from __future__ import annotations

import getpass
import os
from collections import abc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path

import pyarrow as pa

from bo_lib import config
from bo_lib.feeds.mapping import Mapping
from bo_lib.recon import Rules
from bo_lib.store import Fact, Store
from bo_lib.store.facts import instant
from bo_lib.store.files import FileStore
from bo_lib.store.tables import TableStore
from bo_lib.workbench.reconciliations import known_or_nearest


def find_root(start: Path | None = None) -> Path:
    """The firm's folder: ``BO_ROOT``, or the nearest folder at or above ``start`` that holds ``parameters/firm.yaml``."""
    named = os.environ.get("BO_ROOT")
    if named:
        return Path(named)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "parameters" / "firm.yaml").exists():
            return folder
    raise config.ParameterError(f"no parameters/firm.yaml in {here} or above; `bo new DIR` makes an empty firm, BO_ROOT names one")


RUNS = "runs"  # the stream of what ran
WRITTEN = "written"


def release_stream(fund_id: str) -> str:
    """The stream of who signed and released a fund's NAVs: nothing that is run before the release reads it."""
    return f"{fund_id}/release"


def recon_stream(fund_id: str) -> str:
    """The stream of what each reconciliation of a fund concluded."""
    return f"{fund_id}/recon"


def written(run_id: str, day: date, added: abc.Mapping[str, tuple[int, int]]) -> Fact:
    """The fact that a run of ``day`` has added facts: ``added`` gives, for each stream, its first and last place."""
    where = " ".join(f"{stream}:{first}" for stream, (first, _) in sorted(added.items()))
    payload = {"run_id": run_id, "added": {stream: list(places) for stream, places in added.items()}}
    return Fact(f"{run_id}:{WRITTEN}:{where}", RUNS, WRITTEN, run_id, day, payload)


class Office:
    """One firm, opened: parameters, facts and tables. Everything that touches disk or clock goes through here."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or find_root()
        self.firm = config.load_firm(self.root)
        self._clock = ""

    @property
    def store_file(self) -> Path | None:
        """The file of the store; None where it is on a server."""
        url = self.firm.store
        return self.root / url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None

    @cached_property
    def store(self) -> Store:
        url, file = self.firm.store, self.store_file
        if file and not url.startswith("sqlite:////"):
            file.parent.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{file}"
        store = Store.open(url)
        if "BO_RUN_ID" in os.environ and os.environ.get("BO_RUN_DATE"):  # inside a run: every write says whose it is
            store.witness = partial(written, os.environ["BO_RUN_ID"], date.fromisoformat(os.environ["BO_RUN_DATE"]))
        return store

    @cached_property
    def tables(self) -> TableStore:
        return TableStore(self.root / self.firm.outputs / "tables")

    @property
    def kept_parameters(self) -> FileStore:
        """Parameter files as they were, under their hashes."""
        return FileStore(self.root / self.firm.outputs / "parameters")

    def keep_parameters(self, files: abc.Mapping[str, str]) -> None:
        """Keeps what is not kept yet of ``files`` (name below the firm's folder -> hash), to be read again as they were."""
        for name, sha256 in files.items():
            if not self.kept_parameters.path(sha256).is_file():
                self.kept_parameters.put(self.root / name)

    @cached_property
    def mappings(self) -> tuple[Mapping, ...]:
        return tuple(config.load(path, Mapping) for path in sorted((self.root / "parameters/mappings").glob("*.yaml")))

    @property
    def schemas(self) -> Path | None:
        """The folder of official XSDs that XML files are validated against, where the firm has one."""
        return self.root / self.firm.schemas if self.firm.schemas else None

    @cached_property
    def chart(self) -> config.ChartOfAccounts | None:
        """The chart of accounts; a firm without one lets every ledger name pass."""
        path = self.root / "parameters" / "rules" / "chart_of_accounts.yaml"
        return config.load(path, config.ChartOfAccounts) if path.exists() else None

    @cached_property
    def bases(self) -> config.Bases:
        """The bases of accounting that books can be kept on beside the fund's own."""
        return config.load(self.root / "parameters" / "rules" / "bases.yaml", config.Bases)

    @lru_cache(maxsize=512)  # noqa: B019 an office lives as long as its process
    def table(self, sha256: str) -> pa.Table:
        return self.tables.get(sha256)

    @lru_cache(maxsize=64)  # noqa: B019
    def reconciliation(self, name: str) -> Rules:
        """parameters/recon/<name>.yaml. Raises ``ParameterError`` with the nearest name there is."""
        return config.load(known_or_nearest(self.root / "parameters" / "recon", name), Rules)

    @lru_cache(maxsize=64)  # noqa: B019
    def fund(self, fund_id: str) -> config.Fund:
        return config.load_fund(self.root, fund_id)

    @property
    def funds(self) -> list[config.Fund]:
        """The firm's funds whose parameters can be used; ``broken`` says why the others cannot."""
        return [self.fund(fund_id) for fund_id in self.firm.funds if fund_id not in self.broken]

    @cached_property
    def broken(self) -> dict[str, str]:
        """Fund -> the letter about its parameters. One fund's mistake is not another's."""
        letters = {}
        for fund_id in self.firm.funds:
            try:
                self.fund(fund_id)
            except config.ParameterError as reason:
                letters[fund_id] = str(reason)
        return letters

    def inbox(self, day: date) -> Path:
        return self.root / self.firm.inbox / day.isoformat()

    @property
    def actor(self) -> str:
        """Who acts: ``BO_ACTOR`` (set by the scheduler and the dashboards), else the person logged in."""
        return os.environ.get("BO_ACTOR") or getpass.getuser()

    @contextmanager
    def at(self, time: str) -> Iterator[None]:
        """Inside, facts become known at ``time``: history is carried as if it had been run on its days."""
        before, self._clock = self._clock, time
        try:
            yield
        finally:
            self._clock = before

    def append(self, facts: abc.Iterable[Fact], by: str = "", at: str = "") -> None:
        """Adds facts to the store as ``by`` (default: who acts), known from now on, or from the simulated time ``at``.

        A person's BO_CLOCK may neither lie ahead (``ParameterError``) nor before what the store knows (``ClockBehind``).
        """
        carried = bool(at or self._clock or "BO_RUN_ID" in os.environ)
        time = at or self.now()
        if not carried and instant(time) > instant(wall_clock()):
            raise config.ParameterError(f"BO_CLOCK={time} lies ahead: nothing is known before its time; take it away, and repeat")
        self.store.append(facts, by or self.actor, time, carried=carried)

    def now(self) -> str:
        """The time at which facts become known; ``BO_CLOCK`` replays another day's."""
        return self._clock or os.environ.get("BO_CLOCK") or wall_clock()


def wall_clock() -> str:
    """The time of this machine, UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
