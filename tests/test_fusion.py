"""Two legs made one ranking: arithmetic anyone can check by hand, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.fusion import best_first, blend, imputed, meaning_weight

SHARES = st.dictionaries(
    st.integers(1, 30), st.integers(0, 1000).map(lambda n: n / 1000), max_size=20
)
LIKENESSES = st.dictionaries(
    st.integers(1, 30), st.integers(-1000, 1000).map(lambda n: n / 1000), max_size=20
)
WEIGHTS = st.floats(0.05, 45)


def test_a_passage_scores_what_both_legs_give_it() -> None:
    found = blend({1: 0.5, 2: 0.4}, {2: 0.5, 3: 0.9}, 2.0)
    assert found == pytest.approx({1: 0.5, 2: 1.4, 3: 1.8})


def test_equal_scores_are_in_order_of_id() -> None:
    assert best_first([(5, 1.0), (3, 1.0), (4, 2.0)]) == [(4, 2.0), (3, 1.0), (5, 1.0)]


def test_meaning_is_heard_the_more_the_less_words_can_find() -> None:
    assert meaning_weight(0.2) > meaning_weight(0.4) > meaning_weight(0.6) > meaning_weight(1.0) > 0
    assert meaning_weight(0.0) == meaning_weight(0.2)


def order(scores: dict[int, float]) -> list[int]:
    return [one for one, _ in best_first((i, round(score, 9)) for i, score in scores.items())]


@given(SHARES, LIKENESSES, WEIGHTS)
def test_every_passage_of_either_leg_has_one_score(
    words: dict[int, float], meaning: dict[int, float], weight: float
) -> None:
    assert blend(words, meaning, weight).keys() == words.keys() | meaning.keys()


@given(SHARES, LIKENESSES, WEIGHTS)
def test_a_leg_that_finds_nothing_leaves_the_order_to_the_other(
    words: dict[int, float], meaning: dict[int, float], weight: float
) -> None:
    assert order(blend(words, {}, weight)) == order(words)
    assert order(blend({}, meaning, weight)) == order(blend({}, meaning, 1.0)) == order(meaning)


@given(SHARES, WEIGHTS)
def test_a_leg_of_equals_changes_no_order(words: dict[int, float], weight: float) -> None:
    assert order(blend(words, dict.fromkeys(words, 0.5), weight)) == order(words)


@given(SHARES, LIKENESSES, WEIGHTS, st.integers(1, 30), st.floats(0, 1))
def test_rising_in_meaning_never_lowers_a_passage(
    words: dict[int, float], meaning: dict[int, float], weight: float, one: int, rise: float
) -> None:
    before = blend(words, meaning, weight).get(one, 0.0)
    raised = meaning | {one: meaning.get(one, 0.0) + rise}
    assert blend(words, raised, weight)[one] >= before


@given(SHARES, LIKENESSES, st.sets(st.integers(1, 30)))
def test_likeness_stands_in_for_words_across_languages_only_and_lowers_nothing(
    words: dict[int, float], meaning: dict[int, float], foreign: set[int]
) -> None:
    found = imputed(words, meaning, foreign)
    assert found.keys() == words.keys()
    for one, share in words.items():
        assert found[one] >= share
        assert one in foreign or found[one] == share


def test_a_passage_in_another_language_is_not_beaten_by_chance_likeness_of_letters() -> None:
    letters, answer = 1, 2
    words, meaning = {letters: 0.25, answer: 0.0}, {letters: 0.1, answer: 0.6}
    assert order(blend(words, meaning, 0.3))[0] == letters
    assert order(blend(imputed(words, meaning, {answer}), meaning, 0.3))[0] == answer
