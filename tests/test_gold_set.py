"""Our own gold set holds together, and search is no worse on it than either of its legs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from pipeline.catalog import recordings
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.figures import Figures
from pipeline.evaluation.gold import Question, read_gold
from pipeline.search.results import MODES
from pipeline.search.search import Searcher
from pipeline.values import Hit
from tests import gold_set
from tests.gold_set import HALVES, Interview, build

INTERVIEWS = gold_set.interviews()
ROWS = {half: gold_set.rows(half) for half in HALVES}
every_half = pytest.mark.parametrize("half", HALVES)


@every_half
def test_every_answer_is_a_run_of_lines_with_the_best_among_them(half: str) -> None:
    for row in ROWS[half]:
        answer = row["answer"]
        assert isinstance(answer, list) and answer, row["question"]
        place = INTERVIEWS[str(row["recording"])].place(answer)
        assert len(place) == len(answer)
        assert row["best"] in answer, row["question"]


def test_a_place_is_known_only_where_the_lines_stand_once_and_together() -> None:
    turns = tuple(("Anna", text) for text in ("Ja.", "Das Netz.", "Ja.", "Der Zähler."))
    interview = Interview("x", {}, turns)
    assert interview.place(["Das Netz.", "Ja."]) == range(1, 3)
    for texts in (["Ja."], ["Ja.", "Ja."], ["Nein."]):
        with pytest.raises(ValueError, match="places"):
            interview.place(texts)


@every_half
def test_answers_in_time_hold_the_best_line(half: str) -> None:
    for row in gold_set.questions(half):
        start, best, end = (float(str(row[name])) for name in ("start", "sent_start", "end"))
        assert 0 <= start <= best < end, row["question"]


def test_no_question_stands_in_both_halves_or_twice() -> None:
    asked = Counter(str(row["question"]) for rows in ROWS.values() for row in rows)
    assert [question for question, count in asked.items() if count > 1] == []


def test_there_are_enough_questions_in_either_language() -> None:
    languages = Counter(row["language"] for rows in ROWS.values() for row in rows)
    assert languages.keys() == {"de", "en"}
    assert languages["de"] >= 80
    assert languages["en"] >= 40


@every_half
def test_cross_questions_are_asked_in_the_other_language_and_no_others(half: str) -> None:
    for row in ROWS[half]:
        heard = INTERVIEWS[str(row["recording"])].facts["language"]
        assert (row["language"] != heard) == (row["kind"] == "cross"), row["question"]


def test_the_interviews_are_forty_of_two_to_six_minutes_with_titles_of_their_own() -> None:
    assert len(INTERVIEWS) == 40
    for slug, interview in INTERVIEWS.items():
        assert 120_000 <= interview.lines[-1].end_ms <= 360_000, slug
    titles = Counter(interview.facts["title"] for interview in INTERVIEWS.values())
    assert max(titles.values()) == 1


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figures]:
    """Every mode's figures over the development half."""
    home = tmp_path_factory.mktemp("gold") / "home"
    context = build(home)
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            questions = read_gold(home / "development.jsonl", recordings.every(db))
        searcher = Searcher(catalogue, context.home.index, context.embedder_for)

        def ask(question: Question, mode: str) -> Sequence[Hit]:
            known = next(one for one in MODES if one == mode)
            return searcher.search(question.text, mode=known, limit=100).hits

        return {
            mode: directions["all"] for mode, directions in evaluate(ask, questions, MODES).items()
        }


@pytest.mark.parametrize("measure", ["hit@1", "hit@5", "hit@10", "mrr", "ndcg@10"])
def test_both_legs_together_find_no_less_than_the_better_one(
    measured: dict[str, Figures], measure: str
) -> None:
    alone = max(measured[mode].values[measure] for mode in ("words", "meaning"))
    assert measured["hybrid"].values[measure] >= alone
