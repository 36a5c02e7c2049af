"""The bundled text model: loads offline, understands a little, carries nothing else."""

from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from models.training.text.batches import Recipe, Round, Steps
from models.training.text.evaluate import heldout, heldout_items, model_scorer
from models.training.text.lexicon import all_concepts, german_participle, neighbours
from models.training.text.pairs import triples
from models.training.text.tokenizer import train_tokenizer
from models.training.wording import five_grams

FOLDER = Path(__file__).parents[1] / "models" / "bundled" / "text-de-en"
FILES = {
    "MODEL_CARD.md",
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
}
DIMENSION = 192
MAX_TOKENS = 256
MEGABYTE = 1_000_000


@cache
def model() -> SentenceTransformer:
    return SentenceTransformer(str(FOLDER), device="cpu", local_files_only=True)


def similarity(first: str, second: str) -> float:
    vectors = model().encode([first, second])
    return float(vectors[0] @ vectors[1])


def test_the_folder_carries_nothing_else_and_is_small() -> None:
    found = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert {path.relative_to(FOLDER).as_posix() for path in found} == FILES
    assert sum(path.stat().st_size for path in found) <= 12 * MEGABYTE


def test_vectors_are_normalised_and_of_the_promised_size() -> None:
    vectors = model().encode(["Wie alt ist das Wasserwerk?", "one", "Netz " * 2000])
    assert vectors.shape == (3, DIMENSION)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert model().get_max_seq_length() == MAX_TOKENS


@pytest.mark.parametrize(
    "text", ["😀🚰", "مرحبا بالعالم", "東京の水道", "", " \n\t", "\u0301\x00", "ẞßſ"]
)
def test_any_text_gives_finite_vectors(text: str) -> None:
    assert np.isfinite(model().encode(text)).all()


def test_no_text_is_unknown_and_scripts_do_not_collapse() -> None:
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    texts = ["東京", "大阪", "شكرا", "😀", "😢", "Ǆ"]
    pieces = [tuple(tokenizer.encode(text).ids) for text in texts]
    unknown = tokenizer.token_to_id("[UNK]")
    assert len(set(pieces)) == len(texts)
    assert not any(unknown in ids for ids in pieces)


def test_the_tokenizer_counts_alike_alone_and_inside_the_model() -> None:
    text = "Die Fernwärme kommt mit 70 °C an; in Straßen und Häusern!"
    alone = Tokenizer.from_file(str(FOLDER / "tokenizer.json")).encode(text)
    inside = model().tokenizer([text])["input_ids"][0]
    assert alone.ids == [int(i) for i in inside]
    assert alone.tokens[0] == "[CLS]"
    assert alone.tokens[-1] == "[SEP]"
    assert len(alone.ids) < 2.5 * len(text.split()) + 10


def test_spellings_of_umlauts_and_case_are_one() -> None:
    first, second = model().encode(["Straße in München über", "STRASSE in Muenchen ueber"])
    assert float(first @ second) == pytest.approx(1.0, abs=1e-5)


# Measured on the bundled weights, with some room: these fall when the weights or the loading break.
@pytest.mark.parametrize(
    ("direction", "least"), [("de->de", 0.30), ("en->en", 0.38), ("de->en", 0.42), ("en->de", 0.36)]
)
def test_questions_find_answers_that_use_other_words(direction: str, least: float) -> None:
    assert heldout(model_scorer(model()))[direction].hit1 >= least


def test_synonyms_and_translations_are_nearer_than_other_subjects() -> None:
    near = similarity("Wo gibt es Ladesäulen?", "charging stations for electric cars")
    far = similarity("Wo gibt es Ladesäulen?", "the sewage plant filters wastewater")
    assert near > far + 0.2


def test_unknown_names_match_by_their_pieces() -> None:
    near = similarity("Wer ist Zbigniew Kowaltschuk?", "Zbigniew Kowaltschuk wohnt in Radeberg.")
    far = similarity("Wer ist Zbigniew Kowaltschuk?", "Ottokar Humperdinck wohnt in Radeberg.")
    assert near > far + 0.1


def test_equal_seeds_give_equal_training_texts() -> None:
    first, again = (list(islice(triples(7, 3), 40)) for _ in range(2))
    assert first == again
    assert list(islice(triples(8, 3), 40)) != first


def test_every_related_word_of_the_lexicon_is_a_concept() -> None:
    assert len(neighbours()) == len(all_concepts())
    assert all(neighbours()[c.index] for c in all_concepts() if c.related)


@pytest.mark.parametrize(
    ("infinitive", "participle"),
    [("reparieren", "repariert"), ("ausbauen", "ausgebaut"), ("erneuern", "erneuert")],
)
def test_regular_participles_are_formed(infinitive: str, participle: str) -> None:
    assert german_participle(infinitive) == participle


def test_heldout_texts_do_not_occur_in_training_texts() -> None:
    texts = [
        v for row in heldout_items() for k, v in row.items() if k[:7] in ("questio", "passage")
    ]
    kept = {gram for text in texts for gram in five_grams(text)}
    assert len(texts) >= 800
    for triple in islice(triples(3, 4), 3000):
        assert not any(kept & five_grams(text) for text in triple.texts)


def test_a_step_learns_from_the_same_texts_every_time() -> None:
    tokenizer = train_tokenizer(1500, 1, sample=200)
    steps = [Steps(tokenizer, Recipe(), Round("bag", 0, 4, ())) for _ in range(2)]
    for step in range(4):
        first, again = (one[step] for one in steps)
        assert first.query == again.query
        assert first.positive == again.positive
        assert first.negative == again.negative
        assert torch.equal(first.group, again.group)
