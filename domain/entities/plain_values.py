"""What is said of one type of plain values, and what several of these types share."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
"""The bounds of the integers that BSON can hold."""

T = TypeVar("T")


class Imports(Protocol):
    """Remembers what Python source needs imported."""

    def __call__(self, module: str, name: str) -> str:
        """Return a name that is to be imported."""


@frozen
class Refusal:
    """Stands for a value that no field of a type ever has.

    Attributes:
        words: what the value is; without them, its class says enough.
    """

    words: str = ""


REFUSED = Refusal()


@frozen
class Steps(Generic[T]):
    """Values that stand in one row, each with a whole number as its place.

    Attributes:
        place: the place of a value; of what lies between two of them, such as a bound of another type, the lower one.
        value: the value at a place.
        least: the first place.
        most: the last one.
        usual: between which places the values lie that a reader expects, where nothing bounds them.
    """

    place: Callable[[Any], int]
    value: Callable[[int], T]
    least: int
    most: int
    usual: tuple[int, int]

    def first(self, low: Any, *, above: bool) -> int:
        """The place of the first value that is not below `low`, or that is above it."""
        place = self.place(low)
        found: Any = self.value(place)
        return max(self.least, place + 1 if found < low or (above and found == low) else place)

    def last(self, high: Any, *, below: bool) -> int:
        """The place of the last value that is not above `high`, or that is below it."""
        place = self.place(high)
        return min(self.most, place - 1 if below and self.value(place) == high else place)


@frozen(kw_only=True)
class Scalar:
    """What the domain, JSON and the test kit know of one type of plain values.

    Attributes:
        python: the class.
        words: what its values are called where the types are listed that can be stored.
        operand: the form in which a value is compared with a field of the type, or a `Refusal`.
        compared: the sort of a value, and what is compared with others of that sort; None for what equals nothing.
        read: the value that JSON, or a caller in its place, stands for; raises ValueError with what must be given.
        write: the value as JSON has it.
        source: the value as a Python expression.
        samples: values worth trying, the plainest first: so few that they meet again, so awkward that two stores may
            differ about them.
        steps: the row in which the values stand, if they do.
        is_free: whether a value without a declared type comes back as one of this type.
        totals: the types that a sum of such values may be given; none if they cannot be added up.
        averages: the types that their mean may be given.
        added: the classes of what can be added to a stored value; none if nothing can.
    """

    python: type[Any]
    words: str
    operand: Callable[[object], object]
    compared: Callable[[Any], tuple[type, Any] | None]
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    source: Callable[[Any, Imports], str]
    samples: tuple[Any, ...]
    steps: Steps[Any] | None = None
    is_free: bool = False
    totals: tuple[type[Any], ...] = ()
    averages: tuple[type[Any], ...] = ()
    added: tuple[type[Any], ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether values are added up one whole step at a time, so that nothing is ever rounded."""
        return bool(self.added) and self.steps is not None


def is_text(value: object) -> bool:
    """Tell whether a value is text that can be encoded: half of a surrogate pair cannot."""
    if not isinstance(value, str) or isinstance(value, Enum):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_whole(value: object) -> bool:
    """Tell whether a value is an integer of 64 bits; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and INT64_MIN <= value <= INT64_MAX


def only(kind: type[Any]) -> Callable[[object], object]:
    """An operand that is any value of a class, as it is."""
    return lambda value: value if isinstance(value, kind) else REFUSED


def given(kind: type[T], words: str) -> Callable[[Any], T]:
    """A reader that takes values of a class alone, never converted from another one."""

    def read(value: Any) -> T:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"must be {words}, not {type(value).__name__}")
        return value

    return read


def as_it_is(value: Any) -> Any:
    """The value itself."""
    return value


def literal(value: Any, imports: Imports) -> str:
    """The literal of a value, with double quotes where that needs no more escaping."""
    text = repr(value)
    if not isinstance(value, str | bytes) or '"' in text:
        return text
    prefix, _, content = text.partition("'")
    return f'{prefix}"{content[:-1]}"'


def called(value: Any, imports: Imports) -> str:
    """The call of a class with the text of its value."""
    name = type(value).__name__
    return f'{imports(type(value).__module__, name)}("{value}")'
