"""environment.yml as it must read: the project's own dependencies at the versions of the lock file.

``python -m tests.house.environment`` writes it.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = """\
# The same environment for conda, also on Windows: conda env create -f environment.yml
# Written by `make lock` from pyproject.toml and requirements-tests.lock.
name: back-office-workbench
channels: [conda-forge]
dependencies:
  - python >=3.11,<3.14
  - pip
  - pip:
"""


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=;\[]", requirement)[0].lower().replace("_", "-")


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return {_name(line) for line in [*project["dependencies"], *extras["tests"], *extras["build"]]}


def locked() -> dict[str, list[str]]:
    """Name -> requirement lines of the lock (several where a version depends on the Python version)."""
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements-tests.lock").read_text().splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            pins.setdefault(_name(line), []).append(line.rstrip(" \\"))
    return pins


def expected() -> str:
    pins = locked()
    lines = [pin for name in sorted(declared()) for pin in pins[name]]
    return HEAD + "".join(f'      - "{line}"\n' for line in lines) + '      - "-e ."\n'


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(expected())
