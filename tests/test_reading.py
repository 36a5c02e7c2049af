"""How well a sentence answers: by its words, by what stands around it, by the letters it shares."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.catalog.chunks import StoredChunk
from pipeline.search import letters
from pipeline.search.analysis import query_words
from pipeline.search.compounds import parts
from pipeline.search.evidence import Evidence
from pipeline.search.reading import Known, read
from pipeline.search.stretches import Stretch, laid_out
from pipeline.values import Chunk, Sentence

TALK = (
    "Guten Tag und willkommen.",
    "Die Häuser hängen am Wärmenetz.",
    "Das war im ersten Jahr so.",
    "Heute reden wir vom Wasser.",
)


def stored(number: int, *sentences: tuple[int, str], recording: str = "r") -> StoredChunk:
    """A chunk of sentences, each with the second it starts at and five seconds long."""
    text, placed = "", []
    for second, sentence in sentences:
        begin = len(text) + (1 if text else 0)
        text = f"{text} {sentence}".strip()
        start = second * 1000
        placed.append(Sentence(start, start + 5_000, begin, len(text), None))
    first, last = placed[0].start_ms, placed[-1].end_ms
    chunk = Chunk(number, first, last, text, "de", tuple(placed), 0, 0)
    return StoredChunk(number + 1, recording, chunk)


def strengths(
    query: str, *sentences: str, known: dict[str, Known] | None = None, **frequencies: int
) -> list[float]:
    words = query_words(query)
    counted = {t: frequencies.get(t, 1) for word in words for t in word.alternatives}
    one = stored(0, *((5 * place, text) for place, text in enumerate(sentences)))
    evidence = Evidence.of(words, counted, 100)
    return list(read(query, evidence, laid_out([one]), known or {})[1].strengths)


def strongest(query: str, *sentences: str, **frequencies: int) -> int:
    found = strengths(query, *sentences, **frequencies)
    return found.index(max(found))


def test_the_sentence_with_the_words_of_the_query_is_strongest() -> None:
    assert strongest("Welches Haus hängt am Wärmenetz?", *TALK) == 1


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    talk = ("Wasser ist Leben.", "Der Schieber klemmt.", "Wasser fließt immer.")
    assert strongest("Wasser Schieber", *talk, wass=90, schieb=1) == 1


def test_the_question_that_is_asked_is_stronger_than_its_answer() -> None:
    query = "Wie teuer war der Umbau der Kläranlage?"
    assert strongest(query, query, "Zwölf Millionen.", "Gut angelegt ist das.") == 0


def test_an_answer_follows_the_sentence_that_names_what_it_is_about() -> None:
    found = strengths("Schieber", "Ja, genau.", "Der Schieber.", "Ja, genau.", "Nein, nie.")
    assert found[1] > found[2] > found[0] > 0
    assert found[2] > found[3]


def test_what_is_known_of_a_recording_speaks_for_each_of_its_sentences_alike() -> None:
    plain = strengths("Brandt Wasser", *TALK)
    facts = {"r": Known(people=frozenset({"brandt"}))}
    known = strengths("Brandt Wasser", *TALK, known=facts)
    gained = [more - less for more, less in zip(known, plain, strict=True)]
    assert min(gained) > 0
    assert max(gained) - min(gained) < 1e-9


def test_the_title_of_a_chapter_speaks_for_its_own_sentences_only() -> None:
    chapters = ((5_000, 15_000, frozenset({"pump"})),)
    plain = strengths("Pumpe", *TALK)
    known = strengths("Pumpe", *TALK, known={"r": Known(chapters=chapters)})
    assert [more > less for more, less in zip(known, plain, strict=True)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_misheard_or_mistyped_word_is_met_by_its_letters() -> None:
    assert strongest("Wermenetz", *TALK) == 1
    assert strongest("Netzwärme", *TALK) == 1


def test_sentences_that_neighbours_share_are_read_once() -> None:
    one = stored(0, (0, "Eins."), (5, "Zwei."), (10, "Drei."))
    two = stored(1, (10, "Drei."), (15, "Vier."))
    three = stored(3, (40, "Sieben."))
    other = stored(4, (0, "Eins."), recording="s")
    found = laid_out([three, two, other, one])
    assert [(s.recording_id, s.texts) for s in found] == [
        ("r", ["Eins.", "Zwei.", "Drei.", "Vier."]),
        ("r", ["Sieben."]),
        ("s", ["Eins."]),
    ]
    assert found[0].places == {1: [0, 1, 2], 2: [2, 3]}


def test_a_neighbour_tells_what_a_passage_is_about() -> None:
    one = stored(0, (0, "Wie teuer war die Kläranlage?"))
    two = stored(1, (5, "Zwölf Millionen."))
    evidence = Evidence.of(query_words("Kläranlage"), {"klaranlag": 1}, 100)
    alone = read("Kläranlage", evidence, laid_out([two]), {})[2]
    beside = read("Kläranlage", evidence, laid_out([one, two]), {})[2]
    assert beside.strongest > alone.strongest == 0


def test_what_is_said_in_one_recording_is_not_near_what_is_said_in_another() -> None:
    named, other = (0, "Wie teuer war die Kläranlage?"), (5, "Das fragen viele.")
    answer = stored(8, (0, "Zwölf Millionen."), recording="s")
    evidence = Evidence.of(query_words("Kläranlage"), {"klaranlag": 1}, 100)

    def answers(*sentences: tuple[int, str]) -> float:
        found = laid_out([stored(0, *sentences), answer])
        return read("Kläranlage", evidence, found, {})[answer.id].score

    assert answers(named, (5, other[1])) == answers(other, (5, named[1])) == 0


def test_a_word_said_many_sentences_away_counts_the_less_the_farther() -> None:
    found = strengths("Schieber", "Schieber.", *["Ja, genau."] * 40)
    assert all(more >= less for more, less in pairwise(found))
    assert found[1] > found[9] > found[20] > 0


LETTERS = st.text(st.sampled_from("abäß 1🙂𝐱"), max_size=12)


@given(LETTERS, st.lists(LETTERS, min_size=1, max_size=6))
def test_a_run_of_letters_is_found_where_it_stands(query: str, texts: list[str]) -> None:
    """Against looking for each run in each sentence; beyond the basic plane of Unicode, too."""
    held = letters.shares(query, texts) > 0
    for row, run in enumerate(letters._runs(query)):
        looked_for = [run in marked for marked in letters._marked(texts)]
        assert held[row].tolist() == looked_for


TEXTS = st.lists(st.text(st.sampled_from("abcdeäöü .?!0123"), min_size=1), min_size=1, max_size=9)


@given(TEXTS, st.text(st.sampled_from("abcdeäöü .?!0123"), max_size=60))
@example(["a"], "?0?0?a")
def test_strengths_are_between_nothing_and_all(texts: list[str], query: str) -> None:
    each = len(texts)
    places, numbered = {7: [*range(each)]}, [True] * each
    stretch = Stretch("r", texts, [0] * each, ["de"] * each, places, numbered)
    words = query_words(query)
    counted = {t: 1 for word in words for t in word.alternatives}
    found = read(query, Evidence.of(words, counted, 10), [stretch], {})[7]
    assert len(found.strengths) == len(texts)
    assert all(0 <= one < 2 for one in found.strengths)


@given(TEXTS, st.text(max_size=600))
def test_shares_of_letters_add_up_to_one_at_most(texts: list[str], query: str) -> None:
    found = letters.shares(query, texts)
    assert found.shape[1] == len(texts)
    assert found.shape[0] <= letters.MOST
    assert (found >= 0).all()
    assert found.sum(axis=0).max() <= 1 + 1e-9


def test_a_sentence_that_holds_the_whole_query_has_all_its_letters() -> None:
    found = letters.shares("Über die Häuser", ["Reden wir über die Häuser!", "Nein."])
    assert abs(found[:, 0].sum() - 1) < 1e-9
    assert found[:, 1].sum() == 0


def test_a_word_is_taken_apart_where_both_parts_are_said() -> None:
    said = {"warmenetz": 4, "ausbau": 9, "versorg": 3, "sicher": 2, "bau": 50}
    known = parts(
        ["warmenetzausbau", "versorgungssicher", "einstein", "haus"],
        lambda terms: {term: said.get(term, 0) for term in terms},
    )
    assert known == {
        "warmenetzausbau": ("warmenetz", "ausbau"),
        "versorgungssicher": ("versorg", "sicher"),
    }
