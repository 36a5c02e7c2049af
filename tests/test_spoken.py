"""The words of a generation find, weigh and count what SQLite's full-text search does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save

from pipeline.catalog import generations, purge
from pipeline.catalog.chunks import FullText
from pipeline.catalog.passages import Passage
from pipeline.catalog.scope import Scope
from pipeline.errors import InterviewsError
from pipeline.home import open_home
from pipeline.index import bm25, building, files, opening, tail, tensors
from pipeline.index.bm25 import Phrase
from pipeline.index.gathering import Gathering, gathered
from pipeline.index.postings import FIELDS, Postings
from pipeline.run import publish
from pipeline.run.context import Context
from pipeline.search.analysis import query_words
from pipeline.search.indexes import Indexes
from pipeline.search.spoken import InEither, InTable
from pipeline.search.words import is_known, words_leg
from pipeline.settings import Settings
from pipeline.stages.chunk import ChunkParameters
from pipeline.values import ModelRef, RecordingFacts, Viewer
from tests.scale import fill
from tests.search_home import BagOfStems, SearchHome, interview

SHORT = ChunkParameters(10, 0)
WATER = interview(
    "Der neue Funkwasserzähler kostet zwanzig Euro.",
    "Die Zähler im Keller werden per Funk abgelesen.",
    "Das Wasserwerk Nord liefert Trinkwasser für die ganze Stadt.",
    "Der Zähler ist geeicht und der Keller trocken.",
)
HEAT = interview(
    "Die Fernwärme kommt vom Kraftwerk am Hafen.",
    "Ein Netzengpass wurde nicht beobachtet.",
    "Der Wärmenetzausbau kostet zwanzig Millionen Euro.",
)
TALK = interview(
    "The new meter sends its data over the radio network.",
    "District heating comes from the power plant at the harbour.",
    language="en",
)

QUERIES = (
    "Was kostet der neue Zähler?",
    "Fernwärme am Hafen",
    "Wärmenetz",
    "Zähler im Keller",
    "district heating",
    "Wasser",
    "20 Millionen Euro",
    "gibt es nirgends",
    "Netzengpass beobachtet",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchHome:
    monkeypatch.setattr(building, "LARGEST_TABLE", 0)
    home = SearchHome(tmp_path)
    home.add("Wasser", WATER, SHORT)
    home.add("Wärme", HEAT, SHORT, collection="Netze", visibility=("staff",))
    home.add("Talk", TALK, SHORT, visibility=("members",))
    home.publish()
    return home


SCOPES = (
    Scope(),
    Scope(language="en"),
    Scope(language="de"),
    Scope(collection="Netze"),
    Scope(viewer=Viewer("member")),
    Scope(holds='"kell"'),
    Scope(lacks='"kell"', viewer=Viewer("member")),
)


def same(home: SearchHome, scope: Scope, indexes: Indexes | None = None) -> None:
    """Both bring the same passages in the same order, and know as much of the collection."""
    with home.catalogue.read() as db:
        found = (indexes or Indexes(home.index_dir)).spoken(db, home.model.hash, scope)
        table = InTable(db, home.model.hash, scope)
        assert isinstance(found, InEither)
        assert found.count() == table.count()
        for query in QUERIES:
            words = query_words(query)
            assert words_leg(found, words, 50) == words_leg(table, words, 50)
            terms = [term for word in words for term in word.alternatives]
            assert found.frequencies(terms) == table.frequencies(terms)
            for word in words:
                assert is_known(found, word) == is_known(table, word)


@pytest.mark.parametrize("few", [0, bm25._FEW], ids=["of few", "of many"])
@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_postings_bring_what_the_full_text_table_brings(
    home: SearchHome, monkeypatch: pytest.MonkeyPatch, scope: Scope, few: int
) -> None:
    monkeypatch.setattr(bm25, "_FEW", few)
    same(home, scope)


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_what_came_since_is_found_and_counted_at_once(home: SearchHome, scope: Scope) -> None:
    indexes = Indexes(home.index_dir)
    for number in range(9):
        home.add(f"Neu {number}", interview(f"Zähler {number} im Keller am Hafen."), SHORT)
        same(home, scope, indexes)


def test_what_was_deleted_is_found_and_counted_no_more(home: SearchHome) -> None:
    indexes = Indexes(home.index_dir)
    since = home.add("Seither", interview("Der Hafen ist neu.", "Der Keller ist feucht."), SHORT)
    same(home, Scope(), indexes)
    for recording_id in (since, home.add("Wasser 2", WATER, SHORT)):
        with home.catalogue.write() as db:
            purge.delete_rows(db, [recording_id])
        with home.catalogue.read() as db:
            found = indexes.spoken(db, home.model.hash, Scope())
            table = InTable(db, home.model.hash, Scope())
            for query in QUERIES:
                words = query_words(query)
                every = words_leg(found, words, 50)
                assert set(every) == set(words_leg(table, words, 50))
            assert found.frequencies(["kell", "feucht"]) == table.frequencies(["kell", "feucht"])
            assert found.count() == table.count()


def test_who_may_see_a_recording_is_asked_each_time(home: SearchHome) -> None:
    indexes, scope = Indexes(home.index_dir), Scope(viewer=Viewer("member"))

    def heard() -> bool:
        with home.catalogue.read() as db:
            return indexes.spoken(db, home.model.hash, scope).occurs([Phrase("words", "fernwarm")])

    assert not heard()
    with home.catalogue.write() as db:
        db.execute("UPDATE visibility SET audience = 'members'")
    assert heard()


def test_a_term_that_begins_others_counts_each_passage_once(home: SearchHome) -> None:
    home.add("Doppelt", interview("Zahlen über Zahlen zahlte der Zahlmeister."), SHORT)
    field = opening.words(home.index_dir, home.publish()).fields["words"]
    rows, counts = field.found("zahl", begins=True)
    assert len(set(rows.tolist())) == len(rows) < len(field.rows("zahl", begins=True))
    assert counts[-1] == 4


WORDS = st.text("abcäß", min_size=1, max_size=4)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=30), st.data())
def test_every_term_leads_to_its_passages(
    texts: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    gathering = Gathering()
    begin = 0
    while begin < len(texts):
        size = data.draw(st.integers(1, 10))
        gathering.take(
            [
                Passage(10 * number, "r", None, FullText(*words))
                for number, words in enumerate(texts[begin : begin + size], begin)
            ]
        )
        begin += size
    postings = Postings(*gathering.arrays())
    for name, column in zip(FIELDS, zip(*texts, strict=True), strict=True):
        field = postings.fields[name]
        spoken = [text.split() for text in column]
        assert list(field.terms()) == sorted({w for s in spoken for w in s}, key=str.encode)
        for term in {*(w for s in spoken for w in s), "a", "zz"}:
            for begins in (False, True):
                held = [
                    (row, sum(w.startswith(term) if begins else w == term for w in words))
                    for row, words in enumerate(spoken)
                ]
                rows, counts = field.found(term, begins=begins)
                found = list(zip(rows.tolist(), counts.tolist(), strict=True))
                assert found == [(row, count) for row, count in held if count]


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), max_size=700).map(
        lambda some: np.array(some, np.float32)
    ),
    st.integers(1, 5),
    st.booleans(),
)
def test_the_largest_are_the_largest_and_of_equals_the_first(
    scores: NDArray[np.float32], limit: int, half: bool
) -> None:
    allowed = np.arange(len(scores)) % 2 == 0 if half else None
    seen = scores if allowed is None else scores * allowed
    every = [row for row in np.lexsort((np.arange(len(seen)), -seen)) if seen[row] > 0]
    assert sorted(bm25._largest(scores, allowed, limit).tolist()) == sorted(every[:limit])


@pytest.mark.parametrize("damage", [b"", b"garbage" * 9, None])
def test_where_the_words_are_damaged_the_table_answers_and_the_check_says_so(
    home: SearchHome, damage: bytes | None
) -> None:
    with home.catalogue.read() as db:
        generation = Indexes(home.index_dir).generation(db)
    assert generation is not None
    sound = home.searcher().search("Zähler im Keller")
    opening.check(home.index_dir, generation)
    path = files.words_of(home.index_dir, generation.id)
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    found = home.searcher().search("Zähler im Keller")
    assert [hit.chunk_id for hit in found.hits] == [hit.chunk_id for hit in sound.hits]
    assert [notice.key for notice in found.degraded] == ["search.degraded.words"]
    assert not opening.readable(home.index_dir, generation)
    with pytest.raises(InterviewsError) as raised:
        opening.check(home.index_dir, generation)
    assert raised.value.key == "index.damaged"


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_words_hold_a_search_answers(home: SearchHome, data: st.DataObject) -> None:
    with home.catalogue.read() as db:
        generation = Indexes(home.index_dir).generation(db)
    assert generation is not None
    path = files.words_of(home.index_dir, generation.id)
    sound = path.read_bytes()
    begin = data.draw(st.integers(0, len(sound) - 1))
    instead = data.draw(st.binary(min_size=0, max_size=12))
    try:
        path.write_bytes(sound[:begin] + instead + sound[begin + len(instead) :])
        same_or_told = home.searcher().search("Der neue Zähler im Kellr", mode="words")
        assert {notice.key for notice in same_or_told.degraded} <= {"search.degraded.words"}
        path.write_bytes(sound[:begin])
        told = home.searcher().search("Der neue Zähler im Kellr", mode="words")
        assert [notice.key for notice in told.degraded] == ["search.degraded.words"]
    finally:
        path.write_bytes(sound)


def test_rows_of_no_passage_are_damage(home: SearchHome) -> None:
    """What is in the middle of the file is not looked at before it is asked for."""
    indexes = Indexes(home.index_dir)
    with home.catalogue.read() as db:
        generation = indexes.generation(db)
        assert generation is not None
        path = files.words_of(home.index_dir, generation.id)
        arrays, facts = tensors.mapped(path)
        wrong = {name: array.copy() for name, array in arrays.items()}
        wrong["words.rows"][:] = 10_000
        path.write_bytes(save(wrong, {"facts": json.dumps(facts)}))
        found = indexes.spoken(db, home.model.hash, Scope())
        table = InTable(db, home.model.hash, Scope())
        words = query_words("Zähler im Keller")
        assert not indexes.words_are_damaged(db)
        assert words_leg(found, words, 50) == words_leg(table, words, 50) != []
        assert indexes.words_are_damaged(db)
        assert isinstance(indexes.spoken(db, home.model.hash, Scope()), InTable)


def test_what_is_known_anew_of_a_recording_is_found_and_what_was_known_is_not(
    home: SearchHome,
) -> None:
    named = RecordingFacts("Gespräch", "de", people=("Anna Weber",), visibility=("members",))
    anew = replace(named, title="Unterhaltung", people=())
    recording_id = home.add("Gespräch", WATER, SHORT, people=("Anna Weber",))
    home.publish()
    indexes = Indexes(home.index_dir)

    def heard(name: str) -> bool:
        with home.catalogue.read() as db:
            spoken = indexes.spoken(db, home.model.hash, Scope())
            return any(is_known(spoken, word) for word in query_words(name))

    assert heard("Weber") and not heard("Unterhaltung")
    home.describe(recording_id, anew, WATER, SHORT)
    assert heard("Unterhaltung") and not heard("Weber")
    home.publish()
    assert heard("Unterhaltung") and not heard("Weber")
    same(home, Scope(), indexes)
    with home.catalogue.read() as db:
        held = [files.of(home.index_dir, one) for one in generations.every(db)]
    assert [len(some) for some in held] == [1, 1, 2], "a former generation keeps no words"
    lexicon = opening.words(home.index_dir, home.publish()).fields["about"].terms()
    assert "web" not in {term[:3] for term in lexicon}


def test_there_may_be_any_number_of_languages(tmp_path: Path) -> None:
    names = [f"q{number}" for number in range(300)]
    page = [Passage(i + 1, "r", name, FullText("a", "", "")) for i, name in enumerate(names)]
    found = gathered(page)
    assert [found.languages[place] for place in found.language.tolist()] == names


def test_slips_are_counted_in_letters_of_any_script() -> None:
    said = ["москва", "мир"]
    found = gathered([Passage(1, "r", "ru", FullText(" ".join(said), "", ""))])
    assert [*found.fields["words"].like("моква", 1)] == ["москва"]


def test_far_behind_its_generation_the_table_answers(
    home: SearchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add(
        "Neu", interview("Im Laub.", "Unter der Erde.", "Auf dem Dach."), ChunkParameters(6, 0)
    )
    monkeypatch.setattr(tail, "LONGEST_TAIL", 1)
    with home.catalogue.read() as db:
        found = Indexes(home.index_dir).spoken(db, home.model.hash, Scope())
    assert isinstance(found, InTable)
    assert home.searcher().search("Laub", mode="words").hits


def test_equal_words_make_equal_files(home: SearchHome) -> None:
    assert home.publish().words_sha256 == home.publish().words_sha256


def test_a_small_collection_has_no_file_of_words(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Wasser", WATER, SHORT)
    assert home.publish().words_sha256 is None
    assert [path.suffix for path in files.files(home.index_dir)] == [".faiss"]


def test_only_the_owner_reads_an_index(home: SearchHome) -> None:
    assert {path.stat().st_mode & 0o777 for path in files.files(home.index_dir)} == {0o600}


def test_an_index_of_an_earlier_version_is_built_anew_for_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(open_home(tmp_path / "home"), Settings())
    fill(context, [interview("Der Zähler ist neu.")], 3, BagOfStems())

    def due() -> ModelRef | None:
        with context.catalogue() as catalogue, catalogue.read() as db:
            return publish.due(db, context, worked=False)

    assert due() is None
    monkeypatch.setattr(building, "LARGEST_TABLE", 2)
    assert due() == context.text[1]
    with context.catalogue() as catalogue:
        publish.publish(context.home, catalogue, context.text[1])
    assert due() is None


def test_a_slip_is_mended_by_postings_too(home: SearchHome) -> None:
    found = home.searcher().search("Kraftwek", mode="words")
    assert [(one.was, one.now) for one in found.corrected] == [("Kraftwek", "Kraftwerk")]
