"""A report as plain text, for a mail or a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pipeline.reports.sections import Cell, Section, told
from pipeline.reports.values import Night
from pipeline.reports.wording import Wording

WIDTH = 78

LISTED = 25
"""Rows of a section in which nothing needs a person; the page has them all."""


def as_text(night: Night, language: str) -> str:
    """The report in at most 78 columns, the most important first, ended by a line feed."""
    report, words = told(night, language), Wording(language)
    blocks = ["\n".join([*_wrapped(report.title), "=" * min(len(report.title), WIDTH)])]
    blocks.append("\n".join(_wrapped(report.summary)))
    blocks.append("\n".join(line for about in report.about for line in _wrapped(about)))
    blocks.extend("\n".join(_section(section, words)) for section in report.sections)
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, words: Wording) -> Iterator[str]:
    heading = section.heading
    if section.counted:
        heading += f" ({words.number(len(section.rows))})"
    if section.points:
        heading += f" – {words('attention')}"
    yield heading
    yield "-" * min(len(heading), WIDTH)
    if section.counted:
        yield from _wrapped(section.lead)
        yield ""
    shown = section.rows if section.points else section.rows[:LISTED]
    for row in shown:
        yield from _row(section, row)
    if left := len(section.rows) - len(shown):
        yield from _wrapped(words.count("more", left))


def _row(section: Section, row: tuple[Cell, ...]) -> Iterator[str]:
    name = row[0].text
    if row[0].detail:
        name += f" ({row[0].detail})"
    facts: list[str] = []
    lines: list[str] = []
    for column, cell in zip(section.columns, row, strict=True):
        if column.form == "value":
            name += f": {cell.text}"
        elif column.form == "text":
            lines.append(cell.text)
        elif column.form == "advice":
            lines.append(f"→ {cell.text}")
        elif column.form != "name":
            facts.append(f"{column.heading}: {cell.text}")
    yield from _wrapped(name, "- ", "  ")
    for line in [*lines, "; ".join(facts)]:
        if line:
            yield from _wrapped(line, "  ", "    " if line.startswith("→") else "  ")


def _wrapped(line: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        line, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
