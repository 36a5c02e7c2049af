"""Reciprocal rank fusion: arithmetic anyone can check by hand, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.fusion import best_first, fuse, meaning_weight

RANKINGS = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=20), min_size=1, max_size=4)


def test_a_passage_found_by_both_legs_comes_before_one_found_by_one() -> None:
    fused = fuse([[1, 2], [2, 3]], (1.0, 1.0), k=60)
    assert fused[0][1] == pytest.approx(1 / 62 + 1 / 61)
    assert [found for found, _ in fused] == [2, 1, 3]


def test_equal_scores_are_in_order_of_id() -> None:
    assert [found for found, _ in fuse([[9], [4], [7]], (1.0, 1.0, 1.0))] == [4, 7, 9]
    assert best_first([(5, 1.0), (3, 1.0), (4, 2.0)]) == [(4, 2.0), (3, 1.0), (5, 1.0)]


def test_a_ranking_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse([[1], [2]], (1.0,))


@given(RANKINGS)
def test_every_id_appears_once_and_scores_never_rise(rankings: list[list[int]]) -> None:
    fused = fuse(rankings, [1.0] * len(rankings))
    assert sorted(found for found, _ in fused) == sorted({i for one in rankings for i in one})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.integers(1, 50), unique=True, max_size=30))
def test_fusing_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [found for found, _ in fuse([ranking], (1.0,))] == ranking


@given(RANKINGS)
def test_the_order_in_which_rankings_come_does_not_matter(rankings: list[list[int]]) -> None:
    ahead = dict(fuse(rankings, [1.0] * len(rankings)))
    back = dict(fuse(rankings[::-1], [1.0] * len(rankings)))
    assert ahead == pytest.approx(back)


@given(RANKINGS, st.integers(1, 30))
def test_rising_in_one_ranking_never_lowers_a_passage(rankings: list[list[int]], one: int) -> None:
    before = dict(fuse(rankings, [1.0] * len(rankings))).get(one, 0.0)
    raised = [[one, *(i for i in rankings[0] if i != one)], *rankings[1:]]
    assert dict(fuse(raised, [1.0] * len(rankings)))[one] >= before - 1e-12


def test_meaning_is_heard_the_more_the_less_words_cover() -> None:
    assert meaning_weight(0.0) > meaning_weight(0.2) > meaning_weight(0.4) == meaning_weight(1.0)
    assert meaning_weight(1.0) > 0
