"""Reference transcripts in the project's transcript format, and the planted questions."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .assemble import Take

QUESTIONS = Path(__file__).with_name("questions.toml")


def transcript(take: Take) -> dict[str, Any]:
    """One segment per sentence; times in seconds, exact to the millisecond."""
    segments = [
        {
            "start": timed.start,
            "end": timed.end,
            "text": timed.sentence.text,
            "language": timed.sentence.speaker.language,
            "speaker": timed.sentence.speaker.name,
            "confidence": 1.0,
            "corrected": False,
            "words": [
                {"start": w.start, "end": w.end, "word": w.word, "confidence": 1.0}
                for w in timed.words
            ],
        }
        for timed in take.sentences
    ]
    return {
        "recording": take.interview.stem,
        "language": take.interview.language,
        "model": {"name": "reference", "hash": ""},
        "duration": round(take.duration, 3),
        "segments": segments,
    }


def questions(takes: Sequence[Take], path: Path = QUESTIONS) -> str:
    """JSON lines, one per question; the answer's times come from the sentence it names.

    Raises ValueError where an answer is not exactly one sentence of its recording.
    """
    by_stem = {take.interview.stem: take for take in takes}
    lines = []
    for entry in tomllib.loads(path.read_text("utf-8"))["question"]:
        take = by_stem[entry["recording"]]
        answers = [s for s in take.sentences if s.sentence.text == entry["answer"]]
        if len(answers) != 1:
            raise ValueError(f"said {len(answers)} times: {entry['answer']!r}")
        row = {
            "query": entry["query"],
            "recording": entry["recording"],
            "start": answers[0].start,
            "end": answers[0].end,
            "sent_start": answers[0].start,
            "language": entry["language"],
            "kind": entry["kind"],
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    return "\n".join(lines) + "\n"
