"""Which passages a question cannot meet word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.catalog import chunks, recordings
from pipeline.search.languages import foreign
from tests.search_home import SearchHome, interview


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Was kostet die Miete?", "en"),
        ("How much is the rent?", "de"),
        ("LoRaWAN Gateway", None),
        ("bus depot in winter", None),
    ],
)
def test_passages_in_another_language_than_the_question_are_known(
    tmp_path: Path, query: str, language: str | None
) -> None:
    home = SearchHome(tmp_path)
    ids = {
        "de": home.add("Miete", interview("Die Miete kostet wenig.", language="de")),
        "en": home.add("Rent", interview("The rent is low.", language="en")),
    }
    with home.catalogue.read() as db:
        stored = chunks.load(db, range(1, 10))
        found = recordings.get_many(db, ids.values())
    others = {stored[one].recording_id for one in foreign(query, stored, found)}
    assert others == ({ids[language]} if language else set())


def test_where_all_passages_are_in_another_language_none_is_set_apart(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    key = home.add("Miete", interview("Die Miete kostet wenig.", language="de"))
    with home.catalogue.read() as db:
        stored = chunks.load(db, [1])
        found = recordings.get_many(db, [key])
    assert foreign("How much is the rent?", stored, found) == frozenset()
