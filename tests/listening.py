"""Listening to the commands of stores, by the driver's own means."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

Listen = Callable[[CommandListener], None]


def listening(patch: pytest.MonkeyPatch) -> Listen:
    """A function that adds a listener to the client of every store that is opened from then on."""
    listeners: list[CommandListener] = []
    make = MongoClient.__init__

    def with_listeners(client: MongoClient[Any], *arguments: Any, **options: Any) -> None:
        if str(options.get("appname")).startswith("tristore/"):
            options["event_listeners"] = [*options.get("event_listeners", ()), *listeners]
        make(client, *arguments, **options)

    patch.setattr(MongoClient, "__init__", with_listeners)
    return listeners.append


__all__ = ["Listen", "listening"]
