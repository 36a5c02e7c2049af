"""Retention: nothing goes without having been on the list for long enough, whatever changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.catalog import recordings
from pipeline.catalog import retention as rows
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.errors import BadInput
from pipeline.home import Home, open_home
from pipeline.nights import retention
from pipeline.nights.retention import Due, Enforced
from pipeline.run import copies
from pipeline.run.context import Context
from pipeline.settings import Settings, load_settings
from pipeline.values import RecordingFacts
from tests.conftest import Interviews

TODAY = date(2026, 3, 14)
HEAT = {"Fernwärme": 730}


def days(count: int) -> timedelta:
    return timedelta(days=count)


class Archive:
    """A home with recordings and retention settings, and one night after the other."""

    def __init__(self, home: Home, catalogue: Catalogue, settings: Settings) -> None:
        self.home = home
        self.catalogue = catalogue
        self.settings = settings

    def set(self, table: dict[str, int], **changes: object) -> None:
        self.settings = self.settings.model_copy(update={"retention": table, **changes})

    def add(self, recorded: date | None, collection: str | None = "Fernwärme") -> str:
        with self.catalogue.write() as db:
            recording_id = f"recording{len(recordings.every(db)):03}"
            day = recorded.isoformat() if recorded else None
            facts = RecordingFacts(recording_id, collection=collection, recorded=day)
            recordings.insert(db, recording_id, facts, None, 1)
        return recording_id

    def change(self, recording_id: str, **facts: object) -> None:
        with self.catalogue.write() as db:
            known = recordings.get(db, recording_id)
            changed = replace(known.facts, **facts)  # type: ignore[arg-type]
            recordings.set_facts(db, recording_id, changed)

    def night(self, today: date) -> Enforced:
        return retention.enforce(Context(self.home, self.settings), self.catalogue, today)

    def nights(self, first: date, last: date) -> dict[str, date]:
        """One night a day, both days included: who went, and when."""
        gone: dict[str, date] = {}
        day = first
        while day <= last:
            gone.update(dict.fromkeys((one.recording_id for one in self.night(day).removed), day))
            day += days(1)
        return gone

    def due(self, today: date) -> Due:
        with self.catalogue.read() as db:
            return retention.due(db, self.settings, today)

    def known(self) -> set[str]:
        with self.catalogue.read() as db:
            return {one.id for one in recordings.every(db)}

    def listed(self) -> set[str]:
        with self.catalogue.read() as db:
            return set(rows.listed(db))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    home = open_home(tmp_path / "home")
    with open_catalogue(home.catalogue) as catalogue:
        yield Archive(home, catalogue, Settings(retention=HEAT))


def test_a_recording_is_announced_and_goes_on_its_day(archive: Archive) -> None:
    last = TODAY + days(30)
    doomed = archive.add(last - days(730))
    other = archive.add(last - days(700))
    assert archive.night(TODAY - days(1)).warnings == ()
    (warning,) = archive.night(TODAY).warnings
    assert (warning.recording_id, warning.goes) == (doomed, last)
    assert (warning.warned, warning.counted_from) == (None, last - days(730))
    (again,) = archive.night(TODAY + days(1)).warnings
    assert (again.warned, again.goes) == (TODAY, last)
    assert archive.nights(TODAY + days(2), last + days(29)) == {doomed: last}
    assert archive.known() == {other}


def test_what_goes_is_removed_with_a_receipt(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(730))
    assert archive.nights(TODAY, TODAY + days(29)) == {}
    done = archive.night(TODAY + days(30))
    assert [receipt.recording_id for receipt in done.receipts] == [doomed]
    assert done.receipts[0].complete
    assert doomed in archive.home.ledger.read_text(encoding="utf-8")
    assert archive.listed() == set()


def test_a_time_that_was_over_long_ago_is_announced_first(archive: Archive) -> None:
    doomed = archive.add(date(1990, 1, 1))
    assert archive.nights(TODAY, TODAY + days(40)) == {doomed: TODAY + days(30)}


def test_shortening_the_time_removes_nothing_without_a_warning(archive: Archive) -> None:
    archive.set({"Fernwärme": 3650})
    doomed = archive.add(TODAY - days(1000))
    assert archive.night(TODAY).warnings == ()
    archive.set({"Fernwärme": 1})
    (warning,) = archive.night(TODAY + days(1)).warnings
    assert warning.goes == TODAY + days(31)
    assert archive.nights(TODAY + days(2), TODAY + days(40)) == {doomed: TODAY + days(31)}


def test_a_day_that_was_announced_never_comes_earlier(archive: Archive) -> None:
    doomed = archive.add(TODAY + days(25) - days(730))
    archive.night(TODAY)
    archive.set({"Fernwärme": 1}, retention_warn_days=1)
    assert archive.nights(TODAY + days(1), TODAY + days(40)) == {doomed: TODAY + days(30)}


def test_a_longer_warning_holds_for_those_on_the_list(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(730))
    archive.night(TODAY)
    archive.set(HEAT, retention_warn_days=60)
    assert archive.nights(TODAY + days(1), TODAY + days(70)) == {doomed: TODAY + days(60)}


def test_a_longer_time_takes_off_the_list(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(730))
    archive.nights(TODAY, TODAY + days(20))
    archive.set({"Fernwärme": 800})
    assert archive.night(TODAY + days(21)).warnings == ()
    assert archive.listed() == set()
    archive.set(HEAT)
    gone = archive.nights(TODAY + days(22), TODAY + days(60))
    assert gone == {doomed: TODAY + days(52)}


def test_another_collection_or_date_takes_off_the_list(archive: Archive) -> None:
    first = archive.add(TODAY - days(800))
    second = archive.add(TODAY - days(800))
    archive.nights(TODAY, TODAY + days(29))
    archive.change(first, collection="Archiv")
    archive.change(second, recorded=TODAY.isoformat())
    done = archive.night(TODAY + days(30))
    assert (done.removed, done.warnings) == ((), ())
    assert archive.listed() == set()


def test_another_collection_whose_time_is_up_as_well_begins_the_warning_anew(
    archive: Archive,
) -> None:
    archive.set({**HEAT, "Wasser": 365})
    doomed = archive.add(TODAY - days(800))
    archive.nights(TODAY, TODAY + days(29))
    archive.change(doomed, collection="Wasser")
    gone = archive.nights(TODAY + days(30), TODAY + days(70))
    assert gone == {doomed: TODAY + days(60)}


def test_a_title_keeps_it_on_the_list(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.night(TODAY)
    archive.change(doomed, title="Anders", people=("Eva",))
    assert archive.nights(TODAY + days(1), TODAY + days(40)) == {doomed: TODAY + days(30)}


def test_all_others_and_for_ever(archive: Archive) -> None:
    archive.set({"Fernwärme": 0, "Wasser": 100, "*": 365})
    kept = archive.add(date(1990, 1, 1), "Fernwärme")
    water = archive.add(TODAY - days(110), "Wasser")
    other = archive.add(TODAY - days(370), "Klima")
    plain = archive.add(TODAY - days(370), None)
    archive.nights(TODAY, TODAY + days(40))
    assert archive.known() == {kept}
    assert {water, other, plain} & archive.known() == set()


def test_a_collection_that_is_not_named_is_kept(archive: Archive) -> None:
    kept = archive.add(date(1990, 1, 1), "Klima")
    archive.nights(TODAY, TODAY + days(40))
    assert archive.known() == {kept}


def test_names_that_look_alike_are_alike(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800), "Fernwa\u0308rme ")
    assert [one.recording_id for one in archive.due(TODAY).warnings] == [doomed]


def test_without_a_date_the_day_it_was_added_counts(archive: Archive) -> None:
    doomed = archive.add(None)
    with archive.catalogue.read() as db:
        added = datetime.fromtimestamp(recordings.get(db, doomed).added_ms / 1000).date()
    assert archive.due(added + days(699)).warnings == ()
    assert archive.due(added + days(700)).warnings[0].goes == added + days(730)


def test_a_date_that_is_none_counts_as_no_date(archive: Archive) -> None:
    doomed = archive.add(None)
    archive.change(doomed, recorded="im Sommer")
    with archive.catalogue.read() as db:
        assert retention.counted_from(recordings.get(db, doomed)) >= date(2020, 1, 1)


def test_a_day_beyond_the_calendar_never_comes(archive: Archive) -> None:
    archive.add(date(9999, 12, 1))
    assert archive.due(TODAY) == Due((), ())


# --- clocks ------------------------------------------------------------------------------------


def test_a_clock_that_lies_before_the_warning_removes_nothing(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.night(TODAY)
    assert archive.night(date(1970, 1, 1)).removed == ()
    gone = archive.nights(TODAY + days(1), TODAY + days(60))
    assert gone[doomed] >= TODAY + days(30)


def test_a_clock_that_jumps_ahead_for_a_night_removes_nothing(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.nights(TODAY, TODAY + days(10))
    assert archive.night(date(2099, 1, 1)).removed == ()
    gone = archive.nights(TODAY + days(11), TODAY + days(60))
    assert gone == {doomed: TODAY + days(30)}


def test_a_warning_out_of_the_future_begins_anew(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.night(date(2099, 1, 1))
    assert archive.nights(TODAY, TODAY + days(60)) == {doomed: TODAY + days(30)}


def test_nights_that_were_left_out_lengthen_the_warning(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.night(TODAY)
    assert archive.night(TODAY + days(90)).removed == ()
    gone = archive.nights(TODAY + days(91), TODAY + days(130))
    assert gone == {doomed: TODAY + days(113)}


def test_a_night_a_week_is_enough(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    for week in range(5):
        assert archive.night(TODAY + days(7 * week)).removed == ()
    assert [one.recording_id for one in archive.night(TODAY + days(35)).removed] == [doomed]


def test_two_nights_of_one_day_count_once(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    for night in range(30):
        assert archive.night(TODAY + days(night)).removed == ()
        assert archive.night(TODAY + days(night)).removed == ()
    assert archive.known() == {doomed}


@given(
    jumps=st.lists(st.integers(-400, 400), min_size=1, max_size=12),
    warn=st.integers(8, 40),
)
@example(jumps=[0, 1, -1], warn=8)  # back on the day of the warning, which stands as it was
def test_whatever_the_clock_does_nothing_goes_before_it_was_looked_at_often_enough(
    jumps: list[int], warn: int
) -> None:
    """Each night counts a week at most, so so many nights must have passed."""
    settings = Settings(retention={"*": 1}, retention_warn_days=warn)
    recording = recording_of(date(1990, 1, 1))
    row, today, counted = None, TODAY, 0
    for jump in jumps:
        today += days(jump)
        anew = row is None or row.warned > today
        row = retention._row(recording, settings, row, today)
        assert row is not None
        counted = 0 if anew else counted + 1
        assert not anew or row.warned == today
        assert row.days <= 7 * counted
        assert row.goes >= row.warned + days(warn)
        assert row.looked == today >= row.warned


def recording_of(recorded: date) -> recordings.Recording:
    return recordings.Recording(
        "recording000", RecordingFacts("t", recorded=recorded.isoformat()), None, "done", None, 1,
        0, None, "de", None, 0,
    )  # fmt: skip


# --- what is shown, restored and set -----------------------------------------------------------


def test_looking_at_the_list_warns_nobody(archive: Archive) -> None:
    doomed = archive.add(TODAY - days(800))
    assert archive.due(TODAY).warnings[0].goes == TODAY + days(30)
    assert archive.listed() == set()
    archive.night(TODAY)
    assert archive.due(TODAY + days(29)).expired == ()
    archive.nights(TODAY + days(1), TODAY + days(29))
    assert [one.recording_id for one in archive.due(TODAY + days(30)).expired] == [doomed]
    assert archive.known() == {doomed}


def test_a_restored_catalogue_warns_anew(archive: Archive, tmp_path: Path) -> None:
    doomed = archive.add(TODAY - days(800))
    archive.nights(TODAY, TODAY + days(29))
    context = Context(archive.home, archive.settings)
    copies.save(context, archive.catalogue, tmp_path / "copy.db")
    archive.catalogue.close()
    copies.restore(archive.home, tmp_path / "copy.db")
    with open_catalogue(archive.home.catalogue) as catalogue:
        later = Archive(archive.home, catalogue, archive.settings)
        assert later.night(TODAY + days(30)).removed == ()
        assert later.known() == {doomed}


def test_the_command_shows_the_list(tmp_path: Path) -> None:
    interviews = Interviews(tmp_path / "home")
    captions = tmp_path / "old.vtt"
    captions.write_text("WEBVTT\n\n00:01.000 --> 00:05.000\nEin Satz.\n", encoding="utf-8")
    added = ("add", captions, "--recorded", "1990-01-01", "--collection", "Fernwärme")
    interviews(*added)
    assert "Every recording is kept" in interviews("retention").out
    (tmp_path / "home" / "interviews.toml").write_text(
        'retention_warn_days = 10\n[retention]\n"Fernwärme" = 730\n', encoding="utf-8"
    )
    listed = interviews("retention", "--json").json
    (one,) = listed["recordings"]
    assert (one["title"], one["counted_from"], one["warned"]) == ("old", "1990-01-01", None)
    assert one["expired"] is False
    assert date.fromisoformat(one["goes"]) > date.today() + days(8)
    assert listed["warn_days"] == 10
    assert listed["collections"] == [{"collection": "Fernwärme", "days": 730, "recordings": 1}]
    assert one["goes"] in interviews("--lang", "de", "retention").out


def test_the_settings_are_a_table_or_a_variable(tmp_path: Path) -> None:
    (tmp_path / "interviews.toml").write_text('[retention]\n"*" = 3650\n"A b" = 0\n', "utf-8")
    assert load_settings(tmp_path, {})[0].retention == {"*": 3650, "A b": 0}
    variable = {"INTERVIEWS_RETENTION": json.dumps(HEAT)}
    assert load_settings(tmp_path, variable)[0].retention == HEAT
    assert Settings().retention == {}


@pytest.mark.parametrize(
    "table", ['"*" = -1', '"*" = true', '"*" = "730"', '"*" = 1.5', '"*" = 40000', '"*" = {a = 1}']
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, table: str) -> None:
    (tmp_path / "interviews.toml").write_text(f"[retention]\n{table}\n", encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        load_settings(tmp_path, {})
    assert raised.value.values["key"] == "retention"


@pytest.mark.parametrize("given", ["730", "{broken", '["*"]', ""])
def test_a_variable_that_is_no_table_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(BadInput) as raised:
        load_settings(tmp_path, {"INTERVIEWS_RETENTION": given})
    assert raised.value.values["key"] == "retention"


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "interviews.toml").write_text("[retenton]\n", encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        load_settings(tmp_path, {})
    assert raised.value.values["nearest"] == "retention"
