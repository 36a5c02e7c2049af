"""Chapters: where topics begin, how they are called, and that nothing withheld is in them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import Embedder
from models.load import load_embedder, resolve
from pipeline.catalog import chapters as stored
from pipeline.catalog import transcripts as results
from pipeline.catalog.connection import open_catalogue
from pipeline.catalog.transcripts import StageResult
from pipeline.formats.transcripts import parse_transcript
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.correcting import correct
from pipeline.run.execute import run
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.search.telling import telling_words
from pipeline.settings import Settings
from pipeline.stages.chapters import ChapterParameters, Passage, chapters
from pipeline.stages.chunk import ChunkParameters, chunk
from pipeline.stages.embed import encoded_string
from pipeline.stages.sentences import split_sentences
from pipeline.stages.titles import MOST, NOTHING
from pipeline.values import Chapter, Recording, Segment, Span, Transcript
from tests.conftest import SAMPLES, Interviews
from tests.gold_set import Interview
from tests.gold_set import interviews as written

BOUNDS = ChapterParameters()
AWAY = {"INTERVIEWS_TEXT_MODEL": "/nowhere"}
TALKS = written()

OPENINGS = {
    "buergerwindpark-haselbruenn": [5, 13, 23, 35, 41, 50, 55],
    "lorawan-water-meters": [7, 13, 18, 23, 34],
    "holzheizkraftwerk-grevenloh": [11, 16, 29, 34, 39, 43, 55],
    "smart-street-lighting": [9, 16, 20, 26, 37, 47, 52],
    "gasnetz-rechnung-moorstade": [9, 19, 23, 36, 39, 52],
    "open-source-im-stadtwerk": [4, 11, 21, 26, 33, 38, 43, 49, 54, 59],
    "data-spaces-for-utilities": [12, 16, 23, 32, 39],
}
"""Lines in which the interviewer opens a new topic, in interviews that were not tuned on."""


def parsed(talk: Interview, *, named: bool = True) -> Transcript:
    transcript = parse_transcript(talk.captions.encode(), "x.vtt")
    language = talk.facts["language"]
    segments = tuple(
        replace(one, language=language, speaker=one.speaker if named else None)
        for one in transcript.segments
    )
    return replace(transcript, language=language, segments=segments)


def parted(
    transcript: Transcript, passages: Sequence[Passage] = (), people: Sequence[str] = ()
) -> tuple[Chapter, ...]:
    return chapters(transcript, passages, people, telling_words, BOUNDS)


def passages_of(transcript: Transcript, embedder: Embedder) -> list[Passage]:
    made = chunk(transcript, ChunkParameters(160, 40), embedder.count_tokens)
    vectors = embedder.encode_passages([encoded_string(one, "") for one in made])
    spans = [Span(one.start_ms, one.end_ms) for one in made]
    return list(zip(spans, vectors, strict=True))


# --- where they begin --------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_most_chapters_begin_where_the_interviewer_opens_a_topic(named: bool) -> None:
    entry = resolve("text", "bundled-text-de-en", Path("none"))
    embedder = load_embedder(entry, Path("none"), device="cpu", threads=1)
    right = count = 0
    for slug, lines in OPENINGS.items():
        talk = TALKS[slug]
        transcript = parsed(talk, named=named)
        made = parted(transcript, passages_of(transcript, embedder))
        opened = [talk.lines[line].start_ms for line in lines]
        # Without names a statement before the question is not known to belong to it.
        near_ms = 1_500 if named else 5_000
        right += sum(any(abs(c.start_ms - o) <= near_ms for o in opened) for c in made[1:])
        count += len(made) - 1
    assert count >= 20
    assert right / count >= 0.75


def test_where_nobody_asks_a_chapter_begins_where_other_things_are_meant() -> None:
    """Sixty sentences of five seconds; what is meant changes after two fifths of them."""
    segments = tuple(
        Segment(n * 5_000, n * 5_000 + 4_700, f"Satz {n} sagt etwas.", "de") for n in range(60)
    )
    first, second = np.eye(2, dtype=np.float32)
    turn_ms = 24 * 5_000
    passages = [
        (Span(at, at + 40_000), first if at < turn_ms else second)
        for at in range(0, 300_000, 40_000)
    ]
    bounds = replace(BOUNDS, longest_ms=200_000)
    made = chapters(Transcript("de", 300_000, segments), passages, (), telling_words, bounds)
    assert [one.start_ms for one in made] == [0, turn_ms]


LETTERS = st.text("abcdefghijklmnopqrstuvwxyzäöüßABCDEF-", min_size=1, max_size=12)
SENTENCES = st.lists(LETTERS, min_size=1, max_size=10).map(" ".join)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    segments: list[Segment] = []
    now = draw(st.integers(0, 20_000))
    for _ in range(draw(st.integers(0, 40))):
        text = draw(SENTENCES) + draw(st.sampled_from([".", "?", "", "!"]))
        length = draw(st.sampled_from([500, 4_000, 12_000, 45_000]))
        speaker = draw(st.sampled_from([None, "Anna Weber", "Tom"]))
        language = draw(st.sampled_from(["de", "en", None]))
        segments.append(Segment(now, now + length, text, language, speaker))
        now += length + draw(st.sampled_from([0, 300, 2_000, 60_000, 600_000]))
    return Transcript("de", now + draw(st.integers(0, 100_000)), tuple(segments))


@given(transcripts(), st.lists(st.integers(0, 3_000_000), max_size=30))
def test_chapters_cover_the_whole_in_order_within_their_bounds(
    transcript: Transcript, begins: list[int]
) -> None:
    directions = np.eye(3, dtype=np.float32)
    passages = [(Span(at, at + 40_000), directions[at % 3]) for at in sorted(begins)]
    made = parted(transcript, passages)
    assert made == parted(transcript, passages)
    sentences = split_sentences(transcript)
    if transcript.duration_ms < BOUNDS.least_ms or not sentences:
        assert made == ()
        return
    assert made[0].start_ms == 0
    assert made[-1].end_ms == transcript.duration_ms
    assert all(a.end_ms == b.start_ms for a, b in pairwise(made))
    starts = {sentence.start_ms for sentence in sentences}
    assert {one.start_ms for one in made[1:]} <= starts
    for one in made:
        assert one.end_ms - one.start_ms >= BOUNDS.shortest_ms
        if one.end_ms - one.start_ms > BOUNDS.longest_ms:
            first, last = one.start_ms + BOUNDS.shortest_ms, one.end_ms - BOUNDS.shortest_ms
            assert not any(first <= start <= last for start in starts)


# --- titles ------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """A title begins with a capital, whatever its word does where it is said."""
    return re.findall(r"[^\W_]+", text.casefold())


@given(transcripts())
def test_titles_hold_words_of_their_chapter_only(transcript: Transcript) -> None:
    sentences = split_sentences(transcript)
    for one in parted(transcript):
        own = [s.text for s in sentences if one.start_ms <= s.start_ms < one.end_ms]
        if one.start_ms == 0:
            own += [s.text for s in sentences if s.start_ms < one.end_ms]
        assert set(words(one.title)) <= {word for text in own for word in words(text)}
        assert one.title == NOTHING or 1 <= len(re.split(r",? ", one.title)) <= MOST
        if " " in one.title:
            assert one.title not in {text.strip(" .?!") for text in own}


def test_titles_tell_what_a_chapter_is_about() -> None:
    made = parted(parsed(TALKS["abwasserwaerme-hallerfurt"]))
    assert "Bakterien" in made[1].title
    assert "Feuchttücher" in made[2].title
    everything = " ".join(one.title for one in made)
    assert "Kalthoff" not in everything and "Miriam" not in everything


@pytest.mark.parametrize("slug", sorted(TALKS))
def test_every_chapter_of_a_real_talk_has_a_title_of_a_few_words(slug: str) -> None:
    for one in parted(parsed(TALKS[slug])):
        assert one.title != NOTHING
        assert len(re.split(r",? ", one.title)) <= MOST


def test_a_title_is_spelt_as_it_is_mostly_said() -> None:
    said = [
        "Das LoRaWAN-Netz reicht weit.",
        "Wir bauen am LoRaWAN-Netz noch.",
        "Ein Lorawan-netz ist das.",
    ]
    segments = tuple(
        Segment(n * 35_000, n * 35_000 + 30_000, text, "de") for n, text in enumerate(said)
    )
    (one,) = parted(Transcript("de", 105_000, segments))
    assert "LoRaWAN-Netz" in one.title


def said(language: str, *lines: str) -> Transcript:
    """A recording of one chapter."""
    segments = tuple(
        Segment(n * 35_000, n * 35_000 + 30_000, line, language) for n, line in enumerate(lines)
    )
    return Transcript(language, len(lines) * 35_000, segments)


def test_names_of_those_who_are_spoken_to_are_in_no_title() -> None:
    """Nobody is named as a speaker: the recording was recognised."""
    (one,) = parted(
        said(
            "de",
            "Herr Kalthoff, wie heizt das Abwasser das Hallenbad?",
            "Kalthoff ist mein Name, und das Abwasser ist warm, Frau Doktor Strackbein.",
            "Danke, Herr Kalthoff. Und wer ist Strackbein, Herr Kalthoff?",
        )
    )
    assert one.title == "Abwasser, Hallenbad"
    (one,) = parted(
        said("de", "herr kalthoff das abwasser", "herr kalthoff das hallenbad", "herr kalthoff")
    )
    assert one.title == "Abwasser, hallenbad"


def test_an_english_title_is_made_of_nouns() -> None:
    (one,) = parted(
        said(
            "en",
            "So how did people react to the valves when pressure dropped?",
            "They react slowly, and the pressure dropped again, but they react.",
            "Nobody imagined the valves to react, and who dropped the pressure?",
        )
    )
    assert one.title == "Valves, pressure"


def test_words_of_one_breath_are_spelt_as_there() -> None:
    (one,) = parted(
        said(
            "en",
            "What did the Data Act change about data?",
            "Much data is shared by the act.",
            "The data is ours, the Data Act says, and data stays.",
        )
    )
    assert one.title == "Data Act"


def test_a_short_recording_has_no_chapters() -> None:
    talk = parsed(TALKS["abwasserwaerme-hallerfurt"])
    kept = tuple(one for one in talk.segments if one.end_ms < 89_000)
    assert parted(replace(talk, duration_ms=89_000, segments=kept)) == ()


# --- the whole system --------------------------------------------------------------------------


@pytest.fixture
def talk(interviews: Interviews, tmp_path: Path) -> str:
    """The id of a worked interview of three and a half minutes."""
    add(interviews, tmp_path, "abwasserwaerme-hallerfurt")
    interviews("run")
    return str(interviews("status", "--json").json["recordings"][0]["id"])


def add(interviews: Interviews, folder: Path, slug: str) -> None:
    path = folder / f"{slug}.vtt"
    path.write_text(TALKS[slug].captions, encoding="utf-8")
    title, language = TALKS[slug].facts["title"], TALKS[slug].facts["language"]
    interviews("add", path, "--title", title, "--language", language)


def shown(interviews: Interviews, recording: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = interviews("show", recording, "--json").json["chapters"]
    return found


def titles(interviews: Interviews, recording: str) -> str:
    return " ".join(str(one["title"]) for one in shown(interviews, recording))


def rows(home: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return db.execute("SELECT * FROM chapters ORDER BY 1, 2").fetchall()


def test_chapters_are_shown_and_exported(interviews: Interviews, talk: str) -> None:
    made = shown(interviews, talk)
    assert len(made) >= 3
    assert made[0]["start"] == 0
    lines = interviews("show", talk).out
    assert f"  {made[1]['title']}\n" in lines
    captions = interviews("export", talk, "--format", "chapters").out
    cues = parse_transcript(captions.encode(), "x.vtt").segments
    assert [(c.start_ms / 1000, c.text) for c in cues] == [(m["start"], m["title"]) for m in made]
    markdown = interviews("export", talk, "--format", "md").out
    assert re.findall(r"^## (.*)$", markdown, re.M) == [one["title"] for one in made]
    exported = json.loads(interviews("export", talk, "--format", "json").out)
    assert exported["chapters"] == made


@pytest.mark.parametrize("form", ["json", "md"])
def test_an_export_with_chapters_comes_back_as_the_same_transcript(
    interviews: Interviews, talk: str, tmp_path: Path, form: str
) -> None:
    first = interviews("export", talk, "--format", form).out
    segments = interviews("show", talk, "--json").json["segments"]
    read = parse_transcript(first.encode(), f"again.{form}").segments
    assert [(s.text, s.speaker, s.start_ms / 1000) for s in read] == [
        (s["text"], s["speaker"], s["start"]) for s in segments
    ]
    (tmp_path / f"again.{form}").write_text(first, encoding="utf-8")
    handed = interviews("correct", talk, "--from", tmp_path / f"again.{form}", "--json").json
    assert handed["corrections"] == []


def test_a_folder_of_chapters_is_named_as_what_it_is(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    interviews("export", talk, "--format", "chapters", "--output", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{talk}.chapters.vtt"]


def test_a_second_run_makes_no_chapters(interviews: Interviews, talk: str) -> None:
    before = rows(interviews.home)
    assert interviews("run", "--dry-run", "--json").json["work"] == []
    interviews("run")
    assert rows(interviews.home) == before


def test_chapters_that_are_stale_or_asked_for_are_made_again(
    interviews: Interviews, talk: str
) -> None:
    before = rows(interviews.home)
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        db.execute("UPDATE chapters SET title = 'x'")
        db.commit()
    plan = interviews("run", "--dry-run", "--again", "chapters", talk, "--json").json["work"]
    assert [one["stages"] for one in plan] == [["chapters"]]
    interviews("run", "--again", "chapters", talk)
    assert rows(interviews.home) == before
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        db.execute("UPDATE chapters SET title = 'x'")
        db.execute("UPDATE results SET fingerprint = 'older' WHERE stage = 'chapters'")
        db.commit()
    interviews("nightly")
    assert rows(interviews.home) == before


def test_a_correction_changes_the_title_at_once(interviews: Interviews, talk: str) -> None:
    assert "Feuchttücher" in titles(interviews, talk)
    interviews("replace", "Feuchttücher", "Hygienetücher")
    assert "Feuchttücher" not in titles(interviews, talk)
    assert "Hygienetücher" in titles(interviews, talk)
    interviews("replace", "--undo", "1")
    assert "Feuchttücher" in titles(interviews, talk)


def test_a_correction_while_chapters_are_made_is_searched_after_the_run(
    interviews: Interviews, talk: str
) -> None:
    context = Context(open_home(interviews.home), Settings())
    with context.catalogue() as catalogue, catalogue.write() as db:
        results.forget_results(db, talk, ("chapters",))

    class Correcting(Silent):
        def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None:
            assert stages == ("chapters",)
            with context.catalogue() as catalogue:
                correct(catalogue, talk, 113_000, "Sielhaut", "Zwiebelhaut", "Anna")

    run(context, RunOptions(engine="inline"), Correcting())
    assert "Zwiebelhaut" in titles(interviews, talk)
    assert interviews("search", "Zwiebelhaut", "--mode", "words", "--json").json["hits"]
    assert interviews("run", "--dry-run", "--json").json["work"] == []


def test_people_that_are_named_later_leave_the_titles(
    interviews: Interviews, tmp_path: Path
) -> None:
    """They are spoken of without "Herr" or "Frau", and nobody is named as a speaker."""
    lines = [f"Alma sagt, das Netz wächst um {n} Meter." for n in range(30)]
    cues = [
        f"0{n // 10}:{n % 10 * 6:02}.000 --> 0{n // 10}:{n % 10 * 6 + 5:02}.000\n{x}\n"
        for n, x in enumerate(lines)
    ]
    (tmp_path / "x.vtt").write_text("\n".join(("WEBVTT\n", *cues)), encoding="utf-8")
    recording = interviews("add", tmp_path / "x.vtt", "--json").json["recordings"][0]["id"]
    interviews("run")
    assert "Alma" in titles(interviews, recording)
    interviews("set", recording, "--people", "Alma Ziegler")
    interviews("run")
    assert "Alma" not in titles(interviews, recording)
    assert "Netz" in titles(interviews, recording)


def test_chapters_of_another_transcript_are_not_shown(
    interviews: Interviews, tmp_path: Path
) -> None:
    """And the other one's are made in its language, which captions do not name."""
    media, captions = SAMPLES / "lorawan.mp4", tmp_path / "talk.vtt"
    for slug in ("abwasserwaerme-hallerfurt", "lorawan-water-meters"):
        captions.write_text(TALKS[slug].captions, encoding="utf-8")
        interviews("add", media, "--transcript", captions)
        recording = str(interviews("status", "--json").json["recordings"][0]["id"])
        assert shown(interviews, recording) == []
        interviews("run")
    assert "LoRaWAN" in titles(interviews, recording)
    assert "definitely" not in titles(interviews, recording)


def test_chapters_of_a_text_that_was_changed_are_not_shown(
    interviews: Interviews, talk: str
) -> None:
    """The text model is away, so the change stands and its chapters wait."""
    interviews("replace", "Feuchttücher", "Hygienetücher", check=False, **AWAY)
    assert "Hygienetücher" in interviews("export", talk, "--format", "txt").out
    assert shown(interviews, talk) == []
    interviews("run")
    assert "Hygienetücher" in titles(interviews, talk)


def test_withheld_words_are_in_no_title(interviews: Interviews, talk: str) -> None:
    """Nor is one there before new chapters are made."""
    assert "Feuchttücher" in titles(interviews, talk)
    at = ("--from", "1:49", "--to", "2:28")
    interviews("withhold", talk, *at, check=False, **AWAY)
    assert rows(interviews.home) == []
    assert shown(interviews, talk) == []
    interviews("run")
    made = titles(interviews, talk)
    assert made and "Feuchttücher" not in made and "Sielhaut" not in made
    assert "Feuchttücher" not in repr(rows(interviews.home))
    for form in ("chapters", "md", "json"):
        assert "Feuchttücher" not in interviews("export", talk, "--format", form).out
    interviews("withhold", talk, "--undo", "1")
    assert "Feuchttücher" in titles(interviews, talk)


def test_withheld_words_come_back_in_no_title_with_a_backup(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("backup", tmp_path / "before.db")
    interviews("withhold", talk, "--from", "1:49", "--to", "2:28")
    interviews("restore", tmp_path / "before.db", **AWAY)
    assert "Feuchttücher" not in repr(rows(interviews.home))
    interviews("run")
    assert "Feuchttücher" not in titles(interviews, talk)


def test_a_removed_recording_leaves_no_chapters(interviews: Interviews, talk: str) -> None:
    backup = interviews.home / "backups" / "mine.db"
    backup.parent.mkdir(exist_ok=True)
    interviews("backup", backup)
    interviews("run", "--again", "chapters", talk)
    interviews("nightly")
    interviews("remove", talk, "--yes")
    assert rows(interviews.home) == []
    for path in interviews.home.rglob("*"):
        if path.is_file():
            assert "Feuchttücher".encode() not in path.read_bytes(), path


def test_chapters_are_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "catalogue.db") as catalogue:
        with catalogue.write() as db:
            db.execute(
                "INSERT INTO recordings (id, title, language, added_ms) VALUES"
                " ('aaaaaaaaaaaa', 't', 'de', 1)"
            )
        one, result = Chapter(0, 50_000, "Netz"), StageResult("f", "d")
        with catalogue.write() as db:
            stored.store(db, "aaaaaaaaaaaa", [one], result, took_ms=1)
        with suppress(ZeroDivisionError), catalogue.write() as db:
            stored.store(db, "aaaaaaaaaaaa", [], replace(result, digest="e"), took_ms=1)
            raise ZeroDivisionError
        with catalogue.read() as db:
            assert len(db.execute("SELECT * FROM chapters").fetchall()) == 1
            digest = db.execute("SELECT digest FROM results WHERE stage = 'chapters'").fetchone()
    assert tuple(digest) == ("d",)
    assert rows(tmp_path) == [("aaaaaaaaaaaa", 0, 0, 50_000, "Netz")]


# --- related moments ---------------------------------------------------------------------------


def test_related_moments_are_elsewhere_and_need_no_text_model(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    others = ("flusswaermepumpe-ostermuende", "bibliothek-der-dinge-tiefenrode")
    for slug in others:
        add(interviews, tmp_path, slug)
    interviews("run")
    found = interviews("show", talk, "--related", "--at", "0:40", "--json", **AWAY).json["related"]
    assert len(found) == 5
    order = [one["recording"] == talk for one in found]
    assert order == sorted(order) and not order[0]
    assert found[0]["title"] == TALKS[others[0]].facts["title"]
    lines = {line.text for other in TALKS.values() for line in other.lines}
    for one in found:
        assert one["text"] in lines
        assert one["start"] <= one["jump"] + 0.3 <= one["end"] + 0.3
    said = interviews("show", talk, "--related", "--at", "0:40").out
    assert found[0]["text"] in said and found[0]["title"] in said
    first = interviews("show", talk, "--related", "--json").json["related"]
    assert first == interviews("show", talk, "--related", "--at", "0", "--json").json["related"]


def test_withheld_words_are_in_no_related_moment(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    """Neither those of the moment nor those near it, even before passages are made anew."""
    add(interviews, tmp_path, "flusswaermepumpe-ostermuende")
    interviews("run")
    at = ("--related", "--at", "0:40", "--json")
    first = interviews("show", talk, *at).json["related"][0]
    span = ("--from", str(first["start"]), "--to", str(first["end"]))
    interviews("withhold", first["recording"], *span, check=False, **AWAY)
    interviews("withhold", talk, "--from", "1:49", "--to", "2:28", check=False, **AWAY)
    for environment in (AWAY, {}):
        out = interviews("show", talk, *at, **environment).json["related"]
        assert out and first["text"] not in {one["text"] for one in out}
        hidden = interviews("show", talk, "--related", "--at", "2:00", "--json", **environment)
        assert "Feuchttücher" not in repr(hidden.json["related"])
        interviews("run", check=False, **environment)


def test_a_lonely_moment_has_no_relatives(interviews: Interviews, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text(
        "[00:00:00.000 – 00:00:04.000] Das Netz im Hafen wächst.\n", encoding="utf-8"
    )
    (tmp_path / "x.vtt").write_text(
        "WEBVTT\n\n00:00.000 --> 00:04.000\nDas Netz im Hafen wächst.\n", encoding="utf-8"
    )
    interviews("add", tmp_path / "x.vtt")
    only = interviews("status", "--json").json["recordings"][0]["id"]
    interviews("run")
    assert interviews("show", only, "--related", "--json").json["related"] == []
    assert "No moment elsewhere" in interviews("show", only, "--related").out
    assert interviews("show", only, "--json").json["chapters"] == []
