"""Search as a member meets it: the right moment, from either leg, whatever is typed or broken."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.catalog import chunks
from pipeline.catalog.scope import Scope
from pipeline.cli.commands.search import play_command
from pipeline.errors import BadInput, InterviewsError, Missing
from pipeline.index import files
from pipeline.messages import LANGUAGES
from pipeline.search import meaning, nearest
from pipeline.search.results import MODES, Mode, result_json
from pipeline.stages.chunk import ChunkParameters
from pipeline.values import Media, Span
from tests.conftest import SAMPLES, Interviews
from tests.search_home import BagOfStems, SearchHome, interview

HEAT = (
    "Willkommen bei den Stadtwerken.",
    "Wie weit ist der Ausbau der Wärmenetze?",
    "Bis zum Sommer sind vierzig Häuser angeschlossen.",
    "Danach kommt die Bahnhofstraße an die Reihe.",
    "Das kostet etwa drei Millionen Euro.",
)
WATER = (
    "Heute geht es um das Trinkwasser.",
    "Die Zähler werden alle sechs Jahre getauscht.",
    "Gemessen wird inzwischen über Funk.",
    "Das spart jedem Haushalt einen Termin.",
)
GRID = (
    "We talk about the power grid today.",
    "The transformers were replaced last year.",
    "Smart meters will follow in every district.",
)


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add("Wärme", interview(*HEAT), collection="Energie", people=("Eva Brandt",))
    home.add("Wasser", interview(*WATER), collection="Wasser")
    home.add("Grid", interview(*GRID, language="en"), collection="Energie")
    home.publish()
    return home


@pytest.mark.parametrize("mode", MODES)
def test_the_first_hit_starts_at_the_sentence_that_answers(home: SearchHome, mode: Mode) -> None:
    hit = home.searcher().search("Wann werden Zähler getauscht?", mode=mode).hits[0]
    assert hit.recording.facts.title == "Wasser"
    assert hit.jump_ms == 10_000
    assert "Zähler" in [hit.text[begin:end] for begin, end in hit.highlights]


def test_a_question_in_english_finds_english_talk_among_german(home: SearchHome) -> None:
    hit = home.searcher().search("When were transformers replaced?").hits[0]
    assert (hit.recording.facts.title, hit.language, hit.jump_ms) == ("Grid", "en", 10_000)


def test_any_form_of_a_word_is_found(home: SearchHome) -> None:
    for query in ("Haus", "HÄUSER", "haeuser"):
        assert home.searcher().search(query, mode="words").hits[0].recording.facts.title == "Wärme"
    assert home.searcher().search("Bahnhofstrasse", mode="words").hits[0].jump_ms == 30_000


def test_the_beginning_of_a_compound_is_enough(home: SearchHome) -> None:
    assert home.searcher().search("Bahnhof", mode="words").hits[0].jump_ms == 30_000


def test_a_compound_is_found_by_its_last_part(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Physik", interview("Einstein hat das berechnet.", "So war es."))
    home.add("Bau", interview("Da liegt ein Stein im Weg.", "Mehr nicht."))
    home.add("Funk", interview("Der Funkwasserzähler meldet sich.", "Jede Nacht."))
    assert titles(home, "Zähler") == ["Funk"]
    assert titles(home, "Stein")[0] == "Bau"


def test_a_compound_is_found_where_its_parts_are_said(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Netz", interview("Der Ausbau des Wärmenetzes dauert.", "Das wissen alle."))
    home.add("Tür", interview("Die Haustür klemmt.", "Morgen kommt jemand."))
    assert titles(home, "Wärmenetzausbau") == ["Netz"]


def test_what_is_known_of_a_recording_is_found_and_weighs_in(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    for number, person in enumerate(("Eva Brandt", "Ole Sand", "Ida Lund")):
        talk = interview("Die Pumpe läuft jetzt rund um die Uhr.", "Das ist so.")
        home.add(f"Werk {number}", talk, people=(person,), collection=f"Technik {number}")
    assert titles(home, "Pumpe Sand")[0] == titles(home, "Sand")[0] == "Werk 1"
    assert titles(home, "Lund Pumpe")[0] == "Werk 2"
    assert titles(home, "Pumpe im Werk 0")[0] == "Werk 0"


def test_one_recording_does_not_fill_the_page_unless_asked(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    talk = [f"Die Pumpe Pumpe Nummer {number} pumpt." for number in range(8)]
    home.add("Pumpen", interview(*talk, seconds=30), ChunkParameters(12, 0))
    home.add("Wasser", interview("Eine Pumpe ist auch dabei.", "Sonst nichts."))
    found = titles(home, "Pumpe", limit=5)
    assert found == ["Pumpen"] * 3 + ["Wasser", "Pumpen"]
    hits = home.searcher().search("Pumpe", mode="words", limit=5, each=None).hits
    assert [hit.recording.facts.title for hit in hits] == ["Pumpen"] * 5


def test_words_that_differ_by_an_umlaut_are_told_apart(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    talk = ("Wir bauen neue Küchen ein.", "So ist das.", "Dazu gibt es frische Kuchen.")
    home.add("Haus", interview(*talk, seconds=30), ChunkParameters(60, 0))
    for query, second in (("Küchen", 0), ("Kuechen", 0), ("Kuchen", 60)):
        assert home.searcher().search(query, mode="words").hits[0].jump_ms == second * 1000


def test_words_that_differ_by_a_sharp_s_are_told_apart(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    talk = ("Die Buße war hoch.", "So ist das.", "Die Busse fahren wieder.")
    home.add("Stadt", interview(*talk, seconds=30), ChunkParameters(60, 0))
    for query, second in (("Buße", 0), ("Busse", 60)):
        assert home.searcher().search(query, mode="words").hits[0].jump_ms == second * 1000


def test_a_recording_whose_captions_name_no_language_is_found_by_its_own(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    said = interview("Der Funkzähler hängt im Keller.")
    segments = tuple(replace(one, language=None) for one in said.segments)
    home.add("Funk", replace(said, segments=segments))
    for language, found in (("de", ["Funk"]), ("en", [])):
        hits = home.searcher().search("Funkzähler", scope=Scope(language=language)).hits
        assert [hit.recording.facts.title for hit in hits] == found


def test_a_slip_is_mended_by_what_may_be_seen_alone_and_by_names(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add(
        "Offen", interview("Die Turbine läuft."), collection="offen", people=("Ida Strohbein",)
    )
    home.add("Geheim", interview("Die Turbime läuft."), collection="geheim")
    found = home.searcher().search("Turbime", mode="words", scope=Scope(collection="offen"))
    assert [hit.recording.facts.title for hit in found.hits] == ["Offen"]
    assert titles(home, "Strohbien") == ["Offen"]


def test_a_passage_without_sentences_is_found_by_meaning(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Netz", interview("Das Wärmenetz wächst."))
    with home.catalogue.write() as db:
        db.execute("UPDATE chunks SET sentences = '[]'")
    hits = home.searcher().search("Wärmenetz", mode="meaning").hits
    assert [hit.jump_ms for hit in hits] == [0]


def titles(home: SearchHome, query: str, limit: int = 10) -> list[str]:
    hits = home.searcher().search(query, mode="words", limit=limit).hits
    return [hit.recording.facts.title for hit in hits]


def test_nothing_found_is_an_empty_answer(home: SearchHome) -> None:
    found = home.searcher().search("Quittengelee", mode="words")
    assert (found.hits, found.degraded) == ((), ())


@pytest.mark.parametrize("mode", MODES)
def test_limits_hold_in_every_mode(home: SearchHome, mode: Mode) -> None:
    searcher = home.searcher()

    def titles(scope: Scope) -> set[str]:
        found = searcher.search("Wasser Zähler Häuser grid", mode=mode, scope=scope, limit=50)
        return {hit.recording.facts.title for hit in found.hits}

    assert titles(Scope(collection="Wasser")) == {"Wasser"}
    assert titles(Scope(language="en")) == {"Grid"}
    assert titles(Scope(person="brandt")) == {"Wärme"}
    assert titles(Scope(collection="nirgends")) == set()


@pytest.mark.parametrize("mode", MODES)
def test_a_removed_recording_vanishes_at_once(home: SearchHome, mode: Mode) -> None:
    searcher = home.searcher()
    gone = searcher.search("Zähler", mode=mode).hits[0].recording.id
    with home.catalogue.write() as db:
        chunks.drop_sets(db, gone)
    found = searcher.search("Zähler", mode=mode, limit=50).hits
    assert gone not in {hit.recording.id for hit in found}


@pytest.mark.parametrize("mode", MODES)
def test_a_new_recording_is_found_before_the_next_generation(home: SearchHome, mode: Mode) -> None:
    home.add("Neu", interview("Der Laubbläser ist verboten.", "Die Stadt fegt wieder."))
    found = home.searcher().search("Laubbläser", mode=mode)
    assert found.hits[0].recording.facts.title == "Neu"
    assert found.degraded == ()


def test_overlapping_hits_of_a_recording_are_one(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    talk = [f"Satz {number} über Pumpen und Wasser." for number in range(12)]
    home.add("Pumpen", interview(*talk), ChunkParameters(30, 12))
    hits = home.searcher().search("Pumpen", limit=50).hits
    spans = sorted((hit.start_ms, hit.end_ms) for hit in hits)
    assert len(spans) > 1
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_no_more_hits_than_asked_for(home: SearchHome) -> None:
    assert len(home.searcher().search("Wasser Häuser grid", limit=2).hits) == 2
    with pytest.raises(BadInput):
        home.searcher().search("Wasser", limit=0)


def test_words_need_no_text_model(home: SearchHome) -> None:
    embedder = BagOfStems()
    home.embedder = embedder
    assert home.searcher().search("Zähler", mode="words").hits
    assert embedder.asked == 0
    assert home.searcher(with_model=False).search("Zähler", mode="words").degraded == ()


def test_without_the_text_model_words_are_searched_and_it_is_said(home: SearchHome) -> None:
    found = home.searcher(with_model=False).search("Zähler")
    assert found.hits[0].recording.facts.title == "Wasser"
    for language in LANGUAGES:
        assert home.model.name in str(result_json(found, language)["degraded"])


def test_meaning_alone_without_the_text_model_is_an_error(home: SearchHome) -> None:
    with pytest.raises(Missing):
        home.searcher(with_model=False).search("Zähler", mode="meaning")


@pytest.mark.parametrize("damage", [b"", b"garbage"])
def test_a_damaged_index_of_a_small_collection_loses_nothing(
    home: SearchHome, damage: bytes
) -> None:
    sound = home.searcher().search("Zähler tauschen", mode="meaning", limit=50)
    files.files(home.index_dir)[-1].write_bytes(damage)
    found = home.searcher().search("Zähler tauschen", mode="meaning", limit=50)
    assert [hit.chunk_id for hit in found.hits] == [hit.chunk_id for hit in sound.hits]
    assert [notice.key for notice in found.degraded] == ["search.degraded.index_direct"]


def test_a_missing_index_of_a_large_collection_leaves_words(
    home: SearchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.files(home.index_dir)[-1].unlink()
    monkeypatch.setattr(nearest, "LONGEST_TAIL", 1)
    found = home.searcher().search("Zähler")
    assert found.hits[0].recording.facts.title == "Wasser"
    assert [notice.key for notice in found.degraded] == ["search.degraded.index"]
    with pytest.raises(InterviewsError) as raised:
        home.searcher().search("Zähler", mode="meaning")
    assert raised.value.key == "index.damaged"


def test_an_index_far_behind_is_said(home: SearchHome, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        home.add(f"Neu {number}", interview(f"Beitrag {number} zum Laub."))
    monkeypatch.setattr(meaning, "LONGEST_TAIL", 1)
    found = home.searcher().search("Laub")
    assert [notice.said("en") for notice in found.degraded] == [
        'The index is behind: 2 new passages could be found by words only ("interviews index'
        ' build" takes them in).'
    ]


def test_an_empty_catalogue_answers_with_nothing(tmp_path: Path) -> None:
    for mode in MODES:
        found = SearchHome(tmp_path / mode).searcher().search("Wasser", mode=mode)
        assert (found.hits, found.degraded) == ((), ())


@pytest.mark.parametrize(
    "query",
    [
        '"', "a OR", "NEAR(a b, 5)", "words:x", "- wasser", "wass*", "a AND (", "{x}:", "^x",
        "\x00wasser\x1f", "wie ist das", "مياه الشرب", "水道管の交換", "wasser " * 10_000,
        " ".join(f"wort{number}" for number in range(10_000)), "x" * 100_000, "Straße™ ½ ²",
    ],
)  # fmt: skip
def test_any_query_gets_an_answer(home: SearchHome, query: str) -> None:
    for mode in MODES:
        if query == '"':
            with pytest.raises(BadInput) as raised:
                home.searcher().search(query, mode=mode)
            assert raised.value.key == "search.empty_query"
        else:
            assert home.searcher().search(query, mode=mode).query == query


@pytest.mark.parametrize("query", ["", "  \n", "🙂🚰", "?!", "\x07"])
def test_a_query_without_words_is_refused_plainly(home: SearchHome, query: str) -> None:
    with pytest.raises(BadInput) as raised:
        home.searcher().search(query)
    assert raised.value.key == "search.empty_query"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60))
def test_no_text_breaks_the_search(home: SearchHome, query: str) -> None:
    with suppress(BadInput):
        assert home.searcher().search(query, mode="words").query == query


def test_the_same_search_gives_the_same_answer(home: SearchHome) -> None:
    first, second = (home.searcher().search("Wasser Häuser").hits for _ in range(2))
    assert first == second


def test_the_json_is_the_contract(home: SearchHome) -> None:
    answer = result_json(home.searcher().search("vierzig Häuser", limit=1), "de")
    assert list(answer) == ["query", "mode", "degraded", "took_ms", "hits"]
    (hit,) = json.loads(json.dumps(answer))["hits"]
    assert list(hit) == [
        "rank", "recording", "title", "language", "collection", "speaker", "start", "end", "jump",
        "text", "highlights", "score", "media", "url",
    ]  # fmt: skip
    assert (hit["start"], hit["end"], hit["jump"]) == (0.0, 50.0, 20.0)
    assert (hit["title"], hit["collection"], hit["speaker"]) == ("Wärme", "Energie", None)
    assert hit["url"] == f"/r/{hit['recording']}?t=20.0"
    assert [hit["text"][begin:end] for begin, end in hit["highlights"]] == ["vierzig", "Häuser"]
    assert answer["degraded"] is None


def test_what_is_played_ends_before_a_withheld_stretch(home: SearchHome) -> None:
    hit = home.searcher().search("Wann werden Zähler getauscht?").hits[0]
    media = Media("/media/wasser gestern.mp4", 1, 1, None, False)
    hit = replace(hit, jump_ms=9_740, recording=replace(hit.recording, media=media))
    begin, path = "ffplay -autoexit -ss 9.74", "'/media/wasser gestern.mp4'"
    past, ahead, later = Span(0, 9_740), Span(12_000, 13_000), Span(20_000, 30_000)
    assert play_command(hit, []) == f"{begin} {path}"
    assert play_command(hit, [past]) == f"{begin} {path}"
    assert play_command(hit, [past, later, ahead]) == f"{begin} -t 2.26 {path}"
    assert play_command(hit, [Span(9_000, 9_741), later]) is None
    assert play_command(hit, [Span(9_740, 9_800)]) is None
    assert play_command(replace(hit, recording=replace(hit.recording, media=None)), []) is None


def test_a_search_says_how_to_play_what_is_not_withheld(
    interviews: Interviews, tmp_path: Path
) -> None:
    captions = tmp_path / "talk.vtt"
    captions.write_text(
        "WEBVTT\n\n00:00.000 --> 00:04.000\nDie Stadtwerke bauen ein Netz.\n\n"
        "00:04.500 --> 00:09.000\nDas Gateway hängt am Kirchturm.\n",
        encoding="utf-8",
    )
    added = interviews("add", SAMPLES / "lorawan.mp4", "--transcript", captions, "--json").json
    interviews("run")
    assert "ffplay -autoexit -ss 0.0 /" in interviews("search", "Stadtwerke Netz").out
    interviews("withhold", added["recordings"][0]["id"], "--from", "4.5", "--to", "9")
    assert "ffplay -autoexit -ss 0.0 -t 4.5 /" in interviews("search", "Stadtwerke Netz").out


def test_how_many_hits_a_recording_may_have_before_others_is_for_the_member_to_say(
    interviews: Interviews, tmp_path: Path
) -> None:
    many = "".join(
        f"\n0{minute}:00.000 --> 0{minute}:50.000\n{'Die Pumpe pumpt und pumpt. ' * 12}\n"
        for minute in range(6)
    )
    one = "\n00:00.000 --> 00:04.000\nEine Pumpe ist auch dabei, neben vielem anderen hier.\n"
    for name, cues in (("Pumpwerk", many), ("Klärwerk", one)):
        (tmp_path / f"{name}.vtt").write_text(f"WEBVTT\n{cues}", encoding="utf-8")
        interviews("add", tmp_path / f"{name}.vtt")
    interviews("run")

    def titles(*options: str) -> list[str]:
        found = interviews("search", "Pumpe", "--mode", "words", "--limit", "5", "--json", *options)
        return [hit["title"] for hit in found.json["hits"]]

    def before_others(count: int) -> list[str]:
        return ["Pumpwerk"] * count + ["Klärwerk"] + ["Pumpwerk"] * (4 - count)

    assert titles() == titles("--each", "3") == before_others(3)
    assert titles("--each", "1") == before_others(1)
    assert titles("--each", "0") == ["Pumpwerk"] * 5
    assert interviews("search", "Pumpe", "--each", "-1", check=False).code == 2
