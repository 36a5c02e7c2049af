"""The text of a caption: tags, entities and voices.

Only tags that captions know are tags, so that a bare ``<`` or ``&`` in speech stays what it is.
"""

from __future__ import annotations

import html.entities
import re
from dataclasses import dataclass

_TIME = r"[0-9]{1,4}:[0-9]{2}(?::[0-9]{2})?[.,][0-9]{3}"
_NAMES = r"c|i|b|u|s|v|lang|ruby|rt|rp|font|em|strong|span|br|p"
_TAG = re.compile(
    rf"<(?:(?P<time>{_TIME})|/?(?P<name>{_NAMES})(?P<rest>[.\s/][^<>]*)?)>", re.IGNORECASE
)
_VOICE_TAG = re.compile(r"<v[.\s][^<>]*>", re.IGNORECASE)
_VOICE = re.compile(r"(?:\.[^\s]*)?\s+(?P<who>.*)", re.DOTALL)
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
_STYLING = re.compile(r"\{\\[^{}\n]{0,80}\}")
_BRACE_OF_STYLING = re.compile(r"\{(?=\\)")
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Run:
    """Text between two tags: plain, entities resolved. ``at_ms`` is the last time tag before it."""

    text: str
    voice: str | None
    at_ms: int | None


def unescape(text: str) -> str:
    """``text`` with its character references resolved; a bare ``&`` is left alone."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return html.entities.html5.get(f"{name};", found[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if code <= _LAST_CODE_POINT else "\ufffd"


def escape_vtt(text: str) -> str:
    """``text`` for a WebVTT cue or voice: never a tag, an entity, an arrow or a styling."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _BRACE_OF_STYLING.sub("&#123;", text)


def escape_srt(text: str) -> str:
    """``text`` for a SubRip cue. Most players show entities as they stand, so only what would be
    read as a tag, an entity, an arrow or a styling is escaped."""
    text = _ENTITY.sub(lambda found: "&amp;" + found[0][1:], text)
    text = _TAG.sub(lambda found: "&lt;" + found[0][1:], text).replace("-->", "--&gt;")
    return _BRACE_OF_STYLING.sub("&#123;", text)


def without_styling(text: str) -> str:
    """``text`` without the ``{\\an8}`` of SubStation, which found its way into SubRip."""
    return _STYLING.sub("", text)


def has_voice(text: str) -> bool:
    """Whether a cue's text names a speaker by a tag."""
    return "<v" in text and _VOICE_TAG.search(text) is not None


def runs(text: str) -> list[Run]:
    """``text`` of a cue, cut at its voice and time tags; all other tags are dropped.

    A voice holds until its end tag, the next voice or the end of the cue.
    """
    if "<" not in text:
        return [Run(unescape(text), None, None)]
    found_runs: list[Run] = []
    pieces: list[str] = []
    voice: str | None = None
    at_ms: int | None = None
    position = 0

    def close() -> None:
        if pieces:
            found_runs.append(Run(unescape("".join(pieces)), voice, at_ms))
            pieces.clear()

    for tag in _TAG.finditer(text):
        if tag.start() > position:
            pieces.append(text[position : tag.start()])
        position = tag.end()
        if tag["time"]:
            close()
            at_ms = _tag_ms(tag["time"])
        elif tag["name"].lower() == "v":
            close()
            voice = None if tag[0][1] == "/" else _voice(tag["rest"] or "")
        elif tag["name"].lower() in ("br", "p"):
            pieces.append("\n")
    if position < len(text):
        pieces.append(text[position:])
    close()
    return found_runs


def _voice(rest: str) -> str | None:
    found = _VOICE.fullmatch(rest)
    return unescape(found["who"]) if found else None


def _tag_ms(written: str) -> int:
    clock, _, fraction = written.replace(",", ".").partition(".")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * 1000 + int(fraction)
