"""The whole job, as staff and members do it: the real command line, real models, real media."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import jiwer
import pytest

from pipeline.cli.main import cli
from tests.conftest import SAMPLES, Interviews

QUESTIONS = [
    json.loads(line)
    for line in (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]


def words(segments: list[dict[str, str]]) -> str:
    joined = " ".join(segment["text"] for segment in segments).lower().replace("-", " ")
    return " ".join("".join(c for c in joined if c.isalnum() or c.isspace()).split())


@pytest.fixture(scope="module")
def answers(_worked_home: Path) -> dict[str, dict[str, object]]:
    """The first hit for each planted question, asked through one search process a question."""
    from pipeline.catalog.scope import Scope
    from pipeline.home import open_home
    from pipeline.run.context import Context
    from pipeline.search.results import hit_json
    from pipeline.search.search import Searcher
    from pipeline.settings import Settings

    context = Context(open_home(_worked_home), Settings())
    with context.catalogue() as catalogue:
        searcher = Searcher(catalogue, context.home.index, context.embedder_for)
        found = {}
        for question in QUESTIONS:
            result = searcher.search(question["query"], mode="hybrid", scope=Scope(), limit=5)
            assert not result.degraded
            found[question["query"]] = hit_json(result.hits[0])
    return found


@pytest.mark.parametrize("query", list(dict.fromkeys(str(one["query"]) for one in QUESTIONS)))
def test_a_planted_question_lands_on_its_answer(
    query: str, answers: dict[str, dict[str, object]]
) -> None:
    hit = answers[query]
    right = [one for one in QUESTIONS if one["query"] == query]
    said = {str(one["recording"]): one["sent_start"] for one in right}
    assert hit["title"] in said
    assert hit["jump"] == pytest.approx(said[str(hit["title"])], abs=3.0)


@pytest.mark.parametrize("name", [path.stem for path in sorted(SAMPLES.glob("*.mp4"))])
def test_a_sample_interview_is_understood(
    name: str, worked: Interviews, ids: dict[str, str]
) -> None:
    reference = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    heard = worked("show", ids[name], "--json").json
    error_rate = jiwer.wer(words(reference["segments"]), words(heard["segments"]))
    assert error_rate < 0.15
    assert heard["duration"] == pytest.approx(reference["duration"], abs=0.5)
    assert not heard.get("gaps")


def test_the_interview_that_switches_is_heard_in_both_languages(
    worked: Interviews, ids: dict[str, str]
) -> None:
    segments = worked("show", ids["buergerbeteiligung"], "--json").json["segments"]
    assert {segment["language"] for segment in segments} == {"de", "en"}


def test_search_speaks_the_contract(worked: Interviews) -> None:
    found = worked("search", "Kraftwerk am Rathaus", "--json", "--limit", "2").json
    assert found["query"] == "Kraftwerk am Rathaus"
    assert found["mode"] == "hybrid"
    assert found["degraded"] is None
    assert found["took_ms"] > 0
    hit = found["hits"][0]
    assert set(hit) == {
        "rank", "recording", "title", "language", "collection", "speaker", "start", "end", "jump",
        "text", "highlights", "score", "media", "url",
    }  # fmt: skip
    assert hit["rank"] == 1
    assert hit["start"] <= hit["jump"] + 1 <= hit["end"] + 1
    assert hit["url"] == f"/r/{hit['recording']}?t={hit['jump']}"
    assert any(
        hit["text"][begin:end].lower().startswith("kraftwerk") for begin, end in hit["highlights"]
    )


def test_status_speaks_the_contract(worked: Interviews) -> None:
    status = worked("status", "--json").json
    assert status["counts"] == {"queued": 0, "running": 0, "done": 4, "failed": 0, "cancelled": 0}
    assert status["index"]["behind"] == 0
    assert status["index"]["generation"] >= 1
    for recording in status["recordings"]:
        assert {
            "id",
            "title",
            "state",
            "stage",
            "progress",
            "duration",
            "attempts",
            "error",
        } <= set(recording)


def test_a_second_run_does_nothing(worked: Interviews) -> None:
    before = rows(worked.home, "SELECT recording_id, stage, made_ms FROM results")
    report = worked("run", "--json").json
    assert report == {
        "done": [],
        "failed": [],
        "stopped": False,
        "generation": None,
        "media": [],
    }
    assert rows(worked.home, "SELECT recording_id, stage, made_ms FROM results") == before


def test_another_chunk_size_redoes_chunks_and_not_recognition(worked: Interviews) -> None:
    made = rows(worked.home, "SELECT recording_id, made_ms FROM results WHERE stage = 'transcribe'")
    before = rows(worked.home, "SELECT count(*) FROM chunks")
    report = worked("run", "--json", INTERVIEWS_CHUNK_SIZE="40", INTERVIEWS_CHUNK_OVERLAP="8").json
    assert len(report["done"]) == 4
    after = rows(
        worked.home, "SELECT recording_id, made_ms FROM results WHERE stage = 'transcribe'"
    )
    assert after == made
    assert rows(worked.home, "SELECT count(*) FROM chunks")[0][0] > before[0][0]


def test_another_speech_model_redoes_everything(worked: Interviews, tmp_path: Path) -> None:
    other = tmp_path / "models" / "our-whisper"
    bundled = Path(__file__).parent.parent / "models" / "bundled" / "whisper-de-en"
    shutil.copytree(bundled, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config, indent=1))
    plan = worked("run", "--dry-run", "--json", INTERVIEWS_SPEECH_MODEL=str(other)).json
    every = ["transcribe", "chunk", "embed", "chapters"]
    assert [work["stages"] for work in plan["work"]] == [every] * 4
    assert worked("run", "--dry-run", "--json").json["work"] == []


def test_again_redoes_what_is_asked_for_and_only_that(
    worked: Interviews, ids: dict[str, str]
) -> None:
    chosen = ids["lorawan"]
    plan = worked("run", "--again", "chunk", chosen, "--json").json
    assert plan["done"] == [chosen]


def test_an_export_comes_back_as_the_same_transcript(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    exported = tmp_path / "exported.json"
    worked("export", ids["lorawan"], "--format", "json", "--output", exported)
    added = worked("add", exported, "--json").json["recordings"][0]
    again = worked("show", added["id"], "--json").json
    original = worked("show", ids["lorawan"], "--json").json
    assert again["segments"] == original["segments"]


@pytest.mark.parametrize("form", ["vtt", "srt", "txt", "md", "json", "csv"])
def test_every_format_is_written(
    form: str, worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    worked("export", *ids.values(), "--format", form, "--output", folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{one}.{form}" for one in ids.values()
    )
    assert all(path.read_text(encoding="utf-8").strip() for path in folder.iterdir())


def test_a_new_recording_is_found_before_the_index_holds_it(
    worked: Interviews, tmp_path: Path
) -> None:
    captions = tmp_path / "wasser.vtt"
    captions.write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\nDas Hochbehälterprojekt am Kirchberg beginnt.\n",
        encoding="utf-8",
    )
    worked("add", captions)
    worked("run")
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as db, db:
        db.execute(
            "UPDATE generations SET newest_chunk = newest_chunk - 1, chunks = chunks - 1"
            " WHERE state = 'published'"
        )
    for mode in ("words", "meaning", "hybrid"):
        found = worked("search", "Hochbehälterprojekt", "--mode", mode, "--json").json
        assert found["hits"][0]["title"] == "wasser"


def test_a_filter_acts_before_ranking(worked: Interviews, ids: dict[str, str]) -> None:
    worked("set", ids["lorawan"], "--collection", "Funk", "--people", "Anna Weber; Thomas Klein")
    for arguments in (["--collection", "Funk"], ["--person", "Thomas Klein"]):
        found = worked("search", "Fernwärme", "--json", *arguments).json
        assert {hit["recording"] for hit in found["hits"]} == {ids["lorawan"]}


def test_rolling_back_and_building_the_index(worked: Interviews) -> None:
    worked("index", "build")
    now = worked("index", "info", "--json").json
    worked("index", "rollback")
    assert worked("index", "info", "--json").json["published"]["id"] == now["previous"]["id"]
    assert worked("index", "check", "--json").json["sound"] is True


def test_a_damaged_generation_is_not_rolled_back_to(worked: Interviews) -> None:
    worked("index", "build")
    before = worked("index", "info", "--json").json
    path = worked.home / "index" / f"generation-{before['previous']['id']:06}.faiss"
    path.write_bytes(path.read_bytes()[:-1])
    ended = worked("index", "rollback", check=False)
    assert ended.code == 1 and path.name in ended.err
    assert worked("index", "info", "--json").json == before


def test_a_generation_whose_chunks_were_cut_anew_is_not_rolled_back_to(worked: Interviews) -> None:
    worked("run", INTERVIEWS_CHUNK_SIZE="160")
    before = worked("index", "info", "--json").json
    ended = worked("index", "rollback", check=False)
    assert ended.code == 3 and "cut anew" in ended.err and "chunk_size" in ended.err
    assert worked("index", "info", "--json").json == before


def test_new_names_are_found_at_once_and_old_ones_no_more(
    worked: Interviews, ids: dict[str, str]
) -> None:
    worked("set", ids["lorawan"], "--people", "Ida Strohbein")
    hits = worked("search", "Strohbein", "--mode", "words", "--json").json["hits"]
    assert {hit["recording"] for hit in hits} == {ids["lorawan"]}
    assert worked("run", "--dry-run", "--json").json["work"] == []
    worked("set", ids["lorawan"], "--people", "Ole Sandkorn")
    assert worked("search", "Strohbein", "--mode", "words", "--json").json["hits"] == []


def test_backup_and_restore_bring_everything_back(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    worked("backup", copy)
    worked("set", ids["lorawan"], "--title", "anders")
    worked("restore", copy)
    titles = {one["title"] for one in worked("status", "--json").json["recordings"]}
    assert titles == set(ids)
    assert worked("search", "Kraftwerk", "--json").json["hits"]


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return sorted(db.execute(query).fetchall())


def test_search_goes_on_with_the_old_text_model_until_the_new_one_is_complete(
    worked: Interviews, tmp_path: Path
) -> None:
    other = tmp_path / "models" / "our-text"
    shutil.copytree(Path(__file__).parent.parent / "models" / "bundled" / "text-de-en", other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps(config, indent=7), encoding="utf-8")
    before = worked("index", "info", "--json").json["published"]["model"]
    worked("run", "--limit", "1", INTERVIEWS_TEXT_MODEL=str(other))
    halfway = worked("index", "info", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert halfway["published"]["model"] == before
    found = worked("search", "Kraftwerk", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert found["degraded"] is None
    assert found["hits"]
    worked("run", INTERVIEWS_TEXT_MODEL=str(other))
    after = worked("index", "info", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert after["published"]["model"]["name"] == str(other)
    assert after["behind"] == 0
    found = worked("search", "Kraftwerk", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert found["degraded"] is None
    assert found["hits"]
    # The folder is found again although the settings no longer name it.
    assert worked("search", "Kraftwerk", "--json").json["degraded"] is None
    worked("index", "rollback", INTERVIEWS_TEXT_MODEL=str(other))
    worked("run", INTERVIEWS_TEXT_MODEL=str(other))
    held = worked("index", "info", "--json").json
    assert held["published"]["model"] == before


def test_a_cancelled_recording_does_not_hold_up_a_new_text_model(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "models" / "our-text"
    shutil.copytree(Path(__file__).parent.parent / "models" / "bundled" / "text-de-en", other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps(config, indent=7), encoding="utf-8")
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as db, db:
        db.execute("UPDATE recordings SET state = 'queued' WHERE id = ?", (ids["lorawan"],))
    worked("cancel", ids["lorawan"])
    worked("run", INTERVIEWS_TEXT_MODEL=str(other))
    info = worked("index", "info", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert info["published"]["model"]["name"] == str(other)
    found = worked("search", "LoRaWAN", "--json", INTERVIEWS_TEXT_MODEL=str(other)).json
    assert found["hits"][0]["recording"] == ids["lorawan"]
    status = worked("status", ids["lorawan"], "--json").json["recordings"][0]
    assert status["state"] == "cancelled"


def test_embedding_again_makes_new_vectors(worked: Interviews, ids: dict[str, str]) -> None:
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as db, db:
        db.execute("UPDATE vectors SET vector = zeroblob(length(vector))")
    worked("run", "--again", "embed", *ids.values())
    assert rows(worked.home, "SELECT count(*) FROM vectors WHERE hex(vector) NOT LIKE '%1%'") == [
        (0,)
    ]


def test_a_plan_shows_what_is_asked_for_again(worked: Interviews, ids: dict[str, str]) -> None:
    first, second = ids["lorawan"], ids["fernwaerme"]
    plan = worked("run", "--dry-run", "--again", "transcribe", first, "--again", "chunk", second,
                  "--json").json["work"]  # fmt: skip
    assert {one["id"]: one["stages"][0] for one in plan} == {first: "transcribe", second: "chunk"}
    assert worked("run", "--json").json["done"] == []


def test_a_lost_index_is_built_again(worked: Interviews) -> None:
    for path in (worked.home / "index").glob("*.faiss"):
        path.unlink()
    worked("run")
    assert worked("index", "check", "--json").json["sound"] is True


def test_every_command_works_in_a_process_that_starts_from_nothing(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    """Elsewhere commands are forked from a process that has imported what all of them import."""
    one = ids["lorawan"]
    (worked.home / "interviews.toml").write_text("feedback = true\n", encoding="utf-8")
    given: list[list[str | Path]] = [
        ["add", SAMPLES / "lorawan.mp4"],
        ["inbox"],
        ["run"],
        ["nightly"],
        ["status"],
        ["search", "Kraftwerk"],
        ["mark", "Kraftwerk", one, "--at", "4", "--right"],
        ["show", one],
        ["export", one, "--format", "md"],
        ["correct", one, "--list"],
        ["replace", "Stadwerke", "Stadtwerke"],
        ["review"],
        ["withhold", one, "--from", "0", "--to", "2"],
        ["set", one, "--people", "Anna Weber"],
        ["retry"],
        ["cancel", one],
        ["retention"],
        ["index", "check"],
        ["glossary", "example"],
        ["models", "list"],
        ["evaluate", SAMPLES / "questions.jsonl", "--mode", "words"],
        ["backup", tmp_path / "copy.db"],
        ["restore", tmp_path / "copy.db"],
        ["user", "list"],
        ["doctor"],
        ["forecast", "500"],
        ["remove", one, "--yes"],
    ]
    serving = {"serve", "worker", "scheduler"}  # these go on until they are ended
    assert {arguments[0] for arguments in given} | serving == set(cli.commands)
    alone = Interviews(worked.home, alone=True)
    for arguments in given:
        alone(*arguments)
    refused = alone("serve", "--host", "192.0.2.1", check=False)
    assert refused.code == 2 and "192.0.2.1" in refused.err
