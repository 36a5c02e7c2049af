"""The gold gate: a worse index is refused and stays refused; members always get answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.catalog import chunks, generations, recordings, refusals
from pipeline.catalog.connection import Catalogue
from pipeline.errors import Missing
from pipeline.home import open_home
from pipeline.index import files, vectors
from pipeline.messages import LANGUAGES
from pipeline.nights import gate
from pipeline.nights.gate import Verdict
from pipeline.run import publish, refusal, removal
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Added, Wishes, add
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions, RunReport
from pipeline.search.search import Searcher
from pipeline.settings import Settings
from tests.conftest import Interviews

BUNDLED = Path(__file__).parents[1] / "models" / "bundled" / "text-de-en"

TALKS = {
    "Fernwärme": "Das Kraftwerk liefert Wärme für viertausend Wohnungen.",
    "Trinkwasser": "Das Trinkwasser kommt aus sechs tiefen Brunnen.",
    "Ladesäulen": "Am Bahnhof laden Elektroautos an zwölf neuen Ladesäulen.",
    "Abwasser": "Die Kläranlage reinigt das Abwasser der ganzen Stadt.",
    "Busverkehr": "Der Bus fährt jetzt alle zehn Minuten in die Innenstadt.",
    "Haushalt": "Die Bürger entscheiden selbst über den Haushalt ihrer Gemeinde.",
    "Schule": "Die Kinder lernen in der neuen Schule mit Tablets.",
    "Müll": "Die Müllabfuhr kommt künftig nur alle zwei Wochen.",
    "Datenschutz": "Persönliche Daten werden verschlüsselt gespeichert.",
    "Glasfaser": "Schnelles Internet über Glasfaser erreicht jedes Dorf.",
}

GOLD = {
    "How are apartments heated?": "Fernwärme",
    "Where does the drinking water come from?": "Trinkwasser",
    "charging stations for electric cars": "Ladesäulen",
    "How is sewage cleaned?": "Abwasser",
    "How often does public transport run downtown?": "Busverkehr",
    "citizens decide about the budget": "Haushalt",
    "How do pupils learn?": "Schule",
    "When is the garbage collected?": "Müll",
    "personal information is encrypted": "Datenschutz",
    "fast broadband in villages": "Glasfaser",
}
"""Questions in English about talks in German: words find nothing, so the text model decides."""


def worse_model(folder: Path) -> Path:
    """The bundled text model with the very same tokenizer and weights that learnt nothing."""
    import torch
    from transformers import BertConfig, BertModel

    shutil.copytree(BUNDLED, folder)
    torch.manual_seed(1)
    BertModel(BertConfig.from_pretrained(BUNDLED)).save_pretrained(folder)
    return folder


def other_model(folder: Path) -> Path:
    """The bundled text model under another hash: other bytes, the same vectors."""
    shutil.copytree(BUNDLED, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config, indent=7), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    return {"worse": worse_model(place / "worse"), "other": other_model(place / "other")}


@dataclass
class Place:
    """A home whose first index was made with the bundled text model."""

    context: Context
    catalogue: Catalogue

    def with_settings(self, **changes: object) -> Place:
        settings = self.context.settings.model_copy(update=changes)
        return replace(self, context=Context(self.context.home, settings))

    def add(self, title: str, sentence: str) -> str:
        captions = self.context.home.root.parent / f"{title}.vtt"
        captions.write_text(f"WEBVTT\n\n00:01.000 --> 00:05.000\n{sentence}\n", encoding="utf-8")
        outcome = next(iter(add(self.context, [captions], Wishes(language="de"))))
        assert isinstance(outcome, Added)
        return outcome.recording.id

    def run(self, *, publish: bool = True) -> RunReport:
        return run(self.context, RunOptions(engine="inline", publish=publish), Silent())

    def ask_gate(self) -> Verdict:
        return gate.publish(self.context, self.catalogue, worked=True)

    def night(self) -> Verdict:
        self.run(publish=False)
        return self.ask_gate()

    def published(self) -> generations.Generation:
        with self.catalogue.read() as db:
            generation = generations.published(db)
        assert generation is not None
        return generation

    def titles(self, query: str) -> list[str]:
        searcher = Searcher(self.catalogue, self.context.home.index, self.context.embedder_for)
        found = searcher.search(query)
        assert found.degraded == ()
        return [hit.recording.facts.title for hit in found.hits]

    def write_gold(self, *lines: object) -> None:
        text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        (self.context.home.root / "gold.jsonl").write_text(text + "\n", encoding="utf-8")


def gold_lines() -> list[object]:
    return [{"question": asked, "relevant": [title]} for asked, title in GOLD.items()]


@pytest.fixture(scope="module")
def _first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("first")
    context = Context(open_home(place / "home"), Settings(threads=1))
    with context.catalogue() as catalogue:
        made = Place(context, catalogue)
        made.write_gold(*gold_lines())
        for title, sentence in TALKS.items():
            made.add(title, sentence)
        verdict = made.night()
    assert (verdict.reason, verdict.published) == ("first", True)
    return place


@pytest.fixture
def place(_first: Path, tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(_first, tmp_path / "copy")
    context = Context(open_home(tmp_path / "copy" / "home"), Settings(threads=1))
    with context.catalogue() as catalogue:
        yield Place(context, catalogue)


def test_a_worse_text_model_is_refused_and_search_answers_from_the_old_one(
    place: Place, models: dict[str, Path]
) -> None:
    before = place.published()
    answers = {asked: place.titles(asked) for asked in GOLD}
    worse = place.with_settings(text_model=str(models["worse"]))
    verdict = worse.night()
    assert (verdict.reason, verdict.published, verdict.questions) == ("fell", False, len(GOLD))
    assert verdict.before is not None and verdict.after is not None
    assert verdict.before > 0.8
    assert verdict.after < verdict.before - 0.2
    assert verdict.generation == before.id
    assert verdict.model == str(models["worse"])
    assert place.published() == before
    assert {asked: worse.titles(asked) for asked in GOLD} == answers
    assert all(answers.values())
    assert [path.name for path in files.files(place.context.home.index)] == [
        files.vectors_of(place.context.home.index, before.id).name
    ]
    for language in LANGUAGES:
        assert str(models["worse"]) in gate.said(verdict, language)
        assert f"{verdict.before:.3f}" in gate.said(verdict, language)


def test_a_text_model_that_is_as_good_passes(place: Place, models: dict[str, Path]) -> None:
    before = place.published()
    other = place.with_settings(text_model=str(models["other"]))
    verdict = other.night()
    assert (verdict.reason, verdict.published) == ("passed", True)
    assert verdict.before == verdict.after
    assert verdict.generation == other.published().id > before.id
    assert other.published().model.name == str(models["other"])
    assert other.titles("How is sewage cleaned?")[0] == "Abwasser"


def test_a_refused_model_is_not_measured_again_while_nothing_changed(
    place: Place, models: dict[str, Path]
) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    first = worse.night()
    again = worse.night()
    assert (again.reason, again.published) == ("refused_before", False)
    assert (again.before, again.after, again.questions) == (
        first.before,
        first.after,
        first.questions,
    )


def test_new_recordings_are_published_with_the_old_model_while_the_new_one_is_refused(
    place: Place, models: dict[str, Path]
) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.night()
    before = place.published()
    with place.catalogue.read() as db:
        kept = chunks.count(db, worse.context.text[1].hash)
    worse.add("Wald", "Der Förster pflanzt Buchen und Eichen.")
    verdict = worse.night()
    assert (verdict.reason, verdict.published) == ("fell", False)
    assert verdict.renewal is not None
    assert (verdict.renewal.reason, verdict.renewal.published) == ("passed", True)
    assert place.published().model == before.model
    assert verdict.generation == place.published().id > before.id
    assert worse.titles("Buchen und Eichen")[0] == "Wald"
    with place.catalogue.read() as db:  # or all of them would be embedded again every night
        assert chunks.count(db, worse.context.text[1].hash) == kept + 1


def test_a_plain_run_does_not_publish_what_was_refused(
    place: Place, models: dict[str, Path]
) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.night()
    model = place.published().model
    assert worse.run().published is None
    worse.add("Wald", "Der Förster pflanzt Buchen und Eichen.")
    assert worse.run().published is not None
    assert place.published().model == model


def test_another_tolerance_lets_a_plain_run_publish_again(
    place: Place, models: dict[str, Path]
) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.night()
    lenient = worse.with_settings(gold_tolerance=0.9)
    lenient.run()
    assert lenient.published().model.name == str(models["worse"])


def test_another_gold_file_is_asked_anew(place: Place, models: dict[str, Path]) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.night()
    place.write_gold({"question": "Kläranlage", "relevant": ["Abwasser"]})
    verdict = worse.night()
    assert (verdict.reason, verdict.questions) == ("passed", 1)
    model = worse.published().model
    assert model.name == str(models["worse"])
    with place.catalogue.read() as db:
        assert refusals.of(db, model.hash) is None


def test_a_smaller_fall_than_the_tolerance_passes(place: Place, models: dict[str, Path]) -> None:
    worse = place.with_settings(text_model=str(models["worse"]), gold_tolerance=1.0)
    verdict = worse.night()
    assert (verdict.reason, verdict.published) == ("passed", True)
    assert verdict.before is not None and verdict.after is not None
    assert verdict.after < verdict.before


def test_a_line_with_a_mistake_is_left_out_and_named(place: Place, models: dict[str, Path]) -> None:
    lines = [
        *gold_lines(),
        {"question": "Wer war das?", "relevant": ["Entfernte Aufnahme"]},
        "{no json",
        {"question": "?!", "relevant": ["Wald"]},
    ]
    place.write_gold(*lines)
    verdict = place.with_settings(text_model=str(models["worse"])).night()
    assert (verdict.reason, verdict.questions) == ("fell", len(GOLD))
    assert [one.key for one in verdict.mistakes] == [
        "gold.unknown_recording",
        "gold.bad_json",
        "gold.no_words",
    ]
    assert [one.values["line"] for one in verdict.mistakes] == [11, 12, 13]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{broken\n"])
def test_a_gold_file_that_is_of_no_use_blocks_nothing_and_is_named(
    place: Place, models: dict[str, Path], content: bytes
) -> None:
    (place.context.home.root / "gold.jsonl").write_bytes(content)
    verdict = place.with_settings(text_model=str(models["worse"])).night()
    assert (verdict.reason, verdict.published) == ("no_question", True)
    assert len(verdict.mistakes) == 1


def test_a_gold_file_that_the_settings_name_must_be_there(
    place: Place, models: dict[str, Path]
) -> None:
    asked = place.with_settings(text_model=str(models["worse"]), gold="questions/none.jsonl")
    verdict = asked.night()
    assert (verdict.reason, verdict.published) == ("no_question", True)
    assert [one.key for one in verdict.mistakes] == ["gold.unreadable"]


def test_without_gold_questions_the_index_is_published(
    place: Place, models: dict[str, Path]
) -> None:
    (place.context.home.root / "gold.jsonl").unlink()
    verdict = place.with_settings(text_model=str(models["worse"])).night()
    assert (verdict.reason, verdict.published, verdict.mistakes) == ("no_gold", True, ())


def test_nothing_to_publish_is_said(place: Place) -> None:
    verdict = place.night()
    assert (verdict.reason, verdict.published) == ("current", False)
    assert verdict.generation == place.published().id


def test_the_last_recording_gone_leaves_no_index(place: Place) -> None:
    with place.catalogue.write() as db:
        for one in recordings.every(db):
            chunks.drop_sets(db, one.id)
    verdict = place.ask_gate()
    assert (verdict.reason, verdict.published, verdict.generation) == ("emptied", True, None)
    assert files.files(place.context.home.index) == []


def test_a_broken_candidate_of_the_same_model_is_refused_for_those_chunks_only(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index whose approximation finds nothing: same chunks, worse index."""
    place.add("Wald", "Der Förster pflanzt Buchen und Eichen.")
    place.run(publish=False)
    real = vectors.VectorIndex.search

    def blind(self: vectors.VectorIndex, *given: object, **named: object) -> vectors.Ranking:
        found = real(self, *given, **named)  # type: ignore[arg-type]
        return found if self.count == len(TALKS) else []

    monkeypatch.setattr(vectors.VectorIndex, "search", blind)
    before = place.published()
    verdict = place.ask_gate()
    assert (verdict.reason, verdict.generation) == ("fell", before.id)
    assert place.ask_gate().reason == "refused_before"
    assert place.run().published is None
    monkeypatch.undo()
    assert (
        place.titles("Buchen und Eichen")[0] == "Wald"
    )  # newer than the index, found all the same
    place.add("Meer", "Die Fischer holen Heringe aus der See.")
    assert place.run().published is not None


def test_a_lost_index_is_built_again_even_where_the_same_one_was_refused(place: Place) -> None:
    published = place.published()
    with place.catalogue.write() as db:
        digest = refusal.gold_digest(place.context)
        assert digest is not None
        held = refusal.chunks_digest(db, published.model)
        terms = (digest, place.context.settings.gold_tolerance, held)
        refusals.note(db, refusals.Refusal(published.model.hash, *terms, 10, 0.9, 0.1))
    files.vectors_of(place.context.home.index, published.id).unlink()
    assert place.run().published == published.id + 1


def test_a_model_that_cannot_be_loaded_is_not_published(
    place: Place, models: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(models["other"], tmp_path / "gone")
    gone = place.with_settings(text_model=str(tmp_path / "gone"))
    gone.run(publish=False)
    (tmp_path / "gone" / "model.safetensors").write_bytes(b"damaged")
    fresh = Context(place.context.home, place.context.settings)
    object.__setattr__(fresh, "settings", gone.context.settings)
    before = place.published()
    model = gone.context.text[1]
    with pytest.raises(Missing):
        gate.judge(fresh, place.catalogue, model)
    assert place.published() == before
    assert len(files.files(place.context.home.index)) == 1


def test_a_recording_removed_while_a_model_is_refused_is_found_by_nobody(
    place: Place, models: dict[str, Path]
) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.night()
    with place.catalogue.read() as db:
        doomed = {one.facts.title: one.id for one in recordings.every(db)}["Müll"]
    removal.remove(place.context.home, place.catalogue, [doomed])
    verdict = worse.night()
    assert [one.key for one in verdict.mistakes] == ["gold.unknown_recording"]
    assert (verdict.reason, verdict.questions) == ("fell", len(GOLD) - 1)
    assert "Müll" not in worse.titles("When is the garbage collected?")


def test_what_was_rolled_back_stays_until_something_was_done(
    place: Place, models: dict[str, Path]
) -> None:
    place.with_settings(text_model=str(models["other"])).night()
    with place.catalogue.write() as db:
        assert generations.roll_back(db)
    held = gate.publish(
        place.with_settings(text_model=str(models["other"])).context, place.catalogue, worked=False
    )
    assert held.reason == "current"


def test_somebody_else_building_is_said(place: Place, models: dict[str, Path]) -> None:
    worse = place.with_settings(text_model=str(models["worse"]))
    worse.run(publish=False)
    before = place.published()
    with publish.candidate(place.context.home, place.catalogue, before.model):
        verdict = worse.ask_gate()
    assert (verdict.reason, verdict.published, verdict.generation) == ("building", False, before.id)


def test_the_command_asks_the_gate_and_can_be_forced(place: Place, models: dict[str, Path]) -> None:
    interviews = Interviews(place.context.home.root)
    model = {"INTERVIEWS_TEXT_MODEL": str(models["worse"])}
    assert interviews("index", "build", "--force", check=False, **model).code == 2
    place.with_settings(text_model=str(models["worse"])).run(publish=False)
    refused = interviews("index", "build", "--gate", check=False, **model)
    assert refused.code == 1
    assert interviews("index", "info", "--json", **model).json["refused"]["questions"] == len(GOLD)
    assert "refused" in refused.out
    assert interviews("index", "build", "--gate", "--force", check=False, **model).code == 2
    interviews("index", "build", "--force", **model)
    assert place.published().model.name == str(models["worse"])
