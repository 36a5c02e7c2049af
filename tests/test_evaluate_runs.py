"""Runs of the gold questions: saved, compared question by question, asked for their worst."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.evaluation.as_json import against_json, worst_json
from pipeline.evaluation.as_text import against_table, worst_text
from pipeline.evaluation.comparison import COMPARED, compare
from pipeline.evaluation.evaluate import Run, ask, worst
from pipeline.evaluation.gold import Answer, Question
from pipeline.evaluation.outcomes import MEASURES
from pipeline.evaluation.saved_run import SavedRun, check_place, read_run, to_saved, written
from pipeline.messages import LANGUAGES
from pipeline.values import Hit, Recording, RecordingFacts
from tests.conftest import Interviews
from tests.search_home import BagOfStems, SearchHome, interview

TITLES = {"a": "Wärme", "b": "Netz"}


def hit(recording: str, jump_s: float, said: str = "So ist es.") -> Hit:
    found = Recording(recording, RecordingFacts(TITLES[recording]), None, "done", None, 1, 0, None,
                      "de", None, 0)  # fmt: skip
    place = (4, 4 + len(said))
    return Hit(1, found, 0, 99_000, round(jump_s * 1000), f"Ja. {said} Nun.", None, "de", (), 1.0,
               1, place)  # fmt: skip


def question(asked: str, line: int, *, language: str = "de", heard: str = "de") -> Question:
    return Question(asked, language, (Answer("a", 30_000, 60_000, 40_000, language=heard),), line)


RIGHT, WRONG = hit("a", 40), hit("b", 7)


def answered(ranks: Mapping[str, int], modes: Sequence[str] = ("hybrid",)) -> Run:
    """Each question's right moment at the rank given; at none where the rank is 0."""
    questions = [question(asked, line) for line, asked in enumerate(ranks, start=1)]

    def search(one: Question, mode: str) -> list[Hit]:
        rank = ranks[one.text]
        return [*[WRONG] * (rank - 1), RIGHT] if rank else [WRONG]

    return ask(search, questions, modes)


# --- saved -------------------------------------------------------------------------------------


def test_a_saved_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run = to_saved(answered({"Was?": 3, "Wer?": 0}, ("hybrid", "words")))
    path.write_text(written(run), encoding="utf-8")
    assert read_run(path) == run
    first, second = json.loads(path.read_text(encoding="utf-8"))["questions"]
    assert (first["question"], first["language"], first["direction"]) == ("Was?", "de", "de→de")
    assert list(first["modes"]["words"]["values"]) == list(MEASURES)
    assert first["modes"]["words"]["values"]["mrr"] == 1 / 3
    assert first["modes"]["hybrid"]["first"] == {"title": "Netz", "jump": 7.0}
    assert second["modes"]["hybrid"]["values"]["jump_error_median"] is None


def test_a_question_that_found_nothing_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run = to_saved(ask(lambda question, mode: [], [question("Was?", 1)], ["words"]))
    path.write_text(written(run), encoding="utf-8")
    assert read_run(path).questions[0].modes["words"].first is None


def spoiled(text: str) -> dict[str, bytes]:
    """What could lie where a saved run is expected."""
    whole = json.loads(text)
    (one,) = whole["questions"]
    values = one["modes"]["hybrid"]["values"]

    def changed(**fields: object) -> bytes:
        return json.dumps({**whole, **fields}).encode()

    def valued(**new: object) -> bytes:
        mode = {"values": {**values, **new}, "first": None}
        return changed(questions=[{**one, "modes": {"hybrid": mode}}])

    return {
        "empty": b"",
        "truncated": text.encode()[:-20],
        "binary": b"\x00\xff\xfe",
        "deep": b"[" * 100_000,
        "list": b"[]",
        "other": b'{"modes": {}}',
        "later version": changed(version=2),
        "more": changed(note="x"),
        "other mode": changed(modes=["words"]),
        "another measure": valued(**{"hit@2": 1}),
        "no number": valued(mrr="1"),
        "too high": valued(mrr=1.5),
        "not finite": text.replace('"mrr": 1.0', '"mrr": NaN').encode(),
    }


def test_a_damaged_or_foreign_file_is_named_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for what, content in spoiled(written(to_saved(answered({"Was?": 1})))).items():
        path.write_bytes(content)
        with pytest.raises(BadInput) as raised:
            read_run(path)
        assert raised.value.key == "evaluation.not_a_run", what
        for language in LANGUAGES:
            assert str(path) in raised.value.message(language)
            assert "\n" not in raised.value.message(language)
        with pytest.raises(BadInput) as raised:
            check_place(path)
        assert raised.value.key == "evaluation.occupied", what


def test_a_run_may_be_saved_over_a_run_and_where_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    check_place(path)
    path.write_text(written(to_saved(answered({"Was?": 1}))), encoding="utf-8")
    check_place(path)
    with pytest.raises(BadInput) as raised:
        check_place(tmp_path / "none" / "run.json")
    assert raised.value.key == "evaluation.no_folder"
    with pytest.raises(BadInput) as raised:
        check_place(tmp_path)
    assert raised.value.key == "evaluation.occupied"


# --- compared ----------------------------------------------------------------------------------

MANY = [f"Frage {number}?" for number in range(40)]


def ranked(rank: int) -> SavedRun:
    return to_saved(answered(dict.fromkeys(MANY, rank)))


def test_a_run_compared_with_itself_differs_in_nothing() -> None:
    run = to_saved(answered({asked: n % 4 for n, asked in enumerate(MANY)}))
    for one in compare(run, run)["hybrid"].directions["all"].differences.values():
        assert (one.value, one.interval, one.excludes_0) == (0, (0, 0), False)


def test_better_everywhere_is_more_than_chance() -> None:
    compared = compare(ranked(1), ranked(2))["hybrid"].directions["all"]
    assert compared.n == 40
    mrr = compared.differences["mrr"]
    assert (mrr.now, mrr.before, mrr.interval, mrr.excludes_0) == (1, 0.5, (0.5, 0.5), True)
    assert not compared.differences["hit@5"].excludes_0
    assert compare(ranked(2), ranked(1))["hybrid"].directions["all"].differences["mrr"].excludes_0


def test_one_question_more_is_chance_and_pairs_are_what_is_drawn() -> None:
    before = to_saved(answered({asked: 1 + n % 2 for n, asked in enumerate(MANY)}))
    now = to_saved(answered({asked: 1 + n % 2 if n != 1 else 1 for n, asked in enumerate(MANY)}))
    one = compare(now, before)["hybrid"].directions["all"].differences["hit@1"]
    low, high = one.interval
    assert one.value == pytest.approx(1 / 40)
    assert low == 0 and not one.excludes_0
    assert high < 0.1  # hit@1 itself is known to 0.3 at best: unpaired, this would be far wider
    assert compare(now, before) == compare(now, before)


def test_questions_of_one_run_only_are_left_out_and_counted() -> None:
    now = to_saved(answered({"Was?": 1, "Wer?": 1, "Wo?": 1}, ("hybrid", "words")))
    before = to_saved(answered({"Was?": 2, "Wie?": 1}, ("hybrid", "meaning")))
    compared = compare(now, before)
    assert {mode: (one.only_now, one.only_before) for mode, one in compared.items()} == {
        "hybrid": (2, 1), "words": (3, 0), "meaning": (0, 2),
    }  # fmt: skip
    assert compared["hybrid"].directions["all"].n == 1
    said = json.loads(json.dumps(against_json(compared), allow_nan=False))
    assert list(said["modes"]) == ["hybrid"]
    assert said["left_out"]["words"] == {"only_now": 3, "only_before": 0}
    for language in LANGUAGES:
        assert "words: " in against_table(compared, "run.json", language)


def test_the_same_words_in_another_language_are_another_question() -> None:
    def asked_in(language: str) -> SavedRun:
        one = question("Smart Meter", 1, language=language)
        return to_saved(ask(lambda question, mode: [RIGHT], [one], ["words"]))

    compared = compare(asked_in("de"), asked_in("en"))["words"]
    assert (compared.directions, compared.only_now, compared.only_before) == ({}, 1, 1)


def test_questions_of_the_same_words_are_paired_in_their_order() -> None:
    twice = [question("Was?", 1), question("Was?", 2)]
    run = to_saved(ask(lambda one, mode: [RIGHT] if one.line == 1 else [WRONG], twice, ["words"]))
    paired = compare(run, run)["words"].directions["all"]
    assert (paired.n, paired.differences["mrr"].interval) == (2, (0, 0))


def test_measures_and_directions_of_a_comparison() -> None:
    questions = [question("Was?", 1), question("What?", 2, language="en")]
    whole = Question("Wer?", "de", (Answer("a", language="de"),), 3)
    run = to_saved(ask(lambda question, mode: [RIGHT], [*questions, whole], ["words"]))
    said = against_json(compare(run, run))
    modes = json.loads(json.dumps(said))["modes"]
    assert {name: one["n"] for name, one in modes["words"].items()} == {
        "all": 3, "de→de": 2, "en→de": 1,
    }  # fmt: skip
    assert set(modes["words"]["all"]) == {"n", *COMPARED}
    assert modes["words"]["all"]["mrr"] == {
        "now": 1, "before": 1, "difference": 0, "interval": [0, 0], "excludes_0": False,
    }  # fmt: skip
    alone = to_saved(ask(lambda question, mode: [RIGHT], [whole], ["words"]))
    said = json.loads(json.dumps(against_json(compare(alone, alone))))
    assert said["modes"]["words"]["all"]["within_10s@1"] is None


def test_the_table_marks_what_is_more_than_chance() -> None:
    for language in LANGUAGES:
        table = against_table(compare(ranked(1), ranked(2)), "run.json", language)
        assert "+0.500 [+0.500 +0.500] *" in table
        assert "+0.000 [+0.000 +0.000]  " in table
        nothing = against_table(compare(ranked(1), to_saved(answered({"Was?": 1}))), "x", language)
        assert "[" not in nothing


# --- the worst ---------------------------------------------------------------------------------


def test_the_worst_questions_come_first_and_equals_in_the_order_of_the_file() -> None:
    run = worst(answered({"A?": 2, "B?": 0, "C?": 1, "D?": 2, "E?": 0}), 4)
    assert [one.question.text for one in run["hybrid"]] == ["B?", "E?", "A?", "D?"]


def test_the_worst_are_said_with_what_was_expected_and_what_was_found() -> None:
    run = worst(answered({"Was kostet das?": 0}), 3)
    assert json.loads(json.dumps(worst_json(run, TITLES))) == {
        "hybrid": [
            {
                "question": "Was kostet das?",
                "language": "de",
                "line": 1,
                "reciprocal_rank": 0,
                "expected": [
                    {"recording": "a", "title": "Wärme", "start": 30, "end": 60, "jump": 40}
                ],
                "found": {"recording": "b", "title": "Netz", "jump": 7, "sentence": "So ist es."},
            }
        ]
    }
    for language in LANGUAGES:
        said = worst_text(run, TITLES, language)
        for part in ("Was kostet das?", "Wärme 0:40", "Netz 0:07", "So ist es."):
            assert part in said
    nothing = worst(ask(lambda question, mode: [], [question("Was?", 1)], ["words"]), 1)
    whole = worst(ask(lambda one, mode: [], [Question("Wer?", "de", (Answer("a"),), 1)], ["x"]), 1)
    assert json.loads(json.dumps(worst_json(nothing, TITLES)))["words"][0]["found"] is None
    for language in LANGUAGES:
        assert "Was?" in worst_text(nothing, TITLES, language)
        assert "Wärme\n" in worst_text(whole, TITLES, language)


def test_a_hit_names_the_sentence_it_jumps_to(tmp_path: Path) -> None:
    home = SearchHome(tmp_path / "home", BagOfStems())
    home.add("Wärme", interview("Guten Tag.", "Das Netz kostet viel.", "Auf Wiedersehen."))
    (found,) = home.searcher().search("Was kostet das Netz?", mode="words").hits
    assert found.sentence_text == "Das Netz kostet viel."


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def gold(worked: Interviews, ids: dict[str, str]) -> Path:
    """Two questions about a recording of the worked home."""
    one = {"recording": next(iter(ids.values())), "start": 0, "end": 8}
    rows = [{"question": "Wie lang ist das Netz?", **one}, {"question": "Wer zählt?", **one}]
    path = worked.home / "questions.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_run_is_saved_and_compared_with(worked: Interviews, gold: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    words = ("evaluate", gold, "--mode", "words")
    assert str(path) in worked(*words, "--save", path).err
    said = worked(*words, "--against", path, "--save", path, "--worst", "1", "--json").json
    assert set(said) == {"modes", "against", "worst"}
    assert said["against"]["modes"]["words"]["all"]["n"] == 2
    assert len(said["worst"]["words"]) == 1
    verbose = worked("-v", *words, "--against", path, "--worst", "2")
    assert str(path) in verbose.out and "Wie lang ist das Netz?" in verbose.out
    assert "Netz" not in verbose.err


def test_files_that_are_no_runs_are_refused_and_kept(
    worked: Interviews, gold: Path, tmp_path: Path
) -> None:
    other = tmp_path / "notes.json"
    other.write_text('{"mine": 1}', encoding="utf-8")
    for option in ("--save", "--against"):
        refused = worked("evaluate", gold, option, other, check=False)
        assert refused.code == 2 and not refused.out
        assert str(other) in refused.err
    assert other.read_text(encoding="utf-8") == '{"mine": 1}'
    assert worked("evaluate", gold, "--worst", "0", check=False).code == 2


def test_a_bad_gold_file_is_one_sentence_with_its_line(worked: Interviews, gold: Path) -> None:
    with gold.open("a", encoding="utf-8") as more:
        more.write('\n{"question": "Was?", "recording": "None", "start": 1, "end": 2}\n')
    refused = worked("evaluate", gold, check=False)
    assert refused.code == 2 and not refused.out
    sentence, advice = refused.err.splitlines()
    assert f"{gold}, line 3: " in sentence and advice.startswith("  ")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a question and a document."""
    folder = tmp_path / "questions"
    folder.mkdir()
    question = json.dumps({"question": "Was?", "relevant": ["a"]})
    (folder / "queries.jsonl").write_text(question, encoding="utf-8")
    (folder / "docs.jsonl").write_text('{"id": "a", "answer": "Das."}', encoding="utf-8")
    return folder


def test_a_folder_without_questions_is_said(interviews: Interviews, place: Path) -> None:
    (place / "queries.jsonl").unlink()
    refused = interviews("evaluate", place, check=False)
    assert refused.code == 2 and "queries.jsonl" in refused.err


def test_documents_that_are_no_text_are_said(interviews: Interviews, place: Path) -> None:
    (place / "docs.jsonl").write_bytes(b'{"id": "a", "answer": "Das."}\n\xff\n')
    refused = interviews("evaluate", place, check=False)
    assert refused.code == 2 and "docs.jsonl, line 2" in refused.err


def test_a_folder_s_questions_are_read_before_its_documents(
    interviews: Interviews, place: Path
) -> None:
    (place / "docs.jsonl").write_text("no json", encoding="utf-8")
    (place / "queries.jsonl").write_text("no json", encoding="utf-8")
    refused = interviews("evaluate", place, check=False)
    assert refused.code == 2 and "queries.jsonl, line 1" in refused.err
