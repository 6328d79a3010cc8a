"""One refused operation keeps none of the others from being written."""

from collections.abc import Sequence

import pytest

from tristore import Unavailable, ValidationError
from tristore.adapters.backend import ManyResult
from tristore.adapters.documents.context.unordered_write import unordered_write
from tristore.errors import TooLarge


class Written:
    """Takes numbers; refuses all of a write that holds a negative one, and zeros one by one."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.writes = 0

    def write(self, numbers: Sequence[int]) -> ManyResult:
        """Take what is above zero."""
        self.writes += 1
        if any(number < 0 for number in numbers):
            raise TooLarge("one of them")
        found = [number for number in numbers if number]
        self.numbers += found
        zeros = {at: ValidationError.of("", "zero") for at, number in enumerate(numbers) if not number}
        return ManyResult(0, 0, len(found), zeros)


@pytest.mark.parametrize("refused", [(), (0,), (99,), (3, 4), (0, 49, 50, 51, 98), tuple(range(100))])
def test_those_that_are_refused_are_found(refused: tuple[int, ...]) -> None:
    """Every other operation is written once and in order, and each refusal stands at its own position."""
    written = Written()
    numbers = [-1 if at in refused else 0 if at % 10 == 7 else at + 1 for at in range(100)]

    result = unordered_write(numbers, written.write)

    assert [number for number in numbers if number > 0] == written.numbers
    assert result.inserted == len(written.numbers)
    kinds = {at: TooLarge if number < 0 else ValidationError for at, number in enumerate(numbers) if number <= 0}
    assert kinds == {at: type(error) for at, error in result.errors.items()}
    assert written.writes <= 1 + 2 * 7 * len(refused)


def test_what_says_nothing_of_one_operation_ends_the_write() -> None:
    """A server that is gone is no refusal: nothing is tried again by halves."""

    def write(numbers: Sequence[int]) -> ManyResult:
        calls.append(len(numbers))
        raise Unavailable("gone")

    calls: list[int] = []
    with pytest.raises(Unavailable):
        unordered_write([1, 2, 3], write)

    assert [3] == calls
