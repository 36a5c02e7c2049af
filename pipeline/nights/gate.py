"""The gold gate: a new index is published at night only if it answers the gold questions no worse.

The candidate is built to its file and searched by nobody else; the same questions are asked of the
index that members search and of the candidate, both as members ask (hybrid), and the candidate is
flipped unless its nDCG@10 is lower by more than the tolerance. A refusal is remembered with what
it was measured on (``refusal``): the same candidate is not built again until something changed,
and a plain ``run`` does not publish a refused text model either.

What that means depends on the text model. A changed model is held back as a whole: members go on
with the old one, for which new recordings are chunked and embedded, too. With the same model the
chunks of both indexes are the same ones, since those newer than the published generation are
searched directly: new recordings, corrections and another chunk size are found at once and are not
what is measured. Then the gate sees what the index itself does, its approximation above all.

A mistake in the gold file blocks nothing and is not hidden either: each bad line (a recording that
was removed, say) is left out for both and named in the verdict; where no question is left the
candidate is published unmeasured and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.catalog import generations, recordings, refusals
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.catalog.refusals import Refusal
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.gold import Question, read_usable
from pipeline.messages import text
from pipeline.run import publish as publishing
from pipeline.run import refusal
from pipeline.run.context import Context
from pipeline.search.search import Searcher
from pipeline.values import Failure, Hit, ModelRef

DEPTH = 10
"""Hits asked for: as deep as nDCG@10 looks."""

_ROUNDING = 1e-9

Reason = Literal[
    "current", "first", "emptied", "no_gold", "no_question", "passed", "fell", "refused_before",
    "building",
]  # fmt: skip
"""``current``: there was nothing to publish; ``first``: no index before it; ``emptied``: no chunk
is left; ``no_gold``: no gold file; ``no_question``: none of it can be used; ``passed``; ``fell``;
``refused_before``: it fell on another night and nothing changed since; ``building``: another
process is building an index. All but ``current`` and the last three are published."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a candidate.

    ``before`` and ``after`` are nDCG@10 of the published index and of the candidate over
    ``questions``, None where none were asked. ``published`` says whether the candidate is what is
    searched now, ``generation`` which generation is (None before the first). ``mistakes`` are the
    lines of the gold file that were left out. Where another text model (``model``) was refused,
    ``renewal`` is what came of a fresh index of the one that stays.
    """

    before: float | None
    after: float | None
    questions: int
    published: bool
    generation: int | None
    reason: Reason
    model: str | None = None
    mistakes: tuple[Failure, ...] = ()
    renewal: Verdict | None = None


def publish(context: Context, catalogue: Catalogue, *, worked: bool) -> Verdict:
    """Publish what is due, through the gate. ``worked``: something was done since the last time,
    which ends a rollback. Raises Missing where the candidate's text model cannot be loaded,
    HomeUnusable."""
    with catalogue.read() as db:
        models = publishing.candidates(db, context, worked=worked)
    verdict: Verdict | None = None
    for model in models:
        latest = _unless_refused_before(context, catalogue, model)
        verdict = replace(verdict, renewal=latest) if verdict else latest
        if latest.published:
            break
    if verdict is None:
        return _unmeasured(catalogue, None, "current")
    return replace(verdict, generation=_searched(catalogue))


def _unless_refused_before(context: Context, catalogue: Catalogue, model: ModelRef) -> Verdict:
    with catalogue.read() as db:
        known = refusal.unchanged(db, context, model)
    if known is not None:
        verdict = _unmeasured(catalogue, model, "refused_before")
        return replace(verdict, before=known.before, after=known.after, questions=known.questions)
    try:
        return judge(context, catalogue, model)
    except publishing.AlreadyBuilding:
        return _unmeasured(catalogue, model, "building")


def judge(context: Context, catalogue: Catalogue, model: ModelRef) -> Verdict:
    """Build a candidate of ``model``'s chunks, ask, and flip or drop it.

    Raises AlreadyBuilding, Missing, HomeUnusable.
    """
    with publishing.candidate(context.home, catalogue, model) as built:
        with catalogue.read() as db:
            now = generations.published(db)
        verdict = _judged(context, catalogue, model, now, built)
        if verdict.published:
            publishing.flip(context.home, catalogue, model, built, asked=context.text[1])
    return replace(verdict, generation=_searched(catalogue))


def _judged(
    context: Context,
    catalogue: Catalogue,
    model: ModelRef,
    now: Generation | None,
    built: Generation | None,
) -> Verdict:
    path = refusal.gold_file(context)
    if built is None:
        return _unmeasured(catalogue, model, "emptied")
    if now is None:
        return _unmeasured(catalogue, model, "first")
    if path is None:
        return _unmeasured(catalogue, model, "no_gold")
    terms = refusal.gold_digest(context)
    with catalogue.read() as db:
        questions, bad = read_usable(path, recordings.every(db))
        held = refusal.chunks_digest(db, model)
    mistakes = tuple(one.failure() for one in bad)
    if not questions or terms is None:
        return replace(_unmeasured(catalogue, model, "no_question"), mistakes=mistakes)
    if model.hash != now.model.hash:
        context.embedder_for(model)  # what cannot be loaded must not be searched by words alone
    before = _ndcg(context, catalogue, now, questions)
    after = _ndcg(context, catalogue, built, questions)
    tolerance = context.settings.gold_tolerance
    fell = before - after > tolerance + _ROUNDING
    if fell:
        fallen = Refusal(model.hash, terms, tolerance, held, len(questions), before, after)
        with catalogue.write() as db:
            refusals.note(db, fallen)
    return Verdict(
        before=before,
        after=after,
        questions=len(questions),
        published=not fell,
        generation=None,
        reason="fell" if fell else "passed",
        model=model.name,
        mistakes=mistakes,
    )


def _ndcg(
    context: Context, catalogue: Catalogue, generation: Generation, questions: Sequence[Question]
) -> float:
    """nDCG@10 of a generation, published or not, over all questions."""
    searcher = Searcher(
        catalogue,
        context.home.index,
        context.embedder_for,
        context.glossary_file.read,
        pinned=generation,
    )

    def ask(question: Question, _: str) -> Sequence[Hit]:
        return searcher.search(question.text, mode="hybrid", limit=DEPTH).hits

    return evaluate(ask, questions, ["hybrid"])["hybrid"]["all"].values["ndcg@10"]


def _unmeasured(catalogue: Catalogue, model: ModelRef | None, reason: Reason) -> Verdict:
    return Verdict(
        before=None,
        after=None,
        questions=0,
        published=reason in ("first", "emptied", "no_gold", "no_question"),
        generation=_searched(catalogue),
        reason=reason,
        model=model.name if model else None,
    )


def _searched(catalogue: Catalogue) -> int | None:
    with catalogue.read() as db:
        generation = generations.published(db)
    return generation.id if generation else None


def said(verdict: Verdict, language: str) -> str:
    """The verdict as one sentence."""
    return text(
        f"gate.{verdict.reason}",
        language,
        model=verdict.model,
        generation=verdict.generation,
        questions=verdict.questions,
        before=_figure(verdict.before),
        after=_figure(verdict.after),
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
