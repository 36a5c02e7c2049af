"""Only people who were invited sign in, and nobody learns, guesses or keeps what is not theirs."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import invitations, limits, passwords, sessions, users
from pipeline.accounts.limits import ADDRESS, MEMORY_MS, NAME, PAIR
from pipeline.accounts.sessions import IDLE_MS, LONGEST_MS, TOUCH_MS, viewer_of
from pipeline.accounts.signing_in import sign_in
from pipeline.catalog import accounts
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.errors import BadInput, InterviewsError, NotFound, Refused, TooOften
from pipeline.home import open_home
from pipeline.run import copies
from pipeline.run.context import Context
from pipeline.settings import Settings
from pipeline.values import ROLES, Role, Viewer
from tests.conftest import Interviews

NOW = 1_800_000_000_000
SECOND = 1000
PASSWORD = "vier Worte zum Merken"
HERE, THERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Argon2id all the same, with little work."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "catalogue.db") as opened:
        yield opened


def member(
    catalogue: Catalogue,
    name: str = "anna",
    role: Role = "member",
    organisation: str | None = None,
) -> str:
    """Somebody who has used their invitation; a session's token."""
    invitation = users.add(catalogue, name, role, organisation, NOW)
    return invitations.accept(catalogue, invitation, PASSWORD, NOW)


def wrong(catalogue: Catalogue, name: str, address: str, now_ms: int) -> InterviewsError:
    with pytest.raises(Refused) as raised:
        sign_in(catalogue, name, "ganz falsche Worte", address, now_ms)
    return raised.value


# --- signing in ----------------------------------------------------------------------------------


def test_who_signs_in_is_seen_by_role_and_organisation(catalogue: Catalogue) -> None:
    member(catalogue, "Anna.Weber@nordwerke.example", organisation="Nordwerke")
    token = sign_in(catalogue, "anna.weber@NORDWERKE.example", PASSWORD, HERE, NOW)
    signed_in = viewer_of(catalogue, token, NOW)
    assert signed_in is not None
    assert signed_in.viewer == Viewer("member", "Nordwerke", "Anna.Weber@nordwerke.example")


def test_a_wrong_password_and_an_unknown_name_are_told_alike(catalogue: Catalogue) -> None:
    member(catalogue)
    users.add(catalogue, "never.came", "member", None, NOW)
    said = {
        (error.key, tuple(error.values), error.message("de"), error.http_status)
        for error in (wrong(catalogue, name, HERE, NOW) for name in ("anna", "bert", "never.came"))
    }
    assert len(said) == 1


def test_an_unknown_name_costs_as_much_work_as_a_known_one(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            worked.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(1, 64, 1))
    member(catalogue)
    for name in ("anna", "bert"):
        wrong(catalogue, name, HERE, NOW)
    assert len(worked) == 2 and worked[0] == worked[1]


@pytest.mark.parametrize("password", ["", "x" * 1_000_000, "\ud800" * 20, "\0" * 20, "ä" * 20])
def test_nothing_typed_as_a_password_breaks_signing_in(catalogue: Catalogue, password: str) -> None:
    member(catalogue)
    with pytest.raises(Refused):
        sign_in(catalogue, "anna", password, HERE, NOW)


@settings(max_examples=50)
@given(name=st.text(max_size=30), address=st.text(max_size=40), password=st.text(max_size=30))
def test_nothing_typed_at_the_door_breaks_it(name: str, address: str, password: str) -> None:
    with TemporaryDirectory() as place, open_catalogue(Path(place) / "catalogue.db") as catalogue:
        with pytest.raises(Refused):
            sign_in(catalogue, name, password, address, NOW)
        assert viewer_of(catalogue, password, NOW) is None


def test_a_hash_made_with_other_parameters_is_made_anew_when_it_was_met(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(catalogue)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(2, 64, 1))
    sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    with catalogue.read() as db:
        user = accounts.by_name(db, "anna")
    assert user is not None and user.password is not None and ",t=2," in user.password
    sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


def test_passwords_are_argon2id_with_at_least_what_owasp_asks_for() -> None:
    assert passwords.PASSES >= 2 and passwords.MEMORY_KIB >= 19 * 1024 and passwords.LANES >= 1
    real = PasswordHasher(passwords.PASSES, passwords.MEMORY_KIB, passwords.LANES)
    assert real.hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_no_transaction_is_open_while_a_password_is_hashed(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []

    class Watching(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            looked.append(catalogue._connection.in_transaction)
            return super().hash(password, salt=salt)

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            looked.append(catalogue._connection.in_transaction)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Watching(1, 64, 1))
    member(catalogue)
    sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    assert len(looked) >= 2 and not any(looked)


def test_no_more_hashes_are_made_at_once_than_memory_allows(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(catalogue)
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(passwords, "_turns", threading.BoundedSemaphore(1))
    with passwords._turn():
        for _ in range(PAIR.free + 1):  # that others are signing in is no failure of ours
            with pytest.raises(TooOften) as raised:
                sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
            assert raised.value.kind == "busy"
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


# --- what is taken for a password ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "kind"),
    [
        ("elf Zeichen", "password_short"),
        ("\ufb03" * 3, "password_short"),  # one ligature is three letters, no more
        ("x" * 257, "password_long"),
        ("Anna.Weber@nordwerke.example", "password_name"),
    ],
)
def test_a_password_is_long_enough_and_not_the_name(password: str, kind: str) -> None:
    with pytest.raises(BadInput) as raised:
        passwords.check(password, "anna.weber@nordwerke.example")
    assert raised.value.kind == kind


@pytest.mark.parametrize("password", ["x" * 256, " " * 12, "alles klein geschrieben", "🔑" * 12])
def test_there_are_no_other_rules(password: str) -> None:
    passwords.check(password, "anna")
    assert passwords.fits(passwords.hashed(password), password)


def test_a_password_may_be_typed_on_any_keyboard() -> None:
    assert passwords.fits(passwords.hashed("Z\u00e4hler im Keller"), "Za\u0308hler im Keller")


# --- how often one may try -----------------------------------------------------------------------


def test_waits_grow_and_come_to_an_end(catalogue: Catalogue) -> None:
    member(catalogue)
    now = NOW
    for _ in range(PAIR.free):
        assert wrong(catalogue, "anna", HERE, now).kind == "wrong"
    waits = []
    for _ in range(14):
        waits.append(int(wrong(catalogue, "anna", HERE, now).values["seconds"]))
        now += waits[-1] * SECOND
        assert wrong(catalogue, "anna", HERE, now).kind == "wrong"
    assert waits == [min(2**n, PAIR.longest_ms // SECOND) for n in range(14)]
    now += PAIR.longest_ms
    assert sign_in(catalogue, "anna", PASSWORD, HERE, now)
    assert wrong(catalogue, "anna", HERE, now).kind == "wrong"


def test_an_attempt_that_comes_too_early_makes_no_wait_longer(catalogue: Catalogue) -> None:
    member(catalogue)
    for _ in range(PAIR.free + 1):
        wrong(catalogue, "anna", HERE, NOW)
    for _ in range(50):
        assert wrong(catalogue, "anna", HERE, NOW).values["seconds"] == 1
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW + SECOND)


def test_the_right_password_is_not_looked_at_while_one_has_to_wait(catalogue: Catalogue) -> None:
    member(catalogue)
    for _ in range(PAIR.free):
        wrong(catalogue, "anna", HERE, NOW)
    with pytest.raises(TooOften):
        sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


def test_nobody_is_locked_out_by_what_is_tried_elsewhere(catalogue: Catalogue) -> None:
    member(catalogue)
    for _ in range(NAME.free):
        wrong(catalogue, "anna", THERE, NOW)
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


def test_who_came_from_here_today_is_not_held_up_by_the_whole_world(catalogue: Catalogue) -> None:
    member(catalogue)
    sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    for number in range(NAME.free + 5):
        wrong(catalogue, "anna", f"203.0.113.{number}", NOW)
    for number in range(ADDRESS.free + 5):
        wrong(catalogue, f"guess{number}", HERE, NOW)
    assert wrong(catalogue, "anna", THERE, NOW).kind == "wait"
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


def test_even_a_name_that_everybody_tries_waits_a_minute_at_most(catalogue: Catalogue) -> None:
    member(catalogue)
    with catalogue.write() as db:
        for number in range(NAME.free + 40):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(limits, "NAME", limits.Limit(10**6, 0))
                limits.admit(db, "anna", f"2001:db8:{number:x}::1", NOW)
    assert wrong(catalogue, "anna", HERE, NOW).values["seconds"] == 60
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW + 60 * SECOND)


def test_one_address_cannot_try_one_password_on_everybody(catalogue: Catalogue) -> None:
    for number in range(ADDRESS.free):
        assert wrong(catalogue, f"guess{number}", HERE, NOW).kind == "wrong"
    assert wrong(catalogue, "another", HERE, NOW).kind == "wait"
    assert wrong(catalogue, "another", THERE, NOW).kind == "wrong"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("testclient", "testclient", True),
    ],
)
def test_one_party_counts_once_however_many_addresses_it_has(
    one: str, other: str, same: bool
) -> None:
    assert (limits._network(one) == limits._network(other)) == same


def test_a_new_password_makes_a_fresh_start(catalogue: Catalogue) -> None:
    member(catalogue)
    for number in range(NAME.free):
        wrong(catalogue, "anna", f"203.0.113.{number}", NOW)
    assert wrong(catalogue, "anna", HERE, NOW).kind == "wait"
    invitation = users.invite_again(catalogue, "anna", NOW)
    invitations.accept(catalogue, invitation, "andere Worte zum Merken", NOW)
    assert sign_in(catalogue, "anna", "andere Worte zum Merken", HERE, NOW)


def test_attempts_survive_a_restart_tell_no_address_and_are_forgotten_after_a_day(
    tmp_path: Path,
) -> None:
    path = tmp_path / "catalogue.db"
    with open_catalogue(path) as catalogue:
        for _ in range(PAIR.free):
            wrong(catalogue, "anna", HERE, NOW)
    with open_catalogue(path) as catalogue:
        assert wrong(catalogue, "anna", HERE, NOW).kind == "wait"
        with catalogue.read() as db:
            stored = json.dumps([tuple(row) for row in db.execute("SELECT * FROM attempts")])
        assert HERE not in stored and "anna" not in stored
        later = NOW + MEMORY_MS + 1
        wrong(catalogue, "bert", THERE, later)
        with catalogue.read() as db:
            assert db.execute("SELECT min(failed_ms) FROM attempts").fetchone()[0] == later


# --- sessions ------------------------------------------------------------------------------------


def test_only_digests_of_tokens_are_kept(catalogue: Catalogue) -> None:
    invitation = users.add(catalogue, "anna", "member", None, NOW)
    with catalogue.read() as db:
        kept = "\n".join(_everything(db))
    assert invitation not in kept
    token = invitations.accept(catalogue, invitation, PASSWORD, NOW)
    with catalogue.read() as db:
        kept = "\n".join(_everything(db))
    assert token not in kept and PASSWORD not in kept and sessions.csrf_of(token) not in kept


def _everything(db: sqlite3.Connection) -> Iterator[str]:
    for table in ("users", "invitations", "sessions", "attempts", "record"):
        for row in db.execute(f"SELECT * FROM {table}"):
            yield repr(tuple(row))


@pytest.mark.parametrize("role", ROLES)
def test_a_session_ends_after_idling_and_after_its_longest_time(
    catalogue: Catalogue, role: Role
) -> None:
    token = member(catalogue, role=role)
    assert viewer_of(catalogue, token, NOW + IDLE_MS[role] - 1) is not None
    assert viewer_of(catalogue, token, NOW + 2 * IDLE_MS[role]) is None
    token = sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    now = NOW
    while now + IDLE_MS[role] // 2 < NOW + LONGEST_MS[role]:
        now += IDLE_MS[role] // 2
        assert viewer_of(catalogue, token, now) is not None
    assert viewer_of(catalogue, token, NOW + LONGEST_MS[role]) is None


def test_when_somebody_was_seen_is_written_once_a_minute(catalogue: Catalogue) -> None:
    token = member(catalogue)

    def seen() -> int:
        with catalogue.read() as db:
            return int(db.execute("SELECT seen_ms FROM sessions").fetchone()[0])

    viewer_of(catalogue, token, NOW + TOUCH_MS - 1)
    assert seen() == NOW
    viewer_of(catalogue, token, NOW + TOUCH_MS)
    assert seen() == NOW + TOUCH_MS


def test_each_session_has_a_token_for_its_forms(catalogue: Catalogue) -> None:
    first = member(catalogue)
    second = sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    signed = [viewer_of(catalogue, token, NOW) for token in (first, second)]
    one, other = (found for found in signed if found is not None)
    assert one.sent(one.csrf) and other.sent(other.csrf)
    for given_ in (other.csrf, "", "ü\ud800", first, one.csrf[:-1]):
        assert not one.sent(given_)


def test_signing_out_ends_one_session_and_removal_all(catalogue: Catalogue) -> None:
    first = member(catalogue)
    second = sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    sessions.end(catalogue, first)
    assert viewer_of(catalogue, first, NOW) is None
    assert viewer_of(catalogue, second, NOW) is not None
    users.remove(catalogue, ["ANNA"])
    assert viewer_of(catalogue, second, NOW) is None
    assert wrong(catalogue, "anna", HERE, NOW).kind == "wrong"


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_no_made_up_token_opens_anything(catalogue: Catalogue, token: str) -> None:
    member(catalogue)
    assert viewer_of(catalogue, token, NOW) is None
    with pytest.raises(NotFound):
        invitations.accept(catalogue, token, PASSWORD, NOW)


def test_what_is_secret_is_not_shown_where_values_are_printed(catalogue: Catalogue) -> None:
    token = member(catalogue)
    signed_in = viewer_of(catalogue, token, NOW)
    with catalogue.read() as db:
        user = accounts.by_name(db, "anna")
    assert signed_in is not None and signed_in.csrf not in repr(signed_in)
    assert user is not None and "argon2" not in repr(user)


def test_a_password_changed_while_another_signs_in_lets_nobody_in(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(catalogue)
    real = passwords.fits

    def slow(hash_: str | None, password: str) -> bool:
        found = real(hash_, password)
        again = users.invite_again(catalogue, "anna", NOW)
        invitations.accept(catalogue, again, "andere Worte zum Merken", NOW)
        return found

    monkeypatch.setattr(passwords, "fits", slow)
    with pytest.raises(Refused):
        sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


# --- invitations ---------------------------------------------------------------------------------


def test_an_invitation_is_good_once_and_for_a_week(catalogue: Catalogue) -> None:
    token = users.add(catalogue, "anna", "member", None, NOW)
    late = NOW + invitations.GOOD_FOR_MS
    with pytest.raises(NotFound):
        invitations.accept(catalogue, token, PASSWORD, late)
    with catalogue.read() as db:
        assert invitations.invited(db, token, late - 1).name == "anna"
    assert invitations.accept(catalogue, token, PASSWORD, late - 1)
    with pytest.raises(NotFound):
        invitations.accept(catalogue, token, PASSWORD, NOW)


def test_a_bad_password_does_not_use_an_invitation_up(catalogue: Catalogue) -> None:
    token = users.add(catalogue, "anna", "member", None, NOW)
    with pytest.raises(BadInput):
        invitations.accept(catalogue, token, "kurz", NOW)
    assert invitations.accept(catalogue, token, PASSWORD, NOW)


def test_a_new_invitation_replaces_the_former_and_ends_sessions_when_it_is_used(
    catalogue: Catalogue,
) -> None:
    session = member(catalogue)
    former = users.invite_again(catalogue, "anna", NOW)
    newer = users.invite_again(catalogue, "anna", NOW)
    with pytest.raises(NotFound):
        invitations.accept(catalogue, former, PASSWORD, NOW)
    assert viewer_of(catalogue, session, NOW) is not None
    assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
    invitations.accept(catalogue, newer, "andere Worte zum Merken", NOW)
    assert viewer_of(catalogue, session, NOW) is None
    assert wrong(catalogue, "anna", HERE, NOW).kind == "wrong"


def test_every_start_invites_somebody_to_administer_until_there_is_a_password(
    catalogue: Catalogue,
) -> None:
    former = invitations.first_invitation(catalogue, NOW)
    token = invitations.first_invitation(catalogue, NOW)
    assert former is not None and token is not None
    with pytest.raises(NotFound):
        invitations.accept(catalogue, former, PASSWORD, NOW)
    wrong(catalogue, "admin", HERE, NOW)
    session = invitations.accept(catalogue, token, PASSWORD, NOW)
    signed_in = viewer_of(catalogue, session, NOW)
    assert signed_in is not None and signed_in.viewer.role == "admin"
    assert invitations.first_invitation(catalogue, NOW) is None


def test_a_member_who_came_first_keeps_nobody_from_administering(catalogue: Catalogue) -> None:
    token = users.add(catalogue, "anna", "member", None, NOW)
    assert invitations.accept(catalogue, token, PASSWORD, NOW)
    assert invitations.first_invitation(catalogue, NOW) is not None


def test_no_start_spoils_an_invitation_that_staff_made(catalogue: Catalogue) -> None:
    token = users.add(catalogue, "anna", "admin", None, NOW)
    assert invitations.first_invitation(catalogue, NOW) is None
    assert invitations.accept(catalogue, token, PASSWORD, NOW)


def test_an_invitation_is_an_address_where_the_server_s_is_known() -> None:
    assert invitations.address_of("abc", "") == "/invitation/abc"
    assert invitations.address_of("abc", "https://x.example/") == "https://x.example/invitation/abc"


# --- users ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "zwei Worte", "-x", "a\nb", "<b>", "x" * 101, "@anna"])
def test_a_name_is_one_word_or_an_address(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(BadInput) as raised:
        users.add(catalogue, name, "member", None, NOW)
    assert raised.value.kind == "bad_name"


@pytest.mark.parametrize("organisation", ["staff", "Members", "A, B", "x" * 101])
def test_an_organisation_is_no_word_that_means_something_else(
    catalogue: Catalogue, organisation: str
) -> None:
    with pytest.raises(BadInput) as raised:
        users.add(catalogue, "anna", "member", organisation, NOW)
    assert raised.value.kind == "bad_organisation"


def test_a_name_is_taken_whatever_its_case(catalogue: Catalogue) -> None:
    users.add(catalogue, "Jörg", "member", None, NOW)
    for name in ("jörg", "JÖRG", "Jo\u0308rg", " Jörg "):
        with pytest.raises(BadInput) as raised:
            users.add(catalogue, name, "member", None, NOW)
        assert raised.value.kind == "known"


def test_all_or_none_are_removed_and_one_who_administers_stays(catalogue: Catalogue) -> None:
    for name, role in (("anna", "member"), ("root", "admin"), ("boss", "admin")):
        member(catalogue, name, role)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        users.remove(catalogue, ["anna", "nobody"])
    with pytest.raises(BadInput):
        users.remove(catalogue, ["boss", "anna", "ROOT"])
    assert [one.name for one in users.remove(catalogue, ["boss", "Boss"])] == ["boss"]
    with pytest.raises(BadInput):
        users.remove(catalogue, ["root"])
    users.remove(catalogue, ["root"], last_too=True)
    with catalogue.read() as db:
        assert [one.name for one in accounts.every(db)] == ["anna"]


# --- commands and copies -------------------------------------------------------------------------


def test_staff_add_list_invite_and_remove(interviews: Interviews) -> None:
    added = interviews("user", "add", "anna", "--organisation", " Nordwerke ")
    assert re.search(r"^/invitation/[\w-]{43}$", added.out, re.M) and "Nordwerke" in added.err
    interviews("user", "add", "root", "--role", "admin")
    address = {"INTERVIEWS_PUBLIC_URL": "https://x.example"}
    again = interviews("--quiet", "user", "invite", "ANNA", **address)
    assert re.fullmatch(r"https://x\.example/invitation/[\w-]{43}\n", again.out)
    listed = interviews("user", "list", "--json").json["users"]
    assert [(one["name"], one["role"], one["organisation"]) for one in listed] == [
        ("anna", "member", "Nordwerke"),
        ("root", "admin", None),
    ]
    assert not any(one["active"] for one in listed) and all(one["invited_until"] for one in listed)
    assert "anna  [member · Nordwerke · invited until 2" in interviews("user", "list").out
    checks = interviews("doctor", "--json", check=False).json["checks"]
    said = {one["name"]: one["said"] for one in checks}
    assert said["accounts"] == "2, managed by 1 of them"
    assert interviews("user", "remove", "root", check=False).code == 2
    assert interviews("user", "remove", "anna", "bert", check=False).code == 3
    assert "Deleted: anna." in interviews("user", "remove", "anna").out
    interviews("user", "remove", "root", "--yes")
    assert "No accounts yet" in interviews("user", "list").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "zwei Worte"), 2),
        (("add", "anna", "--organisation", "staff"), 2),
        (("add", "anna", "--role", "king"), 2),
        (("invite", "anna"), 3),
        (("remove",), 2),
    ],
)
def test_wrong_usage_has_its_exit_code(
    interviews: Interviews, arguments: tuple[str, ...], code: int
) -> None:
    assert interviews("user", *arguments, check=False).code == code


def test_an_address_that_is_none_is_refused(interviews: Interviews) -> None:
    ran = interviews("user", "list", check=False, INTERVIEWS_PUBLIC_URL="x.example")
    assert ran.code == 2 and "must be an address" in ran.err


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(open_home(tmp_path / "home"), Settings())


def test_a_backup_lets_nobody_in_and_a_restore_signs_everybody_out(
    context: Context, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    with context.catalogue() as catalogue:
        session = member(catalogue)
        invitation = users.add(catalogue, "bert", "member", None, NOW)
        wrong(catalogue, "anna", HERE, NOW)
        with catalogue.read() as db:
            secrets = [row[0] for row in db.execute("SELECT digest FROM sessions")]
            secrets += [row[0] for row in db.execute("SELECT digest FROM invitations")]
            secrets += [row[0] for row in db.execute("SELECT key FROM attempts")]
        copies.save(context, catalogue, copy)
    assert len(secrets) > 3 and not any(one.encode() in copy.read_bytes() for one in secrets)
    copies.restore(context.home, copy)
    with context.catalogue() as catalogue:
        assert viewer_of(catalogue, session, NOW) is None
        with pytest.raises(NotFound):
            invitations.accept(catalogue, invitation, PASSWORD, NOW)
        assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)


def test_a_copy_of_the_live_file_signs_nobody_in_either(context: Context, tmp_path: Path) -> None:
    with context.catalogue() as catalogue:
        session = member(catalogue)
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy, catalogue.bare() as db:
            db.backup(copy)
        assert viewer_of(catalogue, session, NOW) is not None
    copies.restore(context.home, tmp_path / "copy.db")
    with context.catalogue() as catalogue:
        assert viewer_of(catalogue, session, NOW) is None


def test_who_was_removed_does_not_come_back_with_a_backup(context: Context, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with context.catalogue() as catalogue:
        member(catalogue, "gone")
        member(catalogue, "anna")
        copies.save(context, catalogue, copy)
        users.remove(catalogue, ["gone"])
        again = users.invite_again(catalogue, "anna", NOW)
        invitations.accept(catalogue, again, "andere Worte zum Merken", NOW)
        member(catalogue, "later")
    copies.restore(context.home, copy)
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            assert [one.name for one in accounts.every(db)] == ["anna", "later"]
        assert sign_in(catalogue, "anna", "andere Worte zum Merken", HERE, NOW)


def test_on_a_new_machine_the_accounts_of_the_backup_count(
    context: Context, tmp_path: Path
) -> None:
    with context.catalogue() as catalogue:
        member(catalogue)
        copies.save(context, catalogue, tmp_path / "copy.db")
    fresh = Context(open_home(tmp_path / "fresh"), Settings())
    fresh.catalogue().close()
    copies.restore(fresh.home, tmp_path / "copy.db")
    with fresh.catalogue() as catalogue:
        assert sign_in(catalogue, "anna", PASSWORD, HERE, NOW)
