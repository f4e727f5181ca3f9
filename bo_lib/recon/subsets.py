"""One row against some rows that add up to it: every answer, and the ones that are certain.

For each row of one side all multisets of up to ``members_max`` rows of the other side with its sum are found, by sums of two
and three met in the middle. Answers that share rows compete: what stands in every packing of most answers is certain, the
rest is a region where a person must decide. All bounds are counts of steps, so the result is the same on every machine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import chain, combinations
from typing import Any

import numpy as np

from bo_lib.recon.places import Flags, Group
from bo_lib.recon.rules import Tolerance

ANSWERS_MAX = 40  # of one row: with more, none is certain
STEPS_MAX = 20_000  # of the search for packings in one component
HITS_MAX = 200_000  # sums that meet, for one row
FEW = 8  # rows of a side whose sums are tried one by one
MARKS = 1 << 18  # places for marks of sums
BLOCK = 1 << 17  # sums looked up together
DOUBT = 1e-9  # part of the amounts by which sums in doubles may be wrong, amply
EXACT = Context(prec=100)
SUMS_MAX = 1 << 61  # beyond it sums would leave 64 bits
MEETING = ((0, (1, 2, 3)), (2, (2, 3)), (3, (3,)))  # how many members meet how many

Array = np.ndarray[Any, np.dtype[np.int64]]
Doubles = np.ndarray[Any, np.dtype[np.float64]]
Fits = Callable[[int, int, int], bool]  # side of the one, its amount, the others' sum
Answer = frozenset[tuple[int, int]]  # (node, how many of its rows)
Member = tuple[int, Sequence[int], Decimal, Sequence[Decimal]]  # identical rows: side, rows, amount, further figures


@dataclass(frozen=True)
class Node:
    """Identical rows of one side: their number, amount and other figures as integers."""

    side: int
    count: int
    amount: int
    also: tuple[int, ...] = ()


@dataclass(frozen=True)
class Subsets:
    """``certain``: answers with how often they are taken. ``regions``: nodes of answers of which none is certain."""

    certain: dict[Answer, int]
    regions: tuple[frozenset[int], ...]


def hopeful(key: Array, side: Array, amount: Doubles, members_max: int, tolerance: Tolerance) -> Array:
    """Keys that may hold an answer: those of few rows by their sums in doubles, with room for the error; the others unseen.

    Rows come in the order of key and side. Most keys end here; the exact search is for the rest.
    """
    keys, first = np.unique(key, return_index=True)
    left = np.add.reduceat((side == 0).astype(np.int64), first) if len(first) else first
    right = np.diff(first, append=len(key)) - left
    good = np.maximum(left, right) > FEW
    for a, b in sorted(set(zip(left[~good].tolist(), right[~good].tolist(), strict=True))):
        alike = np.flatnonzero((left == a) & (right == b))
        rows = amount[first[alike][:, None] + np.arange(a + b)]
        for ones, others in ((rows[:, :a], rows[:, a:]), (rows[:, a:], rows[:, :a])):
            good[alike] |= _near(ones, others, members_max, tolerance)
    return np.asarray(keys[good])


def _near(ones: Doubles, others: Doubles, members_max: int, tolerance: Tolerance) -> Flags:
    """By line: whether some of ``others`` add up to about one of ``ones``."""
    count = others.shape[1]
    chosen = _choices(count, tuple(range(1, min(members_max, count) + 1)))
    sums = others @ (np.arange(count)[:, None, None] == chosen).any(axis=1).astype(float)
    share = float(tolerance.relative)
    reach = np.maximum(float(tolerance.widest), np.abs(ones) * (share / (1 - share)))
    reach += DOUBT * (np.abs(ones) + np.abs(others).sum(axis=1, keepdims=True))
    found = np.zeros(len(ones), np.bool_)
    for one, far in zip(ones.T, reach.T, strict=True):
        found |= (np.abs(sums - one[:, None]) <= far[:, None]).any(axis=1)
    return found


def groups(found: Sequence[Member], members_max: int, tolerance: Tolerance) -> tuple[list[Group], list[Group]]:
    """Certain and doubtful groups of rows among the members of one key."""
    usable = [row for row in found if row[2] is not None and None not in row[3]]
    limits = [tolerance.absolute, tolerance.under or Decimal(0), tolerance.over or Decimal(0)]
    figures = [n for _, _, amount, also in usable[:1] for n in (amount, *also)]  # a column has one scale
    scale = max(0, *(-int(Decimal(n).as_tuple().exponent) for n in (*limits, *figures)))
    nodes = [
        Node(side, len(rows), _units(amount, scale), tuple(_units(n, scale) for n in also)) for side, rows, amount, also in usable
    ]
    answers = solve(nodes, members_max, *_limits(tolerance, scale))
    left = [list(rows) for _, rows, _, _ in usable]
    certain: list[Group] = []
    for answer, often in sorted(answers.certain.items(), key=lambda item: sorted(item[0])):
        for _ in range(often if sum(count for _, count in answer) > 2 else 0):
            certain.append(_sides((nodes[n].side, left[n].pop(0)) for n, count in sorted(answer) for _ in range(count)))
    unsure: list[Group] = []
    for region in answers.regions:
        unsure.append(_sides((nodes[n].side, row) for n in sorted(region) for row in left[n]))
        for n in region:
            left[n] = []
    return certain, [(of_a, of_b) for of_a, of_b in unsure if of_a and of_b]


@lru_cache(maxsize=256)
def _limits(tolerance: Tolerance, scale: int) -> tuple[Callable[[int], int], Fits]:
    """How far a sum may lie from an amount at most, and whether it fits exactly, in whole units of 10 ** -scale."""
    absolute, under, over = (_units(n or Decimal(0), scale) for n in (tolerance.absolute, tolerance.under, tolerance.over))
    share = Fraction(tolerance.relative)
    widest = max(absolute, under, over)

    def reach(amount: int) -> int:
        return max(widest, int(abs(amount) * share / (1 - share)) + 1) if share else widest

    def fits(side: int, one: int, total: int) -> bool:
        ours, theirs = (one, total) if side == 0 else (total, one)
        if tolerance.asymmetric:
            return -under <= (ours - theirs if ours < 0 else theirs - ours) <= over
        off = abs(ours - theirs)
        return off <= absolute or (bool(share) and off <= max(abs(ours), abs(theirs)) * share)

    return reach, fits


def _sides(rows: Iterable[tuple[int, int]]) -> Group:
    both: tuple[list[int], list[int]] = ([], [])
    for side, row in rows:
        both[side].append(row)
    return both


def _units(number: Decimal | int, scale: int) -> int:
    """A number as whole units of 10 ** -scale, exact at any length."""
    return int(EXACT.scaleb(number, scale))


def solve(nodes: Sequence[Node], members_max: int, reach: Callable[[int], int], fits: Fits) -> Subsets:
    """The answers among rows of one key. ``reach``: how far a sum may lie from an amount; ``fits`` decides exactly."""
    answers: set[Answer] = set()
    crowded: set[Answer] = set()
    for side in (0, 1):
        ones = [(n, node) for n, node in enumerate(nodes) if node.side == side]
        pool = _Pool([(n, node) for n, node in enumerate(nodes) if node.side != side], members_max)
        by_one: dict[int, set[Answer]] = defaultdict(set)
        for at, members in pool.members([node.amount for _, node in ones], [reach(node.amount) for _, node in ones]):
            number, one = ones[at]
            if len(by_one[number]) < ANSWERS_MAX and pool.adds_up(members, one, fits):
                by_one[number].add(frozenset({(number, 1), *Counter(int(pool.owner[i]) for i in members).items()}))
        for found in by_one.values():
            answers |= found
            if len(found) >= ANSWERS_MAX:
                crowded |= found
    certain: dict[Answer, int] = {}
    regions: list[frozenset[int]] = []
    for part in _components(answers):
        least, doubtful = _packed(part, nodes) if not crowded.intersection(part) else ({}, part)
        certain |= {answer: times for answer, times in least.items() if times}
        if doubtful:
            regions.append(frozenset(node for answer in doubtful for node, _ in answer))
    return Subsets(certain, tuple(regions))


@lru_cache(maxsize=256)
def _choices(count: int, sizes: tuple[int, ...]) -> Array:
    """Choices among ``count`` rows, one a column, its rows rising; -1 where there are fewer than the largest size, or none."""
    wide = max(*sizes, 1)
    parts = [np.fromiter(chain.from_iterable(combinations(range(count), n)), np.int64).reshape(-1, n).T for n in sizes if n]
    none = [np.empty((0, 1), np.int64)] * (0 in sizes)  # one choice: of no row
    return np.hstack([np.pad(part, ((0, wide - len(part)), (0, 0)), constant_values=-1) for part in (*none, *parts)])


class _Pool:
    """The rows of one side, and which of them add up to about an amount."""

    def __init__(self, nodes: Sequence[tuple[int, Node]], members_max: int) -> None:
        rows = [(n, node) for n, node in nodes for _ in range(min(node.count, members_max))]
        self.owner = [n for n, _ in rows]
        self.figures = [(node.amount, *node.also) for _, node in rows]
        self.members_max = members_max
        amounts = [node.amount for _, node in rows]
        self.few = len(rows) <= FEW
        self.exact = not self.few and sum(map(abs, amounts)) < SUMS_MAX
        self.amounts = np.array([*amounts, 0], np.int64) if self.exact else np.empty(0, np.int64)  # the last is nobody's

    def adds_up(self, members: Sequence[int], one: Node, fits: Fits) -> bool:
        total, *also = map(sum, zip(*(self.figures[i] for i in members), strict=True))
        return tuple(also) == one.also and fits(one.side, one.amount, total)

    def members(self, amounts: list[int], reach: list[int]) -> Iterator[tuple[int, Sequence[int]]]:
        """(place in ``amounts``, rows whose sum lies within its reach), all amounts at once."""
        if not self.exact:
            yield from self._slowly(amounts, reach)
            return
        small = [n for n, (amount, far) in enumerate(zip(amounts, reach, strict=True)) if abs(amount) + far < SUMS_MAX]
        if small:
            low, high = (np.array([amounts[n] + sign * reach[n] for n in small], np.int64) for sign in (-1, 1))
            for first, second in MEETING:
                if first + second[0] <= self.members_max:
                    for at, rows in self._met(first, tuple(n for n in second if first + n <= self.members_max), low, high):
                        yield small[at], [row for row in rows if row >= 0]

    def _met(self, first: int, second: tuple[int, ...], low: Array, high: Array) -> Iterator[tuple[int, list[int]]]:
        """Members in rising order: the ``first`` ones, and after them as many as one of ``second``; -1 is none."""
        heads, tails = (_choices(len(self.owner), sizes) for sizes in ((first,), second))
        firsts, seconds = (sum(self.amounts[rows] for rows in chosen[1:]) + self.amounts[chosen[0]] for chosen in (heads, tails))
        block = max(1, BLOCK // len(firsts))  # amounts looked at together
        for begin in range(0, len(low), block):
            least, most = (limit[begin : begin + block, None] - firsts for limit in (low, high))
            one, head, tail = _meeting(least, most, seconds)
            rising = heads[-1, head] < tails[0, tail]
            found = np.vstack([heads[:, head[rising]], tails[:, tail[rising]]]).T.tolist()
            yield from zip((one[rising] + begin).tolist(), found, strict=True)

    def _slowly(self, amounts: list[int], reach: list[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Few rows, or amounts beyond 64 bits: those up to three members, else the count of sums has no bound."""
        sums = [figures[0] for figures in self.figures]
        wanted = [(n, amount - far, amount + far) for n, (amount, far) in enumerate(zip(amounts, reach, strict=True))]
        for size in range(1, min(self.members_max if self.few else 3, len(sums)) + 1):
            for members, parts in zip(combinations(range(len(sums)), size), combinations(sums, size), strict=True):
                total = sum(parts)
                for n, low, high in wanted:
                    if low <= total <= high:
                        yield n, members


def _meeting(low: Array, high: Array, sums: Array) -> tuple[Array, Array, Array]:
    """Where a sum lies within the limits: line and column of ``low`` and ``high``, place in ``sums``; no line with too many.

    What touches no mark of the other is left out first, so that little is left to sort. A reach touches two marks at most.
    """
    shift = int((high - low).max()).bit_length()
    of_low, of_sums = low >> shift, sums >> shift
    wanted, there = np.zeros((2, MARKS), np.bool_)
    wanted[of_low & (MARKS - 1)] = wanted[(of_low + 1) & (MARKS - 1)] = True
    near = np.flatnonzero(wanted[of_sums & (MARKS - 1)])
    there[of_sums[near] & (MARKS - 1)] = there[(of_sums[near] - 1) & (MARKS - 1)] = True
    line, column = np.nonzero(there[of_low & (MARKS - 1)])
    near = near[np.argsort(sums[near], kind="stable")]
    start, end = sums[near].searchsorted(low[line, column], "left"), sums[near].searchsorted(high[line, column], "right")
    hits = end - start
    hits[np.bincount(line, hits)[line] > HITS_MAX] = 0
    place = np.arange(hits.sum()) + np.repeat(start - np.cumsum(hits) + hits, hits)
    return np.repeat(line, hits), np.repeat(column, hits), near[place]


def _components(answers: set[Answer]) -> Iterator[list[Answer]]:
    """Answers that share rows, directly or through others, in an order of their own."""
    by_node: dict[int, list[Answer]] = defaultdict(list)
    ordered = sorted(answers, key=sorted)
    for answer in ordered:
        for node, _ in answer:
            by_node[node].append(answer)
    done: set[Answer] = set()
    for start in ordered:
        if start in done:
            continue
        part, queue = [], [start]
        done.add(start)
        while queue:
            answer = queue.pop()
            part.append(answer)
            for near in (a for node, _ in answer for a in by_node[node] if a not in done):
                done.add(near)
                queue.append(near)
        yield sorted(part, key=sorted)


def _packed(part: list[Answer], nodes: Sequence[Node]) -> tuple[Mapping[Answer, int], list[Answer]]:
    """What every packing of most answers takes, and the answers that only some of them take."""
    if len(part) == 1:
        return {part[0]: min(nodes[node].count // count for node, count in part[0])}, []
    search = _Search(part, nodes)
    search.run(0, (), 0)
    if search.steps > STEPS_MAX:
        return {}, part
    least = {answer: min(packing[n] for packing in search.best) for n, answer in enumerate(part)}
    most = {answer: max(packing[n] for packing in search.best) for n, answer in enumerate(part)}
    return least, [answer for answer in part if most[answer] > least[answer]]


class _Search:
    def __init__(self, part: list[Answer], nodes: Sequence[Node]) -> None:
        self.part, self.steps, self.size = part, 0, 0
        self.free = {node: nodes[node].count for answer in part for node, _ in answer}
        self.best: list[tuple[int, ...]] = []
        self.left_over = [sum(self._room(a) for a in part[n:]) for n in range(len(part) + 1)]  # no packing takes more

    def _room(self, answer: Answer) -> int:
        return min(self.free[node] // count for node, count in answer)

    def run(self, at: int, taken: tuple[int, ...], size: int) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX or size + self.left_over[at] < self.size:
            return
        if at == len(self.part):
            if size > self.size:
                self.best, self.size = [], size
            self.best.append(taken)
            return
        answer = self.part[at]
        for times in range(self._room(answer), -1, -1):
            for node, count in answer:
                self.free[node] -= times * count
            self.run(at + 1, (*taken, times), size + times)
            for node, count in answer:
                self.free[node] += times * count
