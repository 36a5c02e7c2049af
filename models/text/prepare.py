"""``models prepare``: try a text model's quick form out beside sentence-transformers."""

from __future__ import annotations

from pathlib import Path

from models.contracts import Embedder, ModelError
from models.load import directory_of, load_embedder, model_info
from models.reasons import first_line
from models.registry import ModelEntry
from models.text.encoder import UnknownEncoder
from models.text.quick_form import QuickForm, forget, note, quick_form_of, tried_form

LEAST_LIKENESS = 0.9999
"""Of two vectors of one text, as a cosine: nearer than neighbours in any ranking are."""

PROBES = (
    "",
    "x",
    "Was kostet der Umbau des Wärmenetzes?",
    "How much does rebuilding the heating network cost?",
    "Die Stadtwerke verlegen in der Königstraße 12 neue Rohre; fließt dann wieder Wasser?",
    "We read 1,234 meters by radio, every 15 minutes, and nobody has to open the door any more.",
    "GROSSBUCHSTABEN, Kleinbuchstaben und gemischte Wörter: iPhone, McDonald, LoRaWAN, EU-DSGVO.",
    "  Leerzeichen  davor,\tdazwischen\nund danach  ",
    "Zeichen: „Anführung“ – Gedankenstrich … ﬁ １２ ½ € § 😀 naïve café Ångström Łódź Привет 你好",
    "[CLS] [SEP] [PAD] [MASK] <s> </s> <pad> <mask> <unk>",
    "a" * 300,
)
_SENTENCES = (
    "Im Sommer haben wir angefangen, die alten Leitungen eine nach der anderen zu ersetzen. ",
    "Nobody told us that the old pipes under the market square had never been drawn in a map. ",
)


def prepare(known: ModelEntry, models_dir: Path, *, threads: int = 0) -> str | None:
    """Try the quick form out and note that it may be used; None where it may, else the reason.

    Takes seconds, since it loads sentence-transformers; nothing is done where it was tried
    before. Raises ModelError: "absent", "damaged", "unloadable" for the model itself, "disk" where
    the note cannot be written.
    """
    directory, info = directory_of(known, models_dir), model_info(known, models_dir)
    if tried_form(known, directory, info) is not None:
        return None
    try:
        form = quick_form_of(known, directory)
    except UnknownEncoder as error:
        return str(error)
    least = _least_likeness(known, models_dir, form, threads)
    try:
        if least < LEAST_LIKENESS:
            forget(directory)
            return f"{least:.5f} < {LEAST_LIKENESS}"
        note(form, directory, info)
    except OSError as error:
        raise ModelError("disk", known.name, first_line(error)) from error
    return None


def _least_likeness(known: ModelEntry, models_dir: Path, form: QuickForm, threads: int) -> float:
    from models.text.quick_embedder import QuickEmbedder

    directory, info = directory_of(known, models_dir), model_info(known, models_dir)
    usual = load_embedder(known, models_dir, device="cpu", threads=threads, quick=False)
    quick = QuickEmbedder(directory, known, info, form, threads=threads)
    return least_likeness(quick, usual)


def least_likeness(one: Embedder, other: Embedder) -> float:
    """The least cosine of the two embedders' vectors of the same text: short and long, as queries
    (cut, where too long) and as passages, together and alone."""
    passages = [text for text in PROBES if one.count_tokens([text])[0] <= one.max_tokens]
    passages += [_long(one, sentence) for sentence in _SENTENCES]
    queries = [*PROBES, *(sentence * one.max_tokens for sentence in _SENTENCES)]
    found = [*(one.encode_passages(passages) * other.encode_passages(passages)).sum(axis=1)]
    found += [(one.encode_query(text) * other.encode_query(text)).sum() for text in queries]
    return float(min(found))


def _long(embedder: Embedder, sentence: str) -> str:
    """The sentence again and again, as long as the model takes it or as a long passage is."""
    words = (sentence * embedder.max_tokens).split()[: min(embedder.max_tokens, 512)]
    while embedder.count_tokens([" ".join(words)])[0] > embedder.max_tokens:
        words = words[: len(words) * 9 // 10]
    return " ".join(words)
