"""``interviews models verify --speed-accuracy``: what is heard at true length, and how fast."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pipeline.cli.app import Session, echo_json
from pipeline.evaluation.harmless import LEAST_WORDS, Rates, Way, rates
from pipeline.reports.wording import Wording, plain
from pipeline.run.true_length import Comparison, compare


def measure_speed_accuracy(session: Session, name: str, folder: Path, *, as_json: bool) -> None:
    """Hear the recordings of a folder padded and at true length, and say what follows."""
    found = compare(session.context, name, folder, lambda path: _told(session, path))
    if as_json:
        echo_json(_json(found))
    else:
        _say(session, found)


def _told(session: Session, path: Path) -> None:
    session.note("speed_accuracy.hearing", name=plain(path.name))


def _say(session: Session, found: Comparison) -> None:
    pairs = zip(found.spoken, found.padded.recordings, found.chosen.recordings, strict=True)
    for one, padded, true_length in pairs:
        _say_rates(session, "recording", rates(padded, true_length), name=plain(one.path.name))
    number = Wording(session.language).number
    for way in found.others:
        _say_rates(
            session,
            "way",
            rates(found.padded.blocks, way.blocks),
            spare=number(way.spare_s or 0.0, 1),
            speed=number(found.padded.seconds / way.seconds, 2),
        )
    verdict = found.verdict
    session.say(
        f"speed_accuracy.{verdict.outcome}",
        name=found.model,
        spare=number(verdict.spare_s, 1),
        words=number(verdict.words),
        least=number(LEAST_WORDS),
    )
    if found.kept:
        session.say("speed_accuracy.means", **asdict(found.means))


def _say_rates(session: Session, key: str, found: Rates, **values: str) -> None:
    wording = Wording(session.language)

    def share(value: float, *, signed: bool = False) -> str:
        return wording.number(100 * value, 2, signed=signed)

    session.say(
        f"speed_accuracy.{key}",
        words=wording.number(found.words),
        padded=share(found.padded),
        true_length=share(found.true_length),
        worse=share(found.worse, signed=True),
        low=share(found.interval[0], signed=True),
        high=share(found.interval[1], signed=True),
        padded_invented=share(found.padded_insertions),
        true_invented=share(found.true_insertions),
        **values,
    )


def _json(found: Comparison) -> dict[str, object]:
    return {
        "model": found.model,
        "verdict": asdict(found.verdict),
        "kept": found.kept,
        "means": asdict(found.means),
        "ways": [_way(found.padded, way) for way in found.others],
        "recordings": [
            {"path": str(one.path), **asdict(rates(padded, true_length))}
            for one, padded, true_length in zip(
                found.spoken, found.padded.recordings, found.chosen.recordings, strict=True
            )
        ],
    }


def _way(padded: Way, way: Way) -> dict[str, object]:
    return {
        "spare_s": way.spare_s,
        "speed": padded.seconds / way.seconds,
        **asdict(rates(padded.blocks, way.blocks)),
    }
