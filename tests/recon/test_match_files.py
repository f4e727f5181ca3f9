"""``bo match``: two files in, what matched, what broke and a summary out; and a letter where that cannot be."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.cli import main
from bo_lib.recon import Rules
from bo_lib.run.match import exit_code, match_files

ROOT = Path(__file__).parents[2]
RULES = ROOT / "parameters/recon/transactions.yaml"
HEADER = "reference,account,security,quantity,amount,trade_date,settlement_date\n"
DAYS = "2026-06-01,2026-06-03"


def run(folder: Path, left: str | pa.Table, right: str | pa.Table, rules: str = "") -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Summary, matches as (pass, verdict, side, row) and breaks as (side, row, kind)."""
    paths = []
    for side, content in (("left", left), ("right", right)):
        paths.append(folder / f"{side}.{'csv' if isinstance(content, str) else 'parquet'}")
        if isinstance(content, str):
            paths[-1].write_text(content, "utf-8")
        else:
            pq.write_table(content, paths[-1])
    if rules:
        (folder / "rules.yaml").write_text(rules)
    out = folder / "out"
    summary = match_files(*paths, folder / "rules.yaml" if rules else RULES, out)
    matches = [(r["pass"], r["verdict"], r["side"], r["row"]) for r in pq.read_table(out / "matches.parquet").to_pylist()]
    breaks = sorted((r["side"], r["row"], r["kind"]) for r in pq.read_table(out / "breaks.parquet").to_pylist())
    assert json.loads((out / "summary.json").read_text()) == summary and summary["conserved"]
    assert not [path for path in out.iterdir() if path.name.startswith(".") or path.suffix == ".part"]
    return summary, matches, breaks


def test_two_files_of_different_writing_are_compared_exactly(tmp_path: Path) -> None:
    left = HEADER + f"T1,A,X,100,-1000.00,{DAYS}\nT2,A,X,50,-500.5,{DAYS}\nT3,A,Z,30,-300,{DAYS}\n"
    right = HEADER.replace(",", ";") + (
        "T1;A;X;100.0;-1000.000;01/06/2026;03/06/2026\n;A;X;50;-500.50;2026-06-01;2026-06-03\n"
        "Z1;A;Z;10;-100;2026-06-01;2026-06-03\nZ2;A;Z;20;-200;2026-06-01;2026-06-03\n"
    )
    summary, matches, breaks = run(tmp_path, left, right)
    assert not breaks and exit_code(summary) == 0
    assert {(name, row) for name, _, side, row in matches if side == "right"} == {
        ("reference", 0), ("attributes", 1), ("one-to-many", 2), ("one-to-many", 3),
    }  # fmt: skip
    for side in ("left", "right"):
        content = (tmp_path / f"{side}.csv").read_bytes()
        assert summary["inputs"][side]["sha256"] == hashlib.sha256(content).hexdigest()
    assert summary["rules"]["sha256"] == hashlib.sha256(RULES.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "line",
    ["T2,A,X,5o,-500,2026-06-01,2026-06-03", "T2,A,X,50,-500.0000000000000000001,2026-06-01,2026-06-03",
     "T2,A,X,50,-500,2026-13-01,2026-06-03", "T2,A,X,50", "T2,A,X,50,-500,2026-06-01,2026-06-03,extra"],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_a_break_and_the_others_go_on(tmp_path: Path, line: str) -> None:
    good = f"T1,A,X,100,-1000,{DAYS}\n"
    summary, matches, breaks = run(tmp_path, HEADER + line + "\n" + good, HEADER + good)
    assert breaks == [("left", 0, "unreadable")] and len(matches) == 2
    assert [f["severity"] for f in summary["findings"]] == ["error"] and exit_code(summary) == 1


def test_leading_zeros_quotes_and_line_ends_inside_a_cell_stay(tmp_path: Path) -> None:
    rows = f'007,A,"X, Inc.\nclass B",1,-1,{DAYS}\n7,A,X,2,-2,{DAYS}\n'
    _, matches, breaks = run(tmp_path, HEADER + rows, HEADER + rows.replace("7,A,X,2", "07,A,X,2"))
    assert ("reference", "match", "left", 0) in matches and not breaks


CUSTOM = """
name: custom
version: 3
title: Own headers, signs and codes
left: {name: books}
right:
  name: bank
  decimal: ","
  thousands: "'"
  dates: ["%d.%m.%Y"]
  negate: [fee]
  signs: [{columns: [amount], header: DC, negative: [D]}]
  translate: {account: {"12-3": ACC1}}
scope: [account]
amount: amount
date: day
columns:
  - {name: account, right: Konto}
  - {name: amount, type: decimal, right: Betrag}
  - {name: day, type: date, right: Datum}
  - {name: fee, type: decimal, right: Spesen}
  - {name: isin, right: Kennung}
identifiers: [{column: isin, table: codes.csv, id: isin, codes: [sedol, local]}]
exclusions: [{side: right, field: isin, equals: [MEMO], reason: memo entry}]
passes: [{id: all, equal: [amount, day, fee, isin]}]
"""


def test_headers_signs_decimal_commas_and_codes_of_a_side_are_normalised(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("isin,sedol,local\nDE0001,S1,L1\nDE0002,S2,L1\n")
    left = "account,amount,day,fee,isin\nACC1,-1234.5,2026-06-01,2,DE0001\nACC1,7,2026-06-02,1,de0002\n"
    right = "Konto;Betrag;DC;Datum;Spesen;Kennung\n12-3;1'234,50;D;01.06.2026;-2;S1\n12-3;7,00;C;02.06.2026;(1,0);s2\n"
    summary, matches, breaks = run(tmp_path, left, right + "12-3;1;C;02.06.2026;0;MEMO\n", CUSTOM)
    assert not breaks and len(matches) == 4
    assert summary["excluded"] == [{"side": "right", "row": 2, "reason": "memo entry"}]
    assert [f["found"] for f in summary["findings"]] == ["L1"]


def parquet(amounts: pa.Array) -> pa.Table:
    days = pa.array([20605] * len(amounts), pa.int32()).cast(pa.date32())
    names = pa.array([f"T{n}" for n in range(len(amounts))])
    same = pa.array(["A"] * len(amounts))
    return pa.table({
        "reference": names, "account": same, "security": same, "quantity": pa.array([1] * len(amounts)), "amount": amounts,
        "trade_date": days, "settlement_date": days,
    })  # fmt: skip


def test_floats_in_parquet_are_read_by_their_shortest_text_and_said(tmp_path: Path) -> None:
    left = parquet(pa.array([0.1, -1e16, 1e-7, float("nan")]))
    right = parquet(pa.array([Decimal("0.1"), Decimal("-1e16"), Decimal("0.0000001"), Decimal(1)], pa.decimal128(30, 7)))
    summary, matches, breaks = run(tmp_path, left, right)
    assert len(matches) == 6 and breaks == [("left", 3, "unreadable"), ("right", 3, "missing_here")]
    assert summary["findings"][0]["code"] == "recon.float"


def test_amounts_of_seventeen_digits_from_text_are_exact(tmp_path: Path) -> None:
    left, right = (HEADER + f"T1,A,X,1,{amount},{DAYS}\n" for amount in ("12345678901234567.01", "12345678901234567.03"))
    _, matches, breaks = run(tmp_path, left, right)
    assert not matches and [kind for *_, kind in breaks] == ["amount", "amount"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    rows = "".join(f"T{n},A,X,{n},{-n},{DAYS}\n" for n in range(1, 50))
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, HEADER + rows, HEADER + rows.replace("T7,", ","))
        made.append([(tmp_path / name / "out" / f).read_bytes() for f in ("matches.parquet", "breaks.parquet", "summary.json")])
    assert made[0] == made[1]


def test_times_become_the_day_in_utc_wherever_this_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    left = parquet(pa.array([Decimal(1)]))
    moment = pa.array([datetime(2026, 6, 1, 22, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    right = left.set_column(left.column_names.index("trade_date"), "trade_date", moment)
    _, matches, breaks = run(tmp_path, left, right)
    monkeypatch.undo()
    time.tzset()
    assert not breaks and len(matches) == 2


def test_loose_text_counts_neither_case_nor_spaces(tmp_path: Path) -> None:
    left, right = (HEADER + f"{name},A,X,1,-1,{DAYS}\n" for name in ("Ab 1", "aB1"))
    rules = RULES.read_text().replace("{name: reference}", "{name: reference, loose: true}")
    assert [m[0] for m in run(tmp_path, left, right, rules)[1]] == ["reference"] * 2
    assert "reference" not in [m[0] for m in run(tmp_path, left, right)[1]]


lines = st.lists(st.tuples(
    st.sampled_from(["", "T1", "T2", "t 2"]), st.sampled_from(["A", "B", "MEMO"]), st.sampled_from(["1", "2", "3", "-3", "", "x"]),
    st.sampled_from(["01", "02", "04", "99"]),
), max_size=7)  # fmt: skip


@given(lines, lines)
@settings(max_examples=12, deadline=None)
def test_every_row_of_both_files_is_in_one_place(left: list[tuple[str, ...]], right: list[tuple[str, ...]]) -> None:
    """Matched, netted, a break or excluded; a suggested row is a break too; a group is of one pass and one verdict."""
    rules = RULES.read_text() + 'exclusions: [{side: left, field: account, equals: ["MEMO"], reason: memo}]\n'
    texts = [HEADER + "".join(f"{r},{a},X,{n},{n},2026-06-{d},2026-06-{d}\n" for r, a, n, d in side) for side in (left, right)]
    with TemporaryDirectory() as folder:
        summary, matches, breaks = run(Path(folder), texts[0], texts[1], rules)
        groups = {(r["group"], r["pass"], r["verdict"]) for r in pq.read_table(Path(folder) / "out/matches.parquet").to_pylist()}
    done = [(side, row) for _, verdict, side, row in matches if verdict != "suggest"]
    excluded = [(r["side"], r["row"]) for r in summary["excluded"]]
    every = [(side, row) for side, made in (("left", left), ("right", right)) for row in range(len(made))]
    assert sorted([*done, *excluded, *((side, row) for side, row, _ in breaks)]) == every
    suggested = {(side, row) for _, verdict, side, row in matches if verdict == "suggest"}
    assert suggested == {(side, row) for side, row, kind in breaks if kind == "ambiguous"}
    assert len({group for group, *_ in groups}) == len(groups)


def letter(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    assert main(["match", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_compared_is_said_in_a_letter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, out = tmp_path / "good.csv", tmp_path / "out"
    good.write_text(HEADER + f"T1,A,X,1,-1,{DAYS}\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "near.csv").write_text(HEADER.replace("amount", "amont"))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "rules.yaml").write_text(RULES.read_text().replace("also:", "allso:", 1))
    said = ["--rules", RULES, "--out", out]
    assert "missing.csv: no such file" in letter(capsys, good, tmp_path / "missing.csv", *said)
    assert "not a file" in letter(capsys, good, tmp_path, *said)
    assert "the file is empty" in letter(capsys, good, tmp_path / "empty.csv", *said)
    assert "no column 'amount'" in (text := letter(capsys, good, tmp_path / "near.csv", *said)) and "'amont'" in text
    (tmp_path / "other.csv").write_text(HEADER.replace("quantity", "Menge"))
    assert "it has reference, account, security, Menge" in letter(capsys, good, tmp_path / "other.csv", *said), "no column in use"
    assert "not readable as Parquet" in letter(capsys, tmp_path / "broken.parquet", good, *said)
    assert "did you mean 'also'" in letter(capsys, good, good, "--rules", tmp_path / "rules.yaml", "--out", out)


def test_a_file_with_a_header_alone_has_no_rows_and_is_no_error(tmp_path: Path) -> None:
    summary, matches, breaks = run(tmp_path, HEADER, HEADER + f"T1,A,X,1,-1,{DAYS}\n")
    assert not matches and breaks == [("right", 0, "missing_here")] and summary["inputs"]["left"]["rows"] == 0


def test_the_shipped_rules_name_every_kind_of_pass() -> None:
    from bo_lib.config import load

    assert {step.kind for step in load(RULES, Rules).passes} == {"pair", "net", "sum", "subset", "difference", "text"}


ODD = """name: odd
version: 1
title: Columns of any name
left: {name: ours}
right: {name: theirs}
scope: [SCOPE]
amount: amount
date: day
reference: ref
columns: [{name: ref}, {name: SCOPE}, {name: KEY}, {name: amount, type: decimal}, {name: day, type: date}]
passes:
  - {id: exact, equal: [ref, KEY, amount, day]}
  - {id: near, equal: [ref, KEY], amount: {absolute: "0.01"}, days: 1, calendar: WEEKENDS}
  - {id: net, kind: net, side: left, equal: [KEY], days: 3}
  - {id: sum, kind: sum, equal: [KEY], amount: {absolute: "0.01"}}
  - {id: subset, kind: subset, equal: [KEY], amount: {absolute: "0.01"}}
  - {id: difference, kind: difference, equal: [ref]}
  - {id: text, kind: text, text: ref, equal: [KEY]}
"""


@pytest.mark.parametrize("name", ["row", "side", "Side", "rows_in", "amount_in", "h", "g", "i", "kind", "also"])
def test_a_column_may_have_any_name_also_one_that_the_matcher_uses_itself(tmp_path: Path, name: str) -> None:
    header = "ref,SCOPE,KEY,amount,day\n"
    left = header + "1,B,x,100.00,2026-01-05\n2,S,y,50.00,2026-01-05\n3,B,z,25.00,2026-01-06\n4,B,z,10.00,2026-01-06\n"
    left += "5,B,n,10.00,2026-01-07\n6,B,n,-10.00,2026-01-07\n7,B,m,1.00,2026-01-07\n"
    right = header + "1,B,x,100.00,2026-01-05\n2,S,y,50.01,2026-01-05\n9,B,z,35.00,2026-01-06\n7,B,q,9.00,2026-01-06\n"
    found = []
    for number, (scope, key) in enumerate((("book", "item"), (name, "item"), ("book", name))):
        (folder := tmp_path / str(number)).mkdir()
        texts = [text.replace("SCOPE", scope).replace("KEY", key) for text in (left, right, ODD)]
        _, matches, breaks = run(folder, *texts)
        found.append((matches, [(side, row, "item" if kind.rstrip("_") == key else kind) for side, row, kind in breaks]))
    assert found[0] == found[1] == found[2] and {step for step, *_ in found[0][0]} >= {"exact", "near", "net", "sum"}
