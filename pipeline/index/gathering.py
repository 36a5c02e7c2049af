"""How the words of a generation come together: page by page, from what the catalogue knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from pipeline.catalog.passages import Passage
from pipeline.index.postings import FIELDS, Postings, Rows

_MOST_COUNTED = 255


class _Numbers(dict[str, int]):
    """Numbers things as they are first met."""

    def __missing__(self, thing: str) -> int:
        number = self[thing] = len(self)
        return number


class _Page(NamedTuple):
    """What one page of passages holds in one field, in order of terms (as first met), then of
    rows: each term of each passage once, with how often."""

    terms: Rows
    rows: Rows
    counts: NDArray[np.uint8]


class _Field:
    """One field of all pages so far."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._pages: list[_Page] = []

    def take(self, texts: Sequence[str], first_row: int) -> NDArray[np.int64]:
        """Take in a page of texts; how many terms each has."""
        spoken = [text.split() for text in texts]
        sizes = np.fromiter(map(len, spoken), np.int64, len(spoken))
        every = chain.from_iterable(spoken)
        terms = np.fromiter(map(self._numbers.__getitem__, every), np.uint64, int(sizes.sum()))
        rows = np.repeat(np.arange(first_row, first_row + len(texts), dtype=np.uint64), sizes)
        both, counts = np.unique(terms << np.uint64(32) | rows, return_counts=True)
        self._pages.append(
            _Page(
                (both >> np.uint64(32)).astype(np.uint32),
                both.astype(np.uint32),
                np.minimum(counts, _MOST_COUNTED).astype(np.uint8),
            )
        )
        return sizes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As ``postings.Field`` reads it."""
        terms = [term.encode() for term in self._numbers]
        order = sorted(range(len(terms)), key=terms.__getitem__)
        places = np.empty(len(terms), np.int64)
        places[order] = np.arange(len(terms))
        sizes = np.zeros(len(terms), np.int64)
        for page in self._pages:
            sizes += np.bincount(places[page.terms], minlength=len(terms))
        starts = _starts(sizes)
        rows = np.empty(int(starts[-1]), np.uint32)
        counts = np.empty(int(starts[-1]), np.uint8)
        following = starts[:-1].copy()
        for page in self._pages:
            target = _targets(places[page.terms], following)
            rows[target], counts[target] = page.rows, page.counts
        return {
            "letters": np.frombuffer(b"".join(terms[place] for place in order), np.uint8),
            "begins": _starts(np.array([len(terms[place]) for place in order], np.int64)),
            "starts": starts,
            "rows": rows,
            "counts": counts,
        }


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))


def _targets(places: NDArray[np.int64], following: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a page's entries go: those of one term, which lie together, to where that term's next
    ones belong. ``following`` moves on."""
    firsts = np.flatnonzero(np.diff(places, prepend=-1))
    sizes = np.diff(firsts, append=len(places))
    begun = places[firsts]
    target = np.arange(len(places)) + np.repeat(following[begun] - firsts, sizes)
    following[begun] += sizes
    return target


class Gathering:
    """Passages in order of their ids become postings."""

    def __init__(self) -> None:
        self._fields = {name: _Field() for name in FIELDS}
        self._recordings = _Numbers()
        self._languages: dict[str | None, int] = {None: 0}
        self._ids: list[int] = []
        self._recording: list[int] = []
        self._language: list[int] = []
        self._lengths: list[NDArray[np.int64]] = []

    def take(self, page: Sequence[Passage]) -> None:
        """The next passages."""
        first = len(self._ids)
        texts = zip(*(one.words for one in page), strict=True)
        fields = zip(self._fields.values(), texts, strict=True)
        sizes = [field.take(some, first) for field, some in fields]
        self._lengths.append(np.sum(sizes, axis=0))
        for one in page:
            self._ids.append(one.id)
            self._recording.append(self._recordings[one.recording_id])
            self._language.append(self._languages.setdefault(one.language, len(self._languages)))

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``Postings`` is made of."""
        lengths = np.concatenate([np.zeros(0, np.int64), *self._lengths])
        arrays: dict[str, NDArray[Any]] = {
            "ids": np.array(self._ids, np.int64),
            "recording": np.array(self._recording, np.uint32),
            "language": np.array(self._language, np.uint16),
            "length": lengths.astype(np.float32),
        }
        for name, field in self._fields.items():
            arrays |= {f"{name}.{part}": array for part, array in field.arrays().items()}
        facts = {
            "recordings": list(self._recordings),
            "languages": list(self._languages),
            "mean_length": float(lengths.mean()) if len(lengths) else 0.0,
        }
        return arrays, facts

    def write(self, file: BinaryIO) -> None:
        arrays, facts = self.arrays()
        file.write(save(arrays, {"facts": json.dumps(facts)}))


def gathered(passages: Sequence[Passage]) -> Postings:
    """Postings in memory, of few passages."""
    gathering = Gathering()
    gathering.take(passages)
    return Postings(*gathering.arrays())
