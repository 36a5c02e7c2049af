"""What the commands that change texts have in common."""

from __future__ import annotations

import getpass
from collections.abc import Sequence

from pipeline.cli.app import Session
from pipeline.errors import Missing
from pipeline.run import correcting


def who() -> str:
    """The name corrections are signed with: the account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"


def refresh(session: Session, ids: Sequence[str]) -> None:
    """Search finds the new text at once; where it cannot, the next run sees to it."""
    try:
        report = correcting.refresh(session.context, ids)
    except Missing as error:
        session.complain(error)
        session.note("correct.search_later")
        return
    if report.failed or report.others:
        session.note("correct.search_later")
