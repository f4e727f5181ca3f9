"""Balances and positions straight from a journal table: for many funds and many lines at once, in one pass of columns.

The same figures as ``Book.trial_balance`` and ``Book.positions``, without lots. Sums of decimals are exact.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

_BALANCE = ("fund", "ledger", "account", "share_class", "currency")
_POSITION = ("fund", "account", "isin")


def trial_balances(journal: pa.Table, as_of: date | None = None) -> pa.Table:
    """fund, ledger, account, share_class, currency, local, base: balances that are not zero at the close of ``as_of``.

    ``journal``: table JOURNAL of any number of funds. Sorted by the first five columns.
    """
    return _summed(journal, _BALANCE, ("local", "base"), as_of)


def positions(journal: pa.Table, as_of: date | None = None) -> pa.Table:
    """fund, account, isin, quantity, local, base: what is held at the close of ``as_of`` on trade date, and its cost."""
    return _summed(journal, _POSITION, ("quantity", "local", "base"), as_of, pc.equal(journal["ledger"], "investments"))


def _summed(
    journal: pa.Table, keys: tuple[str, ...], amounts: tuple[str, ...], as_of: date | None, only: pa.ChunkedArray | None = None
) -> pa.Table:
    if as_of is not None:
        due = pc.less_equal(journal["effective_date"], pa.scalar(as_of, pa.date32()))
        only = due if only is None else pc.and_(only, due)
    lines = journal.select([*keys, *amounts])  # the other columns are never copied
    lines = lines if only is None else lines.filter(only)
    for name in keys:  # text as numbers: grouped several times faster
        place = lines.column_names.index(name)
        lines = lines.set_column(place, name, lines[name].combine_chunks().dictionary_encode())
    sums = lines.unify_dictionaries().group_by(list(keys)).aggregate([(name, "sum") for name in amounts])
    columns = [pc.cast(sums[name], pa.string()) for name in keys]
    columns += [pc.cast(sums[f"{name}_sum"], journal.schema.field(name).type) for name in amounts]
    named = pa.table(columns, names=[*keys, *amounts])
    there = [pc.fill_null(pc.not_equal(named[name], pa.scalar(0, named[name].type)), False) for name in amounts]
    kept = there[0]
    for more in there[1:]:
        kept = pc.or_(kept, more)
    return named.filter(kept).sort_by([(name, "ascending") for name in keys])
