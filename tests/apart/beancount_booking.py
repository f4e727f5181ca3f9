"""Our lots against beancount's booking on random histories. ``python -m tests.apart.beancount_booking [--histories 500]``

beancount is under the GPL: it lives in an environment of its own, made here in a temporary folder (``--python`` names one that has
it already), reads a file and prints figures; nothing of ours imports it. Purchases and sales, or short sales and covers, by FIFO,
LIFO, HIFO and STRICT (each lot named). Compared: quantity taken from each lot by each closing trade, and the lots left.
Ends with 0 when all agree or beancount cannot be installed (it says so), with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from bo_lib.model import events as ev
from tests.books.desk import keep

METHODS = ("FIFO", "LIFO", "HIFO", "STRICT")
START = date(2026, 1, 1)
_THEIRS = """
import json, sys
from collections import defaultdict
from beancount import loader
entries, errors, _ = loader.load_file(sys.argv[1])
taken, left = {}, defaultdict(lambda: defaultdict(str))
sums = defaultdict(lambda: __import__("decimal").Decimal(0))
for entry in entries:
    for posting in getattr(entry, "postings", ()):
        if posting.account.startswith("Assets:H"):
            lot = posting.cost.label
            sums[posting.account, lot] += posting.units.number
            if lot != entry.narration:
                key = posting.account + " " + entry.narration
                taken.setdefault(key, {})[lot] = str(abs(posting.units.number))
for (account, lot), number in sums.items():
    if number:
        left[account][lot] = str(number)
print(json.dumps({"errors": [e.message for e in errors][:5], "taken": taken, "left": left}))
"""


class History:
    """Trades of one account: (id, day, signed quantity, price, lots it names)."""

    def __init__(self, number: int, method: str, draw: random.Random) -> None:
        self.account, self.method, self.sign = f"Assets:H{number:05}", method, draw.choice((1, -1))
        self.trades: list[tuple[str, date, int, Decimal, dict[str, int]]] = []
        open_lots: dict[str, int] = {}
        prices = draw.sample(range(100, 99_999), 40)  # each once: HIFO has no ties
        for n in range(draw.randint(2, 30)):
            held, name, day = sum(open_lots.values()), f"t{n:02}", START + timedelta(days=n)
            price = Decimal(prices[n]) / 100
            if not held or draw.random() < 0.5:
                open_lots[name] = quantity = draw.randint(1, 100)
                self.trades.append((name, day, self.sign * quantity, price, {}))
            else:
                named = self._named(open_lots, draw)
                quantity = sum(named.values()) if method == "STRICT" else draw.randint(1, held)
                self.trades.append((name, day, -self.sign * quantity, price, named if method == "STRICT" else {}))
                self._close(open_lots, named if method == "STRICT" else None, quantity)

    def _named(self, open_lots: dict[str, int], draw: random.Random) -> dict[str, int]:
        picks = draw.sample(sorted(open_lots), draw.randint(1, len(open_lots)))
        return {lot: draw.randint(1, open_lots[lot]) for lot in picks}

    def _close(self, open_lots: dict[str, int], named: dict[str, int] | None, quantity: int) -> None:
        """How much is left in all; which lots it is in matters only where they are named."""
        for lot in list(open_lots):
            part = min(open_lots[lot], quantity) if named is None else named.get(lot, 0)
            open_lots[lot] -= part
            quantity -= part
            if not open_lots[lot]:
                del open_lots[lot]

    def as_beancount(self) -> Iterator[str]:
        yield f'{START} open {self.account} SHARE "{self.method}"'
        for name, day, quantity, price, named in self.trades:
            yield f'{day} * "{name}"'
            if quantity * self.sign > 0:
                yield f'  {self.account}  {quantity} SHARE {{{price} EUR, "{name}"}}'
            for lot, part in named.items():
                yield f'  {self.account}  {-self.sign * part} SHARE {{"{lot}"}} @ {price} EUR'
            if quantity * self.sign < 0 and not named:
                yield f"  {self.account}  {quantity} SHARE {{}} @ {price} EUR"
            yield f"  Equity:Money  {-quantity * price} EUR"
            if quantity * self.sign < 0:
                yield "  Income:Gains"

    def ours(self) -> tuple[dict[str, dict[str, Decimal]], dict[str, Decimal]]:
        """(closing trade -> lot -> quantity taken, lot -> quantity left) by our books."""
        sides = {1: ("BUY", "SELL"), -1: ("COVER", "SHORT")}[self.sign]
        events = [
            ev.Trade(
                event_id=name, fund="TEST", effective_date=day, trade_id=name, account="BANK", isin="EURO-SHARE", currency="EUR",
                side=sides[0] if quantity > 0 else sides[1], quantity=abs(quantity), price=price, settlement_date=day,
                lots=tuple(ev.LotPick(lot_id=f"{lot}/1", quantity=part) for lot, part in named.items()),
            )
            for name, day, quantity, price, named in self.trades
        ]  # fmt: skip
        book = keep(*events, lot_method="FIFO" if self.method == "STRICT" else self.method).value
        taken: dict[str, dict[str, Decimal]] = {}
        for row in book.realised.to_pylist():
            taken.setdefault(row["event_id"], {})[row["lot_id"].removesuffix("/1")] = row["quantity"]
        return taken, {row["lot_id"].removesuffix("/1"): row["quantity"] for row in book.lots().to_pylist()}


def environment(folder: Path) -> Path | None:
    """A Python that has beancount; None when it cannot be installed here."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    installed = subprocess.run([python, "-m", "pip", "install", "-q", "beancount"], capture_output=True, text=True, check=False)
    if installed.returncode:
        print(f"skipped: beancount cannot be installed here ({installed.stderr.strip().splitlines()[-1]}); nothing was compared")
        return None
    return python


def compared(histories: list[History], python: Path, folder: Path) -> int:
    """How many closing trades agree. Ends the program at the first difference."""
    opened = [f"{START} open Equity:Money", f"{START} open Income:Gains"]
    file = folder / "histories.beancount"
    file.write_text("\n".join([*opened, *(line for history in histories for line in history.as_beancount())]) + "\n")
    theirs = json.loads(subprocess.run([python, "-c", _THEIRS, file], capture_output=True, text=True, check=True).stdout)
    if theirs["errors"]:
        sys.exit(f"beancount refuses the histories: {theirs['errors']}")
    count = 0
    for history in histories:
        taken, left = history.ours()
        for trade, pieces in taken.items():
            found = {lot: Decimal(number) for lot, number in theirs["taken"][f"{history.account} {trade}"].items()}
            if found != pieces:
                sys.exit(f"{history.method}, {history.account}, {trade}: beancount takes {found}, the books {pieces}")
            count += 1
        found = {lot: Decimal(number) for lot, number in theirs["left"].get(history.account, {}).items()}
        if found != left:
            sys.exit(f"{history.method}, {history.account}: beancount leaves {found}, the books {left}")
    return count


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--histories", type=int, default=500, help="of each method")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--python", type=Path, help="a Python that has beancount; default: one is made")
    given = options.parse_args()
    draw = random.Random(given.seed)
    histories = [History(n * len(METHODS) + k, method, draw) for n in range(given.histories) for k, method in enumerate(METHODS)]
    with tempfile.TemporaryDirectory() as folder:
        if python := given.python or environment(Path(folder) / "environment"):
            closing = compared(histories, python, Path(folder))
            counts = ", ".join(f"{method} {count}" for method, count in Counter(h.method for h in histories).items())
            print(f"{len(histories)} histories ({counts}), {closing} closing trades: the same pieces, the same lots left")


if __name__ == "__main__":
    main()
