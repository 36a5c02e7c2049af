"""The cross-encoder, on small random folders, loaded as the program loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from models.contracts import ModelError, Reranker
from models.load import load_reranker, model_info, resolve
from models.registry import entries
from models.verify import local_entries
from tests.cross_encoder import MAX_TOKENS, make_cross_encoder

QUERY = "Was kostet das Wärmenetz?"
PASSAGES = ["Das Netz kostet vier Millionen Euro.", "Guten Tag.", "", "Wasser " * 400]


def loaded(folder: Path) -> Reranker:
    known = resolve("reranker", str(folder), folder.parent)
    return load_reranker(known, folder.parent, device="cpu", threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "our-reranker")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Reranker:
    return loaded(folder)


def logits(folder: Path, query: str, passages: list[str]) -> list[float]:
    """What the model itself says, by transformers alone."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    pairs = tokenizer(
        [query] * len(passages), passages, padding=True, truncation=True, max_length=MAX_TOKENS,
        return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        return [float(row[0]) for row in model(**pairs).logits]


def test_scores_are_the_model_s_own_in_the_order_of_the_passages(
    reranker: Reranker, folder: Path
) -> None:
    scores = reranker.scores(QUERY, PASSAGES)
    assert scores.dtype == np.float32 and scores.shape == (len(PASSAGES),)
    assert len(set(scores.tolist())) == len(PASSAGES)
    assert np.allclose(scores, logits(folder, QUERY, PASSAGES), atol=1e-4)


def test_no_passages_have_no_scores(reranker: Reranker) -> None:
    assert reranker.scores(QUERY, []).shape == (0,)


def test_a_passage_that_is_too_long_is_judged_by_its_beginning(reranker: Reranker) -> None:
    assert reranker.max_tokens == MAX_TOKENS
    whole, other = reranker.scores(QUERY, ["Wasser " * 400, "Wasser " * 400 + "Netz"])
    assert np.isclose(whole, other, atol=1e-5)


def test_a_long_query_leaves_room_for_the_passage(reranker: Reranker) -> None:
    first, second = reranker.scores("Netz " * 400, ["Wasser kostet Geld.", "Guten Tag."])
    assert not np.isclose(first, second, atol=1e-3)


def test_a_folder_as_sentence_transformers_saves_it_scores_the_same(
    reranker: Reranker, folder: Path, tmp_path: Path
) -> None:
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(folder)).save_pretrained(str(tmp_path / "saved"))
    saved = loaded(tmp_path / "saved")
    assert saved.scores(QUERY, PASSAGES) == pytest.approx(
        reranker.scores(QUERY, PASSAGES), abs=1e-5
    )


def test_own_reranker_is_listed_and_checked_by_its_name(folder: Path, reranker: Reranker) -> None:
    (known,) = local_entries(folder.parent)
    assert (known.name, known.kind, known.max_tokens) == ("our-reranker", "reranker", MAX_TOKENS)
    assert reranker.info == model_info(known, folder.parent)


def _drop_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def _pickle(folder: Path) -> None:
    import torch

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _break(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"nothing")


@pytest.mark.parametrize("spoil", [_drop_head, _pickle, _break])
def test_weights_that_are_made_up_pickled_or_broken_are_unloadable(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = make_cross_encoder(tmp_path / "spoiled")
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        loaded(folder)
    assert caught.value.reason == "unloadable"


def test_a_classifier_of_several_classes_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        loaded(make_cross_encoder(tmp_path / "moods", labels=3))
    assert (caught.value.reason, caught.value.detail) == ("unloadable", "num_labels = 3")


def test_missing_tokenizer_is_damage(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "mute")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError) as caught:
        loaded(folder)
    assert (caught.value.reason, caught.value.detail) == ("damaged", "tokenizer.json")


def test_a_text_model_is_no_reranker_and_the_known_one_is_named(tmp_path: Path) -> None:
    known = next(one.name for one in entries() if one.kind == "reranker")
    with pytest.raises(ModelError) as caught:
        resolve("reranker", "multilingual-e5-small", tmp_path)
    assert (caught.value.reason, caught.value.detail) == ("unknown", known)
    with pytest.raises(ModelError) as caught:
        model_info(resolve("reranker", known, tmp_path), tmp_path)
    assert (caught.value.reason, caught.value.name) == ("absent", known)


def test_loading_and_scoring_say_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    loaded(folder).scores(QUERY, PASSAGES)
    assert capfd.readouterr() == ("", "")
