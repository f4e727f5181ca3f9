"""First-in first-out lots without lots: laid in a row, the k-th unit bought meets the k-th unit sold. Sets in DuckDB.

The second computation that the books' lots are held against, by a method and an engine of its own. Whole units, whole cents.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

_SQL = """
with rows as (
    select place, n, units > 0 as bought, price, sum(abs(units)) over (partition by place, units > 0 order by n) as upto from trades
), cuts as (
    select place, upto, upto - coalesce(lag(upto) over (partition by place order by upto), 0) as units
    from (select distinct place, upto from rows)
), met as (
    select cuts.place, cuts.units, b.n as bought, s.n as sold, b.price as paid, s.price as received
    from cuts
    asof left join (from rows where bought) b on cuts.place = b.place and cuts.upto <= b.upto
    asof left join (from rows where not bought) s on cuts.place = s.place and cuts.upto <= s.upto
)
"""
_REALISED = """
select place, greatest(bought, sold) as closing, least(bought, sold) as opening, sum(units)::bigint as units,
       sum(units * paid)::bigint as paid, sum(units * received)::bigint as received
from met where bought is not null and sold is not null group by all order by all
"""
_LEFT = """
select place, coalesce(bought, sold) as opening, sum(if(sold is null, units, -units))::bigint as units,
       sum(if(sold is null, units * paid, -units * received))::bigint as cost
from met where bought is null or sold is null group by all order by all
"""


def fifo_by_sql(trades: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(realised, open lots) of ``trades``: place (one book of lots), n (order), units (signed), price (cents).

    Realised: place, closing and opening trade, units, cents paid and received. Open lots: place, opening trade, signed units, cost.
    """
    with duckdb.connect() as connection:
        connection.register("trades", trades)
        connection.execute("create temp table met as " + _SQL + "from met")
        return connection.sql(_REALISED).to_arrow_table(), connection.sql(_LEFT).to_arrow_table()
