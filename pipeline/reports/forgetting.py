"""Taking recordings, or what was said in them, out of a night."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath

from pipeline.formats.characters import clean_text
from pipeline.reports.values import Night
from pipeline.values import Failure


@dataclass(frozen=True, slots=True)
class Traces:
    """What gives recordings away where no entry is theirs: ids, titles, names of their files.

    A title is the file's name unless somebody chose another, and before a file became a recording
    it waited, or was refused, under that name. So every file of that name counts as theirs, with
    whatever suffixes: rather one line too few in an old report than one too many.
    """

    ids: frozenset[str]
    names: frozenset[str]

    def in_text(self, words: str) -> bool:
        """Whether ``words`` is an id, a title or a path that is theirs."""
        if words in self.ids:
            return True
        whole, name = _form(words), _form(PurePath(words).name)
        ends = [place for place, sign in enumerate(name) if sign == "."]
        return bool(self.names & {whole, name, *(name[:end] for end in ends)})

    def in_failure(self, failure: Failure) -> bool:
        return any(isinstance(one, str) and self.in_text(one) for one in failure.values.values())


def traces(nights: Iterable[Night], ids: Collection[str]) -> Traces:
    """All that tells of the recordings in these nights."""
    names: set[str] = set()
    for night in nights:
        names.update(PurePath(one.path).stem for one in night.taken if one.recording_id in ids)
        for entries in (
            night.taken,
            night.done,
            night.failed,
            night.partial,
            night.retold,
            night.to_review,
            night.leaving,
        ):
            names.update(one.title for one in entries if one.recording_id in ids)
    return Traces(frozenset(ids), frozenset(_form(name) for name in names) - {""})


def _form(name: str) -> str:
    """Titles are clean and composed, names of files need not be."""
    return unicodedata.normalize("NFC", clean_text(name))


def without_traces(night: Night, theirs: Traces) -> Night:
    """The night without what tells of the recordings outside their own entries."""
    ids = theirs.ids
    return replace(
        night,
        waiting=tuple(path for path in night.waiting if not theirs.in_text(path)),
        refused=tuple(
            one
            for one in night.refused
            if not theirs.in_text(one.path) and not theirs.in_failure(one.failure)
        ),
        failed=tuple(
            one
            for one in night.failed
            if one.recording_id in ids or not theirs.in_failure(one.failure)
        ),
        partial=tuple(
            one
            for one in night.partial
            if one.recording_id in ids or not theirs.in_failure(one.failure)
        ),
        troubles=tuple(
            (step, failure) for step, failure in night.troubles if not theirs.in_failure(failure)
        ),
    )


def without_recordings(night: Night, ids: Collection[str]) -> Night:
    """The night without the recordings' own entries."""
    return replace(
        night,
        taken=tuple(one for one in night.taken if one.recording_id not in ids),
        done=tuple(one for one in night.done if one.recording_id not in ids),
        failed=tuple(one for one in night.failed if one.recording_id not in ids),
        partial=tuple(one for one in night.partial if one.recording_id not in ids),
        retold=tuple(one for one in night.retold if one.recording_id not in ids),
        to_review=tuple(one for one in night.to_review if one.recording_id not in ids),
        leaving=tuple(one for one in night.leaving if one.recording_id not in ids),
    )


def without(night: Night, ids: Collection[str]) -> Night:
    """The night as if the recordings had not been in it."""
    if not ids:
        return night
    return without_recordings(without_traces(night, traces([night], ids)), ids)


def unquoted(night: Night, ids: Collection[str]) -> Night:
    """The night without words that were said in the recordings; numbers of words stay."""
    return replace(
        night,
        retold=tuple(
            replace(one, commonest=()) if one.recording_id in ids else one for one in night.retold
        ),
    )


def settled(night: Night) -> Night:
    """The night as it may be told: a recording that retention removed this night is named by its
    id only, for nothing of what is removed may live on in a report."""
    removed = {one.recording_id for one in night.leaving if one.removed}
    told = tuple(
        replace(one, title="") if one.removed else one
        for one in night.leaving
        if one.removed or one.recording_id not in removed
    )
    return replace(without(night, removed), leaving=told)
