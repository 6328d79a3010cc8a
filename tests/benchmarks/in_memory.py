"""The in-memory backend beside a dictionary of BSON bytes that is decoded and structured."""

from bson import decode, encode

from tristore import make_converter, open_stores
from tristore.adapters.bson_values import CODEC_OPTIONS
from tristore.adapters.documents.converter import mapping_of
from tristore.adapters.documents.core import CORE
from tristore.domain.core import User

from .measure import Case, Step
from .on_mongo import a_user

CALLS = 200
"""Calls in one timing: a single one is too short for the clock."""


def case(count: int) -> Case:
    """Get by id among so many users."""
    users = [a_user(number) for number in range(count)]
    store = open_stores().core
    with store.unit_of_work() as core:
        for user in users:
            core.users.add(user)
    users_documents = next(found for found in CORE if found.repository.entity is User)
    mapping = mapping_of(users_documents, make_converter())
    plain = {user.id: encode(mapping.dump(user), codec_options=CODEC_OPTIONS) for user in users}
    wanted = [user.id for user in users[:: max(1, count // CALLS)]][:CALLS]

    def ours() -> Step:
        def step() -> None:
            with store.reader() as core:
                get = core.users.get
                for id in wanted:
                    get(id)

        return step

    def bare() -> Step:
        def step() -> None:
            for id in wanted:
                mapping.load(decode(plain[id], CODEC_OPTIONS))

        return step

    return Case(f"in memory: get by id of {count:,}", ours, bare, 5.0, rounds=40)
