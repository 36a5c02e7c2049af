"""Nobody sees a recording that its visibility does not grant, nor any trace of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.catalog import audience, recordings, visible
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.scope import Scope
from pipeline.errors import NotFound
from pipeline.search import meaning, nearest
from pipeline.search.related import related
from pipeline.search.results import MODES, Mode, moment_json, result_json
from pipeline.search.search import Searcher
from pipeline.values import RecordingFacts, Transcript, Viewer
from tests.search_home import BagOfStems, SearchHome, interview

MEMBER = Viewer("member")
NORTH, SOUTH = Viewer("member", "Nordwerke"), Viewer("member", "Südwerke")
STAFF, ADMIN = Viewer("staff"), Viewer("admin")
EVERYBODY = (None, STAFF, ADMIN, MEMBER, NORTH, SOUTH)

OPEN = {
    "Netz": interview("Die Fernwärme kommt bis zum Marktplatz.", "Der Ausbau dauert zwei Jahre."),
    "Wasser": interview("Der Wasserzähler meldet sich über Funk.", "Jede Nacht um drei."),
    "Grid": interview("The transformers were replaced last year.", language="en"),
}
HIDDEN = {
    "Quarzstrategie": interview(
        "Die Quarzlampe kostet zu viel.",
        "Der Quarzausbau dauert zwei Jahre.",
        "Über den Marktplatz reden wir noch.",
        "Ein Quarz ist ein Quarz.",
    ),
    "Netz geheim": interview("Die Fernwärme kommt nie.", "Herr Zwirnemann geht im Mai."),
}
QUERIES = (
    "Quarzlampe",
    "Quarzlampen",
    "Quarzlumpe",  # one slip away from what is hidden
    "Zwirnemann",
    "Zwirneman",
    "Quarzstrategie",  # a title
    "Amsel",  # one of the people
    "Ansel",
    "Quarzmarktplatz",  # a compound of what is hidden and what is not
    "Fernwärmequarz",
    "Fernwärme am Marktplatz",
    "Marktplaz",
    "Wann meldet sich der Wasserzähler?",
    '"Der Quarzausbau"',
    "Ausbau -Quarz",
    "transformers last year",
)


def made(root: Path, *talks: Mapping[str, Transcript], hidden: Sequence[str] = ()) -> SearchHome:
    home = SearchHome(root)
    for title, transcript in [pair for one in talks for pair in one.items()]:
        out_of_sight = title in hidden
        home.add(
            title,
            transcript,
            collection="Vorstand" if out_of_sight else "Technik",
            people=("Gerda Amsel",) if out_of_sight else ("Jana Brandt",),
            visibility=("staff", "Ostwerke") if out_of_sight else ("members",),
        )
    return home


@pytest.fixture
def alone(tmp_path: Path) -> SearchHome:
    """A home that never had the hidden recordings."""
    home = made(tmp_path / "alone", OPEN)
    home.publish()
    return home


@pytest.fixture
def both(tmp_path: Path) -> SearchHome:
    """What is hidden lies before, in and after what is not, and after the index."""
    strategy, secret = ({title: one} for title, one in HIDDEN.items())
    home = made(tmp_path / "both", strategy, OPEN, hidden=tuple(HIDDEN))
    home.publish()
    (title,) = secret
    home.add(title, secret[title], collection="Vorstand", visibility=("staff",))
    return home


def answer(home: SearchHome, query: str, mode: Mode, viewer: Viewer | None) -> dict[str, object]:
    found = home.searcher().search(query, mode=mode, scope=Scope(viewer=viewer))
    return {k: v for k, v in result_json(found, "de").items() if k != "took_ms"}


@pytest.mark.parametrize("query", QUERIES)
def test_a_member_s_answer_is_that_of_a_home_that_never_had_what_is_hidden(
    alone: SearchHome, both: SearchHome, query: str
) -> None:
    """To the last figure of each score."""
    for viewer, mode in product((MEMBER, NORTH), MODES):
        assert answer(both, query, mode, viewer) == answer(alone, query, mode, viewer)


def test_staff_find_what_members_do_not(both: SearchHome) -> None:
    for viewer in (None, STAFF, ADMIN, Viewer("member", "Ostwerke")):
        hits = both.searcher().search("Quarzlampe", mode="words", scope=Scope(viewer=viewer)).hits
        assert [hit.recording.facts.title for hit in hits][:1] == ["Quarzstrategie"]


WORDS = (
    "Quarz",
    "Lampe",
    "Netz",
    "Markt",
    "Zähler",
    "Funk",
    "Wärme",
    "Ausbau",
    "Pumpe",
    "Speicher",
)
sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
talk = st.lists(sentence, min_size=1, max_size=3)


@settings(max_examples=25)
@given(
    shown=st.lists(talk, min_size=1, max_size=3),
    kept=st.lists(talk, max_size=3),
    query=st.lists(st.sampled_from([*WORDS, *(a + b.lower() for a in WORDS for b in WORDS[:4])])),
    mode=st.sampled_from(MODES),
    indexed=st.booleans(),
)
def test_whatever_is_hidden_changes_no_answer(
    shown: list[list[str]], kept: list[list[str]], query: list[str], mode: Mode, indexed: bool
) -> None:
    open_talks = {f"Gespräch {n}": interview(*one) for n, one in enumerate(shown)}
    closed = {f"Geheim {n}": interview(*one) for n, one in enumerate(kept)}
    with TemporaryDirectory() as place:
        homes = (
            made(Path(place) / "alone", open_talks),
            made(Path(place) / "both", closed, open_talks, hidden=tuple(closed)),
        )
        if indexed:
            for home in homes:
                home.publish()
        asked = " ".join(["Gespräch", *query])
        first, second = (answer(home, asked, mode, MEMBER) for home in homes)
        for home in homes:
            home.catalogue.close()
    assert first == second


def test_a_count_of_what_could_not_be_searched_counts_only_what_may_be_seen(
    both: SearchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "LONGEST_TAIL", 1)
    with both.catalogue.read() as db:
        query = BagOfStems().encode_query("Netz")
        of = {
            viewer: meaning.meaning_leg(db, None, query, both.model.hash, Scope(viewer=viewer), 5)
            for viewer in (MEMBER, STAFF)
        }
        live = {
            viewer: stored_vectors.count_live(db, both.model.hash, Scope(viewer=viewer))
            for viewer in of
        }
    assert live[STAFF] > live[MEMBER] > 1
    assert {viewer: found.unseen for viewer, found in of.items()} == {
        viewer: count - 1 for viewer, count in live.items()
    }


def test_how_a_damaged_index_is_met_does_not_tell_how_much_is_hidden(
    both: SearchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with both.catalogue.read() as db:
        own = stored_vectors.count_live(db, both.model.hash, Scope(viewer=MEMBER))
    monkeypatch.setattr(nearest, "LONGEST_TAIL", own)
    for file in both.index_dir.glob("*.faiss"):
        file.write_bytes(b"broken")
    degraded = {
        viewer: [n.key for n in both.searcher().search("Netz", scope=Scope(viewer=viewer)).degraded]
        for viewer in (MEMBER, STAFF)
    }
    assert degraded == {
        MEMBER: ["search.degraded.index_direct"],
        STAFF: ["search.degraded.index"],
    }


def moments(home: SearchHome, title: str, viewer: Viewer | None) -> list[dict[str, object]]:
    with home.catalogue.read() as db:
        own = next(one.id for one in recordings.every(db) if one.facts.title == title)
        found = related(home.searcher().indexes, db, own, 0, Scope(viewer=viewer))
    return [moment_json(one) for one in found.moments]


def test_related_moments_are_those_that_may_be_seen(alone: SearchHome, both: SearchHome) -> None:
    assert moments(both, "Netz", MEMBER) == moments(alone, "Netz", MEMBER)
    titles = {one["title"] for one in moments(both, "Netz", STAFF)}
    assert titles & set(HIDDEN)


def test_nothing_is_related_to_what_is_hidden(both: SearchHome) -> None:
    assert moments(both, "Quarzstrategie", STAFF)
    assert moments(both, "Quarzstrategie", MEMBER) == []


def test_a_search_may_keep_to_one_recording(both: SearchHome) -> None:
    with both.catalogue.read() as db:
        ids = {one.facts.title: one.id for one in recordings.every(db)}

    def found(viewer: Viewer | None, title: str, mode: Mode) -> set[str]:
        scope = Scope(viewer=viewer, recording=ids[title])
        hits = both.searcher().search("Fernwärme", mode=mode, scope=scope).hits
        return {hit.recording.facts.title for hit in hits}

    for mode in MODES:
        assert found(None, "Netz geheim", mode) == {"Netz geheim"}
        assert found(STAFF, "Netz", mode) == {"Netz"}
        assert found(MEMBER, "Netz geheim", mode) == set()


# --- the rule ------------------------------------------------------------------------------------

AUDIENCES = ("members", "staff", "Nordwerke", "Südwerke", "nordwerke")


def expected(viewer: Viewer | None, granted: Sequence[str]) -> bool:
    if viewer is None or viewer.role != "member":
        return True
    own = viewer.organisation
    return "members" in granted or (own in granted and own not in ("members", "staff"))


@settings(max_examples=50)
@given(
    grants=st.lists(st.sets(st.sampled_from(AUDIENCES)), min_size=1, max_size=6),
    role=st.sampled_from(("member", "staff", "admin")),
    organisation=st.sampled_from((None, "", *AUDIENCES)),
)
def test_the_rule_is_one_sentence_of_python(
    grants: list[set[str]], role: str, organisation: str | None
) -> None:
    viewer = Viewer(role, organisation)  # type: ignore[arg-type]
    with TemporaryDirectory() as place:
        home = SearchHome(Path(place))
        ids = [
            home.add(f"{number}", interview("Netz."), visibility=tuple(sorted(granted)))
            for number, granted in enumerate(grants)
        ]
        with home.catalogue.read() as db:
            seen = [audience.may_see(db, viewer, one) for one in ids]
            nothing = audience.hides_nothing(db, viewer)
        found = home.searcher().search("Netz", scope=Scope(viewer=viewer), limit=99).hits
        home.catalogue.close()
    assert seen == [expected(viewer, granted) for granted in grants]
    assert nothing == all(seen)
    assert {hit.recording.id for hit in found} == {
        i for i, may in zip(ids, seen, strict=True) if may
    }


def test_an_organisation_called_staff_opens_nothing() -> None:
    for name in ("staff", "Staff", "STAFF", "members"):
        assert audience.audiences_of(Viewer("member", name)) == ["members"]


def test_only_who_sees_all_searches_without_limits() -> None:
    unlimited = {viewer: Scope(viewer=viewer).unlimited for viewer in EVERYBODY}
    assert unlimited == {viewer: viewer is None or viewer.role != "member" for viewer in EVERYBODY}
    assert not Scope(recording="a" * 12).unlimited
    assert not Scope(viewer=STAFF, language="de").unlimited


# --- pages ---------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    rows = [
        RecordingFacts("Eins", "de", "Technik", ("Anna", "Bert"), "2024-05-01", ("members",)),
        RecordingFacts("Zwei", "de", "Technik", ("Anna",), "2025-01-01", ("Nordwerke",)),
        RecordingFacts("Drei", "de", "Vorstand", ("Chris",), "2026-01-01", ("staff",)),
        RecordingFacts("Vier", "de", None, (), None, ("members",)),
        RecordingFacts("Wartet", "de", "Neu", ("Dora",), "2020-01-01", ("members",)),
    ]
    with home.catalogue.write() as db:
        for facts in rows:
            key = facts.title.lower().ljust(12, "x")
            recordings.insert(db, key, facts, None, 60_000)
            if facts.title != "Wartet":
                db.execute(
                    "INSERT INTO transcripts (recording_id, duration_ms) VALUES (?, 60000)", (key,)
                )
    return home


@pytest.mark.parametrize(
    ("viewer", "titles"),
    [
        (MEMBER, {"Eins", "Vier"}),
        (SOUTH, {"Eins", "Vier"}),
        (NORTH, {"Eins", "Zwei", "Vier"}),
        (STAFF, {"Eins", "Zwei", "Drei", "Vier"}),
        (None, {"Eins", "Zwei", "Drei", "Vier"}),
    ],
)
def test_lists_show_what_may_be_seen_and_read(
    shelf: SearchHome, viewer: Viewer | None, titles: set[str]
) -> None:
    with shelf.catalogue.read() as db:
        newest = visible.newest(db, viewer, 10)
        count = visible.count(db, viewer)
        one_by_one = [one for skip in range(5) for one in visible.newest(db, viewer, 1, skip=skip)]
        by_collection = visible.collections(db, viewer)
        by_person = visible.people(db, viewer)
        by_year = visible.years(db, viewer)
        assert len(visible.newest(db, viewer, 1)) == 1
    assert {one.facts.title for one in newest} == titles
    assert count == len(titles) and one_by_one == newest
    technik = len(titles & {"Eins", "Zwei"})
    assert by_collection == {"Technik": technik} | ({"Vorstand": 1} if "Drei" in titles else {})
    assert by_person["Anna"] == technik and ("Chris" in by_person) == ("Drei" in titles)
    assert "Dora" not in by_person
    assert list(by_year) == sorted(by_year, reverse=True) and by_year["2024"] == 1


def test_what_is_hidden_is_as_unknown_as_what_is_not_there(shelf: SearchHome) -> None:
    said = {}
    with shelf.catalogue.read() as db:
        for key in ("dreixxxxxxxx", "nichtdaxxxxx"):
            with pytest.raises(NotFound) as raised:
                visible.get(db, MEMBER, key)
            said[key] = (raised.value.key, raised.value.message("de").replace(key, "ID"))
        assert visible.get(db, STAFF, "dreixxxxxxxx").facts.title == "Drei"
        assert visible.get(db, MEMBER, "wartetxxxxxx").facts.title == "Wartet"
    assert len(set(said.values())) == 1


def test_what_a_search_knows_of_the_collection_is_looked_at_once_for_all_who_see_the_same(
    both: SearchHome,
) -> None:
    searcher: Searcher = both.searcher()
    with both.catalogue.read() as db:
        seen = {
            viewer: searcher.indexes.background(db, both.model.hash, Scope(viewer=viewer))
            for viewer in EVERYBODY
        }
    assert seen[MEMBER] == seen[Viewer("member")] != seen[STAFF] == seen[ADMIN] == seen[None]
