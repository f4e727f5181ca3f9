"""Texts that are alike: suggestions of pairs, by rapidfuzz's token sort ratio."""

from __future__ import annotations

from collections.abc import Sequence


def best_pairs(near: Sequence[tuple[int, int, str, str]], score_min: int) -> list[tuple[int, int]]:
    """Of pairs (a, b, text of a, text of b) those in which each is the other's best, alone, with ``score_min`` at least.

    The words of a text may stand in any order and case; a tie is no answer.
    """
    from rapidfuzz import fuzz, utils

    scores: dict[tuple[int, int], float] = {}
    for a, b, ours, theirs in near:
        score = fuzz.token_sort_ratio(ours, theirs, processor=utils.default_process, score_cutoff=score_min)
        if score:
            scores[a, b] = score
    best: list[dict[int, tuple[float, int, int]]] = [{}, {}]  # row -> (best score, how often, with whom)
    for (a, b), score in scores.items():
        for side, row, other in ((0, a, b), (1, b, a)):
            known = best[side].get(row, (0.0, 0, -1))
            if score > known[0]:
                best[side][row] = (score, 1, other)
            elif score == known[0]:
                best[side][row] = (score, known[1] + 1, other)
    return [(a, b) for a, (_, times, b) in sorted(best[0].items()) if times == 1 and best[1][b][1:] == (1, a)]
