"""tristore beside bare pymongo on a real mongod: same values, same write concern, same server."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo import MongoClient, UpdateOne, WriteConcern
from pymongo.read_concern import ReadConcern

from tristore import Store, open_stores
from tristore.domain.core import CoreUnitOfWork, CreditTransfer, User, UserId
from tristore.services import CreditService

from .measure import Case, Step

COUNT = 1_000
EDITED = 100
SNAPSHOT, MAJORITY = ReadConcern("snapshot"), WriteConcern("majority")
SEEN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def a_user(number: int) -> User:
    """A user with every usual field filled."""
    return User(
        email=f"user{number}@example.org",
        username=f"user{number}",
        first_name="Ada",
        last_name="Lovelace",
        credits=1_000_000,
        last_login=SEEN,
        password_hash="$argon2id$v=19$m=65536,t=3,p=4$" + "x" * 66,
        metadata={"theme": "dark", "beta": True, "visits": number},
    )


def by_hand(user: User) -> dict[str, Any]:
    """The document of a user as somebody without a mapping would write it."""
    return {
        "_id": ObjectId(user.id),
        "version": 1,
        "createdAt": SEEN,
        "updatedAt": SEEN,
        "email": user.email,
        "username": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "role": user.role.value,
        "status": user.status.value,
        "credits": user.credits,
        "passwordHash": user.password_hash,
        "lastLogin": user.last_login,
        "metadata": user.metadata,
        "schemaVersion": 1,
    }


class OnMongo:
    """Both ways over one database."""

    def __init__(self, url: str) -> None:
        self.store: Store[CoreUnitOfWork] = open_stores(core=url, prepare="create").core
        self.client: MongoClient[dict[str, Any]] = MongoClient(url, w="majority")
        self.database = self.client.get_default_database()
        self.users = self.database["users"]
        self.ids: list[UserId] = []

    def fill(self) -> None:
        """Store the users that both ways read."""
        users = [a_user(number) for number in range(COUNT)]
        with self.store.unit_of_work() as core:
            for user in users:
                core.users.add(user)
        self.ids = [user.id for user in users]

    def cases(self) -> list[Case]:
        """Every comparison on the server."""
        transfers = CreditService(self.store)
        return [
            Case(
                "get by id",
                self.read_one,
                lambda: self._call(self.users.find_one, {"_id": self._oid()}),
                1.2,
                rounds=400,
            ),
            Case("find 1,000 in a reader", self.read_all, lambda: self._call(self._bare_find), 1.35),
            Case("find 1,000 tracked in a unit", self.track_all, lambda: self._call(self._bare_find), 1.8),
            Case("insert 1,000", self.insert_many, self.bare_insert_many, 1.4, by_cpu=True, rounds=15),
            Case("load, edit, save", self.edit_one, self.bare_edit_one, 1.2, rounds=200),
            Case("flush of 100 edited", self.flush_edited, self.bare_bulk, 1.2, rounds=60),
            Case("transfer of credits", lambda: self.transfer(transfers), self.bare_transfer, 1.0, rounds=200),
        ]

    @staticmethod
    def _call(function: Callable[..., object], *arguments: object) -> Step:
        def step() -> None:
            function(*arguments)

        return step

    def _oid(self, position: int = 7) -> ObjectId:
        return ObjectId(self.ids[position])

    def _bare_find(self) -> list[dict[str, Any]]:
        return list(self.users.find({}))

    def read_one(self) -> Step:
        """Get by id, reader included."""

        def step() -> None:
            with self.store.reader() as core:
                core.users.get(self.ids[7])

        return step

    def read_all(self) -> Step:
        """Find all, reader included."""

        def step() -> None:
            with self.store.reader() as core:
                assert len(core.users.find()) == COUNT

        return step

    def track_all(self) -> Step:
        """Find all in a unit of work, commit included."""

        def step() -> None:
            with self.store.unit_of_work() as core:
                assert len(core.users.find()) == COUNT

        return step

    def insert_many(self) -> Step:
        """Add entities that exist already, one unit."""
        self.users.delete_many({"username": {"$regex": "^new"}})
        new = self._new_users()

        def step() -> None:
            with self.store.unit_of_work() as core:
                for user in new:
                    core.users.add(user)

        return step

    @staticmethod
    def _new_users() -> list[User]:
        new = [a_user(number) for number in range(COUNT)]
        for number, user in enumerate(new):
            user.email, user.username = f"new{number}@example.org", f"new{number}"
        return new

    def bare_insert_many(self) -> Step:
        """Write the documents of the same objects by hand, and insert them in a transaction."""
        self.users.delete_many({"username": {"$regex": "^new"}})
        new = self._new_users()

        def step() -> None:
            documents = [by_hand(user) for user in new]
            with self.client.start_session() as session, session.start_transaction(SNAPSHOT, MAJORITY):
                self.users.insert_many(documents, session=session)

        return step

    def edit_one(self) -> Step:
        """Load, edit in place, commit."""

        def step() -> None:
            with self.store.unit_of_work() as core:
                core.users.get(self.ids[3]).credits += 1

        return step

    def bare_edit_one(self) -> Step:
        """find_one and update_one in a transaction."""

        def step() -> None:
            with self.client.start_session() as session, session.start_transaction(SNAPSHOT, MAJORITY):
                found = self.users.find_one({"_id": self._oid(3)}, session=session) or {}
                self.users.update_one(
                    {"_id": found["_id"], "version": found["version"]},
                    {"$set": {"credits": found["credits"] + 1, "version": found["version"] + 1, "updatedAt": SEEN}},
                    session=session,
                )

        return step

    def flush_edited(self) -> Step:
        """Flush and commit 100 edited entities; loading them is not timed."""
        core = self.store.unit_of_work()
        core.__enter__()
        for user in core.users.find(limit=EDITED, sort="id"):
            user.credits += 1
        return core.commit

    def bare_bulk(self) -> Step:
        """The same as one bulk_write; the reads before it are not timed."""
        session = self.client.start_session()
        session.start_transaction(SNAPSHOT, MAJORITY)
        found = list(self.users.find({}, session=session).sort("_id").limit(EDITED))

        def step() -> None:
            requests = [
                UpdateOne(
                    {"_id": one["_id"], "version": one["version"]},
                    {"$set": {"credits": one["credits"] + 1, "version": one["version"] + 1, "updatedAt": SEEN}},
                )
                for one in found
            ]
            self.users.bulk_write(requests, session=session)
            session.commit_transaction()
            session.end_session()

        return step

    def transfer(self, service: CreditService) -> Step:
        """The service's transfer."""

        def step() -> None:
            service.transfer(self.ids[0], self.ids[1], 1)

        return step

    def bare_transfer(self) -> Step:
        """Two find_one, two update_one, one insert_one in a transaction."""
        transfers = self.database["transfers"]
        example = CreditTransfer(sender_id=self.ids[0], receiver_id=self.ids[1], amount=1)

        def step() -> None:
            with self.client.start_session() as session, session.start_transaction(SNAPSHOT, MAJORITY):
                sender = self.users.find_one({"_id": self._oid(0)}, session=session) or {}
                receiver = self.users.find_one({"_id": self._oid(1)}, session=session) or {}
                for one, change in ((sender, -1), (receiver, 1)):
                    changed = {"credits": one["credits"] + change, "version": one["version"] + 1, "updatedAt": SEEN}
                    self.users.update_one(
                        {"_id": one["_id"], "version": one["version"]}, {"$set": changed}, session=session
                    )
                transfers.insert_one(
                    {
                        "senderId": sender["_id"],
                        "receiverId": receiver["_id"],
                        "amount": example.amount,
                        "version": 1,
                        "createdAt": SEEN,
                        "updatedAt": SEEN,
                        "schemaVersion": 1,
                    },
                    session=session,
                )

        return step
