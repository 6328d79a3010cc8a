"""Which of Python's own words a rule used where a store must be asked: found from the caller's source."""

import ast
import linecache
import sys
from types import CodeType, FrameType

from ..errors import InvalidQuery

_ADVICE = {
    "and": "write & and put each comparison in parentheses",
    "or": "write | and put each comparison in parentheses",
    "not": "write not_(condition)",
    "~": "write not_(condition)",
    "in": "write one_of(field, values), or contains(field, value) for a list field",
    "a chained comparison": "write between(field, low, high), or two comparisons joined with &",
    "if": "write a condition with & and |",
}
_OURS = frozenset({"capture", "conditions", "misuse", "specification", "words"})
_EVERYTHING = (
    "Python's own and, or, not, in, if, chained comparisons, arithmetic and conversions cannot be captured: "
    "write &, |, not_(), one_of(), contains(), size(), and one comparison at a time"
)


def misuse() -> InvalidQuery:
    """Build the error for the line of the rule that is being captured, naming the word where it can be found."""
    frame: FrameType | None = sys._getframe(1)
    here = __name__.rpartition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").rpartition(".")[0] == here:
        if frame.f_globals["__name__"].rpartition(".")[2] not in _OURS:
            break
        frame = frame.f_back
    word = _word_at(frame) if frame is not None else None
    if word is None:
        return InvalidQuery(_EVERYTHING)
    return InvalidQuery(f"{word} cannot be captured in a rule: {_ADVICE[word]}")


def _word_at(frame: FrameType) -> str | None:
    line, column = _position(frame.f_code, frame.f_lasti)
    if line is None or column is None:
        return None
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    around = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and _covers(node, line, column)]
    named = [(node, word) for node in around if (word := _word_of(node)) is not None]
    return min(named, key=lambda found: _extent(found[0]))[1] if named else None


def _position(code: CodeType, instruction: int) -> tuple[int | None, int | None]:
    for index, (line, _, column, _) in enumerate(code.co_positions()):
        if index == instruction // 2:
            return line, column
    return None, None


def _covers(node: ast.expr, line: int, column: int) -> bool:
    end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= (line, column) < end


def _extent(node: ast.expr) -> tuple[int, int]:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return lines, (node.end_col_offset or 0) - (node.col_offset if lines == 0 else 0)


def _word_of(node: ast.expr) -> str | None:
    match node:
        case ast.BoolOp(op=ast.And()):
            return "and"
        case ast.BoolOp():
            return "or"
        case ast.UnaryOp(op=ast.Not()):
            return "not"
        case ast.UnaryOp(op=ast.Invert()):
            return "~"
        case ast.IfExp():
            return "if"
        case ast.Compare(ops=[ast.In() | ast.NotIn()]):
            return "in"
        case ast.Compare(ops=[_, _, *_]):
            return "a chained comparison"
        case _:
            return None
