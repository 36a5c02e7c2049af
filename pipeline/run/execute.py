"""The run: works off what is new and stale, then publishes the index."""

from __future__ import annotations

from pipeline.catalog import queue, recordings
from pipeline.errors import BadInput
from pipeline.run import safekeeping
from pipeline.run.context import Context
from pipeline.run.observer import Observer
from pipeline.run.options import RunOptions, RunReport
from pipeline.run.runner import Runner
from pipeline.run.shift import Shift, publish_due
from pipeline.stages.embed import check_limits
from pipeline.values import Failure


def run(context: Context, options: RunOptions, observer: Observer) -> RunReport:
    """Work off what is new and stale, then publish the index.

    Raises Missing or HomeUnusable where nothing can be done for any recording: what was begun
    goes back into the queue.
    """
    _check_chunk_size(context)
    with context.catalogue() as catalogue, Runner(context.home) as runner:
        shift = Shift(context, options, observer, runner.owner)
        shift.report.no_hints = _bad_glossary(context)
        try:
            shift.work(catalogue)
        finally:
            shift.close()
        if options.publish:
            publish_due(context, catalogue, shift.report)
        with catalogue.read() as db:
            held = queue.held(db)
            seen = [] if options.only else recordings.media_of_done(db)
        shift.report.media = safekeeping.changed(seen)
        shift.report.others = sum(1 for owner in held.values() if owner != runner.owner)
    return shift.report


def _check_chunk_size(context: Context) -> None:
    """A setting that no recording can satisfy is the setting's fault. Raises BadInput."""
    entry, _ = context.text
    if entry.max_tokens is not None:
        check_limits(context.settings.chunk_size, entry.max_tokens, entry.name)


def _bad_glossary(context: Context) -> Failure | None:
    """A glossary that cannot be used holds up no recording; whoever began the run is told."""
    try:
        context.glossary()
    except BadInput as error:
        return error.failure()
    return None
