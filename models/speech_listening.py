"""Hearing a window: its speech, cut into stretches, encoded once, each with its language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from faster_whisper.vad import VadOptions

from models.contracts import Audio, RecognitionTask
from models.language import Heard, candidate_languages, choose_languages
from models.speech_decoder import Encoded, SpeechDecoder
from models.speech_stretches import Piece, Speech, Stretch, find_speech, pack

MODEL_SECONDS = 30
"""What a Whisper encoder takes at once."""

TURN_S = 1.5
TURN_PAUSE_S = 0.6
"""A turn of speech: this long at least, ended by a pause of this length. The language of shorter
ones, "Ja" or "Okay", cannot be told."""


@dataclass(frozen=True, slots=True)
class Listened:
    """A batch of stretches, its sound and the language each stretch sounds like."""

    stretches: list[Stretch]
    encoded: Encoded
    heard: list[Heard]

    def parted(
        self, turns: Callable[[Stretch], list[Stretch]], *, all_rows: bool
    ) -> tuple[Listened, list[Stretch]]:
        """What stays together, and the turns of the others: of ``all_rows``, or of the unclear."""
        kept: list[int] = []
        parted: list[Stretch] = []
        for number, stretch in enumerate(self.stretches):
            parts = turns(stretch) if all_rows or not self.heard[number].clear else []
            if len(parts) > 1:
                parted += parts
            else:
                kept.append(number)
        rows = Listened(
            [self.stretches[n] for n in kept],
            self.encoded.rows(kept),
            [self.heard[n] for n in kept],
        )
        return rows, parted


class Listener:
    """Cuts speech into stretches of at most ``longest_s`` seconds and hears their language."""

    def __init__(
        self, decoder: SpeechDecoder, *, longest_s: int, vad: VadOptions, batch_size: int
    ) -> None:
        self._decoder = decoder
        self._longest_s = longest_s
        self._vad = vad
        self._batch_size = batch_size
        # A model pays for thirty seconds whatever it hears, so its stretches are filled.
        self._enough_s = longest_s / 2
        self._pause_s = max(TURN_PAUSE_S - 2 * vad.speech_pad_ms / 1000, 0.01)

    def find_speech(self, audio: Audio) -> Speech:
        return find_speech(audio, self._vad, self._longest_s)

    def batches(
        self, audio: Audio, pieces: Sequence[Piece], task: RecognitionTask
    ) -> Iterator[tuple[list[Stretch], Encoded, list[str]]]:
        """Batches with the language of each stretch, encoded once."""
        stretches = pack(pieces, self._longest_s, enough_s=self._enough_s, pause_s=self._pause_s)
        if task.language is not None:
            for batch in _grouped(stretches, self._batch_size):
                yield batch, self.encode(audio, batch), [task.language] * len(batch)
            return
        # Every stretch is heard before any language is settled; the encodings wait meanwhile
        # (4 to 8 MB a stretch for the largest models, a hundred megabytes or two a window).
        listened = list(self._listen(audio, stretches))
        languages = candidate_languages([h for one in listened for h in one.heard])
        # A stretch that may hold two languages is heard again turn by turn.
        doubtful = [one.parted(self._turns, all_rows=len(languages) > 1) for one in listened]
        turns = [turn for _, parts in doubtful for turn in parts]
        listened = [kept for kept, _ in doubtful if kept.stretches]
        listened += self._listen(audio, turns)
        heard = [h for one in listened for h in one.heard]
        chosen = iter(choose_languages(heard, task.fallback_language))
        for one in listened:
            yield one.stretches, one.encoded, list(islice(chosen, len(one.stretches)))

    def _turns(self, stretch: Stretch) -> list[Stretch]:
        return pack(stretch.pieces, self._longest_s, enough_s=TURN_S, pause_s=self._pause_s)

    def _listen(self, audio: Audio, stretches: Sequence[Stretch]) -> Iterator[Listened]:
        for batch in _grouped(stretches, self._batch_size):
            encoded = self.encode(audio, batch)
            yield Listened(batch, encoded, self.heard(batch, encoded))

    def encode(self, audio: Audio, batch: Iterable[Stretch]) -> Encoded:
        return self._decoder.encode([stretch.cut(audio) for stretch in batch])

    def heard(self, batch: Sequence[Stretch], encoded: Encoded) -> list[Heard]:
        probabilities = self._decoder.languages(encoded)
        return [Heard(p, s.seconds) for p, s in zip(probabilities, batch, strict=True)]


def _grouped(stretches: Sequence[Stretch], size: int) -> Iterator[list[Stretch]]:
    for begin in range(0, len(stretches), size):
        yield list(stretches[begin : begin + size])
