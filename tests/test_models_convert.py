"""``models convert``: checkpoints of official size, whole and with every known fault."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import (
    NEW_ROWS,
    OLD_ROWS,
    OLDER,
    SENTENCE,
    TEXT_IDS,
    TINY_HEADS,
    added,
    edit,
    generation,
    save,
    tokenizer,
    variant,
    write,
)
from conftest import SAMPLES, Interviews
from faster_whisper import WhisperModel, decode_audio
from filelock import FileLock
from full_disk import full_disk, startup
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import WhisperTokenizer

from models.contracts import Audio, RecognitionTask
from models.conversion.checkpoint import Checkpoint, ConversionError
from models.conversion.convert import alignment_heads, convert
from models.download.placing import place
from models.load import load_recogniser, model_info, resolve, verify
from pipeline.messages import catalogue

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """whisper-tiny's sizes: 51,865 rows, 80 bands. Not to be changed."""
    return save(tmp_path_factory.mktemp("tiny") / "checkpoint")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with large-v3's vocabulary and bands. Not to be changed."""
    return save(tmp_path_factory.mktemp("large") / "checkpoint", NEW_ROWS, 128)


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Make:
    """A copy of the tiny checkpoint less some files, to be changed."""
    return lambda *without: variant(tiny, tmp_path / "source", *without)


@pytest.fixture(scope="session")
def audio() -> Audio:
    """The first words of a sample interview."""
    sound: Audio = decode_audio(str(SAMPLES / "fernwaerme.mp4"))[: 16_000 * 8]
    return sound


def models_of(tmp_path: Path) -> Path:
    return tmp_path / "models"


def converted(source: Path, tmp_path: Path, **options: Any) -> Path:
    return convert(source, "mine", models_of(tmp_path), **options)


def refusal(source: Path, tmp_path: Path, name: str = "mine", **options: Any) -> tuple[str, str]:
    """Why a folder is not converted; nothing of it may be left."""
    before = names_in(models_of(tmp_path))
    with pytest.raises(ConversionError) as caught:
        convert(source, name, models_of(tmp_path), **options)
    assert names_in(models_of(tmp_path)) == before
    return caught.value.reason, caught.value.detail


def names_in(folder: Path) -> list[str]:
    return (
        sorted(p.name for p in folder.iterdir() if p.suffix != ".lock") if folder.is_dir() else []
    )


def heard_by_faster_whisper(folder: Path, audio: Audio) -> list[tuple[str, float, float]]:
    """Words with times as the unmodified library yields them."""
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)
    segments, _ = model.transcribe(
        audio, language="de", word_timestamps=True, without_timestamps=True, beam_size=1,
        condition_on_previous_text=False,
    )  # fmt: skip
    return [(word.word, word.start, word.end) for s in segments for word in s.words or ()]


def says_it(folder: Path, audio: Audio) -> bool:
    """Whether a converted model still says its sentence, every word timed within the sound."""
    words = heard_by_faster_whisper(folder, audio)
    assert all(0 <= start <= end <= len(audio) / 16_000 for _, start, end in words)
    return "".join(word for word, _, _ in words).strip() == SENTENCE


@pytest.mark.parametrize("size", ["tiny", "large"])
def test_a_converted_model_is_recognised_with_by_its_name(
    size: str, request: pytest.FixtureRequest, tmp_path: Path, audio: Audio
) -> None:
    place = converted(request.getfixturevalue(size), tmp_path)
    assert place == models_of(tmp_path) / "mine"
    known = resolve("speech", "mine", models_of(tmp_path))
    recogniser = load_recogniser(
        known, models_of(tmp_path), device="cpu", compute_type="auto", threads=2, batch_size=2
    )
    found = recogniser.recognise(audio, RecognitionTask(language=None))
    assert {segment.text for segment in found.segments} == {SENTENCE}
    assert {segment.language for segment in found.segments} == {"de"}
    words = [word for segment in found.segments for word in segment.words]
    assert [word.text for word in words[:11]] == SENTENCE.split()
    assert all(0 <= w.start_ms < w.end_ms <= 8_000 for w in words)
    assert found.model == model_info(known, models_of(tmp_path))
    assert verify(known, models_of(tmp_path)).good


@pytest.mark.parametrize("size", ["tiny", "large"])
def test_a_converted_model_works_in_the_unmodified_library(
    size: str, request: pytest.FixtureRequest, tmp_path: Path, audio: Audio
) -> None:
    assert says_it(converted(request.getfixturevalue(size), tmp_path), audio)


@pytest.mark.parametrize(
    "quantization", ["float32", "float16", "bfloat16", "int16", "int8_bfloat16"]
)
def test_every_precision_still_says_the_same(
    tiny: Path, tmp_path: Path, audio: Audio, quantization: str
) -> None:
    place = converted(tiny, tmp_path, quantization=quantization)
    assert says_it(place, audio)
    bytes_each = (place / "model.bin").stat().st_size / 37.76e6
    assert round(bytes_each) == {"float32": 4}.get(quantization, 1 if "int8" in quantization else 2)
    lock = json.loads((place / "model.lock.json").read_text())
    assert lock["converted"]["quantization"] == quantization
    assert lock["converted"]["source"] == "checkpoint"


def test_the_same_checkpoint_yields_the_same_model(tiny: Path, tmp_path: Path) -> None:
    hashes = set()
    for name in ("one", "two"):
        convert(tiny, name, models_of(tmp_path), "int8")
        known = resolve("speech", name, models_of(tmp_path))
        hashes.add(model_info(known, models_of(tmp_path)).hash)
    assert len(hashes) == 1


# ------------------------------------------------------------------ tokenizer

TEXTS = (SENTENCE, " - 12 km/h", "日本", "\n\t  x", "<|notimestamps|>", "don't")


def test_the_older_tokenizer_files_make_the_same_tokenizer(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy("tokenizer.json")
    place = converted(source, tmp_path)
    made = Tokenizer.from_file(str(place / "tokenizer.json"))
    theirs = WhisperTokenizer.from_pretrained(source, local_files_only=True)
    for text in TEXTS:
        ids = made.encode(text, add_special_tokens=False).ids
        assert ids == theirs.encode(text, add_special_tokens=False)
        assert ids == tokenizer(OLD_ROWS).encode(text, add_special_tokens=False).ids
    assert made.get_vocab() == tokenizer(OLD_ROWS).get_vocab()
    assert says_it(place, audio)


def test_added_tokens_are_found_in_the_tokenizers_configuration_too(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy("tokenizer.json", "added_tokens.json")
    rows = {str(n): {"content": t, "special": True} for t, n in added(OLD_ROWS).items()}
    write(source / "tokenizer_config.json", {"added_tokens_decoder": rows})
    assert says_it(converted(source, tmp_path), audio)


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        (("tokenizer.json", *OLDER), "no_tokenizer"),
        (("tokenizer.json", "merges.txt"), "no_tokenizer"),
        (("tokenizer.json", "added_tokens.json"), "tokenizer"),
    ],
)
def test_without_a_tokenizer_nothing_is_converted_and_none_is_fetched(
    interviews: Interviews,
    copy: Make,
    without: tuple[str, ...],
    reason: str,
    unplugged: dict[str, str],
) -> None:
    said = {"no_tokenizer": "tokenizer is missing", "tokenizer": "lacks the token"}
    ran = interviews("models", "convert", copy(*without), "mine", check=False, **unplugged)
    assert ran.code == 2 and said[reason] in ran.err
    assert names_in(interviews.home / "models") == []


def test_limits_that_training_left_in_the_tokenizer_are_taken_out(
    copy: Make, tmp_path: Path
) -> None:
    source = copy("tokenizer.json")
    limited = Tokenizer.from_str(tokenizer(OLD_ROWS).to_str())
    limited.enable_truncation(5)
    limited.enable_padding(length=20)
    limited.save(str(source / "tokenizer.json"))
    made = Tokenizer.from_file(str(converted(source, tmp_path) / "tokenizer.json"))
    assert made.encode(SENTENCE).ids == tokenizer(OLD_ROWS).encode(SENTENCE).ids


def test_a_tokenizer_of_another_generation_is_refused(
    tiny: Path, large: Path, tmp_path: Path
) -> None:
    tokens = ("tokenizer.json", *OLDER)
    for number, (model, words) in enumerate(((tiny, large), (large, tiny))):
        source = variant(model, tmp_path / f"{number}", *tokens)
        (source / "tokenizer.json").write_bytes((words / "tokenizer.json").read_bytes())
        assert refusal(source, tmp_path)[0] == "vocabulary"


def test_a_generation_config_of_another_generation_is_refused(copy: Make, tmp_path: Path) -> None:
    source = copy("generation_config.json")
    write(source / "generation_config.json", generation(NEW_ROWS))
    reason, detail = refusal(source, tmp_path)
    assert reason == "vocabulary" and detail.startswith("generation_config.json")


def test_a_vocabulary_of_another_length_than_the_weights_is_refused(
    copy: Make, tmp_path: Path
) -> None:
    source = copy()
    edit(source / "config.json", vocab_size=OLD_ROWS + 3)
    assert refusal(source, tmp_path) == ("vocabulary", f"config.json {OLD_ROWS + 3} ≠ {OLD_ROWS}")


def test_a_table_filled_up_for_graphics_cards_is_converted(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy()
    with_weights(source, lambda weights: embedding(weights, lambda rows: torch.cat(
        [rows, torch.zeros(7, rows.shape[1])])))  # fmt: skip
    edit(source / "config.json", vocab_size=OLD_ROWS + 7)
    assert says_it(converted(source, tmp_path), audio)


# ------------------------------------------------------------------ bands, heads, suppressed tokens


@pytest.mark.parametrize(("size", "bands"), [("tiny", 80), ("large", 128)])
@pytest.mark.parametrize("told", [None, 80, 128])
def test_the_weights_say_how_many_bands_are_heard(
    size: str, bands: int, told: int | None, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = variant(request.getfixturevalue(size), tmp_path / "source", "preprocessor_config.json")
    if told is not None:
        write(source / "preprocessor_config.json", {"feature_size": told})
    place = converted(source, tmp_path, quantization="int8")
    model = WhisperModel(str(place), device="cpu", local_files_only=True)
    assert model.feature_extractor.mel_filters.shape[0] == model.model.n_mels == bands


def test_bands_are_found_in_the_newer_processor_file(large: Path, tmp_path: Path) -> None:
    source = variant(large, tmp_path / "source", "preprocessor_config.json")
    write(source / "processor_config.json", {"feature_extractor": {"hop_length": 160}})
    told = json.loads((converted(source, tmp_path) / "preprocessor_config.json").read_text())
    assert told["feature_size"] == 128 and told["hop_length"] == 160


def heads_of(place: Path) -> list[list[int]]:
    heads: list[list[int]] = json.loads((place / "config.json").read_text())["alignment_heads"]
    return heads


def test_alignment_heads_are_the_checkpoints_own(copy: Make, tmp_path: Path) -> None:
    source = copy()
    edit(source / "generation_config.json", alignment_heads=[[1, 1], [3, 5]])
    assert heads_of(converted(source, tmp_path)) == [[1, 1], [3, 5]]


def test_heads_of_another_size_left_in_the_folder_do_not_count(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy()
    edit(source / "generation_config.json", alignment_heads=[[10, 12], [13, 17]])
    place = converted(source, tmp_path)
    assert heads_of(place) == TINY_HEADS
    assert says_it(place, audio)


TINY = SimpleNamespace(
    encoder_layers=4, decoder_layers=4, decoder_attention_heads=6, num_mel_bins=80
)


@pytest.mark.parametrize("left_over", [None, [], "rubbish", [[1, 1, 1]], [[4, 0]], [["1", 0]]])
def test_without_usable_heads_those_published_for_the_size_are_taken(left_over: Any) -> None:
    checkpoint = Checkpoint(Path(), {}, {"alignment_heads": left_over})
    assert alignment_heads(checkpoint, TINY) == TINY_HEADS


@pytest.mark.parametrize(
    ("encoder", "decoder", "heads", "bands", "first", "count"),
    [
        (32, 32, 20, 80, [10, 12], 23),
        (32, 32, 20, 128, [7, 0], 10),
        (32, 4, 20, 128, [2, 4], 6),
        (24, 24, 16, 80, [13, 15], 6),
        (32, 2, 20, 128, [1, 0], 20),
        (5, 6, 2, 80, [3, 0], 6),
    ],
    ids=["large-v2", "large-v3", "turbo", "medium", "distilled", "own"],
)
def test_heads_by_the_models_size(
    encoder: int, decoder: int, heads: int, bands: int, first: list[int], count: int
) -> None:
    config = SimpleNamespace(
        encoder_layers=encoder, decoder_layers=decoder, decoder_attention_heads=heads,
        num_mel_bins=bands,
    )  # fmt: skip
    found = alignment_heads(Checkpoint(Path(), {}, {}), config)
    assert found[0] == first and len(found) == count
    assert all(layer < decoder and head < heads for layer, head in found)


def test_a_fine_tuned_checkpoint_without_generation_config_is_complete(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    place = converted(copy("generation_config.json"), tmp_path)
    config = json.loads((place / "config.json").read_text())
    assert config["alignment_heads"] == TINY_HEADS
    assert config["suppress_ids_begin"] == [220, TEXT_IDS]
    assert tokenizer(OLD_ROWS).token_to_id("<|transcribe|>") in config["suppress_ids"]
    assert config["lang_ids"] == list(range(TEXT_IDS + 2, TEXT_IDS + 2 + 99))
    assert says_it(place, audio)


# ------------------------------------------------------------------ weights


def with_weights(source: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Other weights in a copy; the original behind the link stays."""
    path = source / "model.safetensors"
    weights = change(load_file(path))
    path.unlink()
    save_file(weights, path, metadata={"format": "pt"})


EMBEDDING = "model.decoder.embed_tokens.weight"


def embedding(weights: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    return weights | {EMBEDDING: change(weights[EMBEDDING])}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_checkpoints_are_converted(
    copy: Make, tmp_path: Path, audio: Audio, dtype: torch.dtype
) -> None:
    source = copy()
    with_weights(source, lambda weights: {n: t.to(dtype) for n, t in weights.items()})
    assert says_it(converted(source, tmp_path), audio)


def test_pickled_weights_are_read_as_weights_alone(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy()
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()
    assert says_it(converted(source, tmp_path), audio)


class Hostile:
    """Unpickling it writes a file: any other command would do as well."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.path, "w"))


def test_a_pickle_that_runs_something_is_not_opened(copy: Make, tmp_path: Path) -> None:
    source = copy("model.safetensors")
    harm = tmp_path / "harm"
    torch.save({"weights": Hostile(harm)}, source / "pytorch_model.bin")
    assert refusal(source, tmp_path) == ("pickled", "pytorch_model.bin")
    (source / "pytorch_model.bin").write_bytes(pickle.dumps(Hostile(harm), protocol=2))
    assert refusal(source, tmp_path) == ("pickled", "pytorch_model.bin")
    assert not harm.exists()


def sharded(source: Path) -> Path:
    weights = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    names = sorted(weights)
    shards = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, source / shard)
        shards |= dict.fromkeys(part, shard)
    write(source / "model.safetensors.index.json", {"weight_map": shards})
    return source


def test_sharded_weights_are_put_together(copy: Make, tmp_path: Path, audio: Audio) -> None:
    assert says_it(converted(sharded(copy()), tmp_path), audio)


def test_a_missing_shard_is_named(copy: Make, tmp_path: Path) -> None:
    source = sharded(copy())
    (source / "model-00002-of-00002.safetensors").unlink()
    assert refusal(source, tmp_path) == ("no_weights", "model-00002-of-00002.safetensors")


def test_an_index_that_leads_out_of_the_folder_is_refused(copy: Make, tmp_path: Path) -> None:
    source = copy("model.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"")
    write(source / "model.safetensors.index.json", {"weight_map": {"a": "../other.safetensors"}})
    assert refusal(source, tmp_path) == ("no_weights", "../other.safetensors")


def test_weights_saved_without_their_head_are_converted(
    copy: Make, tmp_path: Path, audio: Audio
) -> None:
    source = copy()
    with_weights(source, lambda ws: {n.removeprefix("model."): t for n, t in ws.items()})
    assert says_it(converted(source, tmp_path), audio)


LAYER = "model.decoder.layers.3.fc2.weight"
EXTRA = "model.lora_A.weight"


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        (lambda ws: {n: t for n, t in ws.items() if n != LAYER}, "weights", LAYER),
        (
            lambda ws: ws | {"model.lora_A.weight": ws[LAYER][:4].clone()},
            "weights",
            "model.lora_A.weight",
        ),
        (lambda ws: ws | {LAYER: ws[LAYER][:, :9].contiguous()}, "weights", LAYER),
        (lambda ws: ws | {LAYER: ws[LAYER].to(torch.int8)}, "weights", LAYER),
        (lambda ws: ws | {LAYER: ws[LAYER] * float("nan")}, "not_finite", LAYER),
        (lambda ws: {n: t for n, t in ws.items() if ".decoder." not in n}, "no_decoder", ""),
    ],
    ids=["missing", "too many", "other shape", "quantised", "not finite", "encoder only"],
)
def test_weights_that_are_not_the_models_are_refused(
    copy: Make,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    reason: str,
    named: str,
) -> None:
    source = copy()
    with_weights(source, change)
    found, detail = refusal(source, tmp_path)
    assert found == reason and detail.startswith(named)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float8_e4m3fn])
def test_numbers_that_the_converter_cannot_read_are_refused(
    copy: Make, tmp_path: Path, dtype: torch.dtype
) -> None:
    source = copy()
    with_weights(source, lambda ws: ws | {LAYER: ws[LAYER].to(dtype)})
    kind = str(dtype).removeprefix("torch.")
    assert refusal(source, tmp_path) == ("weights", f"{LAYER} {kind}")


def test_a_table_of_words_that_is_none_is_refused(copy: Make, tmp_path: Path) -> None:
    source = copy()
    with_weights(source, lambda ws: embedding(ws, lambda rows: torch.tensor(1.0)))
    assert refusal(source, tmp_path) == ("weights", f"{EMBEDDING} []")


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "base_model.model."])
def test_names_that_training_put_before_the_weights_are_taken_off(
    copy: Make, tmp_path: Path, audio: Audio, wrapper: str
) -> None:
    source = copy()
    with_weights(source, lambda ws: {f"{wrapper}{n}": t for n, t in ws.items()})
    assert says_it(converted(source, tmp_path, quantization="int8"), audio)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "config.json"])
def test_a_note_of_git_lfs_is_told_from_the_file_itself(
    copy: Make, tmp_path: Path, name: str
) -> None:
    source = copy("model.safetensors", name)
    (source / name).write_bytes(POINTER)
    assert refusal(source, tmp_path) == ("pointer", name)


@pytest.mark.parametrize("data", [b"", b"garbage" * 99, b"<html>", b"PK\x03\x04 cut short"])
def test_pickled_weights_that_are_damaged_are_not_called_a_danger(
    copy: Make, tmp_path: Path, data: bytes
) -> None:
    source = copy("model.safetensors")
    (source / "pytorch_model.bin").write_bytes(data)
    assert refusal(source, tmp_path) == ("unreadable", "pytorch_model.bin")


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("generation_config.json", "suppress_tokens", "abc"),
        ("generation_config.json", "suppress_tokens", ["a"]),
        ("generation_config.json", "begin_suppress_tokens", 5),
        ("config.json", "begin_suppress_tokens", [1.5]),
        ("generation_config.json", "lang_to_id", ["<|de|>"]),
        ("generation_config.json", "lang_to_id", "de"),
        ("config.json", "vocab_size", "abc"),
        ("config.json", "decoder_attention_heads", "6"),
        ("config.json", "d_model", 0),
        ("config.json", "encoder_layers", 10**9),
        ("processor_config.json", "feature_extractor", "x"),
    ],
)
def test_values_of_the_wrong_kind_are_named(
    copy: Make, tmp_path: Path, file: str, key: str, value: Any
) -> None:
    source = copy()
    if not (source / file).exists():
        write(source / file, {})
    edit(source / file, **{key: value})
    assert refusal(source, tmp_path) == ("unreadable", f"{file} ({key})")


@pytest.mark.parametrize(
    "told", [{"chunk_length": 20}, {"sampling_rate": 8000}, {"hop_length": 320}, {"n_fft": "400"}]
)
def test_a_model_that_hears_otherwise_is_refused(
    copy: Make, tmp_path: Path, told: dict[str, Any]
) -> None:
    source = copy("preprocessor_config.json")
    write(source / "preprocessor_config.json", told)
    assert refusal(source, tmp_path)[0] == "unsupported"
    (source / "preprocessor_config.json").unlink()
    write(source / "processor_config.json", {"feature_extractor": told})
    assert refusal(source, tmp_path)[0] == "unsupported"


def test_a_broken_weights_file_is_named(copy: Make, tmp_path: Path) -> None:
    source = copy("model.safetensors")
    (source / "model.safetensors").write_bytes(b"\xff" * 1000)
    assert refusal(source, tmp_path) == ("unreadable", "model.safetensors")


# ------------------------------------------------------------------ what is no such checkpoint


def test_folders_that_hold_something_else_are_told_apart(copy: Make, tmp_path: Path) -> None:
    source = copy()
    assert refusal(tmp_path / "nowhere", tmp_path) == ("absent", "")
    assert refusal(models_of(tmp_path).parent, tmp_path) == ("no_model", "config.json")
    edit(source / "config.json", model_type="wav2vec2")
    assert refusal(source, tmp_path) == ("not_whisper", "wav2vec2")
    edit(source / "config.json", model_type="whisper", activation_function="relu")
    assert refusal(source, tmp_path) == (
        "unsupported",
        "config.json: activation_function = relu",
    )
    edit(source / "config.json", activation_function="gelu", d_model=385)
    assert refusal(source, tmp_path)[0] in ("unreadable", "weights")
    (source / "config.json").unlink()
    (source / "config.json").write_text("[]")
    assert refusal(source, tmp_path) == ("unreadable", "config.json")


@pytest.mark.parametrize("whole", [False, True])
def test_an_adapter_is_refused_before_its_base_is_looked_for(
    copy: Make, tmp_path: Path, whole: bool
) -> None:
    source = copy(*(() if whole else ("model.safetensors", "config.json")))
    write(source / "adapter_config.json", {"base_model_name_or_path": "openai/whisper-tiny"})
    assert refusal(source, tmp_path) == ("adapter", "")


def test_missing_weights_are_said(copy: Make, tmp_path: Path) -> None:
    assert refusal(copy("model.safetensors"), tmp_path)[0] == "no_weights"


def test_english_only_models_are_refused(copy: Make, tmp_path: Path) -> None:
    source = copy()
    edit(source / "generation_config.json", is_multilingual=False)
    assert refusal(source, tmp_path)[0] == "english_only"
    (source / "generation_config.json").unlink()
    with_weights(source, lambda ws: embedding(ws, lambda rows: rows[:-1].contiguous()))
    edit(source / "config.json", vocab_size=OLD_ROWS - 1)
    assert refusal(source, tmp_path)[0] == "english_only"


def test_what_is_converted_already_is_said_to_be(tiny: Path, tmp_path: Path) -> None:
    place = converted(tiny, tmp_path, quantization="int8")
    assert refusal(place, tmp_path, "other") == ("converted", "")


# ------------------------------------------------------------------ where it goes


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "~", "a b", "-x", "語" * 100])
def test_names_that_mean_something_else_are_refused(tiny: Path, tmp_path: Path, name: str) -> None:
    assert refusal(tiny, tmp_path, name) == ("name", name)


@pytest.mark.parametrize("name", ["auto", "large-v3", "bundled-whisper-de-en"])
def test_names_of_known_models_stay_theirs(tiny: Path, tmp_path: Path, name: str) -> None:
    assert refusal(tiny, tmp_path, name) == ("known_name", name)


def test_a_model_is_replaced_only_when_asked_and_only_by_a_good_one(
    tiny: Path, large: Path, tmp_path: Path
) -> None:
    place = converted(tiny, tmp_path, quantization="int8")
    former = (place / "model.bin").read_bytes()
    assert refusal(large, tmp_path) == ("exists", "mine")
    broken = variant(tiny, tmp_path / "broken", "model.safetensors")
    assert refusal(broken, tmp_path, force=True)[0] == "no_weights"
    assert (place / "model.bin").read_bytes() == former
    converted(large, tmp_path, quantization="int8", force=True)
    assert (place / "model.bin").read_bytes() != former
    assert names_in(models_of(tmp_path)) == ["mine"]


def test_other_folders_are_never_replaced(tiny: Path, tmp_path: Path) -> None:
    (models_of(tmp_path) / "mine").mkdir(parents=True)
    (models_of(tmp_path) / "mine" / "diary.txt").write_text("…")
    assert refusal(tiny, tmp_path, force=True) == ("not_a_model", "mine")
    inside = variant(tiny, models_of(tmp_path) / "own")
    for force in (False, True):
        assert refusal(inside, tmp_path, "own", force=force) == ("itself", "own")


def test_what_is_no_folder_is_never_replaced(tiny: Path, tmp_path: Path) -> None:
    place = models_of(tmp_path) / "mine"
    models_of(tmp_path).mkdir()
    place.write_text("a file")
    for force in (False, True):
        assert refusal(tiny, tmp_path, force=force) == ("not_a_model", "mine")
    place.unlink()
    place.symlink_to(tmp_path / "nowhere")
    assert refusal(tiny, tmp_path, force=True) == ("not_a_model", "mine")


def test_what_takes_the_place_meanwhile_is_not_replaced(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = models_of(tmp_path) / "mine"

    def taken(folder: Path, name: str) -> None:
        place.mkdir()
        (place / "diary.txt").write_text("…")

    monkeypatch.setattr("models.conversion.convert._try_out", taken)
    with pytest.raises(ConversionError) as caught:
        converted(tiny, tmp_path, quantization="int8")
    assert caught.value.reason == "not_a_model"
    assert (place / "diary.txt").exists() and names_in(models_of(tmp_path)) == ["mine"]


def test_a_model_set_aside_by_a_killed_conversion_comes_back(tiny: Path, tmp_path: Path) -> None:
    place = converted(tiny, tmp_path, quantization="int8")
    place.rename(models_of(tmp_path) / ".former-mine")
    with pytest.raises(ConversionError) as caught:
        converted(tiny, tmp_path)
    assert caught.value.reason == "exists"
    assert names_in(models_of(tmp_path)) == ["mine"] and (place / "model.bin").is_file()


def test_a_model_that_cannot_take_its_place_leaves_the_former_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("finished", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_text(name)
    really = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.name == "finished":
            raise PermissionError(13, "in use")
        return really(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        place(tmp_path / "finished", tmp_path / "mine")
    assert (tmp_path / "mine" / "model.bin").read_text() == "mine"
    assert names_in(tmp_path) == ["finished", "mine"]


def test_one_conversion_of_a_name_at_a_time(tiny: Path, tmp_path: Path) -> None:
    models_of(tmp_path).mkdir()
    with FileLock(models_of(tmp_path) / ".partial-mine.lock"):
        assert refusal(tiny, tmp_path) == ("locked", "mine")


def test_what_a_killed_conversion_left_is_cleared_away(tiny: Path, tmp_path: Path) -> None:
    for name in ("mine", "other", "busy"):
        left = models_of(tmp_path) / f".partial-{name}-convert"
        left.mkdir(parents=True)
        (left / "model.bin").write_bytes(b"half")
    with FileLock(models_of(tmp_path) / ".partial-busy.lock"):
        converted(tiny, tmp_path, quantization="int8")
    assert names_in(models_of(tmp_path)) == [".partial-busy-convert", "mine"]


def test_too_little_room_is_said_before_anything_is_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(free=100_000_000)
    monkeypatch.setattr("models.download.placing.shutil.disk_usage", lambda _: free)
    assert refusal(tiny, tmp_path, quantization="float32") == ("full", "152 MB")


def test_a_model_that_fails_its_trial_is_not_placed(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no heads\nmore about it")

    monkeypatch.setattr("models.speech.decoder.SpeechDecoder.align", fails)
    assert refusal(tiny, tmp_path, quantization="int8") == ("useless", "no heads")

    def fails_without_a_word(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("models.speech.decoder.SpeechDecoder.align", fails_without_a_word)
    assert refusal(tiny, tmp_path, quantization="int8") == ("useless", "ValueError")


def test_a_models_folder_that_cannot_be_made_is_said(tiny: Path, tmp_path: Path) -> None:
    models_of(tmp_path).write_text("a file")
    with pytest.raises(ConversionError) as caught:
        converted(tiny, tmp_path)
    assert caught.value.reason == "disk"


# ------------------------------------------------------------------ the command

NO_NETWORK = """
import socket
def never(*_, **__):
    open({marker!r}, "a").write("asked")
    raise OSError("no network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = never
"""


@pytest.fixture
def unplugged(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine without a network; asking it for anything is a failure."""
    marker = tmp_path / "asked"
    environment = startup(tmp_path / "startup", NO_NETWORK.format(marker=str(marker)))
    yield environment | {"HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    assert not marker.exists()


def test_a_model_of_ones_own_from_the_command_line(
    interviews: Interviews, copy: Make, tmp_path: Path, unplugged: dict[str, str]
) -> None:
    source = copy("tokenizer.json", "preprocessor_config.json", "generation_config.json")
    harm = tmp_path / "harm"
    (source / "modeling_own.py").write_text(f"open({str(harm)!r}, 'w')\n")
    classes = dict.fromkeys(("AutoConfig", "AutoModelForSpeechSeq2Seq"), "modeling_own.Own")
    edit(source / "config.json", auto_map=classes)
    ran = interviews("models", "convert", source, "mine", "--quantization", "int8", **unplugged)
    assert 'speech_model = "mine"' in ran.out and ran.err == ""
    assert not harm.exists()
    rows = interviews("models", "list", "--json").json["models"]
    mine = next(row for row in rows if row["name"] == "mine")
    assert mine["present"] and mine["kind"] == "speech" and 30 < mine["size_mb"] < 50
    assert "mine" in interviews("models", "list").out
    assert interviews("models", "verify", "mine", "--json").json["models"][0]["good"]
    use = unplugged | {"INTERVIEWS_SPEECH_MODEL": "mine"}
    interviews("add", SAMPLES / "fernwaerme.mp4", **use)
    interviews("run", **use)
    recording = interviews("status", "--json").json["recordings"][0]
    written = interviews("export", recording["id"], "--format", "json").json
    assert written["model"]["name"] == "mine"
    words = [word["word"] for segment in written["segments"] for word in segment["words"]]
    assert SENTENCE in " ".join(words) and set(words) == set(SENTENCE.split())


@pytest.mark.parametrize(
    ("name", "without", "code", "said"),
    [
        ("mine", ("tokenizer.json", *OLDER), 2, "tokenizer.json"),
        ("mine", ("model.safetensors",), 2, "model.safetensors"),
        ("large-v3", (), 2, "large-v3"),
    ],
)
def test_a_refusal_is_one_sentence_with_advice(
    interviews: Interviews, copy: Make, name: str, without: tuple[str, ...], code: int, said: str
) -> None:
    ran = interviews("models", "convert", copy(*without), name, check=False)
    assert ran.code == code
    lines = ran.err.splitlines()
    assert len(lines) == 2 and said in lines[0] and lines[1].startswith("  ")


def test_a_folder_that_is_not_there_and_a_precision_that_is_none(
    interviews: Interviews, tiny: Path, tmp_path: Path
) -> None:
    assert interviews("models", "convert", tmp_path / "no", "mine", check=False).code == 3
    wrong = ("models", "convert", tiny, "mine", "--quantization", "int3")
    assert interviews(*wrong, check=False).code == 2


def test_a_disk_that_fills_up_leaves_nothing_and_is_said(
    interviews: Interviews, tiny: Path, tmp_path: Path
) -> None:
    environment = full_disk(tmp_path / "startup", "model.bin", 5_000_000)
    command = ("models", "convert", tiny, "mine")
    ran = interviews(*command, check=False, **environment)
    assert ran.code == 5 and "no room" in ran.err and len(ran.err.splitlines()) == 2
    assert names_in(interviews.home / "models") == []
    interviews(*command)
    assert names_in(interviews.home / "models") == ["mine"]


def test_every_reason_has_its_sentences() -> None:
    reasons = ConversionError.__doc__ or ""
    named = [word for word in reasons.replace(",", " ").split() if word.startswith("``")]
    # Who holds the folder is said in the same words whatever is being done to it.
    for reason in {word.strip("`.;") for word in named} - {"reason", "detail", "locked"}:
        for language in ("de", "en"):
            for part in ("message", "advice"):
                assert f"error.convert.{reason}.{part}" in catalogue(language), reason


def test_the_sound_of_the_tests_has_speech(audio: Audio) -> None:
    assert len(audio) == 16_000 * 8 and float(np.abs(audio).max()) > 0.1
