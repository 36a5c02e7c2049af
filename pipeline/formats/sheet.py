"""CSV (RFC 4180) out and in: one row a segment, times in seconds.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; reading takes that
one apostrophe away again (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io

from pipeline.errors import BadInput
from pipeline.formats.characters import clean_text
from pipeline.formats.contract import source_of_json
from pipeline.formats.facts import ExportFacts
from pipeline.formats.passages import Source
from pipeline.timecode import to_seconds
from pipeline.values import Transcript

COLUMNS = ("start", "end", "speaker", "language", "text")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_GUARDED = (*_FORMULA, "'")


def is_csv(text: str) -> bool:
    """Whether the first row of ``text`` is the head of our CSV, by comma or by semicolon."""
    head = text[: text.find("\n") + 1 or None].strip().replace('"', "").lower()
    return head.replace(";", ",") == ",".join(COLUMNS)


def write_csv(transcript: Transcript, _facts: ExportFacts) -> str:
    """``transcript`` as CSV, rows ended by CR LF, quoted where needed."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for segment in transcript.segments:
        writer.writerow(
            (
                f"{to_seconds(segment.start_ms):.3f}",
                f"{to_seconds(segment.end_ms):.3f}",
                _guarded(clean_text(segment.speaker or "")),
                _guarded(segment.language or ""),
                _guarded(clean_text(segment.text)),
            )
        )
    return stream.getvalue()


def source_of_csv(text: str, name: str) -> Source | None:
    """What a CSV file says. Raises BadInput ``formats.broken_csv`` where it is not well-formed."""
    delimiter = ";" if ";" in text[: text.find("\n") + 1] else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    items: list[dict[str, object]] = []
    try:
        for row in rows:
            cells = (*row, "", "", "", "", "")
            items.append({column: _bare(cells[place]) for place, column in enumerate(COLUMNS)})
    except csv.Error as problem:
        raise BadInput("formats.broken_csv", name=name, line=rows.line_num) from problem
    del items[:1]
    return source_of_json({"segments": items, "recording": None})


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell
