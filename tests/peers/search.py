"""One vector library, by itself: built over given vectors, asked given questions, one at a time.

    python tests/peers/search.py NAME VECTORS.npy QUERIES.npy FOLDER IDS.npy

Runs in the peers' own virtual environment and imports nothing of ours. Rows are L2-normalised
float32, so that inner product and cosine rank alike. What is found of each query is written to
IDS.npy, what it took to standard output as one line of JSON. Each library is used as its handbook
shows it, on one core; where a setting trades speed for recall, the first is taken that finds 98 of
the true hundred nearest of the first fifty queries.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

K = 10
RECALL = 0.98
TUNED_ON = 50

Ask = Callable[[np.ndarray], list[int]]


def hnswlib(vectors: np.ndarray, queries: np.ndarray, folder: Path) -> tuple[Ask, str]:
    import hnswlib as library

    index = library.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=16, ef_construction=200)
    index.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    index.set_num_threads(1)
    index.save_index(str(folder / "index.bin"))

    def ask(query: np.ndarray) -> list[int]:
        return index.knn_query(query, k=K)[0][0].tolist()

    return ask, tuned(ask, vectors, queries, "ef", index.set_ef, (16, 32, 64, 128, 256, 512))


def txtai(vectors: np.ndarray, queries: np.ndarray, folder: Path) -> tuple[Ask, str]:
    from txtai import Embeddings

    index = Embeddings({"method": "external", "dimensions": vectors.shape[1]})
    index.index((number, vector, None) for number, vector in enumerate(vectors))
    index.save(str(folder / "index"))

    def ask(query: np.ndarray) -> list[int]:
        return [int(number) for number, _ in index.search(query, K)]

    return ask, "defaults (faiss)"


def chromadb(vectors: np.ndarray, queries: np.ndarray, folder: Path) -> tuple[Ask, str]:
    import chromadb as library

    settings = library.Settings(anonymized_telemetry=False)
    client = library.PersistentClient(str(folder), settings=settings)
    found = client.create_collection("chunks", configuration={"hnsw": {"space": "ip"}})
    for begin in range(0, len(vectors), 5_000):
        some = vectors[begin : begin + 5_000]
        names = [str(number) for number in range(begin, begin + len(some))]
        found.add(ids=names, embeddings=some)

    def ask(query: np.ndarray) -> list[int]:
        answer = found.query(query_embeddings=query[None], n_results=K, include=["distances"])
        return [int(number) for number in answer["ids"][0]]

    return ask, "defaults (HNSW)"


def lancedb(vectors: np.ndarray, queries: np.ndarray, folder: Path) -> tuple[Ask, str]:
    import lancedb as library
    import pyarrow

    size = vectors.shape[1]
    flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), size)
    rows = pyarrow.table({"id": np.arange(len(vectors)), "vector": flat})
    table = library.connect(str(folder)).create_table("chunks", rows)
    table.create_index(metric="dot")
    probes = [20]

    def ask(query: np.ndarray) -> list[int]:
        search = table.search(query).distance_type("dot").select(["id", "_distance"])
        answer = search.nprobes(probes[0]).refine_factor(10).limit(K).to_arrow()
        return answer["id"].to_pylist()

    def set_probes(count: int) -> None:
        probes[0] = count

    return ask, "IVF_PQ, refined ×10, " + tuned(
        ask, vectors, queries, "nprobes", set_probes, (20, 40, 80, 160, 320)
    )


def tuned(
    ask: Ask,
    vectors: np.ndarray,
    queries: np.ndarray,
    name: str,
    set_to: Callable[[int], None],
    values: tuple[int, ...],
) -> str:
    some = queries[:TUNED_ON]
    truth = np.argsort(-(some @ vectors.T), axis=1)[:, :K]
    for value in values:
        set_to(value)
        asked = zip(some, truth, strict=True)
        hits = sum(len(set(ask(query)) & set(true)) for query, true in asked)
        if hits >= RECALL * truth.size:
            break
    return f"{name}={value}"


ENGINES = {one.__name__: one for one in (hnswlib, txtai, chromadb, lancedb)}


def main(name: str, vectors_at: str, queries_at: str, folder_at: str, ids_at: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    vectors, queries = np.load(vectors_at), np.load(queries_at)
    folder = Path(folder_at)
    began = time.perf_counter()
    ask, how = ENGINES[name](vectors, queries, folder)
    built_s = time.perf_counter() - began
    took, found = [], []
    for query in (*queries[:5], *queries):  # the first few only warm up
        began = time.perf_counter()
        ids = ask(query)
        took.append(time.perf_counter() - began)
        found.append((ids + [-1] * K)[:K])
    np.save(ids_at, np.array(found[5:]))
    ms = 1000 * np.array(took[5:])
    sizes = (path.stat().st_size for path in folder.rglob("*") if path.is_file())
    told = {
        "version": version(name),
        "how": how,
        "built_s": built_s,
        "p50_ms": float(np.percentile(ms, 50)),
        "p99_ms": float(np.percentile(ms, 99)),
        "disk_mb": sum(sizes) / 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
