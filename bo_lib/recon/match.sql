-- Templates of the matcher, in the SQL that runs on DuckDB 1.5 and 2.0. A block starts with its name; ${…} are lists of quoted
-- columns and conditions written by passes.py. Relations a and b hold (row, the compared columns) of the rows that no earlier
-- pass has taken.

-- name: halves
-- The rows of one side that take money out, turned, and those that bring it in.
create or replace temp view net_a as select * replace (-${amount} as ${amount}) from ${open} where ${amount} < 0;
create or replace temp view net_b as select * from ${open} where ${amount} > 0

-- name: edge_rows
select xi, yi, xd, yd, a, b, xn = 1 and yn = 1 as single from edges order by xd, xa, xi, yd, ya, yi

-- name: node_rows
select i, row from pool where side = ${side} and i in (select unnest(?::bigint[])) order by i, row

-- name: remove
delete from ${open} where get_bit(getvariable('gone'), row) = 1

-- name: keep_fit
delete from edges where exists (select 1 from unfit u where u.a = edges.a and u.b = edges.b)

-- name: bits
-- One bit a row, by its number: a filter on it reads a file once and builds no hash table.
set variable ${name} = ?::blob::bit

-- name: open
create or replace temp table ${new} as
select row, ${columns} from ${old} where get_bit(getvariable('${bits}'), row) = 0

-- name: excluded
select row, (case ${cases} end)::smallint as why from ${side}_in where ${any} order by row

-- name: join
-- Pairs of equal keys, joined by one 64-bit hash and confirmed by the values. Many identical rows on both sides would make a
-- product of pairs: the limit stops it.
select x.row as a, y.row as b, ${differ} as differ from (select *, hash(${keys}) as h from ${a} where ${filled}) x
join (select *, hash(${keys}) as h from ${b} where ${filled}) y on x.h = y.h where (${equal}) is true limit ${limit}

-- name: pool
-- Rows of chosen keys with two ordinals: g of the key, i of the row's whole identity (identical rows share it). The hash in
-- front of the values decides most comparisons of the sort.
create or replace temp table pool as
select side, row, ${amount} as amount, ${day} as day, ${also} as also,
       dense_rank() over (order by h, ${keys}) as g, dense_rank() over (order by h, ${identity}) as i
from (select *, hash(${keys}) as h
      from (select 0 as side, row, ${columns} from ${a} where ${filled} and ${chosen_a}
            union all
            select 1 as side, row, ${columns} from ${b} where ${filled} and ${chosen_b}))

-- name: kth
-- Within a key the k-th row goes with the k-th. Where the sides differ in number the longer one must repeat one row.
create or replace temp table sure as
select g, na > 0 and nb > 0 as shared, shared and (${any} or na = nb or (na > nb and da = 1) or (nb > na and db = 1)) as sure
from (select g, count(*) filter (where side = 0) as na, count(*) filter (where side = 1) as nb,
             count(distinct i) filter (where side = 0) as da, count(distinct i) filter (where side = 1) as db
      from pool group by g)

-- name: kth_pairs
with k as (select g, side, row, row_number() over (partition by g, side order by i, row) as k
           from pool where g in (select g from sure where sure))
select x.row as a, y.row as b from k x join k y on x.g = y.g and x.k = y.k where x.side = 0 and y.side = 1

-- name: kth_unsure
select g, side, row from pool where g in (select g from sure where shared and not sure)

-- name: sums
select p.g, p.side, p.row from pool p join (
  select g from (select g, sum(amount) filter (where side = 0) as xa, sum(amount) filter (where side = 1) as ya,
                        count(*) filter (where side = 0) as na, count(*) filter (where side = 1) as nb, ${also_sums}
                 from pool group by g)
  where na > 0 and nb > 0 and na + nb > 2 and ${few} and ${also_equal} and ${within}) s on s.g = p.g

-- name: several
-- Rows of keys with a row on each side and more than two in all.
select g, side, coalesce(amount, 0)::double as amount from pool where g in (
  select g from pool group by g having count(*) > 2 and min(side) < max(side)) order by g, side

-- name: members
select g, side, i, amount, also, row from pool where g in (select unnest(?::bigint[])) order by g, side, i, row

-- name: candidates
-- How many pairs the join of edges looks at. (A limit there instead lets DuckDB 2.0 wait for ever when the table is large.)
with n as (select g, side, ${bucket} as bucket, count(distinct i) as n from pool group by all)
select coalesce(sum(x.n * y.n), 0) from (select * from n where side = 0) x
join (select g, n, unnest([bucket - 1, bucket, bucket + 1]) as near from n where side = 1) y on x.g = y.g and x.bucket = y.near

-- name: edges
-- Pairs of distinct rows that fit each other. The bucket keeps the join narrow: rows that fit lie in neighbouring buckets.
create or replace temp table edges as
with nodes as (select g, side, i, min(row) as row, count(*) as n, amount, day, ${bucket} as bucket from pool group by all),
     x as (select g, i, row, n as xn, amount as xa, day as xd, bucket from nodes where side = 0),
     y as (select g, i, row, n as yn, amount as ya, day as yd, unnest([bucket - 1, bucket, bucket + 1]) as near from nodes where side = 1)
select x.i as xi, y.i as yi, x.row as a, y.row as b, xd, yd, xa, ya, xn, yn
from x join y on x.g = y.g and x.bucket = y.near
where ${within} and ${window}

-- name: alike
-- Pairs of an edge with the texts that are compared.
select e.a, e.b, x.${text} as ours, y.${text} as theirs
from (select p.row as a, q.row as b from edges e join pool p on p.side = 0 and p.i = e.xi join pool q on q.side = 1 and q.i = e.yi) e
join ${a} x on x.row = e.a join ${b} y on y.row = e.b
where x.${text} is not null and y.${text} is not null order by e.a, e.b

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

-- name: unfit_rows
select a, b from unfit

-- name: last_look
-- By scope and place of one side: rows, amounts, and of matched rows those that have the amount of an open one.
create or replace temp table ends_${side} as
select ${scope}, place, count(*) as n, sum(${amount}) as amount, list({${kept}}) filter (where place = 0 and again) as alike
from (select *, (${place})::tinyint as place, ${amount} in (select ${amount} from ${open}) as again from ${side}_in)
group by ${scope}, place

-- name: duplicates
-- Open rows that repeat a row of their own side which found its counterpart.
select distinct o.row from ${open} o
join (select ${scope}, unnest(alike, max_depth := 2) from ends_${side} where place = 0) i on ${same}

-- name: differing
select f.a, (case ${cases} else ${otherwise} end)::smallint as kind
from found f join ${a} x on x.row = f.a join ${b} y on y.row = f.b

-- name: conserved
-- Rows and amounts of one side that came in, and where each of them ended.
select '${side}' as side, ${scope}, sum(n)::bigint as rows_in, coalesce(sum(amount), 0) as amount_in, ${totals}
from ends_${side} group by ${scope} order by ${scope}

-- name: break_counts
select side, kind, count(*) from breaks_found group by all order by all

-- name: null_keys
select count(*) from ${side}_in where ${reference} is null

-- name: is_set
get_bit(getvariable('${bits}'), row) = 1

-- name: is_shared
-- The key stands on the other side as well, by a 64-bit hash; the pool compares the values.
hash(${keys}) in (select hash(${keys}) from ${other} where ${filled})

-- name: digits
select length(cast(trunc(greatest(abs(min(${column})), abs(max(${column})))) as varchar)) from ${side}_raw

-- name: measure
-- Digits before the point and decimals of the numbers of a column, zeros at the end not counted.
select max(greatest(length(regexp_extract(t, '^[+-]?0*([0-9]*)', 1)) + e, 0)),
       max(greatest(length(rtrim(regexp_extract(t, '[.]([0-9]*)', 1), '0')) - e, 0))
from (select t, coalesce(try_cast(regexp_extract(t, '[eE](.*)$$', 1) as int), 0) as e from (select ${text} as t from ${side}_raw))
where regexp_full_match(t, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?')
  and length(rtrim(regexp_extract(t, '[.]([0-9]*)', 1), '0')) - e <= ${scale}
  and length(regexp_extract(t, '^[+-]?0*([0-9]*)', 1)) + e <= 38

-- name: number
-- A cast would round what has too many decimals: such a text is no number.
(case when regexp_full_match(${text}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?')
  and length(rtrim(regexp_extract(${text}, '[.]([0-9]*)', 1), '0'))
      - coalesce(try_cast(regexp_extract(${text}, '[eE](.*)$$', 1) as int), 0) <= ${scale}
  then try_cast(${text} as ${type}) end)

-- name: typed
create or replace temp ${what} ${side}_in as select ${side}_raw.row, ${columns} from ${side}_raw ${joins}

-- name: unreadable
select i.row, r.${header}::varchar from ${side}_in i join ${side}_raw r on r.row = i.row
where i.${name} is null and nullif(trim(r.${header}::varchar), '') is not null

-- name: code
select upper(trim(${code}::varchar)) as code, ${id}::varchar as id from codes_${number}_raw where trim(${code}::varchar) <> ''

-- name: codes
create or replace temp table codes_${number} as select code, min(id) as id from (${each}) group by code having count(distinct id) = 1

-- name: codes_doubled
select code from (${each}) group by code having count(distinct id) > 1 order by code
