"""Makes the sample interviews again: films, reference transcripts and planted questions.

    python tests/samples/make_samples.py [--into FOLDER]
    python tests/samples/make_samples.py --measure MODEL_FOLDER

Needs espeak-ng (libespeak-ng.so.1) and, for the films, the DejaVu fonts. The tests need neither.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]
from recipe.assemble import record
from recipe.measure import Meter, decode
from recipe.picture import film
from recipe.reference import questions, transcript
from recipe.script import read_interviews

HERE = Path(__file__).resolve().parent


def make(folder: Path) -> None:
    takes = [record(interview) for interview in read_interviews()]
    for take in takes:
        with tempfile.TemporaryDirectory() as work:
            target = film(take, imageio_ffmpeg.get_ffmpeg_exe(), folder, Path(work))
        text = json.dumps(transcript(take), ensure_ascii=False, indent=1)
        target.with_suffix(".json").write_text(text + "\n", "utf-8")
        print(f"{target.name}: {take.duration:.1f} s, {target.stat().st_size} bytes")
    (folder / "questions.jsonl").write_text(questions(takes), "utf-8")


def measure(model_folder: Path, folder: Path) -> None:
    meter = Meter(model_folder)
    for interview in read_interviews():
        take = record(interview)
        samples = decode(folder / f"{interview.stem}.mp4")
        print(f"{interview.stem}: {meter.whole_file(take, samples).wer:.1%} of words wrong")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the sample interviews again.")
    parser.add_argument("--into", type=Path, default=HERE, help="where the files are")
    parser.add_argument("--measure", type=Path, help="folder of a speech model")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.into)
    else:
        make(arguments.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
