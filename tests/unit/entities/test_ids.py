"""Ids: their form, their order, and that nobody gets the same one twice."""

import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from tristore import ValidationError, new_id, parse_id
from tristore.domain.entities.ids import TimeOrderedIds, is_id


def test_an_id_has_24_hex_digits() -> None:
    """An id is a str of 24 lower-case hex digits, in the layout of an ObjectId of this moment."""
    before = int(time.time())
    made = new_id()

    assert re.fullmatch("[0-9a-f]{24}", made)
    assert type(made) is str
    assert before <= ObjectId(made).generation_time.timestamp() <= before + 2


def test_ids_sort_by_the_second_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id of a later second sorts behind every one of an earlier second."""
    factory = TimeOrderedIds()
    made = []
    for second in (1.0, 255.9, 256.0, 1_700_000_000.5, 2**32 - 1):
        monkeypatch.setattr(time, "time", lambda second=second: second)
        made += [factory(), factory()]
        assert int(second) == int(made[-1][:8], 16)

    seconds = [one[:8] for one in made]
    assert sorted(seconds) == seconds


def test_the_count_starts_again_within_its_three_bytes() -> None:
    """What counts never grows beyond its place: the id keeps its form when the counter is full."""
    factory = TimeOrderedIds()
    factory._count = iter((2**24 - 1, 2**24))  # type: ignore[assignment]
    last, first = factory(), factory()

    assert ("ffffff", "000000") == (last[-6:], first[-6:])
    assert is_id(first)


def test_threads_never_share_an_id() -> None:
    """Eight threads that make ids at the same time make different ones."""

    def many(_: int) -> list[str]:
        return [new_id() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as pool:
        made = [one for batch in pool.map(many, range(8)) for one in batch]

    assert 16_000 == len(set(made))


def in_child(work: Callable[[], str]) -> str:
    """Fork, run there, and return what the child says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child has no coverage
        os.write(writing, work().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_makes_ids_of_its_own() -> None:
    """After a fork, parent and child make ids with different random parts."""
    before = new_id()
    child, after = in_child(new_id), new_id()

    assert before[8:18] == after[8:18]
    assert before[8:18] != child[8:18]
    assert is_id(child)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0" * 24, True),
        ("0123456789abcdef01234567", True),
        ("0123456789ABCDEF01234567", False),
        ("0" * 23, False),
        ("0" * 25, False),
        ("0" * 24 + "\n", False),
        ("g" * 24, False),
        ("\u0660" * 24, False),
        (b"0" * 24, False),
        (None, False),
        (ObjectId(), False),
    ],
)
def test_the_form_of_an_id_is_strict(value: object, expected: bool) -> None:
    """Only a str of 24 lower-case hex digits has the form."""
    assert expected is is_id(value)


def test_an_id_from_outside_is_brought_into_its_form() -> None:
    """White space goes, and letters become lower-case."""
    assert "0123456789abcdef01234567" == parse_id("  0123456789ABCDEF01234567\n")


@given(st.text(max_size=30) | st.integers() | st.none())
def test_what_is_no_id_is_refused(given_value: object) -> None:
    """Whatever is not 24 hex digits is one clear error, whatever its type."""
    with pytest.raises(ValidationError, match="must be 24 hex digits") as error:
        parse_id(given_value)  # type: ignore[arg-type]

    assert ["id"] == [problem.field for problem in error.value.problems]
