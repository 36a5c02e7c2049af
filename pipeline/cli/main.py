"""All commands together: what the installed script ``interviews`` runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline.cli.app import cli, language_of, run_cli
from pipeline.cli.localise import Commands, localise

cli.commands = Commands(
    {
        "add": "add:add",
        "inbox": "inbox:inbox",
        "run": "run:run",
        "nightly": "nightly:nightly",
        "scheduler": "cluster:scheduler",
        "worker": "cluster:worker",
        "status": "status:status",
        "search": "search:search",
        "mark": "mark:mark",
        "show": "read:show",
        "export": "read:export",
        "correct": "correct:correct",
        "replace": "replace:replace",
        "review": "review:review",
        "withhold": "withhold:withhold",
        "set": "desk:set_facts",
        "retry": "desk:retry",
        "cancel": "desk:cancel",
        "remove": "desk:remove",
        "retention": "retention:retention",
        "index": "index:index",
        "glossary": "glossary:glossary",
        "models": "models:models",
        "evaluate": "evaluate:evaluate",
        "user": "user:user",
        "backup": "copies:backup",
        "restore": "copies:restore",
        "serve": "serve:serve",
        "doctor": "doctor:doctor",
        "forecast": "forecast:forecast",
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    localise(cli, language_of(given))
    sys.exit(run_cli(cli, given))


if __name__ == "__main__":
    main()
