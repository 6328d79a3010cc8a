"""Sets of characters, as ranges of code points, and how patterns write them for every engine alike."""

from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]

LAST_CHARACTER = 0x10FFFF

DIGITS: Ranges = ((48, 57),)
SPACES: Ranges = ((9, 13), (32, 32))
WORD_CHARACTERS: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
"""Those of ``\\d``, ``\\s`` and ``\\w`` on a server: of ASCII only."""

_SURROGATES = (0xD800, 0xDFFF)
EVERY_CHARACTER: Ranges = ((0, _SURROGATES[0] - 1), (_SURROGATES[1] + 1, LAST_CHARACTER))
"""None of half a surrogate pair."""


def variants(code: int) -> Ranges:
    """A character, and its upper and lower case where each is one character."""
    character = chr(code)
    found = {one for one in (character, character.upper(), character.lower()) if len(one) == 1}
    return merged([(ord(one), ord(one)) for one in found])


def merged(ranges: Iterable[Range]) -> Ranges:
    """The same characters, in ascending ranges that do not touch, without surrogates."""
    found: list[Range] = []
    for first, last in sorted(_without_surrogates(ranges)):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    found: list[Range] = []
    start = 0
    for first, last in ranges:
        if first > start:
            found.append((start, first - 1))
        start = last + 1
    if start <= LAST_CHARACTER:
        found.append((start, LAST_CHARACTER))
    return merged(found)


def set_of(ranges: Ranges) -> str:
    """Write a set: one character as itself, several in brackets."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return escaped(ranges[0][0])
    return brackets(ranges)


def brackets(ranges: Ranges) -> str:
    """Write a set in brackets; one that holds most characters by those it does not hold, none as what nothing meets."""
    if not ranges:
        return r"(?!)"
    others = complement(ranges)
    shorter = others if len(others) < len(ranges) and others else ranges
    return f"[{'^' if shorter is not ranges else ''}{''.join(map(_written, shorter))}]"


def escaped(code: int) -> str:
    """Write a character so that it stands for itself in every engine."""
    character = chr(code)
    if code < 32 or code == 127:
        return f"\\x{code:02x}"
    if code < 128 and not character.isalnum() and character != "_":
        return f"\\{character}"
    return character


def literal(text: str) -> str:
    """Write text so that it stands for itself in every engine."""
    return "".join(escaped(ord(character)) for character in text)


def _written(one: Range) -> str:
    first, last = one
    return escaped(first) if first == last else f"{escaped(first)}-{escaped(last)}"


def _without_surrogates(ranges: Iterable[Range]) -> Iterable[Range]:
    for first, last in ranges:
        if last < _SURROGATES[0] or first > _SURROGATES[1]:
            yield first, last
            continue
        if first < _SURROGATES[0]:
            yield first, _SURROGATES[0] - 1
        if last > _SURROGATES[1]:
            yield _SURROGATES[1] + 1, last
