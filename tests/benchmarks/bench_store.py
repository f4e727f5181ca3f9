"""How fast the store writes and reads, as ratios that hold on any machine: ``python tests/benchmarks/bench_store.py [URL]``.

Prints one fact an append against a thousand, and whether reading and writing grow with the number of facts alone.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date

from bo_lib.store import Fact, Store

KNOWN = "2026-06-01T18:00:00Z"
TRADE = {"account": "MAIN", "isin": "IE00B4L5Y983", "side": "BUY", "quantity": "1250", "price": "98.4125", "currency": "EUR"}


def facts(start: int, count: int) -> list[Fact]:
    return [
        Fact(f"T{i}", f"F{i % 4}", "event.trade", f"T{i}", date(2026, 6, 1), {**TRADE, "n": i}) for i in range(start, start + count)
    ]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(url: str) -> None:
    with Store.open(url) as store:
        single = 200 / seconds(lambda: [store.append([fact], "bench", KNOWN) for fact in facts(0, 200)])
        first = 9800 / seconds(lambda: [store.append(facts(200 + i, 980), "bench", KNOWN) for i in range(0, 9800, 980)])
        read_10k = seconds(store.facts)
        latest_10k = seconds(lambda: store.latest("event"))
        seconds(lambda: [store.append(facts(10_000 + i, 1000), "bench", KNOWN) for i in range(0, 80_000, 1000)])
        last = 10_000 / seconds(lambda: [store.append(facts(90_000 + i, 1000), "bench", KNOWN) for i in range(0, 10_000, 1000)])
        again = 10_000 / seconds(lambda: [store.append(facts(i, 1000), "bench", KNOWN) for i in range(0, 10_000, 1000)])
        read_100k, latest_100k = seconds(store.facts), seconds(lambda: store.latest("event"))
        verify_100k = seconds(store.verify)
    print(f"{store.url}")
    print(f"append: one by one {single:,.0f} facts/s, by the thousand {first:,.0f}/s: {first / single:.0f} times")
    print(
        f"append after 100,000 facts against the first 10,000: {last:,.0f}/s, {last / first:.2f} times; nothing new: {again:,.0f}/s"
    )
    print(f"read 100,000 facts {read_100k:.2f} s against 10,000 {read_10k:.2f} s: {read_100k / read_10k:.1f} times")
    print(f"latest of 100,000 {latest_100k:.2f} s against 10,000 {latest_10k:.2f} s: {latest_100k / latest_10k:.1f} times")
    print(f"verify 100,000 facts {verify_100k:.2f} s, {verify_100k / read_100k:.1f} times reading them")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.sqlite")
