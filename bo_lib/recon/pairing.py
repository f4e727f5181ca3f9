"""Maximum matching where several rows fit each other, and which of its rows are certain.

Rows that are identical form one node with a count. A bank that pays the same amount every week, a day early or late, makes a
chain of nodes: nearest-first and first-fit lose matches there, a date-sorted sweep finds the maximum, and augmenting paths
prove it in the general case.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[int, int]


@dataclass(frozen=True)
class Pairing:
    """``flows``: how many rows of a left node go with how many of a right one. ``regions``: sets of nodes (left, right) where
    another maximum matching would leave another row open, so that no answer is certain."""

    flows: dict[Edge, int]
    regions: tuple[tuple[frozenset[int], frozenset[int]], ...]


def pair(edges: Sequence[Edge], left: Mapping[int, int], right: Mapping[int, int]) -> Pairing:
    """A maximum matching of nodes with counts.

    edges: (left node, right node) that fit; for each left node in the order of preference. left, right: node -> rows in it.
    Nodes are swept in the order in which ``edges`` names them, so sorted edges give a deterministic answer.
    """
    degree = Counter(a for a, _ in edges), Counter(b for _, b in edges)
    lone = [(a, b) for a, b in edges if degree[0][a] == degree[1][b] == 1]
    flows: dict[Edge, int] = {(a, b): min(left[a], right[b]) for a, b in lone}
    regions: list[tuple[frozenset[int], frozenset[int]]] = []
    for part in _components([edge for edge in edges if edge not in flows]):
        found = _Component(part, left, right)
        found.sweep()
        found.augment()
        flows |= {edge: n for edge, n in found.flow.items() if n}
        regions += found.uncertain()
    return Pairing(flows, tuple(regions))


def _components(edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    """Edges that hang together, each set in the order given."""
    root: dict[tuple[int, int], tuple[int, int]] = {}

    def find(node: tuple[int, int]) -> tuple[int, int]:
        root.setdefault(node, node)
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for a, b in edges:
        root[find((1, b))] = find((0, a))
    parts: dict[tuple[int, int], list[Edge]] = defaultdict(list)
    for a, b in edges:
        parts[find((0, a))].append((a, b))
    yield from parts.values()


class _Component:
    def __init__(self, edges: list[Edge], left: Mapping[int, int], right: Mapping[int, int]) -> None:
        self.to_right: dict[int, list[int]] = defaultdict(list)
        self.to_left: dict[int, list[int]] = defaultdict(list)
        for a, b in edges:
            self.to_right[a].append(b)
            self.to_left[b].append(a)
        self.left = {a: left[a] for a in self.to_right}
        self.right = {b: right[b] for b in self.to_left}
        self.flow: dict[Edge, int] = defaultdict(int)

    def sweep(self) -> None:
        for a, partners in self.to_right.items():
            for b in partners:
                if n := min(self.left[a], self.right[b]):
                    self.flow[a, b] += n
                    self.left[a] -= n
                    self.right[b] -= n

    def augment(self) -> None:
        """Lengthen alternating paths from open left nodes to open right nodes until there is none."""
        while path := self._path():
            n = min(self.left[path[0][0]], self.right[path[-1][1]], *(self.flow[a, b] for a, b in _backwards(path)))
            self.left[path[0][0]] -= n
            self.right[path[-1][1]] -= n
            for a, b in path:
                self.flow[a, b] += n
            for a, b in _backwards(path):
                self.flow[a, b] -= n

    def _path(self) -> list[Edge]:
        """Shortest path a-b, (b back to a') a'-b', … from an open left node to an open right one; its forward edges."""
        came: dict[int, Edge] = {}  # right node -> (left node it was reached from, right node before that or -1)
        start = [a for a, n in self.left.items() if n]
        queue = deque((a, -1) for a in start)
        seen = set(start)
        while queue:
            a, before = queue.popleft()
            for b in self.to_right[a]:
                if b in came:
                    continue
                came[b] = (a, before)
                if self.right[b]:
                    return _trace(b, came)
                for other in self.to_left[b]:
                    if other not in seen and self.flow[other, b]:
                        seen.add(other)
                        queue.append((other, b))
        return []

    def uncertain(self) -> list[tuple[frozenset[int], frozenset[int]]]:
        """Regions reached by alternating paths from what stayed open, where more than one node could have stayed open."""
        found = [(own, other) for own, other in self._reached(self.left, self.to_right, self.to_left, flip=False)]
        return found + [(other, own) for own, other in self._reached(self.right, self.to_left, self.to_right, flip=True)]

    def _reached(
        self, spare: dict[int, int], across: dict[int, list[int]], back: dict[int, list[int]], *, flip: bool
    ) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
        open_nodes = [node for node, n in spare.items() if n]
        done: set[int] = set()
        for start in open_nodes:
            if start in done:
                continue
            own, other = {start}, set[int]()
            queue = deque([start])
            while queue:
                for there in across[queue.popleft()]:
                    if there in other:
                        continue
                    other.add(there)
                    for node in back[there]:
                        edge = (there, node) if flip else (node, there)
                        if node not in own and (self.flow[edge] or spare[node]):
                            own.add(node)
                            queue.append(node)
            done |= own
            if len(own) > 1:
                yield frozenset(own), frozenset(other)


def _backwards(path: list[Edge]) -> list[Edge]:
    """Edges that the path walks back: each right node to the left node that follows it."""
    return [(after[0], before[1]) for before, after in pairwise(path)]


def _trace(b: int, came: dict[int, Edge]) -> list[Edge]:
    path: list[Edge] = []
    while b != -1:
        a, before = came[b]
        path.append((a, b))
        b = before
    return path[::-1]
