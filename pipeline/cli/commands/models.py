"""``interviews models``: what is there, fetching, checking, preparing, converting."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from models.contracts import ModelError
from models.conversion.checkpoint import ConversionError
from models.conversion.convert import DEFAULT_QUANTIZATION, QUANTIZATIONS, convert
from models.download.hub import Progress, addresses, pull
from models.folder import Kind
from models.load import locate, model_info, resolve, state_of, verify
from models.registry import ModelEntry, entries, entry
from models.speech.true_length import spare_of
from models.text.prepare import prepare
from models.text.quick_form import State
from models.verify import local_entries
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.commands.speed_accuracy import measure_speed_accuracy
from pipeline.cli.localise import Localised, LocalisedGroup
from pipeline.errors import BadInput, HomeUnusable, InterviewsError, NotFound
from pipeline.messages import text
from pipeline.run.engine import model_missing

_STORAGE = ("full", "disk", "locked", "occupied")
"""Troubles of the models folder, not of a model."""


@click.group(cls=LocalisedGroup)
def models() -> None: ...


@models.command(cls=Localised, name="list")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def list_models(session: Session, as_json: bool) -> None:
    settings = session.context.settings
    used = {
        _used(session, "speech", settings.speech_model),
        _used(session, "text", settings.text_model),
        _used(session, "reranker", settings.reranker),
    }
    own = local_entries(session.context.models_dir)
    rows = [(one, _is_present(session, one), one.name in used) for one in (*entries(), *own)]
    if as_json:
        echo_json({"models": [_json(session, *row) for row in rows]})
        return
    for one, present, in_use in rows:
        mark = "●" if in_use else ("✓" if present else " ")
        note = one.note_de if session.language == "de" else one.note_en
        if one in own:
            note = text("cli.models.own", session.language)
        click.echo(
            f"{mark} {one.name:24} {one.kind:9} {one.size_mb:>6} MB  {one.licence:12} {note}"
        )
        if present and _state(session, one) == "untried":
            session.say("models.untried", name=one.name)
    session.say("models.legend")


def _used(session: Session, kind: Kind, name: str) -> str | None:
    try:
        return resolve(kind, name, session.context.models_dir).name
    except ModelError:
        return None


def _is_present(session: Session, one: ModelEntry) -> bool:
    try:
        locate(one.name, session.context.models_dir)
    except ModelError:
        return False
    return True


def _state(session: Session, one: ModelEntry) -> State | None:
    """How a text model that is there searches; None for others, and for damaged ones."""
    try:
        return state_of(one, session.context.models_dir) if one.kind == "text" else None
    except ModelError:
        return None


def _spare(session: Session, one: ModelEntry) -> float | None:
    """Silence after what a speech model hears at true length; None for others, and for absent or
    damaged ones."""
    if one.kind != "speech":
        return None
    context = session.context
    try:
        info = model_info(one, context.models_dir)
        return spare_of(one, info, context.means, context.models_dir)
    except ModelError:
        return None


def _json(session: Session, one: ModelEntry, present: bool, in_use: bool) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind,
        "present": present,
        "in_use": in_use,
        "quick": _state(session, one),
        "true_length": _spare(session, one) is not None,
        "bundled": one.bundled,
        "recommended": one.recommended,
        "repo": one.repo,
        "revision": one.revision,
        "licence": one.licence,
        "size_mb": one.size_mb,
        "dimension": one.dimension,
        "max_tokens": one.max_tokens,
    }


@models.command(cls=Localised, name="pull")
@click.argument("names", metavar="[NAME…]", nargs=-1)
@pass_session
def pull_models(session: Session, names: tuple[str, ...]) -> int:
    """Without a name: the recommended ones, a reranker only where the settings name it. One that
    fails does not keep the others back."""
    wanted = session.context.settings.reranker
    recommended = (
        one.name
        for one in entries()
        if one.recommended and (one.kind != "reranker" or one.name == wanted)
    )
    chosen = [_to_pull(session, name) for name in dict.fromkeys(names or recommended)]
    failed = 0
    for one in chosen:
        try:
            _pull(session, one)
        except InterviewsError as error:
            if len(chosen) == 1:
                raise
            session.complain(error)
            failed += 1
    return 1 if failed else 0


def _to_pull(session: Session, name: str) -> ModelEntry:
    try:
        return entry(name)
    except ModelError as error:
        if name in {one.name for one in local_entries(session.context.models_dir)}:
            raise BadInput("model.own", name=name) from error
        raise model_missing(error) from error


def _pull(session: Session, one: ModelEntry) -> None:
    session.say("models.pulling", name=one.name, folder=str(session.context.models_dir))
    meter = _Meter(session)
    try:
        folder = pull(one, session.context.models_dir, meter)
    except ModelError as error:
        if error.reason == "unreachable":
            for address in addresses(one):
                click.echo(f"  {address}", err=True)
        raise _trouble(error) from error
    finally:
        meter.close()
    session.say("models.pulled", name=one.name, folder=str(folder))
    if one.kind == "text":
        _prepare(session, one)


def _prepare(session: Session, one: ModelEntry) -> bool:
    """Whether the model searches in its quick form from now on."""
    session.say("models.preparing", name=one.name)
    try:
        reason = prepare(one, session.context.models_dir)
    except ModelError as error:
        raise _trouble(error) from error
    key = "models.prepared" if reason is None else "models.unprepared"
    session.say(key, name=one.name, reason=reason)
    return reason is None


class _Meter:
    """One living line on a terminal, a line every tenth elsewhere."""

    def __init__(self, session: Session) -> None:
        self._size = session.size
        self._tenth = -1
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        total = max(progress.total_bytes, 1)
        tenth = progress.done_bytes * 10 // total
        words = f"{self._size(progress.done_bytes)}/{self._size(total)}  {progress.file}"
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[2K{words}", nl=False, err=True)
            self._shown = True
        elif tenth != self._tenth:
            click.echo(words, err=True)
        self._tenth = tenth

    def close(self) -> None:
        if self._shown:
            click.echo(err=True)


@models.command(cls=Localised, name="verify")
@click.argument("names", metavar="[NAME…]", nargs=-1)
@click.option("--speed-accuracy", "folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def verify_models(
    session: Session, names: tuple[str, ...], folder: Path | None, as_json: bool
) -> int:
    """Without a name: all that are there; of speed and accuracy the speech model in use."""
    if folder is not None:
        if len(names) > 1:
            raise BadInput("verify.one_model")
        chosen = names[0] if names else session.context.settings.speech_model
        measure_speed_accuracy(session, chosen, folder, as_json=as_json)
        return 0
    own = {one.name: one for one in local_entries(session.context.models_dir)}
    present = (*(one.name for one in entries() if _is_present(session, one)), *own)
    reports = []
    for name in names or present:
        try:
            known = own.get(name) or entry(name)
            report = verify(known, session.context.models_dir)
        except ModelError as error:
            raise model_missing(error) from error
        reports.append((report, _state(session, known)))
    if as_json:
        echo_json(
            {
                "models": [
                    {
                        "name": report.name,
                        "hash": report.hash,
                        "good": report.good,
                        "missing": report.missing,
                        "changed": report.changed,
                        "unexpected": report.unexpected,
                        "unrecorded": report.unrecorded,
                        "quick": state,
                    }
                    for report, state in reports
                ]
            }
        )
    else:
        for report, state in reports:
            key = (
                "models.good" if report.good else "models.usable" if report.usable else "models.bad"
            )
            files = (*report.missing, *report.changed, *report.unexpected, *report.unrecorded)
            session.say(key, name=report.name, hash=report.hash[:16], files=", ".join(files))
            if state == "untried":
                session.say("models.untried", name=report.name)
    return 0 if all(report.usable for report, _ in reports) else 4


@models.command(cls=Localised, name="prepare")
@click.argument("names", metavar="[NAME…]", nargs=-1)
@pass_session
def prepare_models(session: Session, names: tuple[str, ...]) -> int:
    """Without a name: the text models that are there."""
    context = session.context
    own = local_entries(context.models_dir)
    present = (one for one in (*entries(), *own) if _is_present(session, one))
    try:
        chosen = (
            [resolve("text", name, context.models_dir) for name in names]
            if names
            else [one for one in present if one.kind == "text"]
        )
    except ModelError as error:
        raise model_missing(error) from error
    done = [_prepare(session, one) for one in chosen]
    return 0 if all(done) else 1


@models.command(cls=Localised, name="convert")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--quantization", type=click.Choice(QUANTIZATIONS), default=DEFAULT_QUANTIZATION)
@click.option("--force", is_flag=True)
@pass_session
def convert_model(
    session: Session, source: Path, name: str, quantization: str, force: bool
) -> None:
    folder = session.context.models_dir
    session.say("models.converting", source=str(source), folder=str(folder))
    try:
        place = convert(source, name, folder, quantization, force=force)
    except ConversionError as error:
        raise _unconverted(error, source, name) from error
    session.say("models.converted", name=name, folder=str(place))


def _trouble(error: ModelError) -> InterviewsError:
    if error.reason in _STORAGE:
        return HomeUnusable(f"model.{error.reason}", name=error.name, detail=error.detail)
    return model_missing(error)


def _unconverted(error: ConversionError, source: Path, name: str) -> InterviewsError:
    kind: type[InterviewsError] = BadInput
    if error.reason == "absent":
        kind = NotFound
    elif error.reason in _STORAGE:
        kind = HomeUnusable
    if error.reason == "locked":
        return kind("model.locked", name=name)
    return kind(f"convert.{error.reason}", source=str(source), name=name, detail=error.detail)
