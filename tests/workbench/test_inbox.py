"""The inbox holds files where they belong; links that lead out and files elsewhere are said and never read."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from bo_lib.run.ledger import inbox_files
from bo_lib.workbench import inbox
from bo_lib.workbench.known import Known
from bo_lib.workbench.office import Office
from tests.feeds.samples import MT564
from tests.run.firm import write_firm

DAY = date(2026, 6, 30)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    root = write_firm(tmp_path / "firm")
    (root / "outputs/inbox/2026-06-30/BANK").mkdir(parents=True)
    return Office(root)


def said(office: Office, until: date = DAY) -> dict[str, tuple[str, str]]:
    """What is known of the inbox after reading: file -> code and what was found, of all findings."""
    inbox.ingest(office, until)
    facts = office.store.facts("file")
    return {
        p["place"]["file"]: (p["code"], p["found"]) for f in facts for p in f.payload["findings"] if p["code"].startswith("file-")
    }


def test_a_link_that_leads_out_is_never_read(office: Office, tmp_path: Path) -> None:
    place = office.inbox(DAY)
    secret = tmp_path / "elsewhere" / "secret.csv"
    secret.parent.mkdir()
    secret.write_text("password")
    (place / "BANK" / "stolen.csv").symlink_to(secret)
    (place / "BANK" / "gone.csv").symlink_to("nowhere.csv")
    (place / "OTHER").symlink_to(secret.parent)
    (office.root / "outputs/inbox/2026-06-29").symlink_to(secret.parent)
    assert said(office) == {
        "2026-06-30/BANK/stolen.csv": ("file-link", str(secret)),
        "2026-06-30/BANK/gone.csv": ("file-link", "nowhere.csv"),
        "2026-06-30/OTHER": ("file-link", str(secret.parent)),
        "2026-06-29": ("file-link", str(secret.parent)),
    }
    assert {f.payload["sha256"] for f in office.store.facts("file")} == {""}
    before = inbox_files(office.root / "outputs/inbox", DAY)
    secret.write_text("changed")
    assert inbox_files(office.root / "outputs/inbox", DAY) == before != {}


def test_a_link_within_the_inbox_is_a_file(office: Office) -> None:
    place = office.inbox(DAY) / "BANK"
    (place / "a.txt").write_text("one line")
    (place / "b.txt").symlink_to("a.txt")
    assert said(office) == {}
    assert [f.entity for f in office.store.facts("file")] == ["BANK/a.txt", "BANK/b.txt"]


def test_a_file_where_none_belongs_is_said(office: Office) -> None:
    top = office.root / "outputs/inbox"
    (top / "loose.csv").write_text("x")
    (top / "2026-06-31").mkdir()
    (top / "2026-06-31" / "x.csv").write_text("x")
    (top / "2026-06-30" / "nobody.csv").write_text("x")
    (top / "2026-06-30/BANK/deep").mkdir()
    (top / "2026-07-01").mkdir()
    (top / "2026-07-01" / "tomorrow.csv").write_text("x")
    (top / ".keep").touch()
    found = said(office)
    assert {name: code for name, (code, _) in found.items()} == dict.fromkeys(
        ("loose.csv", "2026-06-31", "2026-06-30/nobody.csv", "2026-06-30/BANK/deep"), "file-misplaced"
    )
    count = len(office.store.facts("file"))
    said(office)
    assert len(office.store.facts("file")) == count, "said once a day"

    before = inbox_files(top, DAY)
    shutil.rmtree(top / "2026-06-31")
    inbox.ingest(office, DAY)
    standing = [f.entity for f in inbox.in_force(office.store.facts("file")) if f.payload["findings"]]
    assert sorted(standing) == ["2026-06-30/BANK/deep", "2026-06-30/nobody.csv", "loose.csv"], "what was put right is said no more"
    assert inbox_files(top, DAY) != before, "a run of the day is made again when it changes"


CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{CAMT}" elementFormDefault="qualified">
<xs:element name="Document"><xs:complexType><xs:sequence><xs:element name="Other"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


@pytest.mark.parametrize(("schema", "code"), [(XSD, "schema-invalid"), ("<xs:schema", "schema-missing")])
def test_the_post_is_validated_against_the_schemas_of_the_firm(office: Office, schema: str, code: str) -> None:
    (office.root / "xsd").mkdir()
    (office.root / "xsd" / "camt.053.001.08.xsd").write_text(schema)
    with (office.root / "parameters/firm.yaml").open("a") as file:
        file.write("schemas: xsd\n")
    (office.inbox(DAY) / "BANK" / "statement.xml").write_text(f'<Document xmlns="{CAMT}"><BkToCstmrStmt/></Document>')
    inbox.ingest(firm := Office(office.root), DAY)
    assert code in {p["code"] for f in firm.store.facts("file") for p in f.payload["findings"]}


ORDERS = "Reference,Investor,Fund,Class,Side,Money,Ccy,At\nR1,INV-1,ALPHA,A,SUBSCRIBE,100,EUR,2026-06-30T10:00:00+02:00\n"
MAPPING = """format: orders
match: [Reference, Investor]
tables:
  - table: orders
    columns: {fund: Fund, order_id: Reference, investor: Investor, share_class: Class, kind: Side, amount: %s,
              currency: Ccy, received: At}
"""


def readings(office: Office, **how: bool) -> list[tuple[str, dict[str, int]]]:
    """Format and rows of every reading that the store knows, after another look into the inbox by a new process."""
    inbox.ingest(Office(office.root), DAY, **how)
    return [(f.payload["format"], f.payload["rows"]) for f in office.store.facts("file")]


def test_a_file_that_was_not_understood_is_read_again_when_the_mappings_change(office: Office) -> None:
    (office.inbox(DAY) / "BANK/orders.csv").write_text(ORDERS)
    mappings = office.root / "parameters/mappings"
    mappings.mkdir(exist_ok=True)
    assert readings(office) == [("", {})] == readings(office)
    (mappings / "orders.yaml").write_text(MAPPING % "Money")
    assert readings(office) == [("", {}), ("orders", {"orders": 1})] == readings(office)
    now = office.store.facts("file")[-1].payload["findings"]
    assert [said["code"] for said in now] == ["file-read-again"]


def test_a_file_that_was_understood_stays_as_it_was_read_unless_asked_for(office: Office) -> None:
    (office.inbox(DAY) / "BANK/orders.csv").write_text(ORDERS)
    mapping = office.root / "parameters/mappings/orders.yaml"
    mapping.parent.mkdir(exist_ok=True)
    mapping.write_text(MAPPING % "Money")
    assert len(readings(office)) == 1
    mapping.write_text(MAPPING % "Money" + "    constants: {units: '1'}\n")
    assert len(readings(office)) == 1
    assert len(readings(office, again=True)) == 2 == len(readings(office, again=True))
    assert office.table(office.store.facts("file")[-1].payload["tables"]["orders"])["units"].to_pylist() == [1]


PRICES = """format: prices_x
match: [Isin, Close]
tables:
  - table: prices
    columns: {isin: Isin, price_date: Day, price: Close, currency: Ccy}
    constants: {source: SOURCE}
"""


def test_a_price_of_a_source_that_no_fund_asks_for_is_said(office: Office) -> None:
    fund = next(iter((office.root / "parameters/funds").glob("*.yaml")))
    fund.write_text(fund.read_text() + "\nprice_sources: [VENDOR-A]\n")
    mappings = office.root / "parameters/mappings"
    mappings.mkdir(exist_ok=True)
    (office.inbox(DAY) / "BANK" / "p.csv").write_text("Isin,Day,Close,Ccy\nUS0378331005,2026-06-30,10,USD\n")
    for source, expected in (
        ("VENDOR_A", ["no fund asks for prices of source 'VENDOR_A'; did you mean 'VENDOR-A'?"]),
        ("VENDOR-A", []),
    ):
        (mappings / "prices_x.yaml").write_text(PRICES.replace("SOURCE", source))
        inbox.ingest(fresh := Office(office.root), DAY, again=True)
        last = fresh.store.facts("file")[-1].payload["findings"]
        assert [f["message"] for f in last if f["code"] == "source-unused"] == expected


MASTER = """format: master_x
match: [Isin, Kind]
tables:
  - table: instruments
    columns: {isin: Isin, name: Name, kind: Kind, currency: Ccy}
"""


def test_an_announcement_by_cusip_gets_the_isin_of_the_security_master(office: Office) -> None:
    mappings = office.root / "parameters/mappings"
    mappings.mkdir(exist_ok=True)
    (mappings / "master_x.yaml").write_text(MASTER)
    notice = MT564.replace(":35B:ISIN NL0010273215\n:16R:ACCTINFO", ":35B:/US/037833100\nAPPLE\n:16R:ACCTINFO")
    (office.inbox(DAY) / "BANK" / "a.fin").write_text(notice.replace("ALP-100200", "GENR"))
    (fund_id, *_) = office.firm.funds
    assert set(Known(Office(office.root), fund_id, DAY).announcements()["isin"].to_pylist()) == {None}
    (office.inbox(DAY) / "BANK" / "m.csv").write_text("Isin,Name,Kind,Ccy\nUS0378331005,Apple,equity,USD\n")
    assert set(Known(Office(office.root), fund_id, DAY).announcements()["isin"].to_pylist()) == {"US0378331005"}
