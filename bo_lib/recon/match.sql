-- Templates of the matcher, in the SQL that runs on DuckDB 1.5 and 2.0. A block starts with its name; ${…} are lists of quoted
-- columns and conditions written by passes.py. Relations a and b hold (row, the compared columns) of the rows that no earlier
-- pass has taken; `grouped` holds what the passes decided, one row per input row.

-- name: start
create temp table grouped (step utinyint, outcome utinyint, side utinyint, grp integer, row integer)

-- name: open
create temp view ${side}_0 as select row, ${columns} from ${side}_in where ${kept}

-- name: excluded
select row, reason from (select row, case ${cases} end as reason from ${side}_in) where reason is not null order by row

-- name: halves
-- The rows of one side that take money out, turned, and those that bring it in.
create or replace temp view net_a as select * replace (-${amount} as ${amount}) from ${open} where ${amount} < 0;
create or replace temp view net_b as select * from ${open} where ${amount} > 0

-- name: join
-- Pairs of equal keys. Many identical rows on both sides would make a product of pairs: the limit stops it.
create or replace temp table found as
select x.row as a, y.row as b from ${a} x join ${b} y on ${equal} limit ${limit}

-- name: single
select bit_count(bitstring_agg(a, 0, ${rows_a})) = count(*) and bit_count(bitstring_agg(b, 0, ${rows_b})) = count(*) from found

-- name: repeated
-- Keys that stand more than once on a side, by a 64-bit hash; the pool compares their values.
create or replace temp table once as select distinct hash(${keys}) as h from ${a} where row in (
  select a from found group by a having count(*) > 1 union all select min(a) from found group by b having count(*) > 1)

-- name: keep_single
delete from found where a in (select row from ${a} where ${filled} and hash(${keys}) in (select h from once))

-- name: shared
-- Keys that stand on both sides, whatever their number.
create or replace temp table once as
select distinct h from (select hash(${keys}) as h from ${a} where ${filled}) x
where h in (select hash(${keys}) from ${b} where ${filled})

-- name: paired
create or replace temp table found as select a, b from paired

-- name: place
insert into grouped select ${step}, ${outcome}, ${side}, ${group}, ${row} from found

-- name: pool
-- Rows of shared keys with two ordinals: g of the key, i of the row's whole identity (identical rows share it).
create or replace temp table pool as
select side, row, ${amount} as amount, ${day} as day,
       dense_rank() over (order by ${keys}) as g, dense_rank() over (order by ${identity}) as i
from (select 0 as side, row, ${identity} from ${a} where ${filled} and hash(${keys}) in (select h from once)
      union all
      select 1 as side, row, ${identity} from ${b} where ${filled} and hash(${keys}) in (select h from once))

-- name: pool_rows
select g, side, i, row from pool order by g, side, i, row

-- name: sums
select p.g, p.side, p.i, p.row from pool p join (
  select g from (select g, count(*) as n, sum(amount) filter (where side = 0) as xa, sum(amount) filter (where side = 1) as ya
                 from pool group by g)
  where n > 2 and ${within}) s on s.g = p.g
order by p.g, p.side, p.i, p.row

-- name: edges
-- Pairs of distinct rows that fit each other. The bucket keeps the join narrow: rows that fit lie in neighbouring buckets.
create or replace temp table edges as
with nodes as (select g, side, i, min(row) as row, amount, day, ${bucket} as bucket from pool group by all),
     x as (select g, i, row, amount as xa, day as xd, bucket from nodes where side = 0),
     y as (select g, i, row, amount as ya, day as yd, unnest([bucket - 1, bucket, bucket + 1]) as near from nodes where side = 1)
select x.i as xi, y.i as yi, x.row as a, y.row as b, xd, yd, xa, ya
from x join y on x.g = y.g and x.bucket = y.near
where ${within} and ${window}

-- name: edge_rows
select xi, yi, xd, yd from edges order by xd, xa, xi, yd, ya, yi

-- name: node_rows
select i, row from pool where side = ${side} and i in (select ${node} from edges) order by i, row

-- name: odd
-- Pairs whose references differ.
create or replace temp table odd as
select f.a, f.b, x.${reference} as ours, y.${reference} as theirs from ${pairs} f join ${a} x on x.row = f.a join ${b} y on y.row = f.b
where x.${reference} <> y.${reference}

-- name: unfit
-- Those where one of the references is known on the other side: not the same transaction.
create or replace temp table unfit as
with there as (select distinct ${reference} as known from right_in where ${reference} in (select ours from odd)),
     here as (select distinct ${reference} as known from left_in where ${reference} in (select theirs from odd))
select a, b from odd where ours in (select known from there) or theirs in (select known from here)

-- name: keep_fit
delete from edges where exists (select 1 from unfit u where u.a = edges.a and u.b = edges.b)

-- name: doubt
update grouped set outcome = ${outcome} where step = ${step} and grp in (
  select t.grp from unfit u join grouped t on t.step = ${step} and t.side = 0 and t.row = u.a)

-- name: placed_pairs
(select t.row as a, u.row as b from grouped t join grouped u on u.step = t.step and u.grp = t.grp and u.side = 1
 where t.side = 0 and t.step = ${step})

-- name: shrink
create temp table ${new} as select o.* from ${old} o
where not exists (select 1 from grouped t where t.side = ${side} and t.step = ${step} and t.row = o.row)

-- name: any_open
select 1 from ${open} limit 1

-- name: open_rows
select row from ${open} order by row

-- name: duplicates
-- Open rows that repeat a row of their own side which found its counterpart.
select distinct o.row from ${open} o join ${side}_in i on ${same}
join grouped t on t.side = ${number} and t.outcome = 0 and t.row = i.row

-- name: differing
select t.grp, t.step, case ${cases} else '${otherwise}' end as kind
from grouped t join left_in x on x.row = t.row
join grouped u on u.step = t.step and u.grp = t.grp and u.side = 1 join right_in y on y.row = u.row
where t.outcome = 2 and t.side = 0

-- name: placed
select step, outcome, side, grp, row from grouped

-- name: conserved
-- Rows and amounts of one side that came in, and where each of them ended.
select '${side}' as side, ${scope},
       count(*) as rows_in, count(*) filter (where places = 0) as rows_lost, count(*) filter (where places > 1) as rows_twice,
       coalesce(sum(amount), 0) as amount_in,
       coalesce(sum(amount) filter (where ended = 0), 0) as amount_matched,
       coalesce(sum(amount) filter (where ended = 1), 0) as amount_netted,
       coalesce(sum(amount) filter (where ended = 2), 0) as amount_open,
       coalesce(sum(amount) filter (where ended = 3), 0) as amount_excluded
from ${side}_ended group by ${scope} order by ${scope}
