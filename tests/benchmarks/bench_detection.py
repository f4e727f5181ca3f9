"""How many of the simulator's seeded errors the desks find, by kind. Run: python -m tests.benchmarks.bench_detection [SEED ...]"""

import sys
import tempfile
from datetime import date
from pathlib import Path
from shutil import copytree

sys.path.insert(0, str(Path(__file__).parents[2]))

from bo_lib.demo import simulate
from tests.cases.scoreboard import carry_month, found, tally, truth

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)


def main(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "firm"
        copytree(Path(__file__).parents[2] / "parameters", root / "parameters")
        simulate(root, FIRST, LAST, seed=seed)
        heard, errors = carry_month(root, LAST), truth(root, FIRST)
        for kind, (hits, seeded) in tally(errors, heard).items():
            print(f"seed {seed}  {kind:24} {hits} of {seeded}")
        print(f"seed {seed}  {'all':24} {sum(found(s, heard) for s in errors)} of {len(errors)}")


if __name__ == "__main__":
    for word in sys.argv[1:] or ["7"]:
        main(int(word))
