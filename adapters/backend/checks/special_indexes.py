"""What MongoDB refuses of indexes of text, of places and of hashes, and of locales: as far as the declaration tells.

https://www.mongodb.com/docs/manual/reference/command/createIndexes
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....domain.errors import ConfigurationError
from ..declarations import IndexDeclaration

TEXT, HASHED, FLAT, SPHERE = "text", "hashed", "2d", "2dsphere"
EVERY_FIELD = "$**"

_LANGUAGES = """
da danish nl dutch en english fi finnish fr french de german hu hungarian it italian nb norwegian pt portuguese ro
romanian ru russian es spanish sv swedish tr turkish none
"""
LANGUAGES = frozenset(_LANGUAGES.split())
"""The languages of text, by the names and the codes that a server knows, in lower case."""

_LOCALES = """
af sq am ar hy as az bn be bs bs_Cyrl bg my ca chr zh zh_Hant hr cs da nl dz en en_US en_US_POSIX eo et ee fo fil fi fr
fr_CA gl ka de de_AT el gu ha haw he hi hu is ig smn id ga it ja kl kn kk km kok ko ky lkt lo lv ln lt dsb lb mk ms ml
mt mr mn ne se nb nn or om ps fa fa_AF pl pt pa ro ru sr sr_Latn si sk sl es sw sv ta te th bo to tr uk hsb ur ug vi wae
cy yi yo zu simple
"""
LOCALES = frozenset(_LOCALES.split())
"""What stands before the ``@`` of a locale (https://www.mongodb.com/docs/manual/reference/collation-locales-defaults)."""

_COLLATION: Mapping[str, tuple[Any, ...]] = {
    "strength": (1, 2, 3, 4, 5),
    "caseLevel": (True, False),
    "caseFirst": ("upper", "lower", "off"),
    "numericOrdering": (True, False),
    "alternate": ("non-ignorable", "shifted"),
    "maxVariable": ("punct", "space"),
    "normalization": (True, False),
    "backwards": (True, False),
}
_WEIGHTS = range(1, 100_000)


def check_special(collection: str, indexes: Sequence[IndexDeclaration]) -> None:
    """Refuse declarations that no server makes an index of.

    Raises:
        ConfigurationError: with the index and the reason.
    """
    for index in indexes:
        for reason in _faults(index):
            raise ConfigurationError(f"the index {index.name} of {collection} cannot be made: {reason}")
    texts = [index.name for index in indexes if TEXT in _kinds(index)]
    if len(texts) > 1:
        raise ConfigurationError(
            f"{collection} can have one index of text, and {', '.join(texts)} are declared: write one over all fields, "
            'Index("title:text", "body:text")'
        )


def _kinds(index: IndexDeclaration) -> list[str]:
    return [direction for _, direction in index.keys if isinstance(direction, str)]


def _faults(index: IndexDeclaration) -> Iterator[str]:
    kinds = _kinds(index)
    if kinds.count(HASHED) > 1:
        yield "only one of its fields can be hashed"
    if len(set(kinds)) > 1:
        yield f"{' and '.join(dict.fromkeys(kinds))} do not go together: declare an index for each"
    if FLAT in kinds and (kinds.count(FLAT) > 1 or index.keys[0][1] != FLAT):
        yield "one field of kind 2d comes first, and no other one is of that kind"
    yield from _faults_of_wildcard(index, kinds)
    if TEXT in kinds:
        yield from _faults_of_text(index)
    yield from _faults_of_collation(index, kinds)


def _faults_of_wildcard(index: IndexDeclaration, kinds: Sequence[str]) -> Iterator[str]:
    if not any(key.endswith(EVERY_FIELD) for key, _ in index.keys) or TEXT in kinds:
        return
    if kinds:
        yield f"every field ({EVERY_FIELD}) can be indexed in order or as text, not as {kinds[0]}"
    if len(index.keys) > 1:
        yield f"beside every field ({EVERY_FIELD}) there can be no other one"
    if index.sparse:
        yield f"an index of every field ({EVERY_FIELD}) is sparse by itself: leave sparse out"


def _faults_of_text(index: IndexDeclaration) -> Iterator[str]:
    places = [position for position, (_, direction) in enumerate(index.keys) if direction == TEXT]
    if places[-1] - places[0] >= len(places):
        yield "its fields of text stand side by side"
    language = index.options.get("default_language", "english")
    if not isinstance(language, str) or language.lower() not in LANGUAGES:
        yield f"{language!r} is no language of text: MongoDB knows {', '.join(sorted(LANGUAGES))}"
    for name, weight in index.options.get("weights", {}).items():
        if isinstance(weight, bool) or weight not in _WEIGHTS:
            yield f"the weight of {name} is a whole number from 1 to {_WEIGHTS[-1]:,}, not {weight!r}"


def _faults_of_collation(index: IndexDeclaration, kinds: Sequence[str]) -> Iterator[str]:
    collation = index.options.get("collation")
    if collation is None:
        return
    if not isinstance(collation, Mapping) or "locale" not in collation:
        yield 'a collation is a dictionary with its locale, such as {"locale": "en", "strength": 2}'
        return
    locale = str(collation["locale"])
    if locale.partition("@")[0] not in LOCALES:
        yield f"{locale!r} is no locale that MongoDB knows: it takes languages such as en, de or fr_CA"
    for name, value in collation.items():
        if name == "locale":
            continue
        if name not in _COLLATION:
            yield f"a collation has no {name!r}: it has locale, {', '.join(_COLLATION)}"
        elif value not in _COLLATION[name]:
            yield f"the {name} of a collation is one of {', '.join(map(str, _COLLATION[name]))}, not {value!r}"
    if locale != "simple" and (TEXT in kinds or FLAT in kinds):
        yield "an index of text, or of kind 2d, has no collation"
