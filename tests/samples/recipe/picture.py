"""The moving picture: two soft lights drift over a dark ground, the voice is drawn as a line.

A title card opens the film; later the chapter stands above the line and the speaker below it.
Everything is drawn by ffmpeg itself, so the recipe needs no image library.
"""

import subprocess
import wave
from pathlib import Path

import numpy as np

from .assemble import TITLE_CARD_S, Take, TimedSentence
from .speech import SAMPLE_RATE

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 10
BARS = 68
# The lights are computed on a small picture and enlarged: soft, quick and cheap to encode.
SMALL_WIDTH, SMALL_HEIGHT = 80, 45

_STYLES = """[Script Info]
ScriptType: v4.00+
PlayResX: 640
PlayResY: 360
WrapStyle: 0

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, Italic, \
BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV
Style: Title,DejaVu Serif,38,&H00F2F6FA,&H00000000,&H00000000,0,0,1,0,0,7,48,48,112
Style: Subtitle,DejaVu Sans,16,&H28F2F6FA,&H00000000,&H00000000,0,0,1,0,0,7,50,48,216
Style: Chapter,DejaVu Serif,24,&H00F2F6FA,&H00000000,&H00000000,0,0,1,0,0,7,48,48,52
Style: Speaker,DejaVu Sans,16,&H10F2F6FA,&H00000000,&H00000000,1,0,1,0,0,1,48,48,44
Style: Role,DejaVu Sans,13,&H50F2F6FA,&H00000000,&H00000000,0,0,1,0,0,1,48,48,26

[Events]
Format: Layer, Start, End, Style, Text
"""
_ROLES = {"de": ("fragt", "antwortet"), "en": ("asks", "answers")}


def film(take: Take, ffmpeg: str, folder: Path, work: Path) -> Path:
    """Writes `<stem>.mp4` (H.264, AAC, index first) and returns its path.

    `work` takes the intermediate files. Raises subprocess.CalledProcessError where ffmpeg fails.
    """
    sound, marks, titles = work / "sound.wav", work / "chapters.txt", work / "titles.ass"
    _write_sound(take, sound)
    marks.write_text(_chapter_marks(take), "utf-8")
    titles.write_text(_titles(take), "utf-8")
    target = folder / f"{take.interview.stem}.mp4"
    command = [ffmpeg, "-nostdin", "-v", "error", "-y", "-threads", "1"]
    command += ["-f", "lavfi", "-i", _lights(take)]
    command += ["-i", sound.name, "-f", "ffmetadata", "-i", marks.name]
    command += ["-filter_complex", _drawing(titles.name), "-map", "[picture]", "-map", "1:a"]
    command += ["-map_metadata", "2", "-map_chapters", "2", "-t", f"{take.duration:.3f}"]
    command += ["-c:v", "libx264", "-preset", "slow", "-crf", "31", "-g", "120", "-threads", "1"]
    command += ["-profile:v", "high", "-pix_fmt", "yuv420p", "-flags:v", "+bitexact"]
    command += ["-c:a", "aac", "-b:a", "40k", "-ar", str(SAMPLE_RATE), "-flags:a", "+bitexact"]
    command += ["-metadata:s:a:0", f"language={_LANGUAGE_CODES[take.interview.language]}"]
    command += ["-fflags", "+bitexact", "-movflags", "+faststart", str(target.resolve())]
    subprocess.run(command, check=True, cwd=work)
    return target


_LANGUAGE_CODES = {"de": "deu", "en": "eng"}


def _write_sound(take: Take, path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes((take.samples * 32767).astype(np.int16).tobytes())


def _lights(take: Take) -> str:
    """A lavfi source: per colour channel the ground plus two Gaussian lights on slow orbits."""
    ground, glow = _rgb(take.interview.colour), _rgb(take.interview.glow)
    orbits = (("0.72+0.16*sin(T/11)", "0.40+0.22*cos(T/9)", 0.28),
              ("0.22+0.14*cos(T/13)", "0.78+0.18*sin(T/8)", 0.20))  # fmt: skip
    lights = "+".join(
        f"{1.0 if index == 0 else 0.45}*exp(-(pow(X/{SMALL_WIDTH}-({x}),2)"
        f"+pow((Y/{SMALL_HEIGHT}-({y}))*{HEIGHT / WIDTH},2))/{2 * size * size:.4f})"
        for index, (x, y, size) in enumerate(orbits)
    )
    channels = ":".join(
        f"{name}='{low}+{(high - low) * 0.8:.1f}*min(1,{lights})'"
        for name, low, high in zip("rgb", ground, glow, strict=True)
    )
    return f"color=black:s={SMALL_WIDTH}x{SMALL_HEIGHT}:r={FRAME_RATE},format=gbrp,geq={channels}"


def _drawing(titles: str) -> str:
    """The voice is drawn small and enlarged to bars: calmer than a fine line, and cheaper."""
    line = f"showwaves=s={BARS}x24:mode=cline:draw=full:rate={FRAME_RATE}"
    line += ":scale=sqrt:colors=0xF2F6FA"
    bar = (WIDTH - 96) // BARS
    return (
        f"[0:v]scale={WIDTH}:{HEIGHT}:flags=bicubic+bitexact,format=rgb24[ground];"
        f"[1:a]{line},format=rgba,scale={BARS * bar}:96:flags=neighbor+bitexact,"
        f"drawgrid=w={bar}:h={HEIGHT}:t={bar // 2}:color=black@0:replace=1,"
        f"colorchannelmixer=aa=0.85[voice];"
        f"[ground][voice]overlay=x=48:y=136:enable='gte(t,{TITLE_CARD_S})',"
        f"ass={titles},format=yuv420p[picture]"
    )


def _titles(take: Take) -> str:
    interview = take.interview
    card = rf"{{\an4\pos(48,170)\fad(0,400)}}{interview.title}"
    card += rf"\N{{\rSubtitle}}\N{interview.subtitle}"
    rows = [_row(0, TITLE_CARD_S, "Title", card)]
    for chapter in take.chapters:
        start = max(chapter.start, TITLE_CARD_S)
        rows.append(_row(start, chapter.end, "Chapter", rf"{{\fad(300,200)}}{chapter.title}"))
    turns: dict[int, list[TimedSentence]] = {}
    for timed in take.sentences:
        turns.setdefault(timed.sentence.turn, []).append(timed)
    asking = take.sentences[0].sentence.speaker.name
    for turn in turns.values():
        start, end = turn[0].start - 0.2, turn[-1].end + 0.5
        speaker = turn[0].sentence.speaker
        role = _ROLES[speaker.language][speaker.name != asking]
        rows += [_row(start, end, "Speaker", speaker.name), _row(start, end, "Role", role)]
    return _STYLES + "\n".join(rows) + "\n"


def _row(start: float, end: float, style: str, text: str) -> str:
    return f"Dialogue: 0,{_clock(start)},{_clock(end)},{style},{text}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 100), 6000)
    return f"0:{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"


def _chapter_marks(take: Take) -> str:
    """ffmpeg's own metadata format; titles hold none of the characters it would need escaped."""
    names = sorted({s.sentence.speaker.name for s in take.sentences})
    lines = [
        ";FFMETADATA1",
        f"title={take.interview.title}",
        f"artist={', '.join(names)}",
        f"comment={take.interview.subtitle}. Synthetic voices and an invented conversation",
        "copyright=Apache License 2.0",
    ]
    for chapter in take.chapters:
        times = [f"START={round(chapter.start * 1000)}", f"END={round(chapter.end * 1000)}"]
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", *times, f"title={chapter.title}"]
    return "\n".join(lines) + "\n"


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue
