"""Sentences with times: from a transcript whose cues may hold fragments, minutes, or all of it.

The text of the segments is taken apart at white space into tokens, every token gets a time, and
the tokens are put together again as sentences. A sentence ends at a final mark that is not part
of an abbreviation, an ordinal or an initial; at a change of speaker or language; at a long pause.
Talk without final marks is cut at pauses and at a maximal length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.stages.tokens import TimedToken, gap_ms, timed_tokens
from pipeline.values import Transcript

PAUSE_MS = 1_500
"""A silence this long ends a sentence, whatever the punctuation says."""

BREATH_MS = 700
"""A silence that ends a sentence in talk without final marks."""

LOOSE_WORDS, LOOSE_MS = 40, 15_000
"""The longest sentence in talk without final marks."""

MARKED_WORDS, MARKED_MS = 60, 30_000
"""The longest sentence that is believed where a final mark ends it."""

FEWEST_WORDS = 6
"""Talk without final marks is not cut into less than this at a mere breath."""

_CLOSERS = "\"'”“’‘»«›‹)]}"
_OPENERS = "\"'„“”‚‘’»«›‹([{–—-¿¡*"
_CLAUSE_ENDS = (",", ";", ":", "–", "—")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Shortened words after which a sentence goes on, whatever follows.
_NEVER_LAST = _listed(
    "dr prof hr fr dipl ing mr mrs st z.b d.h e.g i.e m.a.w u.a o.g s.g z.t v.a i.d.r"
    " ca circa nr bzw bspw beispielsw vgl sog evtl ggf ggfs rd inkl exkl zzgl abzgl einschl"
    " ehem geb gem gegr vs approx bzgl insb insbes"
)
# Shortened words that may end a sentence: they do where a word follows that opens sentences.
_SELDOM_LAST = _listed(
    "usw usf etc chr jh jhd mio mrd tsd std min sek max str tel abt allg betr dt engl entspr"
    " hrsg jr sr sen jun inc ltd co corp dept est gen gov lt col capt sgt rev rep ms ave blvd"
    " jan feb apr aug sept okt oct nov dez dec"
)
# Ordinary words unless a number follows ("Art. 5", "No. 7").
_BEFORE_NUMBERS = _listed("no nos art abs s kap abb bd ziff fig vol p pp sec ch eq")
# Words that, capitalised, most likely open a sentence.
_STARTERS = _listed(
    "der die das den dem ein eine einen einer und aber oder denn wir ich sie es er du ihr man also"
    " dann da so wenn weil wie was wo wer warum wieso weshalb wann ja nein doch nun jetzt hier dort"
    " dies diese dieser dieses dafür danach dabei dazu deshalb darum deswegen daher auch noch nicht"
    " kein keine in im am an auf bei beim mit von vom zu zum zur für nach vor aus um über unter"
    " seit bis durch ohne gegen als ob dass damit obwohl mein meine unser unsere sein seine ihre"
    " genau okay ok gut alle alles viele"
    " ist sind war hat haben kann"
    " the a and but or then we i you he she it they this that these those there here what when"
    " where who why how if as at on for from with to no yes yeah well now my our your his her its"
    " their not because while after before also is are was do does did can could would"
)
_LETTERS = re.compile(r"(?:[^\W\d_]\.)+")
_NO_LETTER = re.compile(r"[\W\d_]")
_ORDINAL = re.compile(r"[(\[]?(?:\d{1,3}|[ivx]{2,})\.")


@dataclass(frozen=True, slots=True)
class TimedSentence:
    """A sentence with its time and its place in the transcript.

    Segments and words are inclusive ranges; ``first_word`` and ``last_word`` (ordinals in the
    transcript's flat word sequence) are None without word times. Neighbouring sentences share a
    word or a segment where the border runs through it. ``text`` is the tokens joined by one space.
    """

    start_ms: int
    end_ms: int
    text: str
    language: str | None
    speaker: str | None
    first_segment: int
    last_segment: int
    first_word: int | None
    last_word: int | None
    tokens: tuple[TimedToken, ...] = field(repr=False, compare=False)


def split_sentences(transcript: Transcript) -> tuple[TimedSentence, ...]:
    """The sentences of ``transcript`` in order; together they hold its whole text.

    Starts never decrease, and all times lie inside the transcript.
    """
    tokens = timed_tokens(transcript)
    lower_case = _is_lower_case(tokens)
    return tuple(
        sentence_of(piece) for run in _runs(tokens, lower_case) for piece in _shortened(run)
    )


def sentence_of(tokens: Sequence[TimedToken]) -> TimedSentence:
    """Neighbouring tokens, at least one, as a sentence."""
    words = [n for t in tokens for n in (t.first_word, t.last_word) if n is not None]
    return TimedSentence(
        start_ms=tokens[0].start_ms,
        end_ms=max(token.end_ms for token in tokens),
        text=" ".join(token.text for token in tokens),
        language=tokens[0].language,
        speaker=tokens[0].speaker,
        first_segment=tokens[0].segment,
        last_segment=tokens[-1].segment,
        first_word=words[0] if words else None,
        last_word=words[-1] if words else None,
        tokens=tuple(tokens),
    )


# --- times -----------------------------------------------------------------------------------


def _runs(tokens: Sequence[TimedToken], lower_case: bool) -> Iterator[Sequence[TimedToken]]:
    begin = 0
    for end in range(1, len(tokens) + 1):
        if end == len(tokens) or _parted(tokens, begin, end, lower_case):
            yield tokens[begin:end]
            begin = end


def _parted(tokens: Sequence[TimedToken], begin: int, end: int, lower_case: bool) -> bool:
    """Whether the sentence that began at ``begin`` ends before ``end``."""
    last, following = tokens[end - 1], tokens[end]
    return (
        following.language != last.language
        or (following.speaker is not None and following.speaker != last.speaker)
        or following.start_ms - last.end_ms >= PAUSE_MS
        or _is_final(tokens, begin, end - 1, lower_case)
    )


def _is_final(tokens: Sequence[TimedToken], begin: int, at: int, lower_case: bool) -> bool:
    core = tokens[at].text.rstrip(_CLOSERS)
    quoted = len(core) < len(tokens[at].text)
    following = tokens[at + 1].text.lstrip(_OPENERS)
    goes_on = following[:1].islower() and not lower_case
    if core.endswith(("?", "!")):
        return not (quoted and goes_on)
    if goes_on or not core.endswith((".", "…")):
        return False
    if core.endswith(("…", "..")):
        return True
    opens = _NO_LETTER.split(following.lower(), maxsplit=1)[0] in _STARTERS
    previous = tokens[at - 1].text if at > begin else ""
    return _ends_despite_dot(
        core.lower(), previous.lower(), following, opens, tokens[at], begin == at
    )


def _ends_despite_dot(
    core: str, previous: str, following: str, opens: bool, token: TimedToken, alone: bool
) -> bool:
    """Whether a full stop after ``core`` ends the sentence, rather than marking a shortening."""
    bare = core.lstrip(_OPENERS).removesuffix(".")
    if bare in _NEVER_LAST or (previous.lstrip(_OPENERS) + bare) in _NEVER_LAST:
        return False
    if bare in _BEFORE_NUMBERS and following[:1].isdigit():
        return False
    if _ORDINAL.fullmatch(core):
        # English writes no ordinals with a full stop; there only a list item's number has one.
        return not alone if token.language == "en" else opens and not alone
    if token.language == "en" and bare in {"a", "i"}:
        return True
    if bare in _SELDOM_LAST or _LETTERS.fullmatch(core.lstrip(_OPENERS)):
        return opens
    return True


def _is_lower_case(tokens: Sequence[TimedToken]) -> bool:
    """Whether the transcript is written without capitals, so that they tell nothing."""
    capitals = sum(token.text[:1].isupper() for token in tokens)
    return capitals * 50 < len(tokens)


# --- talk without final marks ----------------------------------------------------------------


def _shortened(run: Sequence[TimedToken]) -> Iterator[Sequence[TimedToken]]:
    marked = run[-1].text.rstrip(_CLOSERS).endswith((".", "?", "!", "…"))
    words, length = (MARKED_WORDS, MARKED_MS) if marked else (LOOSE_WORDS, LOOSE_MS)
    if len(run) <= words and run[-1].end_ms - run[0].start_ms <= length:
        yield run
        return
    begin = 0
    for end in range(1, len(run)):
        if end - begin >= FEWEST_WORDS and gap_ms(run, end) >= BREATH_MS:
            cut = end
        elif end - begin >= LOOSE_WORDS or run[end].end_ms - run[begin].start_ms > LOOSE_MS:
            cut = _best_cut(run, begin, end)
        else:
            continue
        yield run[begin:cut]
        begin = cut
    yield run[begin:]


def _best_cut(run: Sequence[TimedToken], begin: int, end: int) -> int:
    """The place after ``begin`` and up to ``end`` where talk is most likely to pause."""

    def likelihood(at: int) -> int:
        clause = 600 if ends_clause(run[at - 1]) else 0
        cue = 300 if run[at].segment != run[at - 1].segment else 0
        return gap_ms(run, at) + clause + cue + 10 * (at - begin)

    return max(range(min(begin + FEWEST_WORDS, end), end + 1), key=likelihood)


def ends_clause(token: TimedToken) -> bool:
    """Whether a comma or a stronger mark ends the token."""
    return token.text.rstrip(_CLOSERS).endswith((*_CLAUSE_ENDS, ".", "?", "!", "…"))
