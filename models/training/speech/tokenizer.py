"""Our own byte-level BPE with Whisper's special tokens, in the order CTranslate2 wants.

Ids: text tokens, the empty token (CTranslate2 from 4.7 tells a multilingual model by it), end of
text, start of transcript, 99 languages, six more specials, 1,501 times of 20 ms.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th "
    "ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr "
    "pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt "
    "haw ln ha ba jw su"
).split()
"""Whisper's languages in its order (multilingual models before large-v3)."""
BEFORE = ["<|endoftext|>", "<|startoftranscript|>"]
AFTER = [
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
TIMES = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
FILLER = "<|empty|>"
"""What tokenizer.json calls the empty token: a tokenizer's vocabulary cannot hold ""."""


def byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for every byte (Radford et al. 2019), as ByteLevel uses them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + number) for number, byte in enumerate(others)}


SPACE = byte_letters()[32]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The learnt vocabulary, ids in order, and the merges that lead to it."""

    vocabulary: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]


def learn(texts: Iterable[str], size: int) -> Pieces:
    """Byte-pair encoding (Sennrich et al. 2016) up to ``size`` pieces.

    Every space first melts with the byte that follows: faster-whisper suppresses the first token
    of " -" and the like, which must never be a bare space that begins half of all words. Counts
    enter by their square root, so that rare words get whole pieces, too.
    """
    letters = byte_letters()
    vocabulary = [letters[byte] for byte in range(256)]
    merges = [(SPACE, letters[byte]) for byte in range(256) if byte != 32]
    vocabulary += [left + right for left, right in merges]
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in splitter.pre_tokenize_str(f" {text}"))
    words = _Words({word: count**0.5 for word, count in sorted(counts.items())})
    while len(vocabulary) < size and (best := words.best()) is not None:
        merges.append(best)
        vocabulary.append("".join(best))
        words.merge(best)
    return Pieces(tuple(vocabulary), tuple(merges))


class _Words:
    """The words as pieces so far, and how much every pair of neighbours weighs."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights: list[float] = []
        self.pieces: list[list[str]] = []
        self.pairs: dict[tuple[str, str], float] = defaultdict(float)
        self.holders: dict[tuple[str, str], set[int]] = defaultdict(set)
        for word, weight in weights.items():
            split = list(word)  # The splitter gives a letter for every byte.
            if split[0] == SPACE and len(split) > 1:
                split = [SPACE + split[1], *split[2:]]
            self.pieces.append(split)
            self.weights.append(weight)
            self._count(len(self.pieces) - 1, 1)

    def _count(self, number: int, sign: int) -> None:
        pieces = self.pieces[number]
        for pair in pairwise(pieces):
            self.pairs[pair] += sign * self.weights[number]
            (self.holders[pair].add if sign > 0 else self.holders[pair].discard)(number)

    def best(self) -> tuple[str, str] | None:
        pair = max(self.pairs, key=lambda p: (round(self.pairs[p], 6), p), default=None)
        return pair if pair is not None and self.pairs[pair] > 1 else None

    def merge(self, pair: tuple[str, str]) -> None:
        for number in sorted(self.holders[pair]):
            self._count(number, -1)
            self.pieces[number] = _merged(self.pieces[number], pair)
            self._count(number, 1)
        self.pairs.pop(pair, None)
        self.holders.pop(pair, None)


def _merged(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    number = 0
    while number < len(pieces):
        if tuple(pieces[number : number + 2]) == pair:
            result.append(pieces[number] + pieces[number + 1])
            number += 2
        else:
            result.append(pieces[number])
            number += 1
    return result


def build(pieces: Pieces) -> Tokenizer:
    """The tokenizer as faster-whisper reads it."""
    vocabulary = {piece: number for number, piece in enumerate((*pieces.vocabulary, FILLER))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(pieces.merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    specials = [*BEFORE, *(f"<|{language}|>" for language in LANGUAGES), *AFTER, *TIMES]
    tokenizer.add_special_tokens(
        [AddedToken(special, special=True, normalized=False) for special in specials]
    )
    return tokenizer


def identity(tokenizer: Tokenizer, token: str) -> int:
    """The token's id; raises KeyError where the tokenizer has no such token."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise KeyError(token)
    return number


class TextTokens:
    """Text to ids of training: text ids are the tokenizer's own; the eight specials that training
    knows follow them without gaps, then the times."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.size = identity(tokenizer, FILLER)
        (
            self.end,
            self.start,
            self.german,
            self.english,
            self.transcribe,
            self.previous,
            self.no_speech,
            self.no_times,
        ) = range(self.size, self.size + 8)
        self.first_time = self.size + 8
        self._known: dict[str, list[tuple[int, int]]] = {}

    def language(self, language: str) -> int:
        return self.german if language == "de" else self.english

    def time(self, seconds: float) -> int:
        """The token of the nearest 20 ms up to 30 s."""
        return self.first_time + max(0, min(len(TIMES) - 1, round(seconds / 0.02)))

    def word(self, word: str) -> list[tuple[int, int]]:
        """Ids of a word with the space before it, and how many letters each stands for."""
        if word not in self._known:
            encoded = self.tokenizer.encode(f" {word}")
            self._known[word] = [
                (number, len(token))
                for number, token in zip(encoded.ids, encoded.tokens, strict=True)
            ]
        return self._known[word]
