"""The demonstration firm: a seeded simulator that writes the files real counterparties would send."""

from bo_lib.demo.simulation import demo_window, simulate

__all__ = ["demo_window", "simulate"]
