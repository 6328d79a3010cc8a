"""Patterns for text: those of Python's regular expressions that mean the same to a MongoDB server.

A pattern is read by Python's own parser and written anew from what it says: a class becomes the characters it holds,
a letter under ``(?i)`` its two cases, an anchor what it asks of the characters around it. So neither engine's tables,
options or defaults count, and what only one of them has is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from re import _constants as words  # type: ignore[attr-defined]
from re import _parser as parser
from typing import Any

from attrs import frozen

from ..errors import InvalidQuery
from .character_sets import (
    DIGITS,
    EVERY_CHARACTER,
    SPACES,
    WORD_CHARACTERS,
    Ranges,
    brackets,
    complement,
    literal,
    merged,
    set_of,
    variants,
)

LONGEST_PATTERN = 200
"""The most characters of a pattern."""

MOST_REPEATS = 1_000
"""The most repetitions that a quantifier may count."""

HIGHEST_COST = 30_000
"""The most bytes of a pattern as it is sent, its repetitions written out. A server refuses above 32,764, and its engine
above 65,535 of its own (https://www.pcre.org/original/doc/html/pcrelimits.html)."""

MOST_ROUNDS = 1_000
"""The most rounds of groups that a pattern may take. Beyond about 4,000 steps of its stack a server gives up, and
says that text does not match; the repetitions of a set or a character need none."""

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_SETS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_SET_OF_SETS = re.compile(r"\[(?:\[|(?:\^|(?!\^)).+?(?:--|&&|~~|\|\|))", re.DOTALL)
"""The beginning of a set of which Python warns that it may mean more one day; to a warning filter threads are one."""

_WIDEST_LETTERS = 10_000
_LEAST_COST_OF_A_SET = 40
_COST_OF_A_PART = 4
"""What the engine adds at most to a character, an anchor, a branch or a group."""


@frozen
class Pattern:
    """A pattern, read and checked.

    Attributes:
        source: as it was written.
        python: for Python's `re`, with the flag `re.ASCII`.
        pcre: for a MongoDB server's ``$regex``, without options.
    """

    source: str
    python: str
    pcre: str

    def finder(self) -> Callable[[str], object]:
        """Return a function that looks for the pattern anywhere in a text, and returns None if it is not there."""
        return re.compile(self.python, re.ASCII).search


def pattern_of(source: str) -> Pattern:
    """Read a pattern.

    Raises:
        InvalidQuery: if it is no pattern, too long, or has what could take too long or mean something else to a server.
    """
    if len(source) > LONGEST_PATTERN:
        raise InvalidQuery(f"a pattern takes at most {LONGEST_PATTERN} characters, not {len(source)}")
    if not source:
        raise InvalidQuery("a pattern is not empty: every text would match")
    if any(_SET_OF_SETS.match(_ESCAPED.sub("x", found[0])) for found in _SETS.finditer(source)):
        raise InvalidQuery(
            f"the pattern {source!r} has what other engines read as a set in a set, or as an operation on sets: "
            "write a class such as \\w, or escape the character"
        )
    try:
        parsed = parser.parse(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidQuery(f"the pattern {source!r} cannot be read: {error}") from error
    written = _Writer(source).written(parsed, parsed.state.flags)
    if written.rounds > MOST_ROUNDS:
        raise InvalidQuery(f"the pattern {source!r} repeats its groups more than {MOST_ROUNDS:,} times: count less")
    if written.cost > HIGHEST_COST:
        raise InvalidQuery(
            f"the pattern {source!r} is too large with its repetitions written out: shorten its sets, or count less"
        )
    return Pattern(source, written.python, written.pcre)


def at_start(text: str) -> Pattern:
    """Return the pattern of what begins with a text."""
    written = f"^{literal(text)}"
    return Pattern(text, written, written)


def at_end(text: str) -> Pattern:
    """Return the pattern of what ends with a text."""
    return Pattern(text, rf"{literal(text)}\Z", rf"{literal(text)}\z")


def in_any_case(text: str) -> Pattern:
    """Return the pattern of a text that may stand anywhere, each letter in upper or lower case."""
    written = "".join(set_of(variants(ord(character))) for character in text)
    return Pattern(text, written, written)


@frozen
class _Written:
    """A part of a pattern for both engines.

    Attributes:
        python: as Python reads it.
        pcre: as a server reads it.
        cost: an upper bound of what it takes.
        rounds: of groups, at most.
        repeats: whether a quantifier is in it.
        set: where it is one character, that as a set.
        grouped: whether it is one group.
    """

    python: str
    pcre: str
    cost: int
    rounds: int = 0
    repeats: bool = False
    set: str | None = None
    grouped: bool = False


def _same(text: str) -> _Written:
    return _Written(text, text, len(text.encode()) + _COST_OF_A_PART)


def _one_of(characters: Ranges) -> _Written:
    text, whole = set_of(characters), brackets(characters)
    cost = len(text.encode()) + _COST_OF_A_PART if text != whole else _LEAST_COST_OF_A_SET + 2 * len(text.encode())
    return _Written(text, text, cost, set=whole)


_ANCHORS: Mapping[Any, _Written] = {
    words.AT_BEGINNING: _same("^"),
    words.AT_BEGINNING_STRING: _same("^"),
    words.AT_BEGINNING_LINE: _same(r"(?<![^\n])"),
    words.AT_END: _same("$"),
    words.AT_END_LINE: _same(r"(?![^\n])"),
    words.AT_END_STRING: _Written(r"\Z", r"\z", _COST_OF_A_PART),
    words.AT_BOUNDARY: _same(r"\b"),
    words.AT_NON_BOUNDARY: _same(r"(?!\b)"),  # \B of an empty text differs
}
_LINES = {words.AT_BEGINNING: words.AT_BEGINNING_LINE, words.AT_END: words.AT_END_LINE}
_CATEGORIES: Mapping[Any, Ranges] = {
    words.CATEGORY_DIGIT: DIGITS,
    words.CATEGORY_NOT_DIGIT: complement(DIGITS),
    words.CATEGORY_SPACE: SPACES,
    words.CATEGORY_NOT_SPACE: complement(SPACES),
    words.CATEGORY_WORD: WORD_CHARACTERS,
    words.CATEGORY_NOT_WORD: complement(WORD_CHARACTERS),
}
_REFUSED = {
    words.GROUPREF: "a reference back to a group",
    words.GROUPREF_EXISTS: "a condition on a group",
    words.ASSERT: "a look at what stands around",
    words.ASSERT_NOT: "a look at what stands around",
    words.FAILURE: "a look at what stands around",
    words.ATOMIC_GROUP: "an atomic group",
    words.POSSESSIVE_REPEAT: "a possessive quantifier",
}


class _Writer:
    """Writes a parsed pattern anew."""

    def __init__(self, source: str) -> None:
        self._source = source

    def written(self, parts: Any, flags: int) -> _Written:
        """Write parts that follow one another."""
        return _joined([self._part(word, given, flags) for word, given in parts])

    def _part(self, word: Any, given: Any, flags: int) -> _Written:
        if word in _REFUSED:
            raise self._refusal(f"has {_REFUSED[word]}")
        if word is words.AT:
            return _ANCHORS[_LINES.get(given, given) if flags & re.MULTILINE else given]
        if word is words.SUBPATTERN:
            _, added, removed, parts = given
            return _group([self.written(parts, (flags | added) & ~removed)])
        if word is words.BRANCH:
            return _group([self.written(parts, flags) for parts in given[1]])
        if word is words.MAX_REPEAT or word is words.MIN_REPEAT:
            return self._repeat(given, flags)
        return self._character(word, given, flags)

    def _repeat(self, given: tuple[int, Any, Any], flags: int) -> _Written:
        """Greedy or not makes no difference to whether a text matches.

        A server reads a prefix off a pattern to search an index, and takes ``b`` of ``b{0,1}``, and the first byte of
        ``é`` before ``?``, for a must: a set or a group hides them.
        """
        least, most, parts = given
        part = _group([self.written(parts, flags)])
        if part.repeats:
            raise self._refusal("has a quantifier inside another one")
        endless = most is words.MAXREPEAT
        if least > MOST_REPEATS or (not endless and most > MOST_REPEATS):
            raise self._refusal(f"counts beyond {MOST_REPEATS:,}")
        times = f"{{{least},{'' if endless else most}}}"
        cost = (part.cost + 2 * _COST_OF_A_PART) * max(1, least if endless else most) + len(times)
        if part.set is not None:
            return _Written(part.set + times, part.set + times, cost, repeats=True)
        if endless:
            raise self._refusal(f"repeats a group without an end, which needs a count, such as {{{least},100}}")
        return _Written(part.python + times, part.pcre + times, cost, part.rounds * most, repeats=True)

    def _character(self, word: Any, given: Any, flags: int) -> _Written:
        ignoring = bool(flags & re.IGNORECASE)
        if word is words.ANY:
            return _one_of(EVERY_CHARACTER if flags & re.DOTALL else complement(((10, 10),)))
        negated = word is words.NOT_LITERAL or (word is words.IN and given[0][0] is words.NEGATE)
        items = given if word is words.IN else [(words.LITERAL, given)]
        ranges: list[tuple[int, int]] = []
        for kind, value in items:
            if kind is words.CATEGORY:
                ranges += _CATEGORIES[value]
            elif kind is not words.NEGATE:
                ranges += self._letters((value if kind is words.RANGE else (value, value),), ignoring)
        found = merged(ranges)
        return _one_of(complement(found) if negated else found)

    def _letters(self, ranges: Ranges, ignoring: bool) -> Ranges:
        """The characters of the ranges, in both cases if case is to be ignored."""
        for first, last in ranges:
            if first == last and 0xD800 <= first <= 0xDFFF:
                raise self._refusal("has half of a surrogate pair")
            if ignoring and last - first > _WIDEST_LETTERS:
                raise self._refusal("has a wide range under (?i): name the letters")
        if not ignoring:
            return merged(ranges)
        return merged([one for first, last in ranges for code in range(first, last + 1) for one in variants(code)])

    def _refusal(self, what: str) -> InvalidQuery:
        return InvalidQuery(
            f"the pattern {self._source!r} {what}: a server could take too long over it, or read it differently"
        )


def _joined(parts: Sequence[_Written], between: str = "") -> _Written:
    if len(parts) == 1:
        return parts[0]
    return _Written(
        between.join(part.python for part in parts),
        between.join(part.pcre for part in parts),
        sum(part.cost + _COST_OF_A_PART * len(between) for part in parts),
        sum(part.rounds for part in parts),
        any(part.repeats for part in parts),
    )


def _group(branches: Sequence[_Written]) -> _Written:
    if len(branches) == 1 and (branches[0].set is not None or branches[0].grouped):
        return branches[0]
    inside = _joined(branches, "|")
    return _Written(
        f"(?:{inside.python})",
        f"(?:{inside.pcre})",
        inside.cost + 2 * _COST_OF_A_PART,
        inside.rounds + 1,
        inside.repeats,
        grouped=True,
    )
