"""Captions to passages: who says what in a cue, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.formats.markup import Run, has_voice, runs, unescape, without_styling
from pipeline.formats.passages import Passage, TimedWord
from pipeline.formats.speakers import Speakers, learn_names, split_speaker
from pipeline.formats.vtt import Cue

Part = tuple[str | None, str]
"""A speaker (None: unknown) and what they say."""


def passages_of_cues(cues: Sequence[Cue], speakers: Speakers | None = None) -> tuple[Passage, ...]:
    """One passage a cue; several where a cue holds several speakers, sharing its time by length.

    ``speakers`` are those of the transcript that the file was made of; None where that is unknown.
    """
    cues = [
        replace(cue, text=without_styling(cue.text)) if "{\\" in cue.text else cue for cue in cues
    ]
    learnt = learn_names(cue.text for cue in cues if not has_voice(cue.text))

    def names(cue: Cue) -> frozenset[str]:
        return speakers.names_in(cue.text, cue.start_ms, cue.end_ms) if speakers else learnt

    return tuple(passage for cue in cues for passage in _passages(cue, names(cue)))


def _passages(cue: Cue, names: frozenset[str]) -> list[Passage]:
    if "<" not in cue.text and ":" not in cue.text and ">" not in cue.text and "&" not in cue.text:
        return [Passage(cue.start_ms, cue.end_ms, runs(cue.text)[0].text)]
    found = runs(cue.text)
    parts = _voiced(found) if any(run.voice for run in found) else _prefixed(cue.text, names)
    if len(parts) == 1:
        speaker, text = parts[0]
        return [
            Passage(cue.start_ms, cue.end_ms, text, speaker=speaker, words=_timed_words(found, cue))
        ]
    return _shared(cue, parts)


def _voiced(found: Sequence[Run]) -> list[Part]:
    """Who says what by ``<v>``; what stands outside of the only voice belongs to it as well."""
    voices = {run.voice for run in found if run.voice}
    if len(voices) == 1:
        return [(voices.pop(), "".join(run.text for run in found))]
    return _joined([(run.voice, run.text) for run in found])


def _prefixed(text: str, names: frozenset[str]) -> list[Part]:
    """Who says what by ``Name:`` and ``>>`` at the starts of lines."""
    turns: list[tuple[str | None, list[str]]] = []
    for line in text.split("\n"):
        opened = split_speaker(line, names)
        if opened is None and turns:
            turns[-1][1].append(line)
        else:
            speaker, said = opened or (None, line)
            turns.append((speaker and unescape(speaker), [said]))
    return _joined([(speaker, _plain("\n".join(lines))) for speaker, lines in turns])


def _plain(raw: str) -> str:
    return "".join(run.text for run in runs(raw))


def _joined(parts: Sequence[Part]) -> list[Part]:
    """``parts`` without those that say nothing, neighbours of one speaker made one."""
    joined: list[tuple[str | None, list[str]]] = []
    for speaker, said in parts:
        worded = any(character.isalnum() for character in said)
        if joined and (joined[-1][0] == speaker or not worded):
            joined[-1][1].append(said)
        elif worded or not joined:
            joined.append((speaker, [said]))
    return [(speaker, " ".join(texts)) for speaker, texts in joined]


def _shared(cue: Cue, parts: Sequence[Part]) -> list[Passage]:
    length_ms = max(cue.end_ms - cue.start_ms, 0)
    total = sum(len(said) for _, said in parts) or 1
    passages: list[Passage] = []
    before = 0
    for speaker, said in parts:
        start_ms = cue.start_ms + length_ms * before // total
        before += len(said)
        end_ms = cue.start_ms + length_ms * before // total
        passages.append(Passage(start_ms, end_ms, said, speaker=speaker))
    return passages


def _timed_words(found: Sequence[Run], cue: Cue) -> tuple[TimedWord, ...]:
    """Word times from time tags, where every tag times one word and they run forward."""
    if all(run.at_ms is None for run in found):
        return ()
    groups: list[tuple[int, str]] = []
    for run in found:
        at_ms = cue.start_ms if run.at_ms is None else run.at_ms
        if run.text.strip():
            groups.append((at_ms, run.text))
    times = [at_ms for at_ms, _ in groups] + [cue.end_ms]
    single = all(len(text.split()) == 1 for _, text in groups)
    if not groups or not single or times != sorted(times) or times[0] < cue.start_ms:
        return ()
    return tuple(
        TimedWord(at_ms, end_ms, text)
        for (at_ms, text), end_ms in zip(groups, times[1:], strict=True)
    )
