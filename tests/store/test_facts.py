"""Facts come in once, in order, and are read back as of any effective date, any time known, any pinned head."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.store import Conflict, Fact, Head, Store, StoreAltered, anchor_of, instant
from tests.store.scenario import EVENING, JUNE_1, price, trade


def test_a_fact_is_kept_with_who_when_and_its_place(store: Store) -> None:
    assert store.append([trade(1), trade(2)], "ops", EVENING) == (["T1", "T2"], [])
    first, second = store.facts()
    assert (first.id, first.stream, first.n, first.actor) == ("T1", "EURO-UCITS", 1, "ops")
    assert first.known_at == "2026-06-01T18:00:00.000000Z"
    assert first.payload == {"price": "12.50", "quantity": "100"}
    assert first.effective_date == JUNE_1
    assert second.prev_hash == first.hash and second.seq > first.seq
    assert store.heads() == {"EURO-UCITS": (2, second.hash)}


def test_the_same_file_twice_changes_nothing(store: Store) -> None:
    store.append([trade(1), trade(2)], "ops", EVENING)
    before = store.anchor()
    assert store.append([trade(2), trade(1)], "night shift", "2026-06-02T06:00:00Z") == ([], ["T2", "T1"])
    assert store.anchor() == before


def test_a_witness_notes_what_an_append_has_added_and_nothing_else(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    store.witness = lambda added: Fact(f"noted {added}", "runs", "written", "", JUNE_1, {s: list(ns) for s, ns in added.items()})
    assert store.append([trade(1), trade(2), trade(3)], "ops", EVENING) == (["T2", "T3"], ["T1"])
    assert store.append([trade(2)], "ops", EVENING) == ([], ["T2"])
    assert [f.payload for f in store.facts("written", stream="runs")] == [{"EURO-UCITS": [2, 3]}]
    with pytest.raises(Conflict):
        store.append([trade(4), trade(1, price="12.05")], "ops", EVENING)
    assert store.heads()["runs"].n == 1 and store.verify().ok


def test_a_fact_given_twice_in_one_append_is_written_once(store: Store) -> None:
    assert store.append([trade(1), trade(1)], "ops", EVENING) == (["T1"], ["T1"])


def test_another_content_under_a_taken_id_is_refused_with_the_whole_batch(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    with pytest.raises(Conflict, match=r"T1 .*payload.price: kept '12.50', given '12.05'.*superseding"):
        store.append([trade(2), trade(1, price="12.05"), trade(3)], "ops", EVENING)
    assert [fact.id for fact in store.facts()] == ["T1"]
    assert store.verify().value == 1


def test_two_contents_of_one_id_in_one_append_conflict(store: Store) -> None:
    with pytest.raises(Conflict, match="effective_date: kept 2026-06-01, given 2026-06-02"):
        store.append([price("LU1", "10"), Fact("LU1/2026-06-01/1", "market", "price", "LU1", date(2026, 6, 2), {})], "x", EVENING)
    assert store.facts() == [] and store.heads() == {}


def test_a_large_append_over_several_streams_is_one_chain_each(store: Store) -> None:
    facts = [trade(i, stream=f"F{i % 3}") for i in range(1200)]
    assert len(store.append(facts, "ops", EVENING).new) == 1200
    assert {stream: head.n for stream, head in store.heads().items()} == {"F0": 400, "F1": 400, "F2": 400}
    assert [fact.id for fact in store.facts()] == [fact.id for fact in facts]
    assert store.append(facts, "ops", EVENING).already == [fact.id for fact in facts]


def test_a_kind_takes_the_kinds_below_it_and_no_neighbours(store: Store) -> None:
    kinds = ["event", "event.trade", "event.trade.late", "events", "event_log", "eve"]
    store.append([Fact(kind, "F", kind, "", JUNE_1, {}) for kind in kinds], "ops", EVENING)
    assert [fact.id for fact in store.facts("event")] == ["event", "event.trade", "event.trade.late"]
    assert [fact.id for fact in store.facts("event.trade")] == ["event.trade", "event.trade.late"]


def test_facts_are_narrowed_by_stream_and_entity(store: Store) -> None:
    store.append([trade(1), trade(2), trade(3, stream="GLOBAL-BOND"), price("LU1", "10")], "ops", EVENING)
    assert [f.id for f in store.facts("event", stream="EURO-UCITS")] == ["T1", "T2"]
    assert [f.id for f in store.facts(entity="LU1")] == ["LU1/2026-06-01/1"]
    assert store.facts("event", stream="GLOBAL-BOND", entity="T1") == []


def test_the_price_of_monday_as_known_on_monday_and_as_corrected_on_tuesday(store: Store) -> None:
    tuesday = date(2026, 6, 2)
    store.append([price("LU1", "10.00"), price("LU2", "7")], "VENDOR-A", "2026-06-01T19:00:00Z")
    store.append([price("LU1", "10.01", number=2), price("LU1", "11", tuesday)], "VENDOR-A", "2026-06-02T19:00:00Z")

    def prices(**asof: Any) -> dict[str, str]:
        return {fact.entity: fact.payload["price"] for fact in store.latest("price", **asof)}

    assert prices(effective_until=JUNE_1, known_until="2026-06-01T19:00:00Z") == {"LU1": "10.00", "LU2": "7"}
    assert prices(effective_until=JUNE_1) == {"LU1": "10.01", "LU2": "7"}
    assert prices() == {"LU1": "11", "LU2": "7"}
    assert prices(known_until="2026-06-01T18:59:59Z") == {}
    assert prices(entity="LU2", stream="market") == {"LU2": "7"}


def test_the_same_entity_in_two_streams_has_two_latest_facts(store: Store) -> None:
    store.append([Fact(s, s, "nav", "A", JUNE_1, {"nav": s}) for s in ("F1", "F2")], "ops", EVENING)
    assert [(f.stream, f.payload["nav"]) for f in store.latest("nav")] == [("F1", "F1"), ("F2", "F2")]


def test_pinned_heads_give_the_same_facts_for_ever(store: Store) -> None:
    store.append([trade(1), price("LU1", "10")], "ops", EVENING)
    heads, facts = store.heads(), store.facts()
    store.append([trade(2), price("LU1", "10.01", number=2), trade(3, stream="NEW")], "ops", "2026-06-02T00:00:00Z")
    assert store.facts(heads=heads) == facts
    assert store.facts(heads={name: list(head) for name, head in heads.items()}) == facts  # as a manifest's JSON has them
    assert [f.payload["price"] for f in store.latest("price", heads=heads)] == ["10"]
    assert store.facts(heads={}) == [] and len(store.facts()) == 5


def test_pinned_heads_of_another_store_are_refused(store: Store) -> None:
    store.append([trade(1)], "ops", EVENING)
    with pytest.raises(StoreAltered, match=r"fact 1 should have hash f+, found [0-9a-f]{64}\. This is another store"):
        store.facts(heads={"EURO-UCITS": Head(1, "f" * 64)})
    with pytest.raises(StoreAltered, match="no such fact"):
        store.latest("event", heads={"EURO-UCITS": Head(2, "f" * 64)})


def test_the_anchor_is_of_the_heads_whatever_their_order(store: Store) -> None:
    store.append([trade(1), price("LU1", "10")], "ops", EVENING)
    assert store.anchor() == anchor_of(dict(reversed(store.heads().items())))
    assert store.anchor() != anchor_of({})


@pytest.mark.parametrize("payload", [{"price": 1.5}, {"rows": [{"price": Decimal("1.5")}]}, {"day": JUNE_1}, {"nan": float("nan")}])
def test_a_payload_is_json_without_floats(payload: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"fact T1: payload.* write decimals and dates as text, never a float"):
        Fact("T1", "F", "event.trade", "", JUNE_1, payload)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"stream": "a\0b"}, {"kind": "x" * 401}, {"entity": "\ud800"}, {"id": "a\nb"}])
def test_names_are_printable_text(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected printable text"):
        Fact(**{"id": "T1", "stream": "F", "kind": "event", "entity": "", "effective_date": JUNE_1, "payload": {}, **wrong})


def test_any_text_survives_in_a_payload(store: Store) -> None:
    payload = {"text": "Zürich 東京 \0 \ud800 'quoted' \\ %s :x", "none": None, "yes": True, "big": 10**30, "deep": [{"a": []}]}
    store.append([Fact("T1", "F", "event", "é", JUNE_1, payload)], "Søren", EVENING)
    assert store.facts()[0].payload == payload
    assert store.verify().findings == ()


def test_times_are_utc_in_one_width() -> None:
    assert instant("2026-06-30T20:00:00+02:00") == instant("2026-06-30T18:00:00Z") == "2026-06-30T18:00:00.000000Z"
    for wrong in ("2026-06-30", "2026-06-30T18:00:00", "yesterday", ""):
        with pytest.raises(ValueError, match="expected an ISO-8601 time in UTC"):
            instant(wrong)


learned = st.tuples(st.sampled_from("ABC"), st.integers(0, 3), st.integers(0, 3), st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    past=st.lists(learned, max_size=12), future=st.lists(learned, max_size=6), asked=st.tuples(st.integers(0, 4), st.integers(0, 4))
)
def test_two_clocks(store: Store, past: list[Any], future: list[Any], asked: tuple[int, int]) -> None:
    """As of (effective, known) = the fold of what fits, and nothing learned later changes what was known or pinned."""
    stream = f"S{len(store.heads())}"
    effective, known = JUNE_1 + timedelta(asked[0]), f"2026-06-0{asked[1] + 1}T18:00:00Z"
    asof: Any = {"stream": stream, "effective_until": effective, "known_until": known}

    def learn(items: list[Any], start: int, late: int) -> list[tuple[Fact, str]]:
        kept = []
        for i, (entity, day, known_day, closes) in enumerate(items, start):
            kind = "break.closed" if closes else "break.opened"
            fact = Fact(f"{stream}/{i}", stream, kind, entity, JUNE_1 + timedelta(day), {"i": i})
            given = f"2026-06-{known_day + 1 + late:02}T18:00:00Z"
            kept.append((fact, max(given, kept[-1][1] if kept else given)))  # time never goes back
            store.append([fact], "ops", given, carried=True)
        return kept

    kept = learn(past, 0, 0)
    fitting = [fact for fact, time in kept if fact.effective_date <= effective and time <= known]
    expected = {fact.entity: fact.id for fact in sorted(fitting, key=lambda fact: fact.effective_date)}
    before, latest, heads = store.facts(**asof), store.latest("break", **asof), store.heads()
    assert [fact.id for fact in before] == [fact.id for fact in fitting]
    assert {fact.entity: fact.id for fact in latest} == expected

    learn(future, len(past), late=5)
    assert store.facts(**asof) == before and store.latest("break", **asof) == latest
    assert [fact.id for fact in store.facts(stream=stream, heads=heads)] == [fact.id for fact, _ in kept]
    assert store.verify(stream).findings == ()
