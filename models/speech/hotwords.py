"""Hotwords: names and terms that the speech model is told before it listens.

Whisper takes them as text that went before: the mark ``<|startofprev|>``, up to half of the text
decoder's positions less one, then the usual start (Radford et al. 2022, section 2.3). They are
hints: what is said decides, and a name that is not said must not appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from models.contracts import ModelError
from models.registry import ModelEntry

MAX_TOKENS = 448 // 2 - 1
"""Tokens of all hotwords together, commas included. 448 are the positions of every published
Whisper's text decoder, prompt and text together."""

_SEPARATOR = ", "
_END_OF_TEXT = "<|endoftext|>"


def joined(terms: Iterable[str]) -> str:
    """The terms as one line, as the model gets them."""
    return _SEPARATOR.join(terms)


def fitting(
    terms: Sequence[str], encode: Callable[[str], Sequence[int]], first_special: int
) -> tuple[str, ...]:
    """The terms that fit the limit, in order and whole: one that is too long is left out, the
    next may fit. So is one that spells a mark of the model's own (a token from ``first_special``
    on), since it would be obeyed."""
    kept: list[str] = []
    used = 0
    for term in terms:
        if used >= MAX_TOKENS:
            break
        tokens = encode(" " + joined([*kept, term]))
        if len(tokens) <= MAX_TOKENS and max(tokens, default=0) < first_special:
            kept.append(term)
            used = len(tokens)
    return tuple(kept)


def fitting_for(known: ModelEntry, directory: Path, terms: Sequence[str]) -> tuple[str, ...]:
    """Those of ``terms`` that a speech model would be told, without loading the model.

    Raises ModelError: "damaged" or "unloadable" where its tokenizer is missing or unreadable.
    """
    from tokenizers import Tokenizer

    if not known.prompts:
        return ()
    path = directory / "tokenizer.json"
    if not path.is_file():
        raise ModelError("damaged", known.name, path.name)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError("unloadable", known.name, path.name) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = tokenizer.token_to_id(_END_OF_TEXT)
    if special is None:
        raise ModelError("unloadable", known.name, path.name)
    return fitting(
        terms, lambda text: tokenizer.encode(text, add_special_tokens=False).ids, special
    )
