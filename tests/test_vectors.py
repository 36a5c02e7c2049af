"""FAISS generations: written whole, found exactly, filtered before ranking, checked."""

from __future__ import annotations

import errno
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.catalog import chunks
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.scope import Scope
from pipeline.errors import HomeUnusable, InterviewsError
from pipeline.index import building, files, opening, recall, vectors
from pipeline.index.vectors import flags_of
from pipeline.search.indexes import Indexes
from pipeline.search.meaning import meaning_leg
from pipeline.stages.chunk import ChunkParameters
from pipeline.values import ModelRef
from tests.search_home import SearchHome, interview

ONE_EACH = ChunkParameters(8, 0)
TALK = (
    "Wir bauen das Netz aus.",
    "Die Pumpen laufen leise.",
    "Der Speicher ist voll.",
    "Das Wasser bleibt sauber.",
    "Die Leitung ist neu.",
)


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add("Netze", interview(*TALK), ONE_EACH)
    return home


def all_vectors(home: SearchHome) -> tuple[chunks.Ids, chunks.Half]:
    with home.catalogue.read() as db:
        return stored_vectors.vectors_after(db, home.model.hash, 0, Scope(), 1000)


def test_a_generation_holds_every_chunk_and_finds_each_by_its_own_vector(home: SearchHome) -> None:
    generation = home.publish()
    index = opening.vectors(home.index_dir, generation)
    ids, stored = all_vectors(home)
    assert (generation.chunks, generation.newest_chunk) == (len(ids), ids[-1])
    for chunk_id, vector in zip(ids, stored, strict=True):
        (found, score), *_ = index.search(vector[np.newaxis].astype(np.float32), 3)
        assert found == chunk_id
        assert score == pytest.approx(1.0, abs=1e-2)


def test_only_allowed_chunks_compete(home: SearchHome) -> None:
    index = opening.vectors(home.index_dir, home.publish())
    ids, stored = all_vectors(home)
    query = stored[0][np.newaxis].astype(np.float32)
    allowed = ids[[1, 3]]
    assert {found for found, _ in index.search(query, 10, flags_of(allowed))} == set(
        allowed.tolist()
    )
    assert index.search(query, 10, flags_of(ids[:0])) == []


def test_nothing_is_built_of_nothing(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    assert building.build(home.catalogue, home.index_dir, home.model) is None
    assert files.files(home.index_dir) == []


def test_files_are_numbered_and_nothing_unfinished_is_left(home: SearchHome) -> None:
    home.publish()
    home.publish()
    assert [path.name for path in home.index_dir.iterdir() if path.name.startswith(".")] == []
    assert [files.number_of(path) for path in files.files(home.index_dir)] == [1, 2]


def test_what_a_killed_build_left_is_cleared(home: SearchHome) -> None:
    left = home.index_dir / ".building-1-generation-000007.faiss"
    left.write_bytes(b"half")
    files.clear_unfinished(home.index_dir)
    assert not left.exists()


def test_equal_vectors_make_equal_files(home: SearchHome) -> None:
    assert home.publish().sha256 == home.publish().sha256


def test_an_intact_file_passes_the_check(home: SearchHome) -> None:
    generation = home.publish()
    opening.check(home.index_dir, generation)


@pytest.mark.parametrize("damage", ["missing", "cut", "altered", "other"])
def test_a_damaged_file_is_noticed(home: SearchHome, damage: str) -> None:
    generation = home.publish()
    path = files.vectors_of(home.index_dir, generation.id)
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "altered":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "other":
        path.write_bytes(b"not an index")
    with pytest.raises(InterviewsError) as raised:
        opening.check(home.index_dir, generation)
    assert raised.value.key == "index.damaged"


def test_a_full_disk_is_said_plainly_and_leaves_no_generation(
    home: SearchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HomeUnusable) as raised:
        building.build(home.catalogue, home.index_dir, home.model)
    assert raised.value.key == "home.full"
    assert list(home.index_dir.iterdir()) == []


def test_an_open_index_outlives_its_file(home: SearchHome) -> None:
    generation = home.publish()
    index = opening.vectors(home.index_dir, generation)
    files.vectors_of(home.index_dir, generation.id).unlink()
    _, stored = all_vectors(home)
    assert len(index.search(stored[:1].astype(np.float32), 2)) == 2


def test_a_large_collection_gets_inverted_lists_and_keeps_its_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (vectors.kind_for(100_000), vectors.kind_for(100_001)) == ("flat", "ivf")
    monkeypatch.setattr(vectors, "LARGEST_FLAT", 100)
    home = SearchHome(tmp_path)
    words = [f"Wort{number}" for number in range(800)]
    sentences = [f"{one} {other} {one}." for one, other in pairwise(words)]
    home.add("Lang", interview(*sentences), ChunkParameters(7, 0))
    generation = home.publish()
    assert generation.kind == "ivf"
    assert generation.recall is not None
    assert generation.recall >= recall.TARGET
    index = opening.vectors(home.index_dir, generation)
    ids, stored = all_vectors(home)
    queries = stored[::20].astype(np.float32)
    exact = ids[np.argsort(-(queries @ stored.astype(np.float32).T), axis=1)[:, :10]]
    found = [{i for i, _ in index.search(query[np.newaxis], 10)} for query in queries]
    shared = sum(len(set(e.tolist()) & f) for e, f in zip(exact, found, strict=True))
    assert shared >= 0.95 * exact.size
    allowed = ids[10:30]
    near = {i for i, _ in index.search(queries[:1], 50, flags_of(allowed))}
    assert near
    assert near <= set(allowed.tolist())


def test_the_leg_finds_the_same_with_and_without_an_index(home: SearchHome) -> None:
    generation = home.publish()
    home.add("Später", interview("Das Wasser ist neu.", "Der Speicher ist leer."), ONE_EACH)
    published = Indexes(home.index_dir).opened(generation)
    query = home.embedder.encode_query("Wie sauber ist das Wasser?")
    with home.catalogue.read() as db:
        through = meaning_leg(db, published, query, home.model.hash, Scope(), 10)
        direct = meaning_leg(db, None, query, home.model.hash, Scope(), 10)
    assert [i for i, _ in through.ranking] == [i for i, _ in direct.ranking]
    assert len(direct.ranking) == 7
    assert (through.unseen, direct.unseen) == (0, 0)


def test_chunks_of_another_model_are_never_compared(home: SearchHome) -> None:
    other = ModelRef("other", "1" * 64)
    query = home.embedder.encode_query("Wasser")
    with home.catalogue.read() as db:
        assert meaning_leg(db, None, query, other.hash, Scope(), 10).ranking == []


@pytest.mark.parametrize("count", [1, 5, recall.ASKED, 5 * recall.ASKED])
def test_what_an_index_is_tuned_with_lies_among_passages_and_is_none(count: int) -> None:
    sample = np.random.default_rng(0).standard_normal((count, 32)).astype(np.float32)
    sample /= np.linalg.norm(sample, axis=1, keepdims=True)
    asked = recall.like_questions(sample)
    assert asked.shape == (min(count, recall.ASKED), 32)
    assert np.allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)
    if count > recall.ASKED:
        assert (asked @ sample.T).max() < 0.95
