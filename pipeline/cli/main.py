"""All commands together: what the installed script ``interviews`` runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline.cli.app import cli, language_of, run_cli
from pipeline.cli.commands.add import add
from pipeline.cli.commands.copies import backup, restore
from pipeline.cli.commands.desk import cancel, remove, retry, set_facts
from pipeline.cli.commands.doctor import doctor
from pipeline.cli.commands.evaluate import evaluate
from pipeline.cli.commands.index import index
from pipeline.cli.commands.models import models
from pipeline.cli.commands.read import export, show
from pipeline.cli.commands.run import run
from pipeline.cli.commands.search import search
from pipeline.cli.commands.status import status
from pipeline.cli.localise import localise

for command in (
    add,
    run,
    status,
    search,
    show,
    export,
    set_facts,
    retry,
    cancel,
    remove,
    index,
    models,
    evaluate,
    backup,
    restore,
    doctor,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    localise(cli, language_of(given))
    sys.exit(run_cli(cli, given))


if __name__ == "__main__":
    main()
