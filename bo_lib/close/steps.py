"""Steps of a close, each done once for what it is made of: after a late trade only what depends on it is done again."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

from bo_lib.close.digest import digest

T = TypeVar("T")


class Steps:
    """``memory`` keeps results under the hash of the step and its inputs, for as long as its owner likes.

    A step whose inputs are the same, though what they were made of changed, is not done again. ``done`` and ``kept``: names of
    the steps of this time; ``seconds`` by ``clock``.
    """

    def __init__(self, memory: MutableMapping[str, Any], clock: Callable[[], float] = lambda: 0.0) -> None:
        self.memory, self.clock = memory, clock
        self.done: list[str] = []
        self.kept: list[str] = []
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, make: Callable[[], T], *of: Any) -> T:
        """What ``make`` gives for the inputs ``of`` (anything that has a ``digest``); ``make`` depends on nothing else."""
        began = self.clock()
        key = digest([name, *of])
        if key in self.memory:
            self.kept.append(name)
        else:
            self.memory[key] = make()
            self.done.append(name)
        self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - began
        made: T = self.memory[key]
        return made
