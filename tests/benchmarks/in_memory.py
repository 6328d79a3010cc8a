"""The in-memory backend beside a dictionary of BSON bytes that is decoded and structured, and beside mongomock."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import mongomock
from bson import decode, encode

from tristore import Documents, Index, UnitOfWork, make_converter, open_store
from tristore.adapters.backend import CODEC_OPTIONS
from tristore.adapters.documents.mapping.converter import mapping_of
from tristore.domain.core import User, UserRepository

from .measure import Case, Step
from .on_mongo import SEEN, a_user

CALLS = 20
"""Calls in one timing: a single one is too short for the clock."""

GROUP = 100
"""How many users have the same credits."""

TOGETHER = 20
"""Users that are added in one unit of work."""

_LOADED = 1_000


class Users(UnitOfWork):
    """Users, by themselves."""

    users: UserRepository


USERS = Documents(UserRepository, collection="users", indexes=(Index("last_login"), Index("credits")))


def user(number: int, count: int) -> User:
    """A user with a moment of his own and the credits of a group."""
    made = a_user(number)
    made.last_login = SEEN + timedelta(seconds=number)
    made.credits = number % max(1, count // GROUP)
    return made


class InMemory:
    """The same users in a store, in a dictionary of BSON bytes, and in mongomock.

    Attributes:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.store = open_store(Users, url="memory://", documents=[USERS])
        self.mapping = mapping_of(USERS, make_converter())
        self.users = [user(number, count) for number in range(count)]
        for start in range(0, count, _LOADED):
            with self.store.unit_of_work() as uow:
                for one in self.users[start : start + _LOADED]:
                    uow.users.add(one)
        self.plain = {one.id: self._encoded(one) for one in self.users}
        self.by_email = {one.email: one.id for one in self.users}
        self.mock: Any = mongomock.MongoClient().benchmark.users
        documents: list[Any] = [self.mapping.dump(one) for one in self.users]
        self.mock.insert_many(documents)
        self.wanted = self.users[:: max(1, count // CALLS)][:CALLS]
        self._next = count

    def _encoded(self, one: User) -> bytes:
        return encode(self.mapping.dump(one), codec_options=CODEC_OPTIONS)

    def beside_a_dict(self) -> list[Case]:
        """Every comparison with the dictionary."""
        named = f"of {self.count:,}"
        return [
            Case(f"get by id {named}", self._reading(self.get), self._plainly(self.get_plain), 4.0, rounds=400),
            Case(
                f"get by unique key {named}",
                self._reading(self.get_by_email),
                self._plainly(self.get_plain_by_email),
                4.0,
                rounds=400,
            ),
            Case(f"committed insert {named}", self.insert_alone, self.insert_plain(1), 8.0, rounds=1_000),
            Case(
                f"committed insert ({TOGETHER} in a unit) {named}",
                self.insert_together,
                self.insert_plain(TOGETHER),
                8.0,
                rounds=200,
            ),
        ]

    def beside_mongomock(self) -> list[Case]:
        """Every comparison with mongomock, which answers with documents that nobody has structured."""
        few, many = (20, 10) if self.count < 10_000 else (1_000, 300)
        rounds = 30 if self.count < 10_000 else 3
        one, number = self.wanted[7], self.wanted[7].credits
        seen = self.mapping.dump(one)["lastLogin"]
        mock = self.mock

        def case(what: str, ours: Callable[[UserRepository], object], theirs: Callable[[], Any], times: int) -> Case:
            return Case(
                f"{what} of {self.count:,}, mongomock",
                self._once(ours),
                lambda: theirs,
                1 / times,
                rounds=rounds,
                more=50,
            )

        return [
            case("get by id", lambda u: u.get(one.id), lambda: mock.find_one({"_id": self._id(one)}), few),
            case(
                "get by unique key",
                lambda u: u.first(lambda x: x.email == one.email),
                lambda: mock.find_one({"email": one.email}),
                few,
            ),
            case(
                "equality (1 row)",
                lambda u: u.find(lambda x: x.last_login == one.last_login),
                lambda: list(mock.find({"lastLogin": seen})),
                few,
            ),
            case(
                f"equality ({GROUP} rows)",
                lambda u: u.find(lambda x: x.credits == number),
                lambda: list(mock.find({"credits": number})),
                many,
            ),
            case(
                "sorted page of 20",
                lambda u: u.page(sort="-last_login", limit=20),
                lambda: (list(mock.find().sort("lastLogin", -1).limit(20)), mock.count_documents({})),
                few,
            ),
        ]

    def _id(self, one: User) -> object:
        return self.mapping.dump_id(one.id)

    def _reading(self, get: Callable[[UserRepository, User], object]) -> Callable[[], Step]:
        def step() -> None:
            with self.store.reader() as reader:
                users = reader.users
                for one in self.wanted:
                    get(users, one)

        return lambda: step

    def _plainly(self, get: Callable[[User], object]) -> Callable[[], Step]:
        def step() -> None:
            for one in self.wanted:
                get(one)

        return lambda: step

    def _once(self, ask: Callable[[UserRepository], object]) -> Callable[[], Step]:
        def step() -> None:
            with self.store.reader() as reader:
                ask(reader.users)

        return lambda: step

    @staticmethod
    def get(users: UserRepository, one: User) -> object:
        """By id."""
        return users.get(one.id)

    def get_plain(self, one: User) -> object:
        """The same from the dictionary."""
        return self.mapping.load(decode(self.plain[one.id], CODEC_OPTIONS))

    @staticmethod
    def get_by_email(users: UserRepository, one: User) -> object:
        """By unique key."""
        return users.first(lambda x: x.email == one.email)

    def get_plain_by_email(self, one: User) -> object:
        """The same through a second dictionary."""
        return self.mapping.load(decode(self.plain[self.by_email[one.email]], CODEC_OPTIONS))

    def insert_alone(self) -> Step:
        """One user in a unit of work."""
        (one,) = self._fresh(1)

        def step() -> None:
            with self.store.unit_of_work() as uow:
                uow.users.add(one)

        return step

    def insert_together(self) -> Step:
        """Many users in a unit of work."""
        fresh = self._fresh(TOGETHER)

        def step() -> None:
            with self.store.unit_of_work() as uow:
                for one in fresh:
                    uow.users.add(one)

        return step

    def insert_plain(self, many: int) -> Callable[[], Step]:
        """The same into the dictionaries, which refuse nothing."""

        def prepare() -> Step:
            fresh = self._fresh(many)

            def step() -> None:
                for one in fresh:
                    self.plain[one.id] = self._encoded(one)
                    self.by_email[one.email] = one.id

            return step

        return prepare

    def _fresh(self, many: int) -> list[User]:
        self._next += many
        return [user(number, self.count) for number in range(self._next - many, self._next)]
