"""Films made for a test, what is seen and heard in one, and a home in which renditions are made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.catalog import recordings, renditions
from pipeline.catalog.connection import Catalogue
from pipeline.home import open_home
from pipeline.run import correcting, intake, playing
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Added, Wishes
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions, RunReport
from pipeline.run.playing import Playable, Unplayable
from pipeline.settings import Settings
from pipeline.stages import ffmpeg, probe, rendering
from pipeline.stages.extract import windows
from pipeline.stages.rendition import how
from pipeline.values import Recording, Span

VTT = """WEBVTT

00:00.500 --> 00:02.000
Die Stadt plant ein neues Netz für die Fernwärme.

00:02.500 --> 00:05.000
Der Ausbau kostet zwei Millionen Euro und dauert vier Jahre.
"""


PICTURE = ("-f", "lavfi", "-i", "color=white:size=320x180:rate=25:duration={s}")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:duration={s}")


def make(path: Path, *arguments: str, seconds: float = 6) -> Path:
    listed = [one.replace("{s}", str(seconds)) for one in arguments]
    outcome = ffmpeg.run((*listed, f"file:{path}"), ffmpeg.Limits(file_bytes=1 << 26))
    assert outcome.status == 0, outcome.complaint
    return path


def rendered(
    source: Path, folder: Path, *withheld: Span, track: int | None = None, height: int = 720
) -> Path:
    """The file that is made of ``source`` for browsers."""
    facts = probe.probe(source)
    decision = how(facts, track, withheld=bool(withheld))
    listed = rendering.arguments(source, facts, decision, withheld, height=height, threads=1)
    (folder / rendering.FRAMES).mkdir(parents=True)
    bounds = rendering.limits(source.stat().st_size, 10_000)
    for _ in rendering.render(source, listed, folder, bounds):
        pass
    return folder / rendering.name_of(decision)


Times = NDArray[np.float64]


def pictures(path: Path) -> tuple[Times, NDArray[np.float64]]:
    """When each frame is shown, in seconds, and how bright its brightest part is, 16 to 235."""
    with av.open(str(path)) as film:
        start = (film.start_time or 0) / 1_000_000
        found = [
            (frame.time - start, float(frame.to_ndarray(format="gray").max()))
            for frame in film.decode(video=0)
            if frame.time is not None
        ]
    return np.array([one[0] for one in found]), np.array([one[1] for one in found])


def heard(path: Path, track: int | None = None) -> NDArray[np.float32]:
    """The sound as recognition hears it: 16 kHz from the start as a player shows it."""
    facts = probe.probe(path)
    stream = windows(path, facts, track, window_ms=600_000, limit_ms=3_600_000)
    return np.concatenate([one.audio for one in stream])


@pytest.fixture(scope="module")
def white(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a tone and a white picture that a browser plays as they are."""
    return make(
        tmp_path_factory.mktemp("white") / "white.mp4",
        *(PICTURE + TONE),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"),
    )


@dataclass
class Archive:
    """A home with one recording, its text brought along."""

    context: Context
    folder: Path

    @property
    def on(self) -> Settings:
        return self.context.settings

    def add(self, source: Path, *, copy: bool = False) -> str:
        text = source.with_suffix(".vtt")
        text.write_text(VTT, encoding="utf-8")
        (added,) = intake.add(self.context, [source], Wishes(copy=copy), text)
        assert isinstance(added, Added)
        return added.recording.id

    def run(self, **options: Any) -> RunReport:
        return run(self.context, RunOptions(engine="inline", **options), Silent())

    def catalogue(self) -> Catalogue:
        return self.context.catalogue()

    def get(self, one: str) -> Recording:
        with self.catalogue() as catalogue, catalogue.read() as db:
            return recordings.get(db, one)

    def kind(self, one: str) -> str | None:
        with self.catalogue() as catalogue, catalogue.read() as db:
            found = renditions.get(db, one)
        return found[1].kind if found else None

    def played(self, one: str, settings: Settings | None = None) -> Playable | Unplayable:
        with self.catalogue() as catalogue, catalogue.read() as db:
            recording = recordings.get(db, one)
            return playing.playable(self.context.home, db, recording, settings or self.on)

    def frame(self, one: str, at_ms: int) -> Path | None:
        with self.catalogue() as catalogue, catalogue.read() as db:
            return playing.frame(self.context.home, db, recordings.get(db, one), at_ms)

    def withhold(self, one: str, span: Span) -> int:
        with self.catalogue() as catalogue:
            return correcting.withhold(self.context.home, catalogue, one, span, "test")[0]

    def lying(self) -> list[str]:
        """Every file of ours, its recording's id left out."""
        root = self.context.home.renditions
        return sorted("/".join(path.relative_to(root).parts[2:]) for path in root.rglob("*.*"))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(Context(open_home(tmp_path / "home"), Settings()), tmp_path)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six seconds that no browser plays."""
    return make(tmp_path / "film.mkv", *PICTURE, *TONE, "-c:v", "mpeg4", "-c:a", "pcm_s16le")


@pytest.fixture
def clear(tmp_path: Path, white: Path) -> Path:
    """Six seconds that every browser plays."""
    return Path(shutil.copy(white, tmp_path / "clear.mp4"))
