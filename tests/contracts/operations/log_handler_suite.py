"""What the handler of logging must keep on every backend."""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tristore.domain.systemlogs import LogEntry, LogLevel
from tristore.operations import StoreHandler

from ..services.services_base import ThreeStores


def entries(stores: ThreeStores) -> list[LogEntry]:
    """What is stored, in the order in which it was logged."""
    with stores.systemlogs.reader() as systemlogs:
        return list(systemlogs.logs.find(sort=("occurred_at", "id")))


class LogHandlerContract:
    """The handler; a subclass brings `stores`."""

    @pytest.fixture
    def logger(self) -> Iterator[logging.Logger]:
        """A logger of the application's own."""
        logger = logging.Logger("shop.orders", logging.DEBUG)
        yield logger
        for handler in [*logger.handlers]:
            handler.close()
            logger.removeHandler(handler)

    def test_records_become_entries(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """Level, source, message, moment, extras and the traceback are kept."""
        handler = StoreHandler(stores.systemlogs)
        logger.addHandler(handler)
        logger.debug("left out")
        logger.info("order %d", 7, extra={"order": 7, "tags": ["a"], "odd": {"$x.y": object}})
        try:
            raise LookupError("no such order")
        except LookupError:
            logger.exception("failed")
        handler.flush()

        first, second = entries(stores)
        assert (LogLevel.INFO, "shop.orders", "order 7") == (first.level, first.source, first.message)
        assert (7, ["a"], {"_x_y": "<class 'object'>"}) == tuple(
            first.context[name] for name in ("order", "tags", "odd")
        )
        assert LogLevel.ERROR == second.level
        assert "LookupError: no such order" in second.context["exception"]
        assert (2, 0, 0, 0) == (
            handler.counts.written,
            handler.counts.dropped,
            handler.counts.refused,
            handler.counts.waiting,
        )

    def test_everything_arrives_once_from_many_threads(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """Batches lose and double nothing."""
        handler = StoreHandler(stores.systemlogs, batch=50, interval=0.05)
        logger.addHandler(handler)

        def log(worker: int) -> None:
            for number in range(100):
                logger.info("%d-%d", worker, number)

        threads = [threading.Thread(target=log, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        handler.close()

        with stores.systemlogs.reader() as systemlogs:
            found = [one.message for one in systemlogs.logs.stream()]
        assert sorted(f"{worker}-{number}" for worker in range(4) for number in range(100)) == sorted(found)
        assert (400, 0) == (handler.counts.written, handler.counts.dropped)

    def test_what_cannot_be_logged_raises_nothing(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """Arguments that do not fit, objects that cannot be shown, halves of characters: counted, or made storable."""

        class Unprintable:
            def __repr__(self) -> str:
                raise RuntimeError

        handler = StoreHandler(stores.systemlogs)
        logger.addHandler(handler)
        logger.info("%d", "no number")
        logger.info("%r", Unprintable())
        logger.info("half \ud800 and nul \0", extra={"huge": 2**70, "deep": {"a": {"b": {"c": {"d": 1}}}}, "\ud800": 1})
        logger.info("x" * 20_000)
        handler.flush()

        assert (2, 2) == (handler.counts.written, handler.counts.refused)
        notice, odd, long = sorted(entries(stores), key=lambda one: ("lost" not in one.message, one.occurred_at))
        assert "2 log records were lost" in notice.message
        assert odd.message.startswith("half ")
        assert 10_000 == len(long.message)

    def test_what_the_store_refuses_is_told_apart(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """A record that the store refuses is counted and told as such, with the reason; a full queue as one."""
        handler = StoreHandler(stores.systemlogs, capacity=2, interval=60)
        logger.addHandler(handler)
        logger.info("no store holds this", extra={"moment": datetime.max.replace(tzinfo=timezone(-timedelta(hours=5)))})
        handler.flush()
        counts = handler.counts
        for number in range(3):
            logger.info("%d", number)
        handler.flush()
        (notice,) = (one.message for one in entries(stores) if "lost" in one.message)

        assert (0, 0, 1) == (counts.written, counts.dropped, counts.refused)
        assert counts.last_error is not None
        assert (2, 1, 1) == (handler.counts.written, handler.counts.dropped, handler.counts.refused)
        assert "2 log records were lost before this: 1 because the queue was full, 1 because it was refused" in notice
        assert counts.last_error in notice

    def test_a_context_is_cut(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """However much is given, and in whatever form, the entry is stored with the begin of it, and says so."""
        large: dict[str, Any] = {
            "texts": [[["x" * 10_000] * 50] * 50] * 50,
            "numbers": [[list(range(1_000))] * 50] * 50,
            "keys": {f"{number}" + "k" * 10_000: number for number in range(50)},
            **{f"extra{number}": number for number in range(20_000)},
        }
        handler = StoreHandler(stores.systemlogs)
        logger.addHandler(handler)
        for name in ("texts", "numbers", "keys"):
            logger.info(name, extra={name: large[name]})
        logger.info("all", extra=large)
        logger.info("k" * 10_000, extra={"k" * 10_000: 1})
        logger.info("little", extra={"texts": ["x" * 10_000] * 5})
        handler.flush()

        found = entries(stores)
        assert (6, 0, 0) == (handler.counts.written, handler.counts.refused, handler.counts.dropped)
        assert [True, True, True, True, True, None] == [one.context.get("shortened") for one in found]
        assert all(len(repr(one.context)) < 150_000 for one in found)
        assert all({"thread", "process", "line"} <= one.context.keys() for one in found)
        assert "x" * 1_000 in found[0].context["texts"][0][0][0]
        assert ["x" * 10_000] * 5 == found[5].context["texts"]

    def test_its_own_commands_are_not_logged(self, stores: ThreeStores) -> None:
        """On the root logger, at DEBUG, writing entries makes no entries."""
        root = logging.getLogger()
        before, handler = root.level, StoreHandler(stores.systemlogs, level=logging.DEBUG, interval=0.01)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            logging.getLogger("shop").info("once")
            for _ in range(5):
                logging.getLogger("tristore.mongo").debug("a command")
                logging.getLogger("pymongo.command").debug("a command")
                handler.flush()
        finally:
            root.setLevel(before)
            root.removeHandler(handler)
            handler.close()

        assert ["once"] == [one.message for one in entries(stores) if one.source in {"shop", "tristore.mongo"}]
        assert not [one for one in entries(stores) if one.source.startswith("pymongo")]

    def test_a_full_queue_drops_and_counts(self, stores: ThreeStores, logger: logging.Logger) -> None:
        """Beyond the capacity records are lost at once, and an entry tells how many."""
        handler = StoreHandler(stores.systemlogs, capacity=3, batch=100, interval=60)
        logger.addHandler(handler)
        for number in range(5):
            logger.info("%d", number)

        assert (0, 2, 3) == (handler.counts.written, handler.counts.dropped, handler.counts.waiting)
        handler.flush()
        assert {"0", "1", "2"} < {one.message for one in entries(stores)}
        assert any(one.message.startswith("2 log records were lost") for one in entries(stores))
        handler.close()
        logger.info("after the end")
        assert 3 == handler.counts.dropped
