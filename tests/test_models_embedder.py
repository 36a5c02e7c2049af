"""The embedder and the token counter, on small random sentence-transformers folders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.contracts import Embedder, ModelError, TextTooLong
from models.load import load_embedder, load_tokens, model_info, resolve
from models.registry import ModelEntry
from models.text.text_model import batches
from tests.text_models import MAX_TOKENS, make_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "our-text"
    return make_model(place, prompts={"query": "query: ", "document": "passage: "})


@pytest.fixture(scope="module")
def known(folder: Path) -> ModelEntry:
    return resolve("text", str(folder), folder.parent)


@pytest.fixture(scope="module")
def embedder(known: ModelEntry, folder: Path) -> Iterator[Embedder]:
    yield load_embedder(known, folder.parent, device="cpu", threads=1)


def test_own_folder_tells_its_dimension_limit_and_prefixes(known: ModelEntry) -> None:
    assert (known.dimension, known.max_tokens) == (16, MAX_TOKENS)
    assert (known.query_prefix, known.passage_prefix) == ("query: ", "passage: ")


def test_embedder_is_what_its_folder_says(embedder: Embedder, known: ModelEntry) -> None:
    assert (embedder.dimension, embedder.max_tokens) == (16, MAX_TOKENS)
    assert embedder.info == model_info(known, Path())


def test_vectors_are_float32_and_of_length_one(embedder: Embedder) -> None:
    vectors = embedder.encode_passages(["Wasser", "Strom und Wärme", ""])
    assert vectors.dtype == np.float32 and vectors.shape == (3, 16)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.encode_query("Netz").shape == (1, 16)


def test_no_passages_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.encode_passages([]).shape == (0, 16)
    assert embedder.count_tokens([]) == []


def test_queries_and_passages_get_their_prefix_once(
    folder: Path, known: ModelEntry, embedder: Embedder
) -> None:
    bare = load_embedder(
        replace(known, query_prefix="", passage_prefix=""), folder.parent, device="cpu", threads=1
    )
    assert np.allclose(embedder.encode_query("Netz"), bare.encode_query("query: Netz"), atol=1e-6)
    assert np.allclose(
        embedder.encode_passages(["Netz"]), bare.encode_passages(["passage: Netz"]), atol=1e-6
    )
    # The stored default prompt plays no part.
    assert not np.allclose(bare.encode_query("Netz"), embedder.encode_query("Netz"), atol=1e-3)


def test_equal_passages_give_equal_bytes(embedder: Embedder) -> None:
    passages = ["Wasser Strom", "Netz", "der die das Netz", "Zähler", "Daten Daten"] * 9
    first = embedder.encode_passages(passages)
    assert first.tobytes() == embedder.encode_passages(passages).tobytes()


def test_each_vector_belongs_to_its_passage(embedder: Embedder) -> None:
    passages = ["Wasser", "der die das Netz Netz Netz", "Strom Strom", "Daten"]
    together = embedder.encode_passages(passages)
    alone = np.concatenate([embedder.encode_passages([passage]) for passage in passages])
    assert np.allclose(together, alone, atol=1e-5)


def test_prefix_and_special_tokens_are_counted(embedder: Embedder) -> None:
    # [CLS] passage : netz [SEP]
    assert embedder.count_tokens(["Netz", "Netz Strom"]) == [5, 6]


def test_stored_truncation_hides_no_tokens(embedder: Embedder) -> None:
    assert embedder.count_tokens(["Netz " * 100]) == [104]


def test_passage_of_exactly_the_limit_is_encoded_and_one_token_more_refused(
    embedder: Embedder,
) -> None:
    fits = MAX_TOKENS - 4
    assert embedder.encode_passages(["Netz " * fits]).shape == (1, 16)
    with pytest.raises(TextTooLong):
        embedder.encode_passages(["Wasser", "Netz " * (fits + 1)])


def test_long_query_is_cut(embedder: Embedder) -> None:
    fits = MAX_TOKENS - 4
    cut = embedder.encode_query("Netz " * 100)
    assert np.allclose(cut, embedder.encode_query("Netz " * fits), atol=1e-6)


def test_another_limit_and_no_prefix(tmp_path: Path) -> None:
    make_model(tmp_path / "other", prompts={}, max_tokens=20)
    other = load_embedder(resolve("text", "other", tmp_path), tmp_path, device="cpu", threads=1)
    assert other.max_tokens == 20
    assert other.count_tokens(["Netz"]) == [3]
    assert other.encode_passages(["Netz " * 18]).shape == (1, 16)


def test_missing_tokenizer_is_damage(tmp_path: Path) -> None:
    make_model(tmp_path / "other", prompts={})
    (tmp_path / "other" / "tokenizer.json").unlink()
    known = resolve("text", "other", tmp_path)
    for load in (lambda: load_tokens(known, tmp_path),
                 lambda: load_embedder(known, tmp_path, device="cpu", threads=1)):  # fmt: skip
        with pytest.raises(ModelError) as caught:
            load()
        assert (caught.value.reason, caught.value.detail) == ("damaged", "tokenizer.json")


def test_broken_weights_are_unloadable(tmp_path: Path) -> None:
    make_model(tmp_path / "other", prompts={})
    (tmp_path / "other" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError) as caught:
        load_embedder(resolve("text", "other", tmp_path), tmp_path, device="cpu", threads=1)
    assert caught.value.reason == "unloadable"


def test_wrong_dimension_in_the_registry_is_noticed(known: ModelEntry, folder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_embedder(replace(known, dimension=17), folder.parent, device="cpu", threads=1)
    assert caught.value.reason == "unloadable"


def test_bundled_text_model_loads_as_the_registry_describes_it(tmp_path: Path) -> None:
    bundled = resolve("text", "auto", tmp_path)
    if not bundled.files:
        pytest.skip("the bundled text model is not built")
    model = load_embedder(bundled, tmp_path, device="cpu", threads=1)
    assert (model.dimension, model.max_tokens) == (bundled.dimension, bundled.max_tokens)
    assert model.count_tokens(["Wasser"]) == load_tokens(bundled, tmp_path).count_tokens(["Wasser"])
    vectors = model.encode_passages(["Das Wasser ist klar.", "The water is clear."])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_loading_says_nothing(
    known: ModelEntry, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_embedder(known, folder.parent, device="cpu", threads=1)
    assert capfd.readouterr() == ("", "")


def test_tokens_are_counted_without_torch(folder: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from models.load import load_tokens, resolve\n"
        f"place = pathlib.Path({str(folder)!r})\n"
        "counter = load_tokens(resolve('text', str(place), place.parent), place.parent)\n"
        "heavy = [n for n in ('torch', 'transformers', 'sentence_transformers')"
        " if n in sys.modules]\n"
        "print(counter.count_tokens(['Netz']), counter.max_tokens, heavy)\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == f"[5] {MAX_TOKENS} []", done.stderr


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.text(alphabet="aäNetz :.,\n", max_size=20), min_size=1, max_size=5))
def test_own_count_is_the_librarys(embedder: Embedder, passages: list[str]) -> None:
    own = embedder._own_counts(["passage: " + p for p in passages])  # type: ignore[attr-defined]
    assert embedder.count_tokens(passages) == own


@given(st.lists(st.integers(1, 2048), max_size=200))
def test_batches_hold_each_row_once_within_the_budget(counts: list[int]) -> None:
    groups = batches(counts, 1024, 64)
    assert sorted(row for group in groups for row in group) == list(range(len(counts)))
    for group in groups:
        assert len(group) <= 64
        assert len(group) == 1 or len(group) * max(counts[r] for r in group) <= 1024


def test_threads_may_share_an_embedder(embedder: Embedder) -> None:
    passages = ["eins", "eins zwei drei vier", "zwei drei"] * 4
    alone = embedder.encode_passages(passages)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: embedder.encode_passages(passages), range(60)))
    assert all(np.allclose(alone, one, atol=1e-6) for one in together)
