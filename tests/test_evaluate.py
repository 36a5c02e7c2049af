"""Measures of search, checked by hand, and the reader of gold files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.catalog import recordings
from pipeline.errors import BadInput
from pipeline.evaluation.as_json import measures_json
from pipeline.evaluation.as_text import measures_table
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.figures import figures
from pipeline.evaluation.gold import Answer, Question, read_gold, read_usable
from pipeline.evaluation.outcomes import MEASURES, outcome
from pipeline.messages import LANGUAGES
from pipeline.search.analysis import MAX_QUERY_CHARACTERS
from pipeline.values import Hit, Recording, RecordingFacts
from tests.search_home import SearchHome, interview


def hit(rank: int, recording: str, jump_s: float) -> Hit:
    found = Recording(recording, RecordingFacts(recording), None, "done", None, 1, 0, None, "de",
                      None, 0)  # fmt: skip
    ms = round(jump_s * 1000)
    return Hit(rank, found, 0, 99_000, ms, "", None, "de", (), 1.0, rank)


def asked(*answers: Answer) -> Question:
    return Question("?", "de", answers, 1)


def measured(question: Question, *hits: Hit) -> dict[str, float]:
    return dict(zip(MEASURES, outcome(question, hits), strict=True))


MOMENT = Answer("a", 30_000, 60_000, 40_000, language="de")


def test_a_hit_counts_from_two_seconds_before_the_answer_to_its_end() -> None:
    for jump, counts in ((27.9, 0), (28.0, 1), (60.0, 1), (60.1, 0)):
        assert measured(asked(MOMENT), hit(1, "a", jump))["hit@1"] == counts
    assert measured(asked(MOMENT), hit(1, "b", 40))["hit@1"] == 0


def test_the_rank_of_the_first_hit_that_counts_decides() -> None:
    of = measured(asked(MOMENT), hit(1, "b", 0), hit(2, "a", 0), hit(3, "a", 41.5), hit(4, "a", 40))
    assert (of["hit@1"], of["hit@5"], of["hit@10"], of["mrr"]) == (0, 1, 1, 1 / 3)
    assert of["ndcg@10"] == pytest.approx(1 / math.log2(4))
    assert of["recall@100"] == 1
    assert of["jump_error_median"] == 1.5


def test_within_is_taken_to_the_sentence_of_the_first_hit() -> None:
    near = measured(asked(MOMENT), hit(1, "a", 37.0))
    assert (near["within_3s@1"], near["within_10s@1"]) == (1, 1)
    far = measured(asked(MOMENT), hit(1, "a", 49.9), hit(2, "a", 40.0))
    assert (far["within_3s@1"], far["within_10s@1"]) == (0, 1)
    start = measured(asked(Answer("a", 30_000, 60_000)), hit(1, "a", 41.0))
    assert start["within_10s@1"] == 0


def test_whole_recordings_have_no_jump_measures() -> None:
    of = measured(asked(Answer("a"), Answer("b")), hit(1, "b", 7), hit(2, "b", 90), hit(3, "c", 1))
    assert (of["hit@1"], of["recall@100"]) == (1, 0.5)
    assert of["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert math.isnan(of["within_3s@1"])
    assert math.isnan(of["jump_error_median"])


def test_better_answers_first_is_the_ideal_order() -> None:
    best, fair = Answer("a", grade=3), Answer("b", grade=1)
    ahead = measured(asked(fair, best), hit(1, "a", 0), hit(2, "b", 0))["ndcg@10"]
    behind = measured(asked(fair, best), hit(1, "b", 0), hit(2, "a", 0))["ndcg@10"]
    assert ahead == 1
    assert behind < 1


def test_nothing_found_is_zero() -> None:
    of = measured(asked(MOMENT))
    assert (of["hit@10"], of["mrr"], of["ndcg@10"], of["within_10s@1"]) == (0, 0, 0, 0)


def test_intervals_hold_the_value_and_are_the_same_each_time() -> None:
    rng = np.random.default_rng(1)
    outcomes = rng.integers(0, 2, size=(80, len(MEASURES))).astype(float)
    outcomes[::3, -1] = np.nan
    one, two = figures(outcomes), figures(outcomes)
    assert one == two
    for measure, value in one.values.items():
        low, high = one.intervals[measure]
        assert low <= value <= high
    assert one.values["hit@1"] == outcomes[:, 0].mean()
    assert one.values["jump_error_median"] == np.nanmedian(outcomes[:, -1])


def write(path: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


ROW = {"question": "Was kostet das?", "recording": "Wärme", "start": 1, "end": 2.5}


def test_a_gold_line_is_read_in_either_spelling(tmp_path: Path) -> None:
    (first, second) = read_gold(
        write(
            tmp_path / "g.jsonl",
            {**ROW, "sent_start": 1.5, "grade": 2, "lang": "de"},
            "",
            {"query": "What is it?", "recording": "Grid", "start": 0, "end": 9},
        )
    )
    assert first.answers == (Answer("Wärme", 1_000, 2_500, 1_500, 2.0),)
    assert (first.language, second.language, second.line) == ("de", "en", 3)


def test_lines_of_one_question_are_its_answers(tmp_path: Path) -> None:
    again = {**ROW, "start": 7, "end": 8}
    other = {"qid": "q", "question": "Wer?", "relevant": ["d1", "d2"]}
    questions = read_gold(write(tmp_path / "g.jsonl", ROW, again, other))
    assert [len(question.answers) for question in questions] == [2, 2]


WRONG = {**ROW, "start": 7, "end": 8, "grade": 0}


def test_grade_0_is_no_answer(tmp_path: Path) -> None:
    (question,) = read_gold(write(tmp_path / "g.jsonl", WRONG, ROW, {**WRONG, "start": 5}))
    assert [answer.start_ms for answer in question.answers] == [1_000]
    there, elsewhere = hit(1, "Wärme", 7.5), hit(2, "Wärme", 1.5)
    of = measured(question, there, elsewhere)
    assert (of["hit@1"], of["hit@5"], of["mrr"], of["recall@100"]) == (0, 1, 0.5, 1)
    assert of["ndcg@10"] == pytest.approx(1 / math.log2(3))
    assert of["within_3s@1"] == 0
    assert measured(question, elsewhere)["ndcg@10"] == 1


def test_a_question_with_wrong_answers_only_is_not_asked(tmp_path: Path) -> None:
    other = {**ROW, "question": "Wer?"}
    assert [one.text for one in read_gold(write(tmp_path / "g.jsonl", WRONG, other))] == ["Wer?"]
    alone = write(tmp_path / "w.jsonl", WRONG)
    with pytest.raises(BadInput) as raised:
        read_gold(alone)
    assert (raised.value.key, raised.value.values) == ("gold.no_answer", {"path": str(alone)})
    assert read_usable(alone)[0] == ()


def test_remarks_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "g.jsonl", "# Wärme", "  # { und mehr", ROW, "{no json")
    with pytest.raises(BadInput) as raised:
        read_gold(path)
    assert (raised.value.key, raised.value.values["line"]) == ("gold.bad_json", 4)
    with pytest.raises(BadInput) as raised:
        read_gold(write(tmp_path / "r.jsonl", "# nichts sonst"))
    assert raised.value.key == "gold.empty"


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("{no json", "gold.bad_json"),
        ("[1]", "gold.bad_json"),
        ("[" * 100_000, "gold.bad_json"),
        ({**ROW, "question": " "}, "gold.missing_field"),
        ({**ROW, "question": 5}, "gold.missing_field"),
        ({**ROW, "question": "\ud800 Netz"}, "gold.missing_field"),
        ({**ROW, "question": "?!"}, "gold.no_words"),
        ({**ROW, "question": "Netz " * 10_000}, "gold.too_long"),
        ({**ROW, "language": ["de"]}, "gold.missing_field"),
        ({**ROW, "recording": ["Wärme"]}, "gold.missing_field"),
        ({**ROW, "recording": None}, "gold.missing_field"),
        ({"question": "Was?", "relevant": []}, "gold.missing_field"),
        ({"question": "Was?", "relevant": "Wärme"}, "gold.missing_field"),
        ({"question": "Was?", "relevant": [None]}, "gold.missing_field"),
        ({"question": "Was?", "recording": "a", "start": 1}, "gold.missing_field"),
        ({**ROW, "start": "1"}, "gold.bad_number"),
        ({**ROW, "start": -1}, "gold.bad_number"),
        ({**ROW, "end": -1}, "gold.bad_number"),
        ({**ROW, "end": True}, "gold.bad_number"),
        ({**ROW, "end": 1e308}, "gold.bad_number"),
        ({**ROW, "end": 10**400}, "gold.bad_number"),
        ({**ROW, "sent_start": [1]}, "gold.bad_number"),
        ({**ROW, "grade": -1}, "gold.bad_number"),
        ({**ROW, "grade": "1"}, "gold.bad_number"),
        ({**ROW, "grade": 0}, "gold.duplicate"),
        ({**ROW, "question": "-Netz"}, "gold.only_exclusions"),
        (ROW, "gold.duplicate"),
        ('{"question": "x", "recording": "a", "start": NaN, "end": 2}', "gold.bad_number"),
        ({**ROW, "start": 9, "end": 2}, "gold.reversed_times"),
        ({**ROW, "sent_start": 9}, "gold.reversed_times"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: object, key: str) -> None:
    path = write(tmp_path / "g.jsonl", ROW, row)
    with pytest.raises(BadInput) as raised:
        read_gold(path)
    assert raised.value.key == key
    assert raised.value.message("de").startswith(f"{path}, Zeile 2: ")
    assert raised.value.message("en").startswith(f"{path}, line 2: ")
    for language in LANGUAGES:
        assert "\n" not in raised.value.message(language)
        assert raised.value.advice(language)


def test_what_is_no_text_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b"\n\xff\xfe\x00\n")
    with pytest.raises(BadInput) as raised:
        read_gold(path)
    assert raised.value.key == "gold.not_text"
    assert raised.value.values["line"] == 2


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    odd = json.dumps({**ROW, "question": "Was\u2028kostet\x85das?"}, ensure_ascii=False)
    (question,) = read_gold(write(tmp_path / "g.jsonl", odd + "\r"))
    assert question.text == "Was\u2028kostet\x85das?"


def test_a_question_may_be_as_long_as_search_reads(tmp_path: Path) -> None:
    whole = ("Netz " * 1_000)[:MAX_QUERY_CHARACTERS]
    assert read_gold(write(tmp_path / "g.jsonl", {**ROW, "question": whole}))


def test_a_missing_or_empty_gold_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        read_gold(tmp_path / "none.jsonl")
    assert raised.value.key == "gold.unreadable"
    with pytest.raises(BadInput) as raised:
        read_gold(write(tmp_path / "empty.jsonl", ""))
    assert raised.value.key == "gold.empty"


def test_recordings_are_matched_by_id_then_by_title(tmp_path: Path) -> None:
    home = SearchHome(tmp_path / "home")
    known = home.add("Wärme", interview("Ja."))
    with home.catalogue.read() as db:
        every = recordings.every(db)
    gold = write(tmp_path / "g.jsonl", ROW, {**ROW, "recording": known, "question": "Wer?"})
    resolved = read_gold(gold, every)
    assert [question.answers[0].recording for question in resolved] == [known, known]
    assert resolved[0].answers[0].language == "de"
    with pytest.raises(BadInput) as raised:
        read_gold(gold, [])
    assert raised.value.key == "gold.unknown_recording"
    other = write(tmp_path / "o.jsonl", ROW, {**ROW, "recording": "Netz"})
    with pytest.raises(BadInput) as raised:
        read_gold(other, every)
    assert raised.value.values == {"path": str(other), "line": 2, "recording": "Netz"}
    twice = write(tmp_path / "t.jsonl", ROW, {**ROW, "recording": known})
    with pytest.raises(BadInput) as raised:
        read_gold(twice, every)
    assert (raised.value.key, raised.value.values["line"]) == ("gold.duplicate", 2)
    usable, mistakes = read_usable(twice, every)
    assert [len(question.answers) for question in usable] == [1]
    assert [one.key for one in mistakes] == ["gold.duplicate"]
    twin = [every[0], Recording("other", every[0].facts, None, "done", None, 1, 0, None, "de", None,
                                0)]  # fmt: skip
    with pytest.raises(BadInput) as raised:
        read_gold(gold, twin)
    assert raised.value.key == "gold.ambiguous_recording"


def test_evaluation_reports_each_mode_and_direction() -> None:
    german, english = asked(MOMENT), Question("?", "en", (MOMENT,), 2)
    measures = evaluate(
        lambda question, mode: [hit(1, "a" if mode == "hybrid" else "b", 40)],
        [german, english],
        ["hybrid", "words"],
    )
    modes = json.loads(json.dumps(measures_json(measures), allow_nan=False))["modes"]
    assert list(modes) == ["hybrid", "words"]
    assert {name: one["n"] for name, one in modes["hybrid"].items()} == {
        "all": 2, "de→de": 1, "en→de": 1,
    }  # fmt: skip
    assert modes["hybrid"]["all"]["hit@1"] == 1
    assert modes["words"]["all"]["jump_error_median"] is None
    assert modes["hybrid"]["all"]["interval"]["hit@1"] == [1, 1]
    for language in LANGUAGES:
        assert "en→de" in measures_table(measures, language)
