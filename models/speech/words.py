"""From the aligner's pieces of words to words with honest times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from models.contracts import RecognisedWord
from models.speech.stretches import Speech, Stretch

SHORTEST_MS = 20
"""The alignment's own resolution; a word of no length cannot be played or highlighted."""

SENTENCE_ENDS = (".", "!", "?", "…")
BEFORE_ONSET_MS = 60
"""How long before the detector hears it a word may begin: it judges windows of 32 ms by their
whole, and a soft first sound is the second's."""

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces: every aligned piece is a word of its own."""

Timed = tuple[str, float, float, float]
"""Text as decoded (leading space kept), start and end in seconds of the stretch, probability."""


def join_pieces(pieces: Sequence[Timed], language: str) -> list[Timed]:
    """Pieces gathered into whole words: what stands without a space before it belongs to the word
    before (hyphens, punctuation, apostrophes). The probability is the letters' weighted mean."""
    words: list[list[Timed]] = []
    for piece in pieces:
        if not piece[0].strip():
            continue
        if words and not piece[0].startswith(" ") and language not in UNSPACED:
            words[-1].append(piece)
        else:
            words.append([piece])
    return [_joined(parts) for parts in words]


def _joined(parts: Sequence[Timed]) -> Timed:
    letters = [len(text.strip()) for text, *_ in parts]
    probability = sum(n * part[3] for n, part in zip(letters, parts, strict=True)) / sum(letters)
    return "".join(part[0] for part in parts), parts[0][1], parts[-1][2], probability


def shorten_drawn_out(words: Sequence[Timed]) -> list[Timed]:
    """Words beside a pause, cut to a believable length.

    The alignment gives a pause to the word before or after it. A word that begins a stretch or a
    sentence keeps its end, one that closes it keeps its start.
    """
    lengths = [end - start for _, start, end, _ in words if end > start]
    if not lengths:
        return list(words)
    # A long word is no mistake: the limit grows with its letters.
    usual = min(0.7, median(lengths))
    result: list[Timed] = []
    for number, (text, start, end, probability) in enumerate(words):
        limit = max(2 * usual, 0.12 * len(text.strip()))
        opens = number == 0 or words[number - 1][0].rstrip().endswith(SENTENCE_ENDS)
        closes = number == len(words) - 1 or text.rstrip().endswith(SENTENCE_ENDS)
        too_long = end - start > limit
        begin = end - limit if too_long and opens else start
        stop = start + limit if too_long and closes and not opens else end
        result.append((text, begin, stop, probability))
    return result


def place_words(
    pieces: Sequence[Timed], stretch: Stretch, language: str, speech: Speech
) -> list[RecognisedWord]:
    """Words at their time in the window: in order, without overlap, within the stretch, each of
    20 ms at least where there is room.

    The alignment lets the first word begin with the silence before it; it begins with the speech.
    """
    placed = []
    for text, start, end, probability in shorten_drawn_out(join_pieces(pieces, language)):
        start_ms, end_ms = stretch.place_ms(start, end)
        earliest_ms = speech.onset_ms((start_ms + end_ms) / 2) - BEFORE_ONSET_MS
        start_ms = max(start_ms, min(earliest_ms, end_ms - SHORTEST_MS))
        confidence = min(max(float(probability), 0.0), 1.0)
        placed.append(RecognisedWord(start_ms, end_ms, text.strip(), round(confidence, 4)))
    return in_order(placed, *stretch.bounds_ms)


def in_order(words: Sequence[RecognisedWord], lower_ms: int, upper_ms: int) -> list[RecognisedWord]:
    """The words moved as little as needed so that they follow one another within the bounds."""
    least = min(SHORTEST_MS, max(upper_ms - lower_ms, 0) // max(len(words), 1))
    result: list[RecognisedWord] = []
    free_ms = lower_ms
    for number, word in enumerate(words):
        room_after = least * (len(words) - number - 1)
        start_ms = min(max(word.start_ms, free_ms), upper_ms - room_after - least)
        end_ms = min(max(word.end_ms, start_ms + least), upper_ms - room_after)
        result.append(replace(word, start_ms=start_ms, end_ms=end_ms))
        free_ms = end_ms
    return result
