"""Which of Python's own words a rule used where a store must be asked, and what to write instead.

Most words call a method of the stand-in that nothing else calls, and are known by it. What asks for truth, or for a
hash, is found from the caller's source.
"""

import ast
import linecache
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import NoReturn

from ..errors import InvalidQuery

_ADVICE = {
    "and": "write & and put each comparison in parentheses",
    "or": "write | and put each comparison in parentheses",
    "not": "write not_(condition)",
    "~": "write not_(condition)",
    "in": "write one_of(field, values), or contains(field, value) for a list field",
    "a chained comparison": "write between(field, low, high), or two comparisons joined with &",
    "if": "write a condition with & and |",
    "while": "write a condition with & and |",
    "assert": "write a condition with & and |",
    "any()": "write any_of(field, lambda item: ...) for the items of a list, or join conditions with |",
    "all()": "join conditions with &; for the items of a list write not_(any_of(field, lambda item: not_(...)))",
    "bool()": "leave it out: a condition and a field of booleans stand for themselves",
    "min()": "compare each of the values by itself, one comparison at a time, joined with & or |",
    "max()": "compare each of the values by itself, one comparison at a time, joined with & or |",
    "^": "write (one & not_(other)) | (not_(one) & other)",
    "text made of a field": (
        "compare the field itself, or ask it with startswith(), endswith(), matches() or icontains(); what is made of "
        "several fields needs a field of its own"
    ),
    "a conversion": "compare the field itself with a value of its own type",
    "arithmetic": "compare the field itself, with the sum on the side of the value, or store the result in a field",
    "a call": "leave the parentheses out: what stands before them is a value and no method",
    "a loop": "write any_of(field, lambda item: ...) for the items of a list",
    "len()": "write size(field) for the items of a list",
    "== True": "leave it out: the condition stands for itself",
    "== False": "write not_(condition)",
    "a comparison of two conditions": "write (one & other) | (not_(one) & not_(other))",
    "a condition compared with a value": "put each comparison in parentheses, and join them with & or |",
}
_CALLS = frozenset({"any", "all", "bool", "min", "max"})
"""The functions that ask each of their arguments for its truth."""
_INSTEAD = {
    "search": "write matches(field, pattern)",
    "match": 'write matches(field, "^pattern"), or field.startswith(text)',
    "fullmatch": 'write matches(field, "^pattern$")',
    "findall": "write matches(field, pattern)",
    "fnmatch": "write matches(field, pattern)",
    "lower": "write icontains(field, text), or matches(field, pattern) with (?i)",
    "upper": "write icontains(field, text), or matches(field, pattern) with (?i)",
    "casefold": "write icontains(field, text), or matches(field, pattern) with (?i)",
    "Decimal": "compare the field itself with a value of its own type",
}
"""What to write where a function of Python's, by the last part of its name, is given a field."""
_OURS = frozenset({"capture", "conditions", "misuse", "specification", "words"})
_EVERYTHING = (
    "Python's own and, or, not, in, if, chained comparisons, arithmetic and conversions cannot be captured: "
    "write &, |, not_(), one_of(), contains(), size(), and one comparison at a time"
)


def refused(word: str, advice: str | None = None) -> InvalidQuery:
    """Build the error for a word, with its usual advice unless there is better one."""
    return InvalidQuery(f"{word} cannot be captured in a rule: {advice or _ADVICE[word]}")


def refusing(word: str) -> Callable[..., NoReturn]:
    """Make a method of a stand-in that only this word calls."""

    def refuse(self: object, *_: object) -> NoReturn:
        raise refused(word)

    return refuse


def misuse() -> InvalidQuery:
    """Build the error for the line of the rule that is being captured, naming the word where it can be found."""
    frame: FrameType | None = sys._getframe(1)
    here = __name__.rpartition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").rpartition(".")[0] == here:
        if frame.f_globals["__name__"].rpartition(".")[2] not in _OURS:
            break
        frame = frame.f_back
    if frame is None:
        return InvalidQuery(_EVERYTHING)
    line, _, column, _ = _position(frame.f_code, frame.f_lasti)
    parts = _around(frame.f_code, frame.f_lasti)
    named = [found for part in parts for found in _words_of(part, (line or 0, column or 0))]
    word = min(named, key=lambda found: _extent(found[0]))[1] if named else None
    return InvalidQuery(_EVERYTHING) if word is None else refused(word)


def of_a_function(error: TypeError, stand_ins: frozenset[str]) -> InvalidQuery | None:
    """Build the error for a function that was given a field, such as `re.search`; None if it was something else.

    Args:
        error: what the function raised: Python's functions name the class that they cannot take.
        stand_ins: the names of the classes that stand for fields.
    """
    if not any(name in str(error) for name in stand_ins):
        return None
    name = _called(error.__traceback__) or "a function"
    advice = _INSTEAD.get(name.rpartition(".")[2], "compare the field itself, or ask it with the words of rules")
    return InvalidQuery(
        f"{name}() cannot be asked of a store: {advice}".replace("a function()", "a function of Python's")
    )


def _called(trace: TracebackType | None) -> str | None:
    """The name of what a rule called when it failed: the second of the frames, for the first called the rule."""
    inner = trace.tb_next if trace is not None else None
    if inner is None:
        return None
    _, line, _, column = _position(inner.tb_frame.f_code, inner.tb_lasti)
    for node in _around(inner.tb_frame.f_code, inner.tb_lasti):
        if isinstance(node, ast.Call) and (node.end_lineno, node.end_col_offset) == (line, column):
            return ast.unparse(node.func)
    return None


def _around(code: CodeType, instruction: int) -> list[ast.expr | ast.stmt]:
    """The parts of the source around an instruction; none where there is no source."""
    line, _, column, _ = _position(code, instruction)
    if line is None or column is None:
        return []
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return []
    parts = (node for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt))
    return [node for node in parts if _covers(node, line, column)]


def _position(code: CodeType, instruction: int) -> tuple[int | None, int | None, int | None, int | None]:
    return next(islice(code.co_positions(), instruction // 2, None), (None, None, None, None))


def _covers(node: ast.expr | ast.stmt, line: int, column: int) -> bool:
    end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= (line, column) < end


def _extent(node: ast.expr | ast.stmt) -> tuple[int, int]:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return lines, (node.end_col_offset or 0) - (node.col_offset if lines == 0 else 0)


def _words_of(node: ast.expr | ast.stmt, at: tuple[int, int]) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """The word that a part of the source is, with what it asks: of a statement, its test alone."""
    match node:
        case ast.BoolOp(op=ast.And()):
            yield node, "and"
        case ast.BoolOp():
            yield node, "or"
        case ast.UnaryOp(op=ast.Not()):
            yield node, "not"
        case ast.UnaryOp(op=ast.Invert()):
            yield node, "~"
        case ast.IfExp():
            yield node, "if"
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
            if at == (node.lineno, node.col_offset) or _covers(test, *at):  # the first in Python 3.11
                yield test, type(node).__name__.lower()
        case ast.Compare(ops=[ast.In() | ast.NotIn()]):
            yield node, "in"
        case ast.Compare(ops=[_, _, *_]):
            yield node, "a chained comparison"
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield node, f"{name}()"
