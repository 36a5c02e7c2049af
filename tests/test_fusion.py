"""Two legs made one ranking: arithmetic anyone can check by hand, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.fusion import best_first, blend, meaning_weight

SHARES = st.dictionaries(
    st.integers(1, 30), st.integers(0, 1000).map(lambda n: n / 1000), max_size=20
)
COSINES = st.dictionaries(st.integers(1, 30), st.floats(-1, 1), max_size=20)


def test_a_passage_scores_what_both_legs_give_it() -> None:
    found = blend({1: 0.5, 2: 0.4}, {2: 0.5, 3: 0.9})
    weight = meaning_weight(0.5)
    assert dict(found) == pytest.approx({1: 0.5, 2: 0.4 + weight * 0.5, 3: weight * 0.9})
    assert [one for one, _ in found] == [2, 1, 3]


def test_equal_scores_are_in_order_of_id() -> None:
    assert [one for one, _ in blend({9: 0.5, 4: 0.5, 7: 0.5}, {})] == [4, 7, 9]
    assert best_first([(5, 1.0), (3, 1.0), (4, 2.0)]) == [(4, 2.0), (3, 1.0), (5, 1.0)]


def test_meaning_is_heard_the_more_the_less_words_can_find() -> None:
    assert meaning_weight(0.0) > meaning_weight(0.1) > meaning_weight(0.3) == meaning_weight(1.0)
    assert meaning_weight(1.0) > 0


@given(SHARES, COSINES)
def test_every_passage_appears_once_and_scores_never_rise(
    words: dict[int, float], meaning: dict[int, float]
) -> None:
    found = blend(words, meaning)
    assert sorted(one for one, _ in found) == sorted(words.keys() | meaning.keys())
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


@given(SHARES, COSINES)
def test_a_leg_that_finds_nothing_leaves_the_order_to_the_other(
    words: dict[int, float], meaning: dict[int, float]
) -> None:
    assert blend(words, {}) == best_first(words.items())
    assert [one for one, _ in blend({}, meaning)] == [one for one, _ in best_first(meaning.items())]


@given(SHARES)
def test_a_leg_of_equals_changes_no_order(words: dict[int, float]) -> None:
    equal = dict.fromkeys(words, 0.5)
    assert [one for one, _ in blend(words, equal)] == [one for one, _ in best_first(words.items())]


@given(SHARES, COSINES, st.integers(1, 30), st.floats(0, 1))
def test_rising_in_meaning_never_lowers_a_passage(
    words: dict[int, float], meaning: dict[int, float], one: int, rise: float
) -> None:
    before = dict(blend(words, meaning)).get(one, 0.0)
    raised = meaning | {one: meaning.get(one, 0.0) + rise}
    assert dict(blend(words, raised))[one] >= before
