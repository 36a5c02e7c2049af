"""What people correct is for ever: captions, search and vectors, through every reprocessing."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.formats.transcripts import parse_transcript
from tests.conftest import SAMPLES, Interviews

FIRST = """WEBVTT

00:00.000 --> 00:04.000
<v Anna Weber>Die Stadtwerke bauen ein Netz für Lorawan im Hafen.

00:04.500 --> 00:09.000
<v Thomas Klein>Das Gateway hängt am Kirchturm, und Lorawan reicht weit.

00:09.500 --> 00:14.000
<v Anna Weber>Wer bezahlt die neuen Zähler in Musterdorf?

00:14.500 --> 00:20.000
<v Thomas Klein>Die Zähler bezahlt der Netzbetreiber aus Rücklagen.
"""
RECUT = """WEBVTT

00:00.300 --> 00:06.500
Die Stadtwerke bauen ein Netz für Lora Wahn im Hafen. Das Gateway hängt

00:06.500 --> 00:12.000
am Kirchturm und Lorawan reicht weit. Wer bezahlt die neuen

00:12.000 --> 00:20.400
Zähler in Musterdorf? Die Zähler bezahlt der Netzbetreiber aus Rücklagen.
"""


@pytest.fixture
def talk(interviews: Interviews, tmp_path: Path) -> str:
    """The id of a worked recording whose transcript came from a file."""
    (tmp_path / "hafen.vtt").write_text(FIRST, encoding="utf-8")
    interviews("add", tmp_path / "hafen.vtt")
    interviews("run")
    return str(interviews("status", "--json").json["recordings"][0]["id"])


def shown(interviews: Interviews, recording: str) -> str:
    segments = interviews("show", recording, "--json").json["segments"]
    return " ".join(segment["text"] for segment in segments)


def found(interviews: Interviews, query: str, mode: str = "words") -> list[str]:
    hits = interviews("search", query, "--mode", mode, "--json").json["hits"]
    return [hit["text"] for hit in hits]


def chunk_rows(home: Path) -> dict[int, str]:
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return dict(db.execute("SELECT id, text FROM chunks").fetchall())


def test_a_correction_is_read_exported_and_found_at_once(interviews: Interviews, talk: str) -> None:
    interviews("correct", talk, "--at", "1", "--was", "Lorawan", "--now", "LoRaWAN")
    assert "Netz für LoRaWAN im Hafen." in shown(interviews, talk)
    assert "Netz für LoRaWAN im Hafen." in interviews("export", talk, "--format", "vtt").out
    assert "LoRaWAN im Hafen" in found(interviews, "Netz Hafen")[0]
    assert "LoRaWAN im Hafen" in found(interviews, "Netz Hafen", "meaning")[0]
    assert interviews("status", "--json").json["recordings"][0]["state"] == "done"


def test_only_the_words_pointed_at_change(interviews: Interviews, talk: str) -> None:
    interviews("correct", talk, "--at", "5", "--was", "Lorawan", "--now", "LoRaWAN")
    assert "Lorawan im Hafen" in shown(interviews, talk)
    assert "und LoRaWAN reicht" in shown(interviews, talk)


def test_words_that_do_not_stand_there_are_refused(interviews: Interviews, talk: str) -> None:
    command = ("correct", talk, "--at", "10", "--was", "Lorawan", "--now", "LoRaWAN")
    ran = interviews(*command, check=False)
    assert ran.code == 3
    assert "0:10" in ran.err
    pause = interviews(*command[:3], "4.2", *command[4:], check=False)
    assert pause.code == 3


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--at", "1"),
        ("--at", "1", "--was", "Netz"),
        ("--undo", "1", "--list"),
        ("--at", "1", "--was", " ", "--now", "x"),
        ("--at", "1", "--was", "Netz", "--now", "Netz"),
    ],
)
def test_unclear_wishes_are_refused(
    interviews: Interviews, talk: str, options: tuple[str, ...]
) -> None:
    assert interviews("correct", talk, *options, check=False).code == 2


def test_a_correction_survives_another_transcript_of_the_same_talk(
    interviews: Interviews, tmp_path: Path
) -> None:
    media = SAMPLES / "lorawan.mp4"
    first, recut = tmp_path / "first.vtt", tmp_path / "recut.vtt"
    first.write_text(FIRST, encoding="utf-8")
    recut.write_text(RECUT, encoding="utf-8")
    interviews("add", media, "--transcript", first)
    interviews("run")
    talk = interviews("status", "--json").json["recordings"][0]["id"]
    interviews("correct", talk, "--at", "1", "--was", "Lorawan", "--now", "LoRaWAN")
    interviews("correct", talk, "--at", "11", "--was", "Musterdorf", "--now", "Musterstadt")
    interviews("add", media, "--transcript", recut)
    interviews("run", INTERVIEWS_CHUNK_SIZE="40", INTERVIEWS_CHUNK_OVERLAP="8")
    text = shown(interviews, talk)
    assert "Netz für LoRaWAN im Hafen" in text
    assert "Zähler in Musterstadt?" in text
    assert "am Kirchturm und Lorawan reicht" in text
    assert "Musterstadt" in interviews("export", talk, "--format", "srt").out
    assert "Musterstadt" in found(interviews, "Zähler in Musterstadt")[0]
    changed = interviews("review", talk, "--json").json["changed"]
    assert [(one["now"], one["found"]) for one in changed] == [("LoRaWAN", "Lora Wahn")]
    interviews("review", talk, "--accept", str(changed[0]["number"]))
    assert interviews("review", talk, "--json").json["changed"] == []


def test_undoing_brings_the_old_text_back_everywhere(interviews: Interviews, talk: str) -> None:
    before = chunk_rows(interviews.home)
    made = interviews(
        "correct", talk, "--at", "10", "--was", "Musterdorf", "--now", "Talheim", "--json"
    ).json["corrections"]
    assert found(interviews, "Talheim")
    interviews("correct", talk, "--undo", str(made[0]))
    assert "Musterdorf" in shown(interviews, talk)
    assert not found(interviews, "Talheim")
    assert sorted(chunk_rows(interviews.home).values()) == sorted(before.values())
    assert interviews("correct", talk, "--undo", str(made[0]), check=False).code == 3


def test_chunks_that_a_correction_does_not_touch_stay_what_they_were(
    worked: Interviews, ids: dict[str, str]
) -> None:
    before = chunk_rows(worked.home)
    segment = worked("show", ids["lorawan"], "--json").json["segments"][-1]
    word = segment["text"].split()[0]
    at = f"{segment['start'] + 0.1:.3f}"
    worked("correct", ids["lorawan"], "--at", at, "--was", word, "--now", "Achtung")
    after = chunk_rows(worked.home)
    new = after.keys() - before.keys()
    assert 1 <= len(new) <= 2
    assert all("Achtung" in after[key] for key in new)
    assert worked("run").code == 0
    assert chunk_rows(worked.home).keys() == after.keys()


def test_an_edited_export_becomes_corrections(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    exported = interviews("export", talk, "--format", "vtt").out
    edited = (
        exported.replace("Lorawan", "LoRaWAN")
        .replace("in Musterdorf", "in der Gemeinde Musterstadt")
        .replace(" aus Rücklagen", "")
    )
    (tmp_path / "edited.vtt").write_text(edited, encoding="utf-8")
    made = interviews("correct", talk, "--from", tmp_path / "edited.vtt", "--json").json
    assert len(made["corrections"]) == 4
    assert interviews("export", talk, "--format", "vtt").out == edited
    again = interviews("correct", talk, "--from", tmp_path / "edited.vtt", "--json").json
    assert again["corrections"] == []


def test_a_term_is_replaced_everywhere_after_a_look(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    seen = interviews("replace", "Lorawan", "LoRaWAN", "--dry-run", "--json").json
    assert seen["number"] is None
    assert [one["at"] < 5 for one in seen["occurrences"]] == [True, False]
    assert all(one["before"] or one["after"] for one in seen["occurrences"])
    assert "Lorawan" in shown(interviews, talk)
    number = interviews("replace", "Lorawan", "LoRaWAN", "--json").json["number"]
    assert "Lorawan" not in shown(interviews, talk)
    assert "LoRaWAN" in found(interviews, "Hafen")[0]
    later = tmp_path / "later.vtt"
    later.write_text(FIRST.replace("Kirchturm", "Wasserturm"), encoding="utf-8")
    interviews("add", later)
    interviews("run")
    assert "LoRaWAN" in found(interviews, "Wasserturm")[0]
    undone = interviews("replace", "--undo", str(number), "--json").json
    assert len(undone["recordings"]) == 2
    assert "Lorawan" in shown(interviews, talk)


def test_a_replacement_can_be_kept_to_some_recordings(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.vtt"
    other.write_text(FIRST.replace("Kirchturm", "Wasserturm"), encoding="utf-8")
    interviews("add", other, "--collection", "Wasser")
    interviews("run")
    done = interviews("replace", "Lorawan", "LoRaWAN", "--collection", "Wasser", "--json").json
    assert done["recordings"] == 1
    assert "Lorawan" in shown(interviews, talk)
    unknown = interviews("replace", "a", "b", "--collection", "nirgends", check=False)
    assert unknown.code == 2


def test_what_is_withheld_is_nowhere_and_stays_so(interviews: Interviews, tmp_path: Path) -> None:
    media = SAMPLES / "lorawan.mp4"
    captions = tmp_path / "talk.vtt"
    captions.write_text(FIRST, encoding="utf-8")
    interviews("add", media, "--transcript", captions)
    interviews("run")
    talk = interviews("status", "--json").json["recordings"][0]["id"]
    number = interviews("withhold", talk, "--from", "4.5", "--to", "9", "--json").json["number"]
    everywhere = (
        shown(interviews, talk)
        + interviews("export", talk, "--format", "vtt").out
        + interviews("export", talk, "--format", "json").out
        + " ".join(chunk_rows(interviews.home).values())
        + " ".join(found(interviews, "Gateway am Kirchturm"))
        + " ".join(found(interviews, "Gateway am Kirchturm", "meaning"))
    )
    assert "Kirchturm" not in everywhere
    captions.write_text(FIRST.replace("reicht weit", "reicht sehr weit"), encoding="utf-8")
    interviews("add", media, "--transcript", captions)
    interviews("run")
    assert "Kirchturm" not in shown(interviews, talk)
    assert "Kirchturm" not in " ".join(chunk_rows(interviews.home).values())
    interviews("withhold", talk, "--undo", str(number))
    assert "Kirchturm" in shown(interviews, talk)
    assert "Kirchturm" in found(interviews, "Gateway am Kirchturm")[0]


def test_withholding_a_silence_hides_nothing_that_is_said(
    interviews: Interviews, talk: str
) -> None:
    before = chunk_rows(interviews.home)
    interviews("withhold", talk, "--from", "4.1", "--to", "4.4")
    assert "Kirchturm" in found(interviews, "Gateway am Kirchturm")[0]
    assert sorted(chunk_rows(interviews.home).values()) == sorted(before.values())


def test_a_correction_made_before_another_recognition_is_there_after_it(
    worked: Interviews, ids: dict[str, str]
) -> None:
    talk = ids["lorawan"]
    segment = worked("show", talk, "--json").json["segments"][2]
    word = max(segment["text"].split(), key=len).strip(".,?!")
    at = str(segment["start"] + 0.01)
    worked("correct", talk, "--at", at, "--was", word, "--now", "Donaudampfschiff")
    worked("run", "--only", talk, INTERVIEWS_BEAM_SIZE="1", INTERVIEWS_WINDOW_SECONDS="45")
    segments = worked("show", talk, "--json").json["segments"]
    (corrected,) = [one for one in segments if "Donaudampfschiff" in one["text"]]
    assert corrected["corrected"]
    assert abs(corrected["start"] - segment["start"]) < 2
    assert "Donaudampfschiff" in found(worked, "Donaudampfschiff")[0]


def test_corrections_wait_for_a_first_transcript(interviews: Interviews, tmp_path: Path) -> None:
    interviews("replace", "Lorawan", "LoRaWAN")
    (tmp_path / "hafen.vtt").write_text(FIRST, encoding="utf-8")
    interviews("add", tmp_path / "hafen.vtt")
    interviews("run")
    talk = interviews("status", "--json").json["recordings"][0]["id"]
    assert "Lorawan" not in shown(interviews, talk)


def test_unsure_passages_are_listed_until_corrected(interviews: Interviews, tmp_path: Path) -> None:
    transcript = {
        "language": "de",
        "duration": 8.0,
        "segments": [
            {"start": 0.0, "end": 3.0, "text": "Das ist klar.", "confidence": 0.95},
            {"start": 3.0, "end": 6.0, "text": "Das ist es nicht.", "confidence": 0.31},
        ],
    }
    (tmp_path / "talk.json").write_text(json.dumps(transcript), encoding="utf-8")
    interviews("add", tmp_path / "talk.json")
    talk = interviews("status", "--json").json["recordings"][0]["id"]
    unsure = interviews("review", "--json").json["unsure"]
    assert [one["text"] for one in unsure] == ["Das ist es nicht."]
    interviews("correct", talk, "--at", "4", "--was", "nicht", "--now", "auch")
    assert interviews("review", "--json").json["unsure"] == []


# --- withheld stretches and files written before or after ---------------------------------------

SECRET = """WEBVTT

00:00.000 --> 00:06.500
<v Clara Berg>Guten Tag, wir sprechen heute über die Kosten des neuen Wärmenetzes im Norden.

00:07.000 --> 00:17.000
<v Jonas Tal>Der Netzbetreiber zahlt wirklich überhaupt nichts und die geheime Kontonummer lautet \
elfhundert zwölf was niemand wissen darf.

00:17.500 --> 00:24.000
<v Clara Berg>Danke, dann reden wir lieber über die Anschlüsse der Häuser in der Altstadt.
"""
HEARD_OTHERWISE = """WEBVTT

00:00.300 --> 00:09.500
Guten Tag wir sprechen heute über Kosten des neuen Wärmenetzes im Norden. Der Netzbetreiber zahlt

00:09.500 --> 00:16.800
wirklich überhaupt nichts, und die geheime Kontonummer lautet 1112 was niemand wissen darf.

00:16.900 --> 00:24.000
Danke dann reden wir lieber über die Anschlüsse der Häuser in der Altstadt.
"""


def worded(captions: str) -> str:
    """A transcript as a recogniser makes it: the words share the time of their cue by letters."""
    segments = []
    for one in parse_transcript(captions.encode(), "x.vtt").segments:
        at, share = one.start_ms, (one.end_ms - one.start_ms) / len(one.text.replace(" ", ""))
        words = []
        for word in one.text.split():
            end = at + share * len(word)
            words.append({"start": at / 1000, "end": end / 1000, "word": word})
            at = end
        times = {"start": one.start_ms / 1000, "end": one.end_ms / 1000}
        segments.append({**times, "text": one.text, "speaker": one.speaker, "words": words})
    return json.dumps({"language": "de", "duration": 26.0, "segments": segments})


@dataclass
class Secret:
    interviews: Interviews
    folder: Path
    id: str
    before: str

    def correct_from(self, captions: str) -> dict[str, Any]:
        file = self.folder / "edited.vtt"
        file.write_text(captions, encoding="utf-8")
        result: dict[str, Any] = self.interviews("correct", self.id, "--from", file, "--json").json
        return result

    def hear(self, captions: str) -> None:
        (self.folder / "other.vtt").write_text(captions, encoding="utf-8")
        self.interviews("add", SAMPLES / "lorawan.mp4", "--transcript", self.folder / "other.vtt")
        self.interviews("run")

    def everywhere(self) -> str:
        return (
            shown(self.interviews, self.id)
            + self.interviews("export", self.id, "--format", "vtt").out
            + " ".join(chunk_rows(self.interviews.home).values())
            + " ".join(found(self.interviews, "geheime Kontonummer"))
        )


@pytest.fixture
def secret(interviews: Interviews, tmp_path: Path) -> Secret:
    """A recording with a withheld stretch, and its captions from before."""
    (tmp_path / "talk.json").write_text(worded(SECRET), encoding="utf-8")
    interviews("add", SAMPLES / "lorawan.mp4", "--transcript", tmp_path / "talk.json")
    interviews("run")
    recording = interviews("status", "--json").json["recordings"][0]["id"]
    before = interviews("export", recording, "--format", "vtt").out
    interviews("withhold", recording, "--from", "11", "--to", "13.5")
    return Secret(interviews, tmp_path, recording, before)


def test_a_file_from_before_brings_nothing_back_that_is_withheld(secret: Secret) -> None:
    assert "Kontonummer" in secret.before
    made = secret.correct_from(secret.before.replace("Altstadt", "Neustadt"))
    assert len(made["corrections"]) == 1
    assert made["left_out"] == []
    assert "Neustadt" in shown(secret.interviews, secret.id)
    assert "Kontonummer" not in secret.everywhere()
    secret.hear(HEARD_OTHERWISE)
    assert "Neustadt" in shown(secret.interviews, secret.id)
    assert "Kontonummer" not in secret.everywhere()
    assert "elfhundert" not in secret.everywhere()


def test_edits_of_withheld_words_are_left_out_and_named(secret: Secret) -> None:
    edited = secret.before.replace("lautet elfhundert", "heißt vierzehnhundert")
    made = secret.correct_from(edited.replace("Der Netzbetreiber", "Dieser Netzbetreiber"))
    assert len(made["corrections"]) == 1
    assert len(made["left_out"]) == 1
    text = shown(secret.interviews, secret.id)
    assert "Dieser Netzbetreiber" in text
    assert "vierzehnhundert" not in text
    (secret.folder / "again.vtt").write_text(edited, encoding="utf-8")
    said = secret.interviews("correct", secret.id, "--from", secret.folder / "again.vtt").out
    assert "withheld" in said
    assert "0:1" in said


def test_a_file_of_what_was_heard_otherwise_brings_no_withheld_words(secret: Secret) -> None:
    secret.interviews("withhold", secret.id, "--from", "13", "--to", "15.3")
    made = secret.correct_from(HEARD_OTHERWISE.replace("Altstadt", "Neustadt"))
    assert made["left_out"]
    assert "1112" not in secret.everywhere()
    assert "geheime" not in secret.everywhere()
    assert "Neustadt" in shown(secret.interviews, secret.id)


def test_both_sides_of_a_withheld_stretch_can_be_edited(secret: Secret) -> None:
    exported = secret.interviews("export", secret.id, "--format", "vtt").out
    before, after = shown(secret.interviews, secret.id).split(" nichts")[0], "wissen darf."
    assert before.endswith("überhaupt")
    words = exported.split("-->")
    gap = next(n for n, cue in enumerate(words) if "überhaupt" in cue)
    behind = words[gap + 1].split("\n")[1].split(">")[1]
    assert behind.endswith(after)
    edited = exported.replace("überhaupt nichts", "garnixmehr").replace(
        behind, "Bankdaten die " + after
    )
    made = secret.correct_from(edited)
    assert made["left_out"] == []
    text = shown(secret.interviews, secret.id)
    assert "zahlt wirklich garnixmehr" in text
    assert "Bankdaten die wissen darf." in text
    assert secret.interviews("export", secret.id, "--format", "vtt").out == edited


def test_a_word_beside_a_withheld_stretch_can_be_corrected_and_deleted(secret: Secret) -> None:
    text = shown(secret.interviews, secret.id)
    last = text.split("überhaupt ")[1].split()[0]
    secret.interviews("correct", secret.id, "--at", "8", "--was", last, "--now", "")
    assert f"überhaupt {last}" not in shown(secret.interviews, secret.id)
    secret.interviews("correct", secret.id, "--at", "8", "--was", "überhaupt", "--now", "gar nix")
    assert "wirklich gar nix" in shown(secret.interviews, secret.id)


def test_captions_without_word_times_lose_all_that_may_lie_in_the_stretch(
    interviews: Interviews, tmp_path: Path
) -> None:
    (tmp_path / "talk.vtt").write_text(SECRET, encoding="utf-8")
    interviews("add", tmp_path / "talk.vtt")
    interviews("run")
    recording = interviews("status", "--json").json["recordings"][0]["id"]
    interviews("withhold", recording, "--from", "11", "--to", "13.5")
    everywhere = shown(interviews, recording) + " ".join(chunk_rows(interviews.home).values())
    assert "elfhundert" not in everywhere
    assert "zwölf" not in everywhere
    assert "Netzbetreiber" in everywhere
    interviews("correct", recording, "--at", "8", "--was", "Netzbetreiber", "--now", "Versorger")
    assert "Der Versorger" in shown(interviews, recording)


def test_a_stretch_behind_the_end_is_refused_and_an_empty_one_named(secret: Secret) -> None:
    beyond = secret.interviews("withhold", secret.id, "--from", "900", "--to", "1000", check=False)
    assert beyond.code == 2
    silent = ("withhold", secret.id, "--from", "24.5", "--to", "25")
    assert "no word" in secret.interviews(*silent).out
    assert "no word" not in secret.interviews("withhold", secret.id, "--from", "1", "--to", "2").out


# --- edited files that are not what they seem -----------------------------------------------------


def test_other_speakers_in_an_edited_file_are_named(secret: Secret) -> None:
    exported = secret.interviews("export", secret.id, "--format", "srt").out
    file = secret.folder / "edited.srt"
    file.write_text(exported.replace("Clara Berg", "Klara Berg"), encoding="utf-8")
    ran = secret.interviews("correct", secret.id, "--from", file)
    assert "speakers in 2 segments" in ran.out
    assert "0:00" in ran.out
    assert "Klara" not in shown(secret.interviews, secret.id)


def test_a_word_with_a_colon_is_no_speaker_where_none_is_known(
    interviews: Interviews, tmp_path: Path
) -> None:
    numbers = (
        "1\n00:00:00,000 --> 00:00:03,000\nDie Antwort ist\n\n"
        "2\n00:00:03,000 --> 00:00:06,000\n42\n"
    )
    file = tmp_path / "talk.srt"
    file.write_text(numbers, encoding="utf-8")
    interviews("add", file)
    interviews("run")
    recording = interviews("status", "--json").json["recordings"][0]["id"]
    file.write_text(numbers.replace("\n42", "\nMerke: Zweiundvierzig ist die Zahl."), "utf-8")
    interviews("correct", recording, "--from", file)
    assert "ist Merke: Zweiundvierzig ist die Zahl." in shown(interviews, recording)


def test_a_file_of_another_talk_is_refused(secret: Secret) -> None:
    other = SAMPLES / "fernwaerme.json"
    ran = secret.interviews("correct", secret.id, "--from", other, check=False)
    assert ran.code == 2
    assert "fernwaerme.json" in ran.err
    assert secret.interviews("correct", secret.id, "--list", "--json").json["corrections"] == []


def test_what_one_file_brought_is_taken_back_in_one_go(secret: Secret) -> None:
    before = shown(secret.interviews, secret.id)
    edited = secret.before.replace("Altstadt", "Neustadt").replace("Kosten", "Preise")
    numbers = secret.correct_from(edited)["corrections"]
    assert len(numbers) == 2
    secret.interviews("correct", secret.id, "--undo", f"{numbers[0]}-{numbers[-1]}")
    assert shown(secret.interviews, secret.id) == before
    for wrong in ("0-", "x", "9-3"):
        ran = secret.interviews("correct", secret.id, "--undo", wrong, check=False)
        assert ran.code == 2


# --- replacements upon replacements -----------------------------------------------------------


def test_a_replacement_of_what_another_wrote_is_found(interviews: Interviews, talk: str) -> None:
    interviews("replace", "Kirchturm", "Zwischenname")
    done = interviews("replace", "Zwischenname", "Endname", "--json").json
    assert len(done["occurrences"]) == 1
    assert found(interviews, "Endname")
    interviews("replace", "--undo", str(done["number"]))
    assert found(interviews, "Zwischenname")


def test_a_term_with_accents_is_found_however_they_are_composed(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    apart = unicodedata.normalize("NFD", "Öffentlichkeitsarbeit")
    (tmp_path / "other.vtt").write_text(FIRST.replace("Kirchturm", apart), encoding="utf-8")
    interviews("add", tmp_path / "other.vtt")
    interviews("run")
    done = interviews("replace", "Öffentlichkeitsarbeit", "Pressearbeit", "--json").json
    assert len(done["occurrences"]) == 1
    assert found(interviews, "Pressearbeit")


def test_the_preview_shows_each_place_as_it_stands(interviews: Interviews, tmp_path: Path) -> None:
    cue = "Große Straße, die Stadtwerke und die Werke, eben Werke."
    captions = f"WEBVTT\n\n00:00.000 --> 00:06.000\n{cue}\n"
    (tmp_path / "talk.vtt").write_text(captions, encoding="utf-8")
    interviews("add", tmp_path / "talk.vtt")
    interviews("run")
    seen = interviews("replace", "Werke", "Netze", "--dry-run", "--json").json["occurrences"]
    assert [(one["before"], one["found"], one["after"]) for one in seen] == [
        ("Große Straße, die Stadtwerke und die ", "Werke", ", eben Werke."),
        (cue[len(cue) - 46 : -6], "Werke", "."),
    ]
    assert seen[0]["at"] < seen[1]["at"]
