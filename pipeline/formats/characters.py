"""Characters: bytes to text, and the one form of text that segments have."""

from __future__ import annotations

import codecs
import re

_UNSEEN = re.compile("[\\x00-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f\\ufeff]")
_SURROGATES = re.compile("[\\ud800-\\udfff]")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096


def clean_text(text: str) -> str:
    """``text`` on one line: every run of white space is one space, none at the ends.

    Control characters and byte order marks vanish, lone surrogates become U+FFFD. All segments'
    texts and speakers have this form, so what is written can be read back unchanged.
    """
    if not text.isprintable():
        text = _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))
    return " ".join(text.split())


def decode(content: bytes) -> str:
    """Text of a file in UTF-8, UTF-16, UTF-32 or Windows-1252, lines ended by LF, without a mark.

    A few broken bytes in a file that is UTF-8 otherwise become U+FFFD; one with more broken than
    sound multi-byte characters is taken for Windows-1252.
    """
    return _decoded(content).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    if unmarked := _unmarked_utf16(content):
        return content.decode(unmarked, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _mostly_utf8(content) or content.decode("cp1252", "replace")


def _unmarked_utf16(content: bytes) -> str | None:
    """UTF-16 by its zero bytes: in western text every second byte is one."""
    sample = content[:_SAMPLE]
    half = len(sample) // 2
    if half and sample[1::2].count(0) * 2 > half and sample[::2].count(0) * 8 < half:
        return "utf-16-le"
    if half and sample[::2].count(0) * 2 > half and sample[1::2].count(0) * 8 < half:
        return "utf-16-be"
    return None


def _mostly_utf8(content: bytes) -> str | None:
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - broken
    return text if sound > broken else None
