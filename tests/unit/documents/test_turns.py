"""Turns of attempts that conflict over one document: who comes first, who stops waiting, and who is interrupted."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tristore.adapters.documents.context.turns import Turns


def waiting(turns: Turns, pool: ThreadPoolExecutor, timeout: float = 10.0) -> "Future[bool]":
    """Let a thread wait for the turn, and give it back."""
    began = threading.Event()

    def wait() -> bool:
        began.set()
        came = turns.take("a", "work", timeout)
        if came:
            turns.leave("a")
        return came

    found = pool.submit(wait)
    assert began.wait(10)
    return found


def test_one_after_the_other() -> None:
    """A turn is passed on until nobody waits; then the place is free for whoever comes."""
    turns = Turns()
    with ThreadPoolExecutor(3) as pool:
        assert turns.take("a", "work", 0.0)
        others = [waiting(turns, pool) for _ in range(3)]
        assert (True, False) == (turns.is_contended("a", "work"), turns.is_contended("a", "other work"))
        turns.leave("a")
        assert [True] * 3 == [one.result(10) for one in others]

    assert not turns.are_taken


def test_who_stops_waiting_is_passed_over() -> None:
    """A wait has an end, and the turn goes to the next one."""
    turns = Turns()
    with ThreadPoolExecutor(2) as pool:
        assert turns.take("a", "work", 0.0)
        assert waiting(turns, pool, 0.01).result(10) is False
        patient = waiting(turns, pool)
        turns.leave("a")
        assert patient.result(10) is True


def test_an_interrupted_wait_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in the midst of a wait, also just when the turn came, leaves it to the next one."""
    turns = Turns()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    assert turns.take("a", "work", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            turns.take("a", "work", 10.0)
        with pytest.raises(KeyboardInterrupt):
            turns.take("b", "work", 10.0)
    turns.leave("a")

    assert not turns.are_taken


def test_a_thread_knows_that_it_has_a_turn() -> None:
    """So that it does not wait for a second one while others wait for its first."""
    turns = Turns()
    assert not turns.is_mine
    assert turns.take("a", "work", 0.0)
    assert turns.is_mine
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: turns.is_mine).result(10) is False
    turns.leave("a")

    assert not turns.is_mine
