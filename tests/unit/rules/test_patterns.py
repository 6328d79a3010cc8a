"""Patterns: what is refused and why, what is written for each engine, what it means."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tristore import InvalidQuery
from tristore.domain.rules.character_sets import variants
from tristore.domain.rules.patterns import LONGEST_PATTERN, MOST_REPEATS, at_end, at_start, in_any_case, pattern_of

REFUSED: dict[str, tuple[str, str]] = {
    "a set in a set": ("[[:alpha:]]", "a set in a set"),
    "a difference of sets": ("[a-z--[x]]", "an operation on sets"),
    "too long": ("a" * (LONGEST_PATTERN + 1), "at most 200 characters, not 201"),
    "empty": ("", "a pattern is not empty"),
    "no pattern": ("(a", r"cannot be read: missing \), unterminated subpattern"),
    "an escape of another engine": (r"\Ka", r"cannot be read: bad escape \\K"),
    "a quantifier in a quantifier": ("(a+)+", "has a quantifier inside another one"),
    "a quantifier deep in a quantifier": ("(?:b|(?:c|d?)){2}", "has a quantifier inside another one"),
    "a counted quantifier in a quantifier": ("(?:a{2}){3}", "has a quantifier inside another one"),
    "a reference back": (r"(a)\1", "has a reference back to a group"),
    "a named reference back": ("(?P<x>a)(?P=x)", "has a reference back to a group"),
    "a condition": ("(a)?(?(1)b|c)", "has a condition on a group"),
    "a look ahead": ("a(?=b)", "has a look at what stands around"),
    "a negative look ahead": ("a(?!b)", "has a look at what stands around"),
    "an empty negative look ahead": ("a(?!)", "has a look at what stands around"),
    "a look behind": ("(?<=a)b", "has a look at what stands around"),
    "an atomic group": ("(?>a)", "has an atomic group"),
    "a possessive quantifier": ("a++", "has a possessive quantifier"),
    "a count too high": (f"a{{{MOST_REPEATS + 1}}}", "counts beyond 1,000"),
    "an end too high": (f"a{{0,{MOST_REPEATS + 1}}}", "counts beyond 1,000"),
    "a start too high": (f"a{{{MOST_REPEATS + 1},}}", "counts beyond 1,000"),
    "a group without an end": ("(?:ab)+", r"repeats a group without an end, which needs a count, such as \{1,100\}"),
    "too many rounds": ("((ab)(cd)){400}", "repeats its groups more than 1,000 times"),
    "too large": (r"(?:\W\W){400}", "is too large with its repetitions written out"),
    "half a character": ("\ud800", "has half of a surrogate pair"),
    "half a character in a set": ("[ab\ud800]", "has half of a surrogate pair"),
    "too many letters": ("(?i)[\x00-\uffff]", r"has a wide range under \(\?i\)"),
}


@pytest.mark.parametrize(("source", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_server_could_read_otherwise_is_refused(source: str, why: str) -> None:
    """A pattern that could take too long, or mean something else on a server, is refused with the reason."""
    with pytest.raises(InvalidQuery, match=why):
        pattern_of(source)


WRITTEN: dict[str, tuple[str, str]] = {
    "letters": ("ab", "ab"),
    "punctuation": (r"a\.b-c", r"a\.b\-c"),
    "a class of ASCII": (r"\d\w\s", r"[0-9][0-9A-Z_a-z][\x09-\x0d\ ]"),
    "the opposite of a class": (r"\D", "[^0-9]"),
    "a set": ("[^b-dac]", "[^a-d]"),
    "any but a newline": (".", r"[^\x0a]"),
    "any case": ("(?i)aé1", "[Aa][Éé]1"),
    "any case, in part": ("a(?i:b)c", "a[Bb]c"),
    "anchors": (r"\A^a$", "^^a$"),
    "lines": ("(?m)^a$", r"(?<![^\n])a(?![^\n])"),
    "the very end": (r"a\Z", r"a\z"),
    "no boundary": (r"\B", r"(?!\b)"),
    "a quantifier": ("ab*", "a[b]{0,}"),
    "a quantifier, not greedy": ("ab+?", "a[b]{1,}"),
    "a quantifier of a character beyond ASCII": ("é?", "[é]{0,1}"),
    "a quantifier of a group": ("(ab){0,2}", "(?:ab){0,2}"),
    "either": ("ab|(cd|e)", "(?:ab|(?:cd|e))"),
    "either of two characters": ("a|b", "[a-b]"),
    "spaces and comments": ("(?x) a b # c", "ab"),
    "NUL and newline": ("\\0\n", r"\x00\x0a"),
}


@pytest.mark.parametrize(("source", "expected"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_pattern_is_written_anew(source: str, expected: str) -> None:
    """What reaches a server leaves nothing to its tables, options and defaults, and names no flag."""
    pattern = pattern_of(source)

    assert expected == pattern.pcre
    assert expected.replace(r"\z", r"\Z") == pattern.python


MEANINGS = [
    "a.c",
    "^a",
    "b$",
    r"b\Z",
    "(?m)^b",
    "(?s)a.b",
    "(?i)aB",
    "a|bc",
    "[^a]b",
    r"\w+\s\w",
    "a{2,3}?b",
    r"\bab\b",
]


@given(st.sampled_from(MEANINGS), st.text("abBc \n_", max_size=6))
def test_a_pattern_means_what_it_means_to_python(source: str, text: str) -> None:
    """What is found in text of ASCII is what `re.search` finds."""
    found = pattern_of(source).finder()(text) is not None

    assert (re.search(source, text) is not None) is found


@given(st.text(max_size=4), st.text(min_size=1, max_size=3))
def test_parts_are_found_as_they_are(text: str, part: str) -> None:
    """The patterns of a start, an end and a part in any case take every character for itself."""
    assert text.startswith(part) is (at_start(part).finder()(text) is not None)
    assert text.endswith(part) is (at_end(part).finder()(text) is not None)
    assert in_any_case(part).finder()(text + part) is not None


def test_case_is_that_of_single_characters() -> None:
    """A letter is its upper and its lower case, where each is one character: ß has none, and is not ss."""
    assert in_any_case("ÄNNE").finder()("Hänne") is not None
    assert in_any_case("straße").finder()("STRASSE") is None
    assert ((0xDF, 0xDF),) == variants(0xDF)
    assert in_any_case("a.c").finder()("abc") is None
