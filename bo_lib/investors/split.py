"""Sums split among people to the last minor unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bo_lib.model.money import ZERO, Rounding, round_to


def split_exactly(total: Decimal, weights: Mapping[str, Decimal], digits: int) -> dict[str, Decimal]:
    """``total`` in proportion to ``weights``, each part with ``digits`` decimals; the parts add up to ``total`` exactly.

    Largest remainder: each part is rounded down, and the units left go one each to the largest remainders (then by name).
    ``total`` has at most ``digits`` decimals and is not negative. Raises ``ValueError`` when no weight is positive.
    """
    whole = sum(weights.values(), ZERO)
    if whole <= 0 or min(weights.values()) < 0:
        raise ValueError(f"cannot split by weights that add up to {whole}")
    exact = {name: total * weight / whole for name, weight in weights.items()}
    parts = {name: round_to(amount, digits, Rounding.DOWN) for name, amount in exact.items()}
    unit = Decimal(1).scaleb(-digits)
    left = int((total - sum(parts.values(), ZERO)) / unit)
    for name in sorted(weights, key=lambda name: (parts[name] - exact[name], name))[:left]:
        parts[name] += unit
    return parts
