"""The registry, a model's hash, and what a name in the settings leads to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.contracts import ModelError
from models.digest import CACHE_NAME, directory_sums, tree_hash
from models.folder import dimension_of, max_tokens_of
from models.load import load_recogniser, locate, model_info, resolve, verify
from models.registry import REGISTRY, ModelEntry, entries, entry, refresh
from models.verify import check, record
from pipeline.messages import text

WHISPER = entry("bundled-whisper-de-en")


def whisper_copy(place: Path) -> Path:
    assert WHISPER.directory is not None
    if not (WHISPER.directory / "model.bin").is_file():
        pytest.skip("the bundled speech model is not built")
    return shutil.copytree(WHISPER.directory, place)


def fails(reason: str) -> pytest.RaisesExc[ModelError]:
    return pytest.RaisesExc(ModelError, check=lambda error: error.reason == reason)


def test_every_entry_is_complete() -> None:
    names = [known.name for known in entries()]
    assert len(names) == len(set(names))
    for known in entries():
        assert known.licence and known.size_mb > 0 and known.note_de and known.note_en
        assert known.kind in ("speech", "text", "reranker")
        for _, sum_ in known.files:
            assert sum_ == "" or re.fullmatch("[0-9a-f]{64}", sum_)
        if known.kind == "text":
            assert known.dimension and known.max_tokens
        if not known.bundled:
            assert known.repo and re.fullmatch("[0-9a-f]{40}", known.revision or "")


def test_speech_models_of_the_hub_bring_their_tokenizer() -> None:
    for known in entries():
        if known.kind == "speech":
            assert {"config.json", "model.bin", "tokenizer.json"} <= dict(known.files).keys()


def test_names_of_speech_models_are_those_of_faster_whisper() -> None:
    from faster_whisper.utils import _MODELS

    for known in entries():
        if known.kind == "speech" and not known.bundled:
            assert _MODELS[known.name] == known.repo


@pytest.mark.parametrize("known", [e for e in entries() if e.bundled], ids=lambda e: e.name)
def test_bundled_files_are_those_the_registry_names(known: ModelEntry) -> None:
    assert known.directory is not None
    if not known.directory.is_dir() or not any(known.directory.iterdir()):
        pytest.skip(f"{known.name} is not built")
    assert directory_sums(known.directory, cached=False) == dict(known.files), (
        "after a training run: python -m models.registry --refresh"
    )
    if known.kind == "text":
        assert known.dimension == dimension_of(known.directory)
        assert known.max_tokens == max_tokens_of(known.directory)


def test_refresh_writes_the_sums_of_the_files_and_nothing_else() -> None:
    now = REGISTRY.read_text(encoding="utf-8")
    stale = now
    for known in entries():
        if known.bundled:
            for _, sum_ in known.files:
                stale = stale.replace(sum_, "0" * 64)
    assert refresh(stale) == refresh(now)


def test_refresh_tells_dimension_and_limit_of_a_bundled_text_model() -> None:
    known = entry("bundled-text-de-en")
    assert known.directory is not None
    if not (known.directory / "modules.json").is_file():
        pytest.skip("the bundled text model is not built")
    now = REGISTRY.read_text(encoding="utf-8")
    head, name, tail = now.partition('name = "bundled-text-de-en"')
    stale = head + name + re.sub(r"(?m)^(dimension|max_tokens) = \d+", r"\1 = 1", tail)
    assert stale != now and refresh(stale) == refresh(now)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    "reason",
    ["unknown", "absent", "damaged", "unloadable", "unreachable", "refused", "disk"],
)
def test_every_reason_is_said_in_both_languages(reason: str, language: str) -> None:
    said = text(f"error.model.{reason}.message", language, name="toy", detail="d")
    done = text(f"error.model.{reason}.advice", language, name="toy", detail="d")
    assert "toy" in said and "d" in said and done
    if reason in ("absent", "unreachable"):
        assert "interviews models pull toy" in done


def test_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(ModelError) as caught:
        entry("large-v3-trubo")
    assert (caught.value.reason, caught.value.detail) == ("unknown", "large-v3-turbo")


def test_hash_depends_on_names_and_contents_and_not_on_order() -> None:
    sums = {"a": "1" * 64, "b": "2" * 64}
    assert tree_hash(sums) == tree_hash(dict(reversed(sums.items())))
    assert tree_hash(sums) != tree_hash({"a": sums["b"], "b": sums["a"]})
    assert tree_hash(sums) != tree_hash({**sums, "c": "3" * 64})


def test_documents_do_not_change_the_hash_and_a_configuration_does(tmp_path: Path) -> None:
    folder = whisper_copy(tmp_path / "mine")
    before = model_info(resolve("speech", str(folder), tmp_path), tmp_path)
    (folder / "README.md").write_text("words")
    (folder / "MODEL_CARD.de.md").write_text("Worte")
    assert model_info(resolve("speech", str(folder), tmp_path), tmp_path) == before
    (folder / "config.json").write_text("{}")
    assert model_info(resolve("speech", str(folder), tmp_path), tmp_path) != before


def test_remembered_sum_is_dropped_when_a_file_changes_but_not_its_size(tmp_path: Path) -> None:
    weights = tmp_path / "model.bin"
    weights.write_bytes(b"a" * (17 << 20))
    first = directory_sums(tmp_path, cached=True)
    assert (tmp_path / CACHE_NAME).is_file()
    assert directory_sums(tmp_path, cached=True) == first
    status = weights.stat()
    with weights.open("r+b") as stream:
        stream.write(b"b")
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert directory_sums(tmp_path, cached=True) != first


def test_remembered_sum_saves_reading(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"a" * (17 << 20))
    true = directory_sums(tmp_path, cached=True)["model.bin"]
    cache = tmp_path / CACHE_NAME
    cache.write_text(cache.read_text().replace(true, "f" * 64))
    assert directory_sums(tmp_path, cached=True) == {"model.bin": "f" * 64}
    assert directory_sums(tmp_path, cached=False) == {"model.bin": true}


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"model.bin": 3}', '{"model.bin": []}'])
def test_rubbish_in_the_cache_means_hashing_again(tmp_path: Path, rubbish: str) -> None:
    (tmp_path / "model.bin").write_bytes(b"a" * (17 << 20))
    true = directory_sums(tmp_path, cached=False)
    (tmp_path / CACHE_NAME).write_text(rubbish)
    assert directory_sums(tmp_path, cached=True) == true


def test_auto_takes_the_recommended_model_where_it_lies_and_else_the_bundled(
    tmp_path: Path,
) -> None:
    assert resolve("speech", "auto", tmp_path).name == "bundled-whisper-de-en"
    assert resolve("text", "auto", tmp_path).name == "bundled-text-de-en"
    (tmp_path / "large-v3-turbo").mkdir()
    (tmp_path / "multilingual-e5-small").mkdir()
    assert resolve("speech", "auto", tmp_path).name == "large-v3-turbo"
    assert resolve("text", "auto", tmp_path).name == "multilingual-e5-small"


def test_absent_model_is_said_to_be_absent(tmp_path: Path) -> None:
    with fails("absent"):
        locate("small", tmp_path)
    with fails("absent"):
        model_info(resolve("speech", "small", tmp_path), tmp_path)


def test_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with fails("unknown"):
        resolve("speech", "multilingual-e5-small", tmp_path)


def test_own_model_is_found_by_path_and_by_its_folder_in_the_models_folder(tmp_path: Path) -> None:
    folder = whisper_copy(tmp_path / "models" / "our-whisper")
    by_path = resolve("speech", str(folder), tmp_path)
    by_name = resolve("speech", "our-whisper", tmp_path / "models")
    assert by_path.name == by_name.name == "our-whisper"
    assert model_info(by_path, tmp_path) == model_info(by_name, tmp_path / "models")
    assert locate(str(folder), tmp_path) == folder


def test_a_bare_name_is_never_a_folder_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper_copy(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    with fails("unknown"):
        resolve("speech", "here", tmp_path / "models")
    assert resolve("speech", "./here", tmp_path / "models").name == "here"


def test_folder_that_is_no_model_is_unloadable(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with fails("unloadable"):
        resolve("speech", str(tmp_path / "photos"), tmp_path)


def registered_copy(tmp_path: Path) -> tuple[ModelEntry, Path]:
    """A copy of the bundled speech model, as if the registry knew it under its sums."""
    folder = whisper_copy(tmp_path / "copy")
    return replace(WHISPER, name="copy", bundled=False, directory=None), folder


def test_verify_lists_good_missing_changed_and_unexpected_files(tmp_path: Path) -> None:
    known, folder = registered_copy(tmp_path)
    report = verify(known, tmp_path)
    assert report.good and set(report.ok) == dict(known.files).keys()
    (folder / "vocabulary.json").unlink()
    (folder / "config.json").write_text("{}")
    (folder / "extra.json").write_text("{}")
    report = verify(known, tmp_path)
    assert report.missing == ("vocabulary.json",)
    assert report.changed == ("config.json",)
    assert report.unexpected == ("extra.json",)
    assert not report.usable


@pytest.mark.parametrize("name", ["tokenizer.json", "model.bin", "config.json"])
def test_missing_file_is_an_error_and_no_download(tmp_path: Path, name: str) -> None:
    known, folder = registered_copy(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ModelError) as caught:
        load_recogniser(known, tmp_path, device="cpu", compute_type="int8", threads=1, batch_size=1)
    assert (caught.value.reason, caught.value.detail) == ("damaged", name)


def test_changed_weights_are_not_loaded(tmp_path: Path) -> None:
    known, folder = registered_copy(tmp_path)
    with (folder / "model.bin").open("ab") as stream:
        stream.write(b"x")
    with fails("damaged"):
        model_info(known, tmp_path)


def test_files_without_known_sums_are_fixed_once_recorded(tmp_path: Path) -> None:
    known, folder = registered_copy(tmp_path)
    known = replace(known, files=())
    assert check(known, folder).unrecorded
    record(known, folder)
    assert check(known, folder).good
    (folder / "config.json").write_text("{}")
    with fails("damaged"):
        model_info(known, tmp_path)


def test_bundled_speech_model_loads() -> None:
    if not dict(WHISPER.files):
        pytest.skip("the bundled speech model is not built")
    recogniser = load_recogniser(
        WHISPER, Path(), device="cpu", compute_type="int8", threads=1, batch_size=1
    )
    assert recogniser.info == model_info(WHISPER, Path())


def test_models_are_named_and_hashed_without_any_learning_library() -> None:
    heavy = ("torch", "faster_whisper", "ctranslate2", "sentence_transformers", "transformers",
             "huggingface_hub")  # fmt: skip
    program = (
        "import sys, pathlib, models.load, models.registry, models.contracts, models.verify\n"
        "from models.load import model_info, resolve, verify\n"
        "known = resolve('speech', 'auto', pathlib.Path('nowhere'))\n"
        "verify(known, pathlib.Path('nowhere'))\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr
