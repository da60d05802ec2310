"""Sentences to speak: the first article of the Declaration of Human Rights, numbers, and words made up."""

from __future__ import annotations

import numpy as np

_ARTICLE = {
    "en-us": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",  # noqa: E501
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",  # noqa: E501
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",  # noqa: E501
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",  # noqa: E501
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",  # noqa: E501
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem agir uns para com os outros em espírito de fraternidade.",  # noqa: E501
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",  # noqa: E501
    "sv": "Alla människor är födda fria och lika i värde och rättigheter. De har utrustats med förnuft och samvete och bör handla gentemot varandra i en anda av broderskap.",  # noqa: E501
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",  # noqa: E501
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",  # noqa: E501
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",  # noqa: E501
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",  # noqa: E501
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak yang sama. Mereka dikaruniai akal dan hati nurani dan hendaknya bergaul satu sama lain dalam semangat persaudaraan.",  # noqa: E501
    "cmn": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
}
_SOUNDS = {
    "en-us": ("b d f g h j k l m n p r s t v w z ch sh th br st pl tr kw", "a e i o u ee oo ay ow ai er ar or"),
    "cmn": ("b p m f d t n l g k h j q x zh ch sh r z c s y w", "a o e i u ai ei ao ou an en ang ong ing ian uo"),
}
_COMMON = ("b d f g k l m n p r s t v", "a e i o u")
LANGUAGES = tuple(dict.fromkeys(("en-us", "en-gb", *_ARTICLE, "cmn-latn-pinyin", "ja", "ko", "hi", "ar", "vi", "el")))


def sentence(language: str, random: np.random.Generator) -> str:
    """5 to 15 words in the letters of a language of `LANGUAGES`."""
    base = {"en-gb": "en-us"}.get(language, language)
    kind = random.random()
    if base in _ARTICLE and kind < 0.35:
        words = _ARTICLE[base].split()
        start = int(random.integers(0, max(len(words) - 6, 1)))
        return " ".join(words[start : start + int(random.integers(5, 16))])
    if kind < 0.6 or base in ("cmn", "ja", "ko", "hi", "ar", "vi", "el"):
        count = int(random.integers(2, 5))
        return ", ".join(str(int(10 ** random.uniform(0.5, 6.0))) for _ in range(count))
    starts, middles = (part.split() for part in _SOUNDS.get(base.partition("-latn")[0], _COMMON))
    pinyin = base.startswith("cmn")

    def syllable() -> str:
        made = str(random.choice(starts)) + str(random.choice(middles))
        closed = not pinyin and random.random() < 0.25
        return made + (str(random.choice(["n", "s", "t", "m", "l", "k"])) if closed else "")

    count = int(random.integers(5, 12))
    if pinyin:
        return " ".join(syllable() + str(random.integers(1, 5)) for _ in range(count))
    return " ".join("".join(syllable() for _ in range(random.integers(1, 4))) for _ in range(count)) + "."
