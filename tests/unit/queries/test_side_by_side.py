"""A page and its count at the same time."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tristore.adapters.documents.queries.concurrent_count import THREADS, SideBySide

FULL: Callable[[list[int]], int | None] = lambda _: None  # noqa: E731
SHORT: Callable[[list[int]], int | None] = len


@pytest.fixture
def together() -> Iterator[SideBySide]:
    """Threads that end with the test; a page has all the time it needs, unless the test says otherwise."""
    found = SideBySide()
    found.head_start = 60.0
    yield found
    found.close()


def refuse() -> int:
    """A count that nobody should ask for."""
    raise AssertionError("counted")


def test_a_short_page_is_not_counted(together: SideBySide) -> None:
    """A page that comes in time and tells the total is all that is asked for."""
    assert ([1, 2], 2) == together.read(lambda: [1, 2], refuse, SHORT)


def test_a_full_page_is_counted(together: SideBySide) -> None:
    """A page that does not tell the total is counted after it came."""
    assert ([1, 2], 9) == together.read(lambda: [1, 2], lambda: 9, FULL)


def test_a_slow_page_is_counted_beside(together: SideBySide) -> None:
    """The count does not wait for a page that takes its time: here the page waits for the count."""
    together.head_start = 0.0
    counted = threading.Event()

    def page() -> list[int]:
        assert counted.wait(30)
        return [1]

    def count() -> int:
        counted.set()
        return 9

    assert ([1], 9) == together.read(page, count, FULL)


@pytest.mark.parametrize("head_start", [0.0, 60.0])
def test_errors_come_through(together: SideBySide, head_start: float) -> None:
    """An error of the page or of the count is the caller's, when both have ended."""
    together.head_start = head_start

    def fail() -> int:
        raise KeyError("lost")

    with pytest.raises(KeyError):
        together.read(lambda: [fail()], lambda: 1, FULL)
    with pytest.raises(KeyError):
        together.read(lambda: [1], fail, FULL)
    assert ([1], 2) == together.read(lambda: [1], lambda: 2, FULL)


def test_without_a_free_thread_one_follows_the_other(together: SideBySide) -> None:
    """When all threads are busy a page does not wait for one."""
    go_on, busy = threading.Event(), threading.Semaphore(0)

    def wait() -> list[int]:
        busy.release()
        assert go_on.wait(30)
        return [1]

    callers = [threading.Thread(target=together.read, args=(wait, lambda: 1, FULL)) for _ in range(THREADS)]
    for caller in callers:
        caller.start()
    for _ in callers:
        busy.acquire()
    here: list[threading.Thread] = []

    assert 5 == together.read(lambda: here.append(threading.current_thread()), lambda: 5, lambda _: None)[1]
    go_on.set()
    for caller in callers:
        caller.join()
    assert [threading.current_thread()] == here


def test_closed_threads_come_back(together: SideBySide) -> None:
    """After a close the next page makes threads anew; closing twice, or before any, is allowed."""
    SideBySide().close()
    together.read(lambda: [1], lambda: 1, FULL)
    together.close()
    together.close()

    assert ([1], 1) == together.read(lambda: [1], lambda: 1, FULL)
