"""What is embedded, how it is keyed, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.contracts import ModelInfo, TextTooLong
from pipeline.errors import BadInput, InterviewsError
from pipeline.fingerprint import text_digest
from pipeline.messages import LANGUAGES
from pipeline.stages.embed import (
    LONGEST_CONTEXT,
    check_limits,
    embed,
    encode,
    encoded_string,
    fitting_context,
    missing,
)
from pipeline.values import Chunk


class LetterEmbedder:
    """An honest small embedder: a text's vector is how often each of three letters occurs."""

    info = ModelInfo("letters", "0" * 64)
    dimension = 3
    max_tokens = 8

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        return [len(passage) for passage in passages]

    def encode_passages(self, passages: Sequence[str]) -> NDArray[np.float32]:
        if any(len(passage) > self.max_tokens for passage in passages):
            raise TextTooLong("beyond 8 letters")
        self.encoded += passages
        rows = [[passage.count(letter) for letter in "abc"] for passage in passages]
        return np.array(rows, dtype=np.float32)

    def encode_query(self, query: str) -> NDArray[np.float32]:
        return self.encode_passages([query[: self.max_tokens]])


def piece(text: str, number: int = 0) -> Chunk:
    return Chunk(number, 0, 1000, text, "de", (), 0, 0)


def test_vectors_are_normalised_half_precision_rows_in_order() -> None:
    vectors = encode(["aab", "c"], LetterEmbedder())
    assert vectors.dtype == np.float16
    assert np.allclose(vectors, np.array([[0.8944, 0.4472, 0], [0, 0, 1]]), atol=1e-3)


def test_equal_strings_are_encoded_once_and_get_the_same_vector() -> None:
    embedder = LetterEmbedder()
    vectors = encode(["ab", "c", "ab"], embedder)
    assert embedder.encoded == ["ab", "c"]
    assert vectors[0].tolist() == vectors[2].tolist()


def test_nothing_to_encode_asks_nothing_of_the_model() -> None:
    embedder = LetterEmbedder()
    assert encode([], embedder).shape == (0, 3)
    assert embedder.encoded == []


def test_only_unknown_strings_are_missing_each_once() -> None:
    assert missing(["a", "b", "a", "c", "b"], {text_digest("a")}) == ("b", "c")


def test_embedding_again_with_all_known_does_nothing() -> None:
    strings = ["ab", "c"]
    first = embed(strings, LetterEmbedder())
    assert set(first) == set(map(text_digest, strings))
    second = LetterEmbedder()
    assert embed(strings, second, first) == {}
    assert second.encoded == []


def test_a_chunk_is_embedded_after_what_its_recording_is_called() -> None:
    assert encoded_string(piece("Ja."), "Wärme im Bestand") == "Wärme im Bestand. Ja."
    assert encoded_string(piece("Ja."), "") == "Ja."


def words_in(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def test_a_title_gives_as_much_context_as_there_is_room_for() -> None:
    assert fitting_context("Wärme im Bestand.", words_in, 9) == "Wärme im Bestand"
    assert fitting_context("Wärme im Bestand", words_in, 2) == "Wärme im"
    assert fitting_context("Wärme im Bestand", words_in, 0) == ""
    long = " ".join(f"Wort{number}" for number in range(100))
    assert len(fitting_context(long, words_in, 500).split()) == LONGEST_CONTEXT


@pytest.mark.parametrize("title", ["", "xq07-de", "VID_20240311_1432", "..."])
def test_a_title_that_says_nothing_gives_none(title: str) -> None:
    assert fitting_context(title, words_in, 20) == ""


def test_a_text_beyond_the_model_is_refused_not_cut() -> None:
    with pytest.raises(BadInput) as refusal:
        encode(["aaaaaaaaa"], LetterEmbedder())
    assert refusal.value.key == "chunk.too_long"
    assert all("8" in refusal.value.message(language) for language in LANGUAGES)


def test_a_vector_without_direction_is_an_error() -> None:
    with pytest.raises(InterviewsError) as failure:
        encode(["xyz"], LetterEmbedder())
    assert failure.value.key == "chunk.bad_vectors"
    assert all("letters" in failure.value.message(language) for language in LANGUAGES)


def test_chunks_larger_than_the_model_reads_are_refused_by_name() -> None:
    check_limits(512, 512, "small")
    with pytest.raises(BadInput) as refusal:
        check_limits(513, 512, "small")
    assert refusal.value.values == {"size": 513, "limit": 512, "model": "small"}
    for language in LANGUAGES:
        assert "513" in refusal.value.message(language)
        assert "512" in refusal.value.advice(language)
