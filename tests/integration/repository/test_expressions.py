"""An expression that keeps a server busy for minutes, as text of a query: it is only text, within the default time."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.errors import ExecutionTimeout

from tristore.domain.core import User

from ..core_store import CoreStore, OpenCore, RawDatabase, save, user

EXPLODES = "^(a|a?)+$"
VICTIMS = 20_000
"""Documents that the expression would be tried on: 100 s of work for the server."""

RULES: dict[str, Callable[[User], bool]] = {
    "startswith": lambda u: u.email.startswith(EXPLODES),
    "endswith": lambda u: u.email.endswith(EXPLODES),
    "key": lambda u: u.metadata["text"] == EXPLODES,
    "equal": lambda u: u.username == EXPLODES,
}


@pytest.fixture
def store(open_core: OpenCore, database: RawDatabase) -> CoreStore:
    """A store with many documents whose text makes the expression explode."""
    store = open_core()
    save(store, user())
    text = "a" * 40 + "!"
    found: Any = database["users"].find_one({}, {"_id": 0})
    many = [
        {**found, "email": f"{text}{number}", "username": f"{number}", "metadata": {"text": text}}
        for number in range(VICTIMS)
    ]
    database["users"].insert_many(many)
    return store


def test_an_expression_that_explodes(store: CoreStore, database: RawDatabase) -> None:
    """Whatever asks for text finds nothing within the default time; the bare driver would keep the server busy."""
    with pytest.raises(ExecutionTimeout):
        database["users"].find_one({"email": {"$regex": EXPLODES}}, max_time_ms=500)
    with store.reader() as core:
        found = {name: core.users.count(rule) for name, rule in RULES.items()}

    assert dict.fromkeys(RULES, 0) == found
