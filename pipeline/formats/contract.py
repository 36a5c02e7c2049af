"""Transcripts as JSON: our own form in and out, and the forms of other recognisers in.

Ours is the contract of ``export --format json``. Others' (openai-whisper, WhisperX, whisper.cpp,
Podlove, Podcasting 2.0) differ in the names of the same few things, so one reader with a list of
names reads them all. JSON numbers and strings are taken for times alike; NaN and infinities are
no times.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import cast

from pipeline.errors import BadInput
from pipeline.formats.characters import clean_text
from pipeline.formats.facts import ExportFacts
from pipeline.formats.passages import Passage, Source, TimedWord, believable, share
from pipeline.timecode import to_ms, to_seconds
from pipeline.values import Chapter, ModelRef, Segment, Span, Transcript, Word

Table = Mapping[str, object]

_LISTS = ("segments", "transcripts", "transcription", "cues", "word_segments", "words")
_STARTS = ("start", "startTime", "start_time", "from", "begin")
_ENDS = ("end", "endTime", "end_time", "to")
_TEXTS = ("text", "body", "word", "content")
_SPEAKERS = ("speaker", "voice", "speakerName", "speaker_name")
_CONFIDENCES = ("confidence", "probability", "score", "p")
_CLOCK = re.compile(r"(-?)(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,2})(?:[.,:]([0-9]{1,9}))?")
_SECONDS = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,12})?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_LANGUAGE_NAMES = {"german": "de", "english": "en", "deutsch": "de", "englisch": "en"}
_LONGEST_SECONDS = 1e12


def load_json(text: str, name: str) -> object:
    """The JSON value in ``text``. Raises BadInput ``formats.broken_json``."""
    try:
        return cast("object", json.loads(text))
    except json.JSONDecodeError as problem:
        raise BadInput("formats.broken_json", name=name, line=problem.lineno) from problem
    except (RecursionError, ValueError) as problem:
        # Nested beyond reason, or a number of thousands of digits: no transcript has that.
        raise BadInput("formats.broken_json", name=name, line=1) from problem


def source_of_json(value: object) -> Source | None:
    """What a parsed JSON file says, None where it is not shaped like a transcript."""
    table = _table(value)
    items = value if isinstance(value, list) else _items(table)
    if items is None:
        return None
    ours = "segments" in table and "recording" in table
    passages = tuple(_passage(_table(item)) for item in items if isinstance(item, Mapping))
    # Whisper.cpp keeps the language beside the transcription.
    language = table.get("language") or _table(table.get("result")).get("language")
    return Source(
        passages=passages,
        language=_language(language),
        duration_ms=_time(table.get("duration")),
        model=_model(table.get("model")),
        gaps=_gaps(table.get("gaps")) if ours else (),
        recording_id=_string(table.get("recording")) if ours else None,
        verbatim=ours,
    )


def _items(table: Table) -> list[object] | None:
    for name in _LISTS:
        items = table.get(name)
        if isinstance(items, list) and items:
            return items
    named = any(isinstance(table.get(name), list) for name in _LISTS)
    return [] if named else None


def _passage(item: Table) -> Passage:
    words = _words(item.get("words"))
    text = _first_string(item, _TEXTS)
    if text is None:
        text = " ".join(word.text for word in words)
    return Passage(
        start_ms=_moment(item, _STARTS),
        end_ms=_moment(item, _ENDS),
        text=text,
        language=_language(item.get("language")),
        speaker=_first_string(item, _SPEAKERS) or _most_heard(item.get("words")),
        confidence=_confidence(item),
        corrected=item.get("corrected") is True,
        words=words,
    )


def _words(value: object) -> tuple[TimedWord, ...]:
    if not isinstance(value, list):
        return ()
    words = [_table(item) for item in value if isinstance(item, Mapping)]
    return tuple(
        TimedWord(
            _moment(word, _STARTS),
            _moment(word, _ENDS),
            _first_string(word, ("word", "text")) or "",
            _confidence(word),
        )
        for word in words
    )


def _most_heard(words: object) -> str | None:
    """The speaker of most words of a segment, where only its words are diarised."""
    if not isinstance(words, list):
        return None
    heard = Counter(
        speaker for word in words if (speaker := _string(_table(word).get("speaker"))) is not None
    )
    return heard.most_common(1)[0][0] if heard else None


def _moment(item: Table, names: tuple[str, ...]) -> int | None:
    """A time in milliseconds by the first of ``names`` that holds one."""
    common = item.get(names[0])
    if type(common) is float and -_LONGEST_SECONDS < common < _LONGEST_SECONDS:
        return to_ms(common)
    for name in names:
        exact = item.get(f"{name}_ms")
        if isinstance(exact, int) and not isinstance(exact, bool):
            return exact
        if (time_ms := _time(item.get(name))) is not None:
            return time_ms
    offset = _table(item.get("offsets")).get(names[-1] if names is _ENDS else "from")
    return offset if isinstance(offset, int) and not isinstance(offset, bool) else None


def _time(value: object) -> int | None:
    """Milliseconds of seconds as a number, of ``"12.5"`` or of ``"[hh:]mm:ss.mmm"``."""
    if isinstance(value, str):
        return _written_time(value.strip())
    number = _number(value)
    if number is None:
        return None
    return to_ms(max(min(number, _LONGEST_SECONDS), -_LONGEST_SECONDS))


def _written_time(written: str) -> int | None:
    if _SECONDS.fullmatch(written):
        return to_ms(float(written.replace(",", ".")))
    clock = _CLOCK.fullmatch(written)
    if clock is None:
        return None
    sign, hours, minutes, seconds, fraction = clock.groups()
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    time_ms = whole * 1000 + int((fraction or "")[:3].ljust(3, "0"))
    return -time_ms if sign else time_ms


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        value = max(min(value, 10**15), -(10**15))
    return float(value) if math.isfinite(value) else None


def _confidence(item: Table) -> float | None:
    for name in _CONFIDENCES:
        if (number := _number(item.get(name))) is not None:
            return share(number)
    average = _number(item.get("avg_logprob"))
    # Whisper gives the mean log probability of a segment's tokens.
    return None if average is None else math.exp(min(average, 0.0))


def _language(value: object) -> str | None:
    written = (_string(value) or "").strip()
    known = _LANGUAGE_NAMES.get(written.lower())
    return known or (written if _LANGUAGE.fullmatch(written) else None)


def _model(value: object) -> ModelRef | None:
    table = _table(value)
    name, content_hash = _string(table.get("name")), _string(table.get("hash"))
    return ModelRef(name, content_hash) if name and content_hash is not None else None


def _gaps(value: object) -> tuple[Span, ...]:
    gaps: list[Span] = []
    for item in value if isinstance(value, list) else ():
        start_ms = believable(_time(_table(item).get("start")))
        end_ms = believable(_time(_table(item).get("end")))
        if start_ms is not None and end_ms is not None and start_ms <= end_ms:
            gaps.append(Span(start_ms, end_ms))
    return tuple(sorted(gaps, key=lambda gap: gap.start_ms))


def _table(value: object) -> Table:
    return cast("Table", value) if isinstance(value, Mapping) else {}


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _first_string(item: Table, names: tuple[str, ...]) -> str | None:
    for name in names:
        if isinstance(found := item.get(name), str):
            return found
    return None


def write_json(transcript: Transcript, facts: ExportFacts) -> str:
    """``transcript`` in the contract's form, seconds to the ms, a line a segment."""
    table: dict[str, object] = {
        "recording": facts.recording_id or transcript.recording_id,
        "language": transcript.language,
        "model": transcript.model
        and {"name": transcript.model.name, "hash": transcript.model.hash},
        "duration": to_seconds(transcript.duration_ms),
    }
    if transcript.gaps:
        table["gaps"] = [
            {"start": to_seconds(gap.start_ms), "end": to_seconds(gap.end_ms)}
            for gap in transcript.gaps
        ]
    if facts.chapters:
        # For whoever shows them. Nobody reads them back: they are made of what is read.
        table["chapters"] = [chapter_table(one) for one in facts.chapters]
    head = _dumps(table)
    segments = ",\n  ".join(_dumps(_segment_table(segment)) for segment in transcript.segments)
    return f'{head[:-1]}, "segments": [\n  {segments}\n]}}\n'


def chapter_table(chapter: Chapter) -> dict[str, object]:
    """A chapter in the contract's form."""
    return {
        "start": to_seconds(chapter.start_ms),
        "end": to_seconds(chapter.end_ms),
        "title": clean_text(chapter.title),
    }


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _segment_table(segment: Segment) -> dict[str, object]:
    return {
        "start": to_seconds(segment.start_ms),
        "end": to_seconds(segment.end_ms),
        "text": clean_text(segment.text),
        "language": segment.language,
        "speaker": clean_text(segment.speaker or "") or None,
        "confidence": share(segment.confidence),
        "corrected": segment.corrected,
        "words": [_word_table(word) for word in segment.words],
    }


def _word_table(word: Word) -> dict[str, object]:
    return {
        "start": to_seconds(word.start_ms),
        "end": to_seconds(word.end_ms),
        "word": clean_text(word.text),
        "confidence": share(word.confidence),
    }
