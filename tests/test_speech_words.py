"""The speech recipe's text: what the voices say, what is kept out of it, and its tokens."""

from __future__ import annotations

import re
from itertools import product
from random import Random

import jiwer
import numpy as np
import pytest
from faster_whisper.tokenizer import Tokenizer as WhisperTokenizer
from hypothesis import given
from hypothesis import strategies as st

from models.training.items import LANGUAGES, all_items, all_sentences, read_items
from models.training.speech import spoken, text
from models.training.speech.measure import error_rate, errors, nearest_errors, start_errors
from models.training.speech.text import (
    KEPT_OUT,
    KINDS,
    draw_grammar,
    forbidden,
    is_held_back,
    read_held_out,
    training_sentence,
    written,
)
from models.training.speech.text import test_sentence as unseen_sentence
from models.training.speech.tokenizer import TIMES, Pieces, TextTokens, build, identity, learn
from models.training.wording import five_grams, plain_words

WORDS = st.lists(st.sampled_from("der die netz wärme meter the a".split()), max_size=8)


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [
        (0, "null", "zero"),
        (1, "eins", "one"),
        (17, "siebzehn", "seventeen"),
        (21, "einundzwanzig", "twenty-one"),
        (100, "hundert", "one hundred"),
        (101, "hunderteins", "one hundred and one"),
        (742, "siebenhundertzweiundvierzig", "seven hundred and forty-two"),
        (1000, "eintausend", "one thousand"),
        (21_006, "einundzwanzigtausendsechs", "twenty-one thousand six"),
    ],
)
def test_numbers_are_said_as_words(number: int, german: str, english: str) -> None:
    assert spoken.german_number(number) == german
    assert spoken.english_number(number) == english.replace("-", " ")


@pytest.mark.parametrize(
    ("year", "german", "english"),
    [
        (1900, "neunzehnhundert", "nineteen hundred"),
        (1994, "neunzehnhundertvierundneunzig", "nineteen ninety four"),
        (2000, "zweitausend", "two thousand"),
        (2007, "zweitausendsieben", "two thousand and seven"),
        (2026, "zweitausendsechsundzwanzig", "twenty twenty six"),
    ],
)
def test_years_are_said_as_years(year: int, german: str, english: str) -> None:
    assert spoken.spoken(f"Im Jahr {year}.", "de") == f"Im Jahr {german}."
    assert spoken.spoken(f"In {year}.", "en") == f"In {english}."


@given(st.integers(0, 999_999))
def test_no_two_numbers_sound_alike(number: int) -> None:
    other = (number * 7 + 1) % 1_000_000
    for say in (spoken.german_number, spoken.english_number):
        assert re.fullmatch(r"[a-zäöüß ]+", say(number))
        assert (say(number) == say(other)) == (number == other)


def test_every_item_is_whole_and_spoken_as_written() -> None:
    assert len(all_items()) > 2000
    for language in LANGUAGES:
        for sentence in all_sentences(language):
            assert sentence[-1] in ".?!", sentence
            assert not re.search(r"[\d()/\"%€;:]", sentence), sentence


def test_an_item_that_is_not_whole_is_named(tmp_path) -> None:
    path = tmp_path / "broken.txt"
    path.write_text("de: Das ist gut.\nen: That is good.\n", "utf-8")
    with pytest.raises(ValueError, match="not whole"):
        read_items(path)


def test_held_out_sentences_are_enough() -> None:
    held_out = read_held_out()
    assert all(len(set(held_out[language])) >= 200 for language in LANGUAGES)


def test_no_five_words_of_a_held_out_sentence_are_ever_trained_on() -> None:
    kept = {
        gram
        for path in KEPT_OUT.glob("*.txt")
        for sentences in read_held_out(path).values()
        for sentence in sentences
        for gram in five_grams(sentence)
    }
    assert len(kept) > 2000
    assert kept == forbidden()
    rng = Random(3)
    drawn = [training_sentence(rng, language) for language in LANGUAGES for _ in range(3000)]
    drawn += [sentence for language in LANGUAGES for sentence in written(language)]
    assert not [sentence for sentence in drawn if five_grams(sentence) & kept]


def test_training_never_says_the_grammars_test_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(4)
    assert all(is_held_back(unseen_sentence(rng, "de")) for _ in range(100))
    monkeypatch.setattr(text, "KINDS", ((draw_grammar, 1.0),))
    drawn = [training_sentence(rng, language) for language in LANGUAGES for _ in range(2000)]
    assert not [sentence for sentence in drawn if is_held_back(sentence)]
    undisturbed = [draw_grammar(rng, "de") for _ in range(2000)]
    assert [sentence for sentence in undisturbed if is_held_back(sentence)]


def test_equal_seeds_say_equal_things() -> None:
    for language, (draw, _) in product(LANGUAGES, KINDS):
        assert draw(Random(5), language) == draw(Random(5), language)


@given(WORDS.filter(bool), WORDS)
def test_word_errors_are_counted_as_jiwer_counts_them(said: list[str], heard: list[str]) -> None:
    wrong = jiwer.process_words(" ".join(said), " ".join(heard) or " ")
    expected = wrong.substitutions + wrong.deletions + wrong.insertions
    assert errors(said, heard) == expected


def test_a_rate_lies_in_its_interval() -> None:
    rate = error_rate([("a b c d".split(), "a b x d".split()), ("e f".split(), ["e", "f"])] * 20)
    assert rate.value == pytest.approx(1 / 6)
    assert rate.low < rate.value < rate.high


def test_start_errors_are_those_of_rightly_heard_words() -> None:
    said = [("das", 0.0, 0.2), ("netz", 0.3, 0.6), ("ist", 0.7, 0.8)]
    heard = [("das", 0.05, 0.2), ("nest", 0.3, 0.6), ("ist", 0.6, 0.8)]
    assert start_errors(said, heard) == pytest.approx([0.05, 0.1])
    assert list(nearest_errors([1.0, 5.0], [])) == [np.inf, np.inf]
    assert nearest_errors([1.0, 5.0], [1.2, 4.0]) == pytest.approx([0.2, 1.0])


def small_pieces() -> Pieces:
    return learn([*written("de")[:400], *written("en")[:400]], 800)


def test_equal_texts_teach_equal_pieces() -> None:
    assert small_pieces() == small_pieces()


def test_ids_are_in_the_order_the_engine_wants() -> None:
    tokenizer = build(small_pieces())
    names = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        "<|en|>",
        "<|de|>",
        "<|su|>",
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
        TIMES[0],
        TIMES[-1],
    ]
    ids = [identity(tokenizer, name) for name in names]
    assert ids == sorted(ids)
    assert ids[0] == 801  # text tokens and the empty one stand before
    assert tokenizer.get_vocab_size() == ids[-1] + 1
    assert TIMES[-1] == "<|30.00|>"


def test_faster_whisper_suppresses_no_token_that_begins_words() -> None:
    tokenizer = build(small_pieces())
    suppressed = set(WhisperTokenizer(tokenizer, True, "transcribe", "de").non_speech_tokens)
    used = {
        token
        for language in LANGUAGES
        for sentence in written(language)
        for token in tokenizer.encode(f" {sentence}").ids
        if not re.search(r"[\"'-]", sentence)
    }
    assert not used & suppressed


@given(st.text(max_size=40))
def test_any_text_survives_the_tokenizer(text: str) -> None:
    tokenizer = _tokenizer()
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


_KEPT: list = []


def _tokenizer():
    if not _KEPT:
        _KEPT.append(build(small_pieces()))
    return _KEPT[0]


@given(st.floats(0, 40))
def test_a_time_is_the_nearest_token(seconds: float) -> None:
    tokens = TextTokens(_tokenizer())
    step = tokens.time(seconds) - tokens.first_time
    assert abs(min(seconds, 30.0) - step * 0.02) <= 0.0101


def test_plain_words_are_what_is_compared() -> None:
    assert plain_words("Die E-Mail, die kam um 9 – ja? It’s fine!") == (
        "die e mail die kam um 9 ja it's fine".split()
    )
