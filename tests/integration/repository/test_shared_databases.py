"""Documents of other programs in the same database: Mongoose's form, fields that nobody here knows, broken ones."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from bson.int64 import Int64

from tristore import NEVER, Id, NotFound, ValidationError, VersionConflict, is_none, not_
from tristore.domain.core import OrganizationId, User, UserId, UserRole
from tristore.errors import WriteConflict

from ..core_store import CoreStore, OpenCore, RawDatabase, load, save, user

CREATED = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
KEY, ORGANIZATION = ObjectId(), ObjectId()
ADA = UserId(Id(str(KEY)))


def from_mongoose(**values: Any) -> dict[str, Any]:
    """A user as a Mongoose service stores it: whole numbers as doubles, nulls, ``__v``, fields of its own."""
    return {
        "_id": KEY,
        "email": "ada@example.org",
        "username": "ada",
        "firstName": "Ada",
        "lastName": None,
        "organizationId": ORGANIZATION,
        "credits": 10.0,
        "lastLogin": None,
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "__v": 3,
        "foreign": {"theme": "dark", "list": [1, 2.0]},
        **values,
    }


@pytest.fixture
def store(open_core: OpenCore) -> CoreStore:
    """The core store."""
    return open_core()


def stored(database: RawDatabase) -> dict[str, Any]:
    """The document of the user, as everybody sees it."""
    found = database["users"].find_one({"_id": KEY})
    assert found is not None
    return found


def put(database: RawDatabase, **values: Any) -> None:
    """Let the other program store its user."""
    database["users"].insert_one(from_mongoose(**values))


def test_document_loads(store: CoreStore, database: RawDatabase) -> None:
    """A document without a version loads: whole doubles are integers, what is missing has its default."""
    put(database)
    ada = load(store, ADA)

    assert (0, 10, int) == (ada.version, ada.credits, type(ada.credits))
    assert ("Ada", None, UserRole.MEMBER, {}) == (ada.first_name, ada.last_name, ada.role, ada.metadata)
    assert (str(ORGANIZATION), CREATED, CREATED) == (ada.organization_id, ada.created_at, ada.updated_at)


def test_edit_keeps_what_is_not_known(store: CoreStore, database: RawDatabase) -> None:
    """U9, U10: an edit gives version 1 and changes the edited field only; foreign fields stay as they are."""
    put(database)
    with store.unit_of_work() as core:
        ada = core.users.get(ADA)
        ada.credits += 5
    after = stored(database)
    changed = {key for key in after if after[key] != from_mongoose().get(key)} - {"createdAt"}

    assert (1, 1, 15) == (ada.version, after["version"], after["credits"])
    assert {"version", "credits", "updatedAt"} == changed
    assert (3, {"theme": "dark", "list": [1, 2.0]}) == (after["__v"], after["foreign"])


@pytest.mark.parametrize("values", [{}, {"version": None}], ids=["missing", "null"])
@pytest.mark.parametrize("transactions", ["required", "off"])
def test_missing_version_guards_once(
    open_core: OpenCore, database: RawDatabase, transactions: str, values: dict[str, Any]
) -> None:
    """U10: a document without a version is updated, then each further unit takes a step."""
    put(database, **values)
    store = open_core(transactions=transactions)
    for credits in (20, 30):
        with store.unit_of_work() as core:
            core.users.get(ADA).credits = credits

    assert (2, 30) == (stored(database)["version"], stored(database)["credits"])


def test_missing_version_does_not_hide_an_edit(open_core: OpenCore, database: RawDatabase) -> None:
    """U12: an edit that was made since a document without version was loaded is never overwritten."""
    put(database)
    writers = {"required": WriteConflict, "off": VersionConflict}
    for transactions, conflict in writers.items():
        store = open_core(transactions=transactions)
        with pytest.raises(conflict), store.unit_of_work() as core:
            core.users.get(ADA).credits = 99
            database["users"].update_one({"_id": KEY}, {"$set": {"version": 1, "credits": 1}})

        assert 1 == stored(database)["credits"]
        database["users"].update_one({"_id": KEY}, {"$unset": {"version": ""}})


def test_attach_and_remove_without_version(store: CoreStore, database: RawDatabase) -> None:
    """U12: an entity without a version can be attached and removed; its version counts as 0."""
    put(database)
    ada = load(store, ADA)
    ada.credits = 1
    with store.unit_of_work() as core:
        core.users.attach(ada)
    with pytest.raises(VersionConflict) as caught, store.unit_of_work() as core:
        core.users.get(ADA, version=0)
    with store.unit_of_work() as core:
        core.users.remove(core.users.get(ADA, version=1))

    assert [(0, 1)] == [(one.expected, one.actual) for one in caught.value.stale]
    with pytest.raises(NotFound):
        load(store, ADA)


def test_null_is_none(store: CoreStore, database: RawDatabase) -> None:
    """A null and a missing optional field load as None, and is_none finds both."""
    put(database)
    save(store, user("missing"), user("given", last_name="Lovelace", last_login=CREATED))
    with store.reader() as core:
        found = core.users.find(lambda u: is_none(u.last_name) & is_none(u.last_login), sort="username")
        others = core.users.find(lambda u: not_(is_none(u.last_name)))

    assert ["ada", "missing"] == [one.username for one in found]
    assert [None, None] == [one.last_name for one in found]
    assert ["given"] == [one.username for one in others]


def test_double_is_found_as_a_number(store: CoreStore, database: RawDatabase) -> None:
    """A whole number stored as a double or a 64-bit integer is found, sorted and counted as the number it is."""
    put(database)
    save(store, user("less", credits=9), user("more", credits=11))
    database["users"].update_one({"username": "more"}, {"$set": {"credits": Int64(11)}})
    with store.reader() as core:
        assert 1 == core.users.count(lambda u: u.credits == 10)
        assert ["less", "ada", "more"] == [one.username for one in core.users.find(sort="credits")]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"credits": "many"}, "credits"),
        ({"credits": 10.5}, "credits"),
        ({"role": "emperor"}, "role"),
        ({"email": None}, "email"),
        ({"organizationId": "not an id"}, "organization_id"),
        ({"lastLogin": "yesterday"}, "last_login"),
        ({"metadata": [1]}, "metadata"),
        ({"createdAt": 5}, "created_at"),
    ],
    ids=str,
)
def test_broken_document(store: CoreStore, database: RawDatabase, values: dict[str, Any], field: str) -> None:
    """A document that does not fit is an error that names its id and the field, alone and among others."""
    save(store, user("fine"))
    put(database, **values)
    with store.reader() as core:
        with pytest.raises(ValidationError) as alone:
            core.users.get(ADA)
        with pytest.raises(ValidationError) as among:
            core.users.find()
        with pytest.raises(ValidationError) as streamed:
            list(core.users.stream())
    for error in (alone.value, among.value, streamed.value):
        assert ("User", KEY, [field]) == (error.entity, error.document_id, [one.field for one in error.problems])
        assert str(KEY) in str(error)
        assert field in str(error)


def test_broken_document_names_every_field(store: CoreStore, database: RawDatabase) -> None:
    """Everything that is wrong with a document is said at once, and a unit that met it writes nothing."""
    save(store, user("fine"))
    put(database, credits="many", role="emperor")
    with pytest.raises(ValidationError) as caught, store.unit_of_work() as core:
        core.users.first(lambda u: u.username == "fine")
        core.users.add(user("new"))
        core.users.get(ADA)

    assert {"credits", "role"} == {one.field for one in caught.value.problems}
    assert 2 == database["users"].count_documents({})


def test_ids_of_another_kind(store: CoreStore, database: RawDatabase) -> None:
    """A document whose id is no ObjectId is not an entity of this store: the error names the id."""
    put(database, _id="ada")
    with pytest.raises(ValidationError, match="ada"), store.reader() as core:
        core.users.find()


def test_native_forms(store: CoreStore, database: RawDatabase) -> None:
    """Ids and references are ObjectIds, dates are dates, keys are camelCase, and None is left out."""
    organization = OrganizationId(Id(str(ORGANIZATION)))
    ada = User(
        id=ADA,
        email="ada@example.org",
        username="ada",
        organization_id=organization,
        last_login=CREATED,
        credits=7,
        metadata={"snake_key": [1, "two"]},
    )
    save(store, ada)
    found = stored(database)

    assert (KEY, ORGANIZATION) == (found["_id"], found["organizationId"])
    assert (CREATED.replace(tzinfo=None), 7, 1, 1) == (
        found["lastLogin"],
        found["credits"],
        found["version"],
        found["schemaVersion"],
    )
    assert {"snake_key": [1, "two"]} == found["metadata"]
    assert {"firstName", "lastName", "nickname", "passwordHash"}.isdisjoint(found)
    assert isinstance(found["createdAt"], datetime)


def test_reference_finds_what_another_program_wrote(store: CoreStore, database: RawDatabase) -> None:
    """A query by reference meets the ObjectId that another program stored."""
    put(database)
    with store.reader() as core:
        found = core.users.find(lambda u: u.organization_id == OrganizationId(Id(str(ORGANIZATION))))

    assert [ADA] == [one.id for one in found]


def test_document_without_dates(store: CoreStore, database: RawDatabase) -> None:
    """A document without dates loads with NEVER, and gets its date of change with the first edit."""
    put(database)
    database["users"].update_one({"_id": KEY}, {"$unset": {"createdAt": "", "updatedAt": ""}})
    with store.unit_of_work() as core:
        ada = core.users.get(ADA)
        assert (NEVER, NEVER) == (ada.created_at, ada.updated_at)
        ada.credits = 0
    after = stored(database)

    assert "createdAt" not in after
    assert after["updatedAt"].replace(tzinfo=UTC) == ada.updated_at > CREATED
