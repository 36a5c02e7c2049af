"""Our own sub-word tokenizer: byte-level BPE learnt from all training text and invented words.

Text is lower-cased, `ä ö ü ß` become `ae oe ue ss` (so `Straße` and `Strasse` are one word), and
bytes are the smallest pieces: no text is unknown. Spaces are dropped, so that a word has the same
pieces inside a compound as alone; compounds are cut at lexicon words before merges are learnt.
"""

from collections import Counter
from itertools import islice
from random import Random

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFKC, Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import ByteLevel, Digits, Split
from tokenizers.pre_tokenizers import Sequence as PreSequence
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from models.training.clouds import all_clouds
from models.training.text.lexicon import all_concepts
from models.training.text.pairs import triples
from models.training.text.pseudo import invent

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LINKS = ("", "s", "n", "en", "es", "e")
FOLDED = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))
LONGEST_PIECE = 10
SHORTEST_PART = 4


def empty_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(BPE(unk_token=SPECIAL[1]))
    tokenizer.normalizer = Sequence(
        [NFKC(), Lowercase(), *(Replace(letter, plain) for letter, plain in FOLDED)]
    )
    tokenizer.pre_tokenizer = PreSequence(
        [
            Split(Regex(r"\s+"), "removed"),
            Split(Regex(r"[^\p{L}\p{M}\p{N}]"), "isolated"),
            Digits(individual_digits=False),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def split_compound(word: str, parts: set[str]) -> list[str]:
    """`fernwaermenetz` -> `fern waerme netz` where the parts are lexicon words, else the word."""
    for cut in range(len(word) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        head, tail = word[:cut], word[cut:]
        stem = next((head.removesuffix(x) for x in LINKS if head.removesuffix(x) in parts), None)
        if stem and (tail in parts or len(split_compound(tail, parts)) > 1):
            return [head, *split_compound(tail, parts)]
    return [word]


def known_words() -> list[str]:
    """The words of lexicon and clouds, as the tokenizer sees them."""
    forms = (
        form for concept in all_concepts() for words in concept.words.values() for form in words
    )
    texts = [f"{form.text} {form.participle}" for form in forms]
    texts += [" ".join(words) for cloud in all_clouds() for words in cloud.words.values()]
    normalizer = empty_tokenizer().normalizer
    return [word for text in texts for word in normalizer.normalize_str(text).split()]


def word_counts(seed: int, sample: int) -> Counter[str]:
    """How often each word is to count when merges are learnt, compounds cut into parts."""
    normalizer = empty_tokenizer().normalizer
    known = known_words()
    parts = {word for word in known if len(word) >= SHORTEST_PART}
    counts: Counter[str] = Counter()
    for word in known:
        for part in split_compound(word, parts):
            counts[part] += 12
    for triple in islice(triples(seed, 2), sample):
        for word in normalizer.normalize_str(triple.positive).split():
            for part in split_compound(word.strip(".,?"), parts):
                counts[part] += 1
    rng = Random(seed)
    counts.update(normalizer.normalize_str(invent(rng)) for _ in range(sample))
    return counts


def train_tokenizer(size: int, seed: int, sample: int = 10_000) -> Tokenizer:
    """A tokenizer of at most `size` pieces; equal seeds give equal tokenizers."""
    tokenizer = empty_tokenizer()
    trainer = BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=ByteLevel.alphabet(),
        max_token_length=LONGEST_PIECE,
        show_progress=False,
    )
    counts = word_counts(seed, sample)
    lines = (" ".join([word] * min(count, 400)) for word, count in sorted(counts.items()))
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer
