"""The inbox: what is dropped there and stands still is taken in, whole, once, and never lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import unicodedata
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.catalog import inbox as rows
from pipeline.catalog import recordings
from pipeline.catalog.connection import now_ms
from pipeline.errors import BadInput, Missing
from pipeline.home import file_system, open_home
from pipeline.inbox import taking
from pipeline.inbox.bundles import Bundle
from pipeline.inbox.dropped import LOCAL, Dropped, look
from pipeline.inbox.scan import PATIENCE, AlreadyScanning, InboxReport, scan
from pipeline.inbox.sidefile import parse_side
from pipeline.run import removal
from pipeline.run.alone import alone
from pipeline.run.context import Context
from pipeline.settings import Settings
from pipeline.values import Recording
from tests.conftest import ROOT, SAMPLES, Interviews
from tests.full_disk import full_disk

CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Anna Weber>Der Umbau am Rathaus beginnt.\n"
SETTLE_S = 60
AT_ONCE = {"INTERVIEWS_INBOX_SETTLE_SECONDS": "0"}

LATER = now_ms() + 24 * 3_600_000
"""A moment at which all that a test makes has long stood still."""

EARLIER = now_ms() - 24 * 3_600_000
"""A moment before all of it: no time of change can be believed, as on a network share."""


def seconds(count: float) -> int:
    return round(count * 1000)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """An empty home with an inbox of its own."""
    made = Context(open_home(tmp_path / "home"), Settings(inbox_settle_seconds=SETTLE_S))
    (made.home.root / "inbox").mkdir()
    return made


@pytest.fixture
def folder(context: Context) -> Path:
    return context.home.root / "inbox"


def sound(path: Path, note: int = 1, seconds: int = 1) -> Path:
    """A small recording; another ``note`` makes other bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes((note, 0, 0, note)) * 8_000 * seconds)
    return path


def captions(path: Path, text: str = CAPTIONS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def stored(context: Context) -> list[Recording]:
    with context.catalogue() as catalogue, catalogue.read() as db:
        return recordings.every(db)


def titles(context: Context) -> list[str]:
    return sorted(one.facts.title for one in stored(context))


def copies(context: Context) -> list[str]:
    """Everything in the folder of copies, hidden files too."""
    media = context.home.media
    return sorted(path.name for path in media.iterdir()) if media.exists() else []


def lying(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def looked_through(context: Context) -> InboxReport:
    """What a scan says after all that lies there has stood still, on any file system."""
    scan(context, EARLIER)
    return scan(context, LATER)


def kinds(report: InboxReport) -> list[tuple[str, str]]:
    return [(one.path.name, one.error.kind) for one in report.refused]


# Taking


def test_a_dropped_recording_is_searchable_with_its_facts(
    interviews: Interviews, tmp_path: Path
) -> None:
    folder = tmp_path / "drop" / "Netze" / "2026"
    folder.mkdir(parents=True)
    shutil.copy(SAMPLES / "lorawan.mp4", folder / "Gespräch.mp4")
    captions(folder / "Gespräch.vtt")
    (folder / "Gespräch.toml").write_text(
        'title = "Umbau"\npeople = "Anna Weber; Thomas Klein"\ndate = 2026-03-14\n'
        'visibility = ["staff", "Stadtwerk A"]\nlanguage = "de"\npriority = 3\n',
        encoding="utf-8",
    )
    where = {"INTERVIEWS_INBOX": str(tmp_path / "drop"), **AT_ONCE}
    ran = interviews("inbox", "--json", **where)
    taken = ran.json["recordings"][0]
    assert (taken["title"], taken["collection"], taken["known"]) == ("Umbau", "Netze", False)
    assert lying(tmp_path / "drop") == []
    assert "Rathaus" not in ran.out + ran.err
    interviews("run")
    hit = interviews("search", "Umbau Rathaus", "--mode", "words", "--json").json["hits"][0]
    assert (hit["recording"], hit["speaker"]) == (taken["id"], "Anna Weber")
    assert Path(hit["media"]).read_bytes() == (SAMPLES / "lorawan.mp4").read_bytes()
    assert Path(hit["media"]).is_relative_to(interviews.home)
    shown = interviews("show", taken["id"]).out
    for fact in ("Anna Weber; Thomas Klein", "2026-03-14", "Stadtwerk A"):
        assert fact in shown


def test_people_are_told_what_happened_and_what_comes_next(interviews: Interviews) -> None:
    inbox = interviews.home / "inbox"
    assert "nothing" in interviews("inbox").out
    sound(inbox / "gut.wav")
    (inbox / "brief.docx").write_bytes(b"words")
    ran = interviews("inbox", check=False, **AT_ONCE)
    assert ran.code == 1
    assert "taken: gut" in ran.out and "interviews run" in ran.out
    assert ran.err.count("brief.docx") == 1 and "Traceback" not in ran.err
    assert lying(inbox) == ["brief.docx"]


def test_a_transcript_alone_becomes_a_recording(context: Context, folder: Path) -> None:
    captions(folder / "nur Text.vtt")
    (folder / "nur Text.toml").write_text('title = "Text"', encoding="utf-8")
    report = looked_through(context)
    assert [one.recording.facts.title for one in report.taken] == ["Text"]
    assert stored(context)[0].imported and lying(folder) == []


def test_the_first_folder_is_the_collection_however_its_name_is_written(
    context: Context, folder: Path
) -> None:
    decomposed = unicodedata.normalize("NFD", "Wärme")
    captions(folder / decomposed / "Mai" / f"{decomposed}.vtt")
    sound(folder / "oben.wav")
    looked_through(context)
    found = {one.facts.title: one.facts.collection for one in stored(context)}
    assert found == {"Wärme": "Wärme", "oben": None}


def test_a_side_file_overrides_the_folder(context: Context, folder: Path) -> None:
    sound(folder / "Netze" / "a.WAV")
    (folder / "Netze" / "A.wav.toml").write_text('collection = "Wärme"', encoding="utf-8")
    looked_through(context)
    assert stored(context)[0].facts.collection == "Wärme"
    assert lying(folder) == []


# Standing still


def test_what_was_seen_twice_unchanged_is_taken(context: Context, folder: Path) -> None:
    sound(folder / "a.wav")
    for passed in (0, 30, SETTLE_S - 1):
        report = scan(context, EARLIER + seconds(passed))
        assert [(one.path.name, one.since_ms) for one in report.waiting] == [("a.wav", EARLIER)]
        assert report.taken == []
    assert len(scan(context, EARLIER + seconds(SETTLE_S)).taken) == 1


def test_growing_starts_the_wait_anew(context: Context, folder: Path) -> None:
    path = sound(folder / "a.wav")
    scan(context, EARLIER)
    sound(path, seconds=2)
    report = scan(context, EARLIER + seconds(SETTLE_S))
    assert [one.since_ms for one in report.waiting] == [EARLIER + seconds(SETTLE_S)]
    assert len(scan(context, EARLIER + seconds(2 * SETTLE_S)).taken) == 1


@pytest.mark.parametrize("moment", [EARLIER, now_ms()], ids=["share", "local"])
def test_an_old_time_of_modification_proves_nothing(
    context: Context, folder: Path, moment: int
) -> None:
    path = sound(folder / "a.wav")
    os.utime(path, (0, 0))
    assert [one.path for one in scan(context, moment).waiting] == [path]


def test_on_a_local_disk_one_look_is_enough(context: Context, folder: Path) -> None:
    if file_system(folder) not in LOCAL:
        pytest.skip("this disk is not known for a local one")
    sound(folder / "a.wav")
    assert len(scan(context, now_ms() + seconds(SETTLE_S + 1)).taken) == 1


def test_a_clock_that_is_set_back_delays_but_does_not_block(context: Context, folder: Path) -> None:
    sound(folder / "a.wav")
    scan(context, EARLIER)
    back = EARLIER - seconds(10 * 365 * 86_400)
    assert [one.since_ms for one in scan(context, back).waiting] == [back]
    assert len(scan(context, back + seconds(SETTLE_S)).taken) == 1


def test_a_file_whose_room_was_only_reserved_waits_much_longer(
    context: Context, folder: Path
) -> None:
    path = sound(folder / "a.wav")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2)
    scan(context, EARLIER)
    report = scan(context, EARLIER + seconds(SETTLE_S))
    assert [one.reason for one in report.waiting] == ["unfinished"]
    assert len(scan(context, EARLIER + seconds(PATIENCE * SETTLE_S)).taken) == 1


@pytest.mark.parametrize("name", ["a.wav.part", "a.mp4.crdownload", ".a.wav.Xa3f5c", "a.vtt.tmp"])
def test_a_temporary_file_of_its_name_keeps_a_recording_waiting(
    context: Context, folder: Path, name: str
) -> None:
    sound(folder / "a.wav")
    (folder / name).write_bytes(b"half")
    scan(context, EARLIER)
    report = scan(context, EARLIER + seconds(SETTLE_S))
    assert [(one.path.name, one.reason) for one in report.waiting] == [("a.wav", "unfinished")]
    (folder / name).unlink()
    scan(context, EARLIER + seconds(2 * SETTLE_S))
    assert len(scan(context, EARLIER + seconds(3 * SETTLE_S)).taken) == 1


def test_a_side_file_that_comes_later_keeps_all_of_it_waiting(
    context: Context, folder: Path
) -> None:
    sound(folder / "a.wav")
    scan(context, EARLIER)
    (folder / "a.toml").write_text('title = "Später"', encoding="utf-8")
    assert scan(context, EARLIER + seconds(SETTLE_S)).taken == []
    scan(context, EARLIER + seconds(2 * SETTLE_S))
    assert titles(context) == ["Später"]


def test_a_side_file_alone_waits_for_its_recording(context: Context, folder: Path) -> None:
    (folder / "a.toml").write_text('title = "Später"', encoding="utf-8")
    report = looked_through(context)
    assert [(one.path.name, one.reason) for one in report.waiting] == [("a.toml", "media")]
    sound(folder / "a.wav")
    looked_through(context)
    assert titles(context) == ["Später"]


# What is not taken


def test_temporary_and_system_files_are_passed_over_in_silence(
    context: Context, folder: Path
) -> None:
    for name in (
        "a.mp4.part", "b.crdownload", "~$c.docx", "d.mp4.filepart", "e.tmp", ".f.mp4", "Thumbs.db",
        "desktop.ini", ".DS_Store", "@eaDir/a.mp4/x.jpg", ".Trashes/a.mp4", "#recycle/b.wav",
        "$RECYCLE.BIN/c.wav", "System Volume Information/x",
    ):  # fmt: skip
        captions(folder / name)
    assert looked_through(context) == InboxReport(folder)
    assert len(lying(folder)) == 14


def test_what_cannot_be_taken_is_named_at_every_scan_and_left(
    context: Context, folder: Path, tmp_path: Path
) -> None:
    (folder / "Plan.pdf").write_bytes(b"%PDF-1.7")
    (folder / "kaputt.mp4").write_bytes(b"no media at all")
    (folder / "leer.mp3").touch()
    (folder / "leer.vtt").write_text("WEBVTT\n", encoding="utf-8")
    (folder / "hinaus.mp4").symlink_to(SAMPLES / "lorawan.mp4")
    (folder / "Ordner").symlink_to(tmp_path)
    os.mkfifo(folder / "rohr.wav")
    captions(folder / "gut.vtt")
    expected = {
        ("Plan.pdf", "unknown_kind"),
        ("kaputt.mp4", "not_media"),
        ("hinaus.mp4", "link"),
        ("Ordner", "link"),
        ("rohr.wav", "not_a_file"),
    }
    first = looked_through(context)
    assert expected <= set(kinds(first))
    assert {name for name, _ in kinds(first)} >= {"leer.mp3"}
    assert kinds(looked_through(context)) == kinds(first)
    assert titles(context) == ["gut"]
    assert (SAMPLES / "lorawan.mp4").exists()


def test_a_name_in_another_encoding_is_named(interviews: Interviews) -> None:
    odd = os.fsencode(interviews.home / "inbox") + b"/Gespr\xe4ch.wav"
    sound(interviews.home / "inbox" / "a.wav").rename(os.fsdecode(odd))
    ran = interviews("inbox", "--json", check=False, **AT_ONCE)
    assert ran.code == 1
    assert [one["kind"] for one in ran.json["errors"]] == ["odd_name"]
    assert "Gespr" in ran.err


def test_a_refused_file_is_opened_again_only_when_it_changes(
    context: Context, folder: Path
) -> None:
    good = sound(folder.parent / "good.wav").read_bytes()
    path = folder / "a.wav"
    path.write_bytes(b"x" * len(good))
    looked = path.stat()
    assert kinds(looked_through(context)) == [("a.wav", "not_media")]
    path.write_bytes(good)
    os.utime(path, ns=(looked.st_atime_ns, looked.st_mtime_ns))
    assert kinds(looked_through(context)) == [("a.wav", "not_media")]
    os.utime(path)
    assert len(looked_through(context).taken) == 1


def test_a_mended_side_file_is_read_again(context: Context, folder: Path) -> None:
    sound(folder / "a.wav")
    side = folder / "a.toml"
    side.write_text('titel = "A"', encoding="utf-8")
    report = looked_through(context)
    assert kinds(report) == [("a.wav", "side_unknown_key")]
    assert "“titel”" in report.refused[0].error.message("en")
    assert "“title”" in report.refused[0].error.message("en")
    side.write_text('title = "Aa"', encoding="utf-8")
    looked_through(context)
    assert titles(context) == ["Aa"]


@pytest.mark.parametrize(
    "names",
    [
        ("a.wav", "a.vtt", "a.srt"),
        ("a.wav", "a.toml", "a.wav.toml"),
        ("a.wav", "a.mp4", "a.toml"),
        ("a.vtt", "a.srt"),
    ],
)
def test_what_may_belong_to_several_is_left_to_people(
    context: Context, folder: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        sound(folder / name) if name.endswith((".wav", ".mp4")) else captions(folder / name)
    report = looked_through(context)
    assert {kind for _, kind in kinds(report)} == {"ambiguous"}
    assert lying(folder) == sorted(names)


def test_the_full_name_settles_what_belongs_to_what(context: Context, folder: Path) -> None:
    sound(folder / "a.wav", note=1)
    sound(folder / "a.mp3", note=2)
    (folder / "a.wav.toml").write_text('title = "Eins"', encoding="utf-8")
    (folder / "a.mp3.toml").write_text('title = "Zwei"', encoding="utf-8")
    looked_through(context)
    assert titles(context) == ["Eins", "Zwei"]


def test_what_was_removed_does_not_come_back_by_itself(context: Context, folder: Path) -> None:
    source = sound(context.home.root / "a.wav")
    shutil.copy(source, folder)
    gone = looked_through(context).taken[0].recording.id
    with context.catalogue() as catalogue:
        removal.remove(context.home, catalogue, [gone])
    shutil.copy(source, folder)
    for _ in range(2):
        assert kinds(looked_through(context)) == [("a.wav", "removed")]
    assert stored(context) == [] and copies(context) == []
    Interviews(context.home.root)("add", source)
    assert [one.known for one in looked_through(context).taken] == [True]
    assert lying(folder) == []


# Side files


def test_a_side_file_says_what_staff_know() -> None:
    side = parse_side(
        'title = "  Wärme "\npeople = ["A", "B"]\nrecorded = "2026-03-14"\nlanguage = "en"\n'
        'visibility = "staff, Stadtwerk A"\ncollection = "Netze"\npriority = -2\n'.encode(),
        "a.toml",
    )
    assert (side.title, side.people, side.recorded, side.language, side.priority) == (
        "Wärme", ("A", "B"), "2026-03-14", "en", -2)  # fmt: skip
    assert (side.visibility, side.collection) == (("staff", "Stadtwerk A"), "Netze")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_side_files_may_come_from_any_editor(encoding: str) -> None:
    assert parse_side('title = "Wärme"\r\n'.encode(encoding), "a.toml").title == "Wärme"


@pytest.mark.parametrize("written", ["2026-03-14", '"2026-03-14"', "2026-03-14T10:30:00"])
def test_a_date_may_be_a_date_or_a_text(written: str) -> None:
    assert parse_side(f"date = {written}".encode(), "a.toml").recorded == "2026-03-14"


@pytest.mark.parametrize(
    ("written", "kind", "named"),
    [
        ('titel = "A"', "side_unknown_key", "title"),
        ('person = "A"', "side_unknown_key", "people"),
        ('title = ""', "side_bad_value", "title"),
        ("title = 3", "side_bad_value", "title"),
        ('people = ["A", 3]', "side_bad_value", "people"),
        ('date = "14.3.2026"', "side_bad_value", "date"),
        ('date = ""', "side_bad_value", "date"),
        ("date = 2026", "side_bad_value", "2026"),
        ('language = "Deutsch"', "side_bad_value", "language"),
        ("visibility = []", "side_bad_value", "visibility"),
        ('visibility = " , "', "side_bad_value", "visibility"),
        ('priority = "high"', "side_bad_value", "high"),
        ("priority = true", "side_bad_value", "priority"),
        ("priority = 1001", "side_bad_value", "1001"),
        ("[title]\nx = 1", "side_bad_value", "title"),
        ('date = 2026-03-14\nrecorded = "2026-03-14"', "side_twice", "recorded"),
        ("title = Heizung", "side_unreadable", "line 1"),
        ("#" + "x" * (1 << 20), "side_too_large", "1 MB"),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_wrong_side_file_is_answered_in_a_sentence_that_names_it(
    written: str, kind: str, named: str, language: str
) -> None:
    with pytest.raises(BadInput) as caught:
        parse_side(written.encode(), "/drop/a.toml")
    assert caught.value.kind == kind
    assert "/drop/a.toml" in caught.value.message(language)
    assert named in caught.value.message(language)


# Known files


def test_a_known_file_is_deleted_and_its_side_file_heeded(context: Context, folder: Path) -> None:
    sound(folder / "Netze" / "a.wav")
    looked_through(context)
    before = copies(context)
    sound(folder / "Wärme" / "b.wav")
    report = looked_through(context)
    assert [(one.known, one.recording.facts.collection) for one in report.taken] == [
        (True, "Netze")
    ]
    sound(folder / "Wärme" / "b.wav")
    (folder / "Wärme" / "b.toml").write_text('people = "Anna"', encoding="utf-8")
    looked_through(context)
    facts = [one.facts for one in stored(context)]
    assert [(one.title, one.people, one.collection) for one in facts] == [("a", ("Anna",), "Netze")]
    assert lying(folder) == [] and copies(context) == before


def test_a_file_that_was_added_where_it_lies_in_the_inbox_is_not_lost(
    context: Context, folder: Path
) -> None:
    path = sound(folder / "a.wav")
    content = path.read_bytes()
    Interviews(context.home.root)("add", path)
    assert [one.known for one in looked_through(context).taken] == [True]
    media = stored(context)[0].media
    assert media is not None and media.copied
    assert Path(media.path).read_bytes() == content


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_a_lost_copy_is_replaced(
    context: Context, folder: Path, damage: Callable[[Path], object]
) -> None:
    content = sound(folder / "a.wav").read_bytes()
    looked_through(context)
    media = stored(context)[0].media
    assert media is not None
    damage(Path(media.path))
    sound(folder / "b.wav")
    looked_through(context)
    media = stored(context)[0].media
    assert media is not None and Path(media.path).read_bytes() == content
    assert Path(media.path).stat().st_mtime_ns == media.mtime_ns


def test_the_same_content_under_two_names_is_one_recording(context: Context, folder: Path) -> None:
    sound(folder / "a.wav")
    sound(folder / "b.wav")
    assert [one.known for one in looked_through(context).taken] == [False, True]
    assert titles(context) == ["a"] and lying(folder) == []


# What cannot be deleted


@pytest.fixture
def frozen(folder: Path) -> Iterator[Callable[[], None]]:
    """Makes the inbox read-only as it is, as a share may be; skips where that is not allowed."""
    mounted: list[Path] = []

    def freeze() -> None:
        for options in (["--bind", str(folder)], ["-o", "remount,ro,bind"]):
            done = subprocess.run(
                ["mount", *options, str(folder)], capture_output=True, check=False
            )
            if done.returncode:
                pytest.skip("mounting a file system needs more rights than this test has")
            mounted.append(folder)

    yield freeze
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_what_cannot_be_deleted_is_taken_once_and_named(
    context: Context, folder: Path, frozen: Callable[[], None]
) -> None:
    sound(folder / "a.wav")
    captions(folder / "a.vtt")
    frozen()
    first = looked_through(context)
    assert [one.known for one in first.taken] == [False]
    for report in (first, looked_through(context), looked_through(context)):
        assert [(one.path.name, one.error.kind) for one in report.left] == [
            ("a.wav", "undeletable")
        ]
    assert looked_through(context).taken == []
    assert lying(folder) == ["a.vtt", "a.wav"] and len(stored(context)) == 1


def test_what_cannot_be_deleted_goes_when_it_can(context: Context, folder: Path) -> None:
    """The state after a kill: the recording is stored, its file still there."""
    sound(folder / "a.wav")
    dropped = only_bundle(folder)
    with context.catalogue() as catalogue:
        taking.take(context, catalogue, dropped, seen_as(dropped))
    assert lying(folder) == ["a.wav"]
    report = looked_through(context)
    assert (report.taken, report.left, lying(folder)) == ([], [], [])
    assert len(stored(context)) == 1


def only_bundle(folder: Path) -> Dropped:
    (found,) = look(folder)
    assert isinstance(found, Dropped)
    return found


def seen_as(dropped: Dropped) -> rows.Seen:
    return rows.Seen(str(dropped.bundle.lead.path), dropped.bundle.stamp, LATER)


def test_what_changed_since_it_was_copied_is_not_deleted(context: Context, folder: Path) -> None:
    path = sound(folder / "a.wav")
    side = folder / "a.toml"
    side.write_text('title = "A"', encoding="utf-8")
    bundle: Bundle = only_bundle(folder).bundle
    side.write_text('title = "Anders"', encoding="utf-8")
    trouble = taking.clear(bundle)
    assert trouble is not None and trouble.kind == "changed"
    assert path.exists() and side.exists()


def test_nothing_is_taken_that_changes_meanwhile(context: Context, folder: Path) -> None:
    path = sound(folder / "a.wav")
    dropped = only_bundle(folder)
    os.utime(path, (0, 0))
    with context.catalogue() as catalogue, pytest.raises(taking.NotStill):
        taking.take(context, catalogue, dropped, seen_as(dropped))
    assert stored(context) == [] and copies(context) == []


def test_what_was_taken_and_is_no_longer_held_is_taken_again(
    context: Context, folder: Path
) -> None:
    """A restore or a removal came between taking and deleting."""
    sound(folder / "a.wav")
    dropped = only_bundle(folder)
    with context.catalogue() as catalogue:
        added = taking.take(context, catalogue, dropped, seen_as(dropped))
    assert added.recording.media is not None
    Path(added.recording.media.path).unlink()
    assert [one.known for one in looked_through(context).taken] == [True]
    assert Path(added.recording.media.path).exists() and lying(folder) == []


# Kills


def test_a_scan_may_be_killed_at_every_step(tmp_path: Path) -> None:
    """See ``tests/inbox_kills.py``: every file operation in turn is the last."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.inbox_kills", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 15, done.stdout


def test_a_copy_that_nobody_stored_is_cleared_away(context: Context, folder: Path) -> None:
    """Killed between naming the copy and storing the recording, and the source withdrawn."""
    media = context.home.media
    media.mkdir()
    (media / ".inbox-0123456789abcdef.part").write_bytes(b"half")
    (media / "aaaaaaaaaaaa.wav").write_bytes(b"whole")
    (media / ".inbox-aaaaaaaaaaaa.wav.claim").touch()
    (media / "bbbbbbbbbbbb.wav").write_bytes(b"not ours to judge: perhaps a restore left it alone")
    looked_through(context)
    assert copies(context) == ["bbbbbbbbbbbb.wav"]


def test_a_claim_does_not_harm_a_stored_copy(context: Context, folder: Path) -> None:
    """Killed between storing the recording and letting go of the claim."""
    sound(folder / "a.wav")
    looked_through(context)
    (copy,) = copies(context)
    (context.home.media / f".inbox-{copy}.claim").touch()
    looked_through(context)
    assert copies(context) == [copy]


def test_a_side_file_that_went_before_its_recording_does_no_harm(
    context: Context, folder: Path
) -> None:
    """Killed between deleting the side files and deleting the media."""
    path = sound(folder / "a.wav")
    (folder / "a.toml").write_text('title = "A"', encoding="utf-8")
    content = path.read_bytes()
    looked_through(context)
    path.write_bytes(content)
    assert [one.known for one in looked_through(context).taken] == [True]
    assert titles(context) == ["A"] and lying(folder) == []


# The disk, the folder, others at work


def test_a_full_disk_stops_the_scan_and_harms_nothing(
    interviews: Interviews, tmp_path: Path
) -> None:
    inbox = interviews.home / "inbox"
    sound(inbox / "a.wav", seconds=5)
    full = full_disk(tmp_path / "full", ".part", 50_000)
    ran = interviews("inbox", check=False, **AT_ONCE, **full)
    assert ran.code == 5 and "full" in ran.err and "Traceback" not in ran.err
    assert lying(inbox) == ["a.wav"] and list((interviews.home / "media").iterdir()) == []
    assert len(interviews("inbox", "--json", **AT_ONCE).json["recordings"]) == 1


@pytest.mark.parametrize("place", [".", "..", "media", "media/deeper", "index", "runners"])
def test_the_inbox_lies_where_it_can_do_no_harm(interviews: Interviews, place: str) -> None:
    ran = interviews("inbox", check=False, INTERVIEWS_INBOX=place)
    assert ran.code == 2 and "Traceback" not in ran.err


def test_a_share_that_is_not_connected_is_named_and_not_made(context: Context) -> None:
    away = context.home.root.parent / "share"
    with pytest.raises(Missing, match="share"):
        scan(replace(context, settings=Settings(inbox=str(away))), LATER)
    assert not away.exists()


def test_a_second_scan_leaves_the_first_alone(context: Context, folder: Path) -> None:
    sound(folder / "a.wav")
    with alone(context.home, "inbox", BadInput("inbox.busy", path="")):
        with pytest.raises(AlreadyScanning):
            scan(context, LATER)
        said = Interviews(context.home.root)("inbox", check=False)
        assert said.code == 5 and "another process" in said.err.lower()
    assert len(looked_through(context).taken) == 1


def test_two_scans_at_once_take_nothing_twice(interviews: Interviews) -> None:
    inbox = interviews.home / "inbox"
    for number in range(4):
        sound(inbox / f"{number}.wav", note=number + 1)
    both = [
        subprocess.Popen(
            interviews.command("inbox"),
            env=interviews.environment(**AT_ONCE),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    said = "".join(process.communicate(timeout=300)[0] for process in both)
    assert said.count("taken:") == 4 and "known" not in said
    assert {process.returncode for process in both} <= {0, 5}
    assert lying(inbox) == []


def test_a_restore_waits_for_a_scan(interviews: Interviews, tmp_path: Path) -> None:
    interviews("backup", tmp_path / "copy.db")
    home = open_home(interviews.home)
    with alone(home, "inbox", BadInput("inbox.busy", path="")):
        assert interviews("restore", tmp_path / "copy.db", check=False).code == 5
    interviews("restore", tmp_path / "copy.db")


def test_what_left_the_inbox_is_forgotten(context: Context, folder: Path) -> None:
    sound(folder / "gut.wav")
    (folder / "Plan.pdf").write_bytes(b"%PDF-1.7")
    looked_through(context)
    (folder / "Plan.pdf").unlink()
    looked_through(context)
    with context.catalogue() as catalogue, catalogue.read() as db:
        assert rows.every(db) == {}


def test_a_watch_takes_what_comes_and_ends_in_peace(interviews: Interviews) -> None:
    inbox = interviews.home / "inbox"
    document = interviews.home.parent / "brief.docx"
    document.write_bytes(b"words")
    with subprocess.Popen(
        interviews.command("inbox", "--watch", "1"),
        env=interviews.environment(**AT_ONCE),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            assert "Watching" in process.stdout.readline()
            document.rename(inbox / document.name)
            assert "brief.docx" in process.stderr.readline()
            sound(inbox.parent / "a.wav").rename(inbox / "a.wav")
            assert any("taken: a" in line for line in process.stdout)
            assert "interviews run" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)  # a background job may ignore SIGINT
            rest = process.communicate(timeout=60)
            assert process.returncode == 0
        finally:
            process.kill()  # nobody else ends a watch where something is not as expected
    assert "brief.docx" not in rest[1].splitlines()[1:] and "Traceback" not in rest[1]
