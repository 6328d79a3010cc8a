"""Conditions: what the comparisons of a rule give, and what Python may not answer in their place."""

from collections.abc import Callable
from typing import NoReturn

from attrs import frozen

from ..entities.bounds import Comparator
from ..errors import InvalidQuery
from .misuse import misuse, refused, refusing
from .predicates import All, AnyOf, Not, Path, Predicate, dotted


@frozen
class Place:
    """Where a stand-in stands.

    Attributes:
        path: from the entity, or from the item of `any_of`, inwards.
        scope: what the path begins at; the entity has None.
        guard: what `some` asks beside the condition.
        is_key: whether the place is a key, a position or an item, where None can be kept; a field of it is missing.
    """

    path: Path = ()
    scope: object = None
    guard: Predicate | None = None
    is_key: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return dotted(self.path) or "the item"

    def step(self, name: str, *, is_key: bool) -> "Place":
        """Go inwards."""
        return Place((*self.path, name), self.scope, self.guard, is_key)

    def condition(self, predicate: Predicate) -> "Condition":
        """Return a condition in this scope."""
        return Condition(predicate, self.scope)

    def guarded(self, predicate: Predicate) -> "Condition":
        """With some(), what nothing would obey also asks whether there is something."""
        return self.condition(predicate if self.guard is None else both(self.guard, predicate))


class Condition:
    """What a comparison inside a rule gives: combine with ``&``, ``|`` and `not_`."""

    __slots__ = ("predicate", "scope")

    def __init__(self, predicate: Predicate, scope: object = None) -> None:
        self.predicate = predicate
        self.scope = scope

    def _joined(self, join: Callable[[Predicate, Predicate], Predicate], other: object) -> "Condition":
        condition = condition_of(other)
        if condition.scope is not self.scope:
            raise out_of_scope()
        return Condition(join(self.predicate, condition.predicate), self.scope)

    def __and__(self, other: object) -> "Condition":
        return self._joined(both, other)

    def __or__(self, other: object) -> "Condition":
        return self._joined(either, other)

    def opposite(self) -> "Condition":
        """What holds where this does not."""
        return Condition(Not(self.predicate), self.scope)

    __rand__ = __and__
    __ror__ = __or__

    def _refuse(self, *_: object) -> NoReturn:
        raise misuse()

    __hash__ = _refuse

    def __eq__(self, other: object) -> NoReturn:
        raise refused(_compared(other, equal=True))

    def __ne__(self, other: object) -> NoReturn:
        raise refused(_compared(other, equal=False))

    __bool__ = _refuse
    __invert__ = refusing("~")
    __xor__ = __rxor__ = refusing("^")
    __lt__ = __le__ = __gt__ = __ge__ = refusing("a condition compared with a value")


def _compared(other: object, *, equal: bool) -> str:
    """What the comparison of a condition with something is called."""
    if isinstance(other, bool):
        return "== True" if other is equal else "== False"
    if isinstance(other, Condition):
        return "a comparison of two conditions"
    return "a condition compared with a value"


class Captured:
    """What every stand-in refuses, because Python would answer before a store is asked."""

    __slots__ = ()

    def as_condition(self) -> Condition | None:
        """Return the condition that this is by itself, if it is one."""
        return None

    def as_given(self) -> str:
        """What this is, for messages."""
        return "the entity alone"

    def _refuse(self, *_: object) -> NoReturn:
        raise misuse()

    __bool__ = __hash__ = _refuse
    __invert__ = refusing("~")
    __xor__ = __rxor__ = refusing("^")
    __len__ = refusing("len()")
    __iter__ = refusing("a loop")
    __contains__ = refusing("in")
    __str__ = __format__ = refusing("text made of a field")
    __int__ = __float__ = __complex__ = __index__ = __round__ = __trunc__ = __abs__ = refusing("a conversion")
    __floor__ = __ceil__ = __bytes__ = __fspath__ = refusing("a conversion")
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = refusing("arithmetic")
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = refusing("arithmetic")
    __divmod__ = __rdivmod__ = __matmul__ = __rmatmul__ = __lshift__ = __rshift__ = refusing("arithmetic")
    __call__ = refusing("a call")


class Ordered(Captured):
    """What has all six comparisons."""

    __hash__ = Captured._refuse
    __slots__ = ()

    def _compare(self, comparator: Comparator, value: object) -> Condition:
        raise NotImplementedError

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.EQ, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.NE, other)

    def __lt__(self, other: object) -> Condition:
        return self._compare(Comparator.LT, other)

    def __le__(self, other: object) -> Condition:
        return self._compare(Comparator.LE, other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(Comparator.GT, other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(Comparator.GE, other)


def condition_of(value: object) -> Condition:
    """Return a condition, or a boolean field as one.

    Raises:
        InvalidQuery: if it is neither.
    """
    if isinstance(value, Condition):
        return value
    found = value.as_condition() if isinstance(value, Captured) else None
    if found is not None:
        return found
    raise InvalidQuery(
        f"& and | combine conditions, not {given(value)}: put each comparison in parentheses, "
        "and write is_none(field) for 'field is None'"
    )


def given(value: object) -> str:
    """What a rule gave in place of a condition, in words of its own."""
    return value.as_given() if isinstance(value, Captured) else type(value).__name__


def out_of_scope() -> InvalidQuery:
    """Build the error for a rule in a rule that asks about both."""
    return InvalidQuery(
        "the rule inside any_of() asks about the item alone: ask about the entity outside, joined with & or |"
    )


def both(left: Predicate, right: Predicate) -> Predicate:
    """Both hold; parts of parts stand side by side, and one part alone stands for itself."""
    parts = (
        *(left.parts if isinstance(left, All) else (left,)),
        *(right.parts if isinstance(right, All) else (right,)),
    )
    return parts[0] if len(parts) == 1 else All(parts)


def either(left: Predicate, right: Predicate) -> Predicate:
    """One of them holds, or both; written as `both` does."""
    parts = (
        *(left.parts if isinstance(left, AnyOf) else (left,)),
        *(right.parts if isinstance(right, AnyOf) else (right,)),
    )
    return parts[0] if len(parts) == 1 else AnyOf(parts)
