"""Words that say nothing about what is asked: left out of queries, kept in the index.

Forms are written as people type them; ``analysis`` folds them like any other word.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GERMAN = _words(
    """
    der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner
    und oder aber denn sondern sowie als wie wenn weil dass daß damit obwohl ob während indem
    ich du er sie es wir ihr mich dich ihn uns euch mir dir ihm ihnen sich man
    mein meine meinen meinem meiner dein deine sein seine seinen seinem seiner seines
    ihre ihren ihrem ihrer ihres unser unsere unseren unserem unserer euer eure
    dies diese dieser dieses diesen diesem jene jener jenes jenen jenem jede jeder jedes jeden
    alle allen aller alles einige manche manchen mehrere solche solchen welche welcher welches
    welchen welchem wer wen wem wessen was wo wohin woher wann warum wieso weshalb womit wofür
    wodurch worüber wozu woran worauf wovon
    in im an am auf bei beim mit von vom zu zum zur für nach vor aus um über unter seit bis durch
    ohne gegen zwischen neben hinter wegen
    bin bist ist sind seid war warst waren wart sei wäre wären gewesen
    habe hast hat haben habt hatte hatten hätte hätten gehabt
    werde wirst wird werden werdet wurde wurden würde würden worden geworden
    kann kannst können könnt konnte konnten könnte könnten
    muss musst müssen müsst musste mussten müsste soll sollst sollen sollte sollten
    will willst wollen wollt wollte wollten darf dürfen durfte dürfte mag mögen möchte möchten
    nicht nichts auch noch nur schon so sehr da dann dort hier her hin nun jetzt ja nein doch
    mal eben halt etwa also mehr viel viele vielen eigentlich denn bitte gibt gab
    dazu dabei dafür davon daran darauf darüber dadurch dagegen daher deshalb darum
    """
)
"""German articles, pronouns, prepositions, auxiliaries, question words and particles."""

ENGLISH = _words(
    """
    the a an and or but nor so yet if then than because while although though as that which
    i you he she it we they me him her us them my your his its our their mine yours hers ours
    theirs this these those there here myself yourself himself herself itself themselves
    who whom whose what when where why how
    in on at by for with from to of into onto about over under between through during before
    after above below up down out off against without within
    am is are was were be been being have has had having do does did doing done
    will would shall should can could may might must
    not no any some each every both either neither all most more much many such only own same
    too very just also now ever please s t d ll m re ve don doesn didn isn aren wasn weren
    """
)
"""English articles, pronouns, prepositions, auxiliaries, question words and particles."""
