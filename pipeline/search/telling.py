"""Words that tell what a passage is about: no stop words, and none of those that every talk has.

Like stop words they are left out of titles only, never of the index. They are compared by stem, so
one form of a word stands for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from pipeline.search.analysis import Token, chosen_language, is_stop_word, plain_words

_GERMAN = """
    äh ähm hm tja okay genau gut gute guten schlecht klar stimmt natürlich vielleicht wirklich
    ganz fast etwa ungefähr eher eben einfach sogar trotzdem bisschen wenig weniger wenige genug
    immer nie niemals oft manchmal selten wieder früher später heute gestern morgen damals
    inzwischen gerade bald lange länger erst erste ersten zweite zweiten dritte letzte letzten
    nächste nächsten
    neu neue neuen alt alte alten groß große großen klein kleine kleinen viel meist meisten
    anderes andere anderen anders eigene eigenen selbst selber beide beiden zusammen allein
    sagen gesagt sage machen gemacht mache gehen ging gegangen kommen kam gekommen bekommen bekam
    geben gegeben nehmen nahm genommen stehen stand gestanden liegen lag lassen ließ bleiben blieb
    finden fand gefunden wissen weiß wusste denken dachte gedacht glauben glaube meinen meine sehen
    sah gesehen gucken schauen fragen gefragt fangen angefangen heißen heißt hieß brauchen braucht
    halten hielt tun tut getan zeigen stellen gestellt setzen legen bringen gebracht hören gehört
    sprechen reden redet erzählen erzählt erklären arbeiten passieren passiert laufen läuft lief
    null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig vierzig
    fünfzig sechzig siebzig achtzig neunzig hundert tausend million millionen milliarde milliarden
    halb halbe hälfte drittel viertel prozent euro cent mal grad meter kilometer zentimeter
    stück stunde stunden minute minuten sekunde tag tage tagen woche wochen monat monate monaten
    jahr jahre jahren uhr montag dienstag mittwoch donnerstag freitag samstag sonntag
    frau herr herrn doktor dank danke frage antwort ende anfang schluss beispiel sache sachen ding
    dinge teil punkt grund fall seite weg art zeit leute leuten mensch menschen jemand keiner
    niemand zahl zahlen thema gespräch wort worte moment rest problem
    januar februar märz april mai juni juli august september oktober november dezember
    kollege kollegen kollegin kolleginnen wochenende glück alltag reihe
    komma stichwort hause name namen
    irgendwie irgendwann irgendwas irgendwo sozusagen quasi überhaupt übrigens außerdem jedenfalls
    wohl ungern gern gerne besser beste besten schwer leicht wichtig richtig falsch sicher schnell
"""
_ENGLISH = """
    uh um er hm okay yeah yes well right sure really actually basically maybe perhaps quite almost
    already always never often sometimes again still even though else enough rather around ago
    today yesterday tomorrow first second third last next new old big small large little good bad
    better best great long short high low whole own same other others another thing things stuff
    something anything nothing everything somebody anybody nobody everybody someone anyone everyone
    people person man men woman women lot lots bit kind sort way ways part point case side end
    start beginning example question answer reason problem time times number numbers talk word
    say says said tell tells told get gets got getting go goes going gone went come comes came
    make makes made take takes took taken give gives gave given put puts see sees saw seen look
    looks looked find found know knows knew known think thinks thought mean means meant want wants
    wanted need needs needed let lets keep keeps kept use used work works worked ask asks asked
    call called happen happens happened become became try tried run runs ran stand stands stood
    sit sits like likes love hold show shows turn turned back away together exactly simply
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million billion half quarter percent euro euros cent cents pound pounds dollar
    dollars metre metres kilometre kilometres year years month months week weeks day days hour
    hours minute minutes monday tuesday wednesday thursday friday saturday sunday o'clock
    mr mrs ms dr thank thanks welcome hello sorry course far soon early late easy hard important
    january february march april june july august september october november december
    past minus near fair odd nice white dark past terrible guest morning evening night head spot
    begin began begun pretty definitely certainly seriously honestly possible impossible able
    allow allowed place places set sets setting spend spent meet met leave left move moved live
    lived stay stayed pay paid buy bought buying sell sold bring brought send sent build built
    hear heard learn learned learnt write wrote written read speak spoke feel felt believe care
    cost costs price money prove mind change changed decide decided start started stop stopped
    help helped play open opened closed grow grew lose lost win won cut cuts real special certain
    clear easy simple whichever whatever wherever yourselves
    less later earlier apart suppose imagine assume mention once instead agree agreed god situation
    moment front top rest theory terms difference average proud fourth fifth sixth seventh eighth
    ninth tenth
    true wrong couldn wouldn shouldn hadn hasn haven won weren isn that's it's
"""


_BEFORE_NOUNS = frozenset(
    """
    a an the this that these those my our your his her its their some any every each no all more
    of in on at for with without from by about into through under over per between against
    """.split()
)
_LITTLE = _BEFORE_NOUNS | frozenset(
    """
    is are was were be been being am has have had do does did can could will would should may might
    must and or but nor to than as if so because when where while until before after since though
    who whom whose which what how why there here then now not never also too only just still yet
    i you he she it we they me him us them one out up down off back away again already once both
    """.split()
)
_WITHIN = 0.6
_NO_NOUN = ("ed", "ly")
"""Endings of many verbs and adverbs, and of few nouns."""


@dataclass(frozen=True, slots=True)
class TellingWord:
    """A word and its place ``text[begin:end]``. ``noun`` says how sure (0 to 1) it stands where an
    English noun does."""

    term: str
    begin: int
    end: int
    noun: float


def telling_words(text: str, language: str | None) -> list[TellingWord]:
    """The telling words of ``text`` in order. A language that is neither "de" nor "en" is
    guessed."""
    known = chosen_language(text, language)
    words = plain_words(text, known)
    told = [
        token.term not in _common(known) and not is_stop_word(text[token.begin : token.end], known)
        for token in words
    ]
    nouns = _nouns(text, words)
    return [
        TellingWord(token.term, token.begin, token.end, noun)
        for token, tells, noun in zip(words, told, nouns, strict=True)
        if tells
    ]


def _nouns(text: str, words: Sequence[Token]) -> list[float]:
    """Whether each word ends a phrase that an article or a preposition begins, as "leak" in "the
    hidden leak is"; what stands within may be one, too."""
    spoken = [text[one.begin : one.end].lower() for one in words]
    joined = [text[a.end : b.begin] == " " for a, b in pairwise(words)]
    found: list[float] = []
    begun = False
    for at, word in enumerate(spoken):
        begun = (begun and word not in _LITTLE) or word in _BEFORE_NOUNS
        last = at + 1 == len(words) or not joined[at] or spoken[at + 1] in _LITTLE
        may = begun and not word.endswith(_NO_NOUN)
        found.append((1.0 if last else _WITHIN) if may else 0.0)
        begun = begun and not last
    return found


@cache
def _common(language: str) -> frozenset[str]:
    words = _ENGLISH if language == "en" else _GERMAN
    return frozenset(token.term for token in plain_words(words, language))
