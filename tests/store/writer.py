"""A process that appends batches to a shared store and says so after each: ``python -m tests.store.writer URL NAME BATCHES``."""

import sys

from bo_lib.store import Store
from tests.store.scenario import EVENING, trade

SIZE = 5


def batch(name: str, number: int) -> list[str]:
    return [f"T{name}{number * SIZE + i:06}" for i in range(SIZE)]


def main(url: str, name: str, batches: int) -> None:
    with Store.open(url) as store:
        for number in range(batches):
            facts = [trade(0, stream="SHARED")] + [
                type(fact)(**{**fact.__dict__, "id": fact_id})
                for fact_id in batch(name, number)
                for fact in [trade(1, stream=f"F{number % 2}", note="x" * 500)]
            ]
            store.append(facts, name, EVENING)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
