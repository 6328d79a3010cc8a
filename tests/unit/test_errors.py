"""The tree of errors: as it is drawn, with its facts, and without secrets."""

import copy
import inspect
import pickle
import re

import pytest

from tristore import DuplicateKey, NotFound, TristoreError, ValidationError, VersionConflict
from tristore.domain import errors
from tristore.domain.core import AuthenticationFailed, InsufficientCredits
from tristore.errors import (
    CommitUnknown,
    LeaseLost,
    MigrationRunning,
    Problem,
    RetryExhausted,
    Stale,
    StepChanged,
    StepFailed,
    TooLarge,
    TooManyResults,
    UnreadableVersion,
    WriteConflict,
)

CLASSES = {
    name: found for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, TristoreError)
}


def drawn() -> dict[str, str | None]:
    """Each error of the drawing in the docstring, with the one it hangs on."""
    stack: list[tuple[int, str]] = []
    parents: dict[str, str | None] = {}
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]
        if found := re.fullmatch(r" {4}((?:\|   |    )*)(?:[|`]-- )?([A-Z]\w+)(?: {2,}.*)?", line):
            depth = (found.start(2) - 4) // 4
            stack = [above for above in stack if above[0] < depth]
            parents[found[2]] = stack[-1][1] if stack else None
            stack.append((depth, found[2]))
    return parents


def test_the_drawing_is_the_tree() -> None:
    """The tree in the module's docstring has every error, each below its base, and no other."""
    actual = {
        name: next((base.__name__ for base in found.__bases__ if issubclass(base, TristoreError)), None)
        for name, found in CLASSES.items()
    }

    assert actual == drawn()


@pytest.mark.parametrize("found", CLASSES.values(), ids=CLASSES.keys())
def test_every_error_is_documented(found: type[TristoreError]) -> None:
    """Each error says in its docstring when it is met."""
    assert found.__doc__


LAST = WriteConflict()
STALE = Stale("User", "65", 3, 4)
GONE = Stale("User", "66", 3, None)

FACTS: list[tuple[TristoreError, dict[str, object], str]] = [
    (
        ValidationError([Problem("email", "is missing"), Problem("", "is odd")], entity="User"),
        {"problems": (Problem("email", "is missing"), Problem("", "is odd")), "entity": "User", "document_id": None},
        "User is not valid: email: is missing; is odd",
    ),
    (
        ValidationError.of("email", "is missing"),
        {"problems": (Problem("email", "is missing"),), "entity": "", "document_id": None},
        "value is not valid: email: is missing",
    ),
    (
        ValidationError([Problem("email", "is missing")], entity="User", document_id="65"),
        {"document_id": "65"},
        "stored User 65 is not valid: email: is missing",
    ),
    (NotFound("User", "65"), {"entity": "User", "id": "65"}, "no User with id '65'"),
    (
        DuplicateKey("User", ["email", "tenant"], "65"),
        {"entity": "User", "fields": ("email", "tenant"), "id": "65", "applied": ()},
        "another User already has this email + tenant: choose another value, or load and change the one that has it",
    ),
    (
        DuplicateKey("User", []),
        {"fields": (), "id": None},
        "another User already has this unique value: choose another value, or load and change the one that has it",
    ),
    (
        WriteConflict(),
        {},
        "another writer changed the same data: run the whole unit of work again, as Store.run does",
    ),
    (WriteConflict("the server says so"), {}, "the server says so"),
    (
        VersionConflict([STALE, GONE]),
        {"stale": (STALE, GONE), "applied": ()},
        "User 65 is at version 4, expected version 3; User 66 was removed, expected version 3: "
        "load it again and decide anew",
    ),
    (
        RetryExhausted(3, LAST, "no attempts are left"),
        {"attempts": 3, "last": LAST},
        f"gave up after 3 attempts (no attempts are left); nothing was applied; last: {LAST}",
    ),
    (
        TooManyResults("User", 1000),
        {"entity": "User", "bound": 1000},
        "more than 1,000 User entities match: pass a limit, use page(), or stream() them all",
    ),
    (TooLarge("too large", size=17, limit=16), {"size": 17, "limit": 16}, "too large"),
    (
        CommitUnknown("unit-1"),
        {"unit_id": "unit-1"},
        "unit of work unit-1: the commit was sent and its outcome is unknown; "
        "ask store.resolve('unit-1'), or repeat it only under a key: store.run(fn, key=...)",
    ),
    (
        UnreadableVersion("users", "65", 9, 2, "newer code wrote it"),
        {"collection": "users", "document_id": "65", "version": 9, "current": 2},
        "document 65 of users has schema version 9, and this code has 2: newer code wrote it",
    ),
    (
        StepFailed("users", "65", 2, "rename a to b", "b is there already beside a"),
        {"collection": "users", "document_id": "65", "version": 2, "step": "rename a to b"},
        "document 65 of users cannot be brought to schema version 2: rename a to b: b is there already beside a; "
        "it stays as it is: mend the document or the step",
    ),
    (
        StepChanged("fix"),
        {"name": "fix"},
        "the step fix was carried out with another content than it has now: leave it as it was, and declare what is "
        "new as a step of another name",
    ),
    (
        MigrationRunning("core", "host:7", 12.4),
        {"owner": "host:7", "seconds": 12.4},
        "store core is being migrated by host:7: wait for it; if that process is dead, its lease ends within 12 s",
    ),
    (
        LeaseLost("core"),
        {},
        "the lease on store core is lost to another runner, or could not be renewed in time: nothing is lost, run it "
        "again",
    ),
    (InsufficientCredits(3, 5), {"balance": 3, "amount": 5}, "the balance of 3 does not cover 5 credits"),
    (AuthenticationFailed(), {}, "e-mail or password is wrong, or the account is not active"),
]
NAMES = [type(error).__name__ for error, _, _ in FACTS]


@pytest.mark.parametrize(("error", "facts", "message"), FACTS, ids=NAMES)
def test_an_error_keeps_its_facts(error: TristoreError, facts: dict[str, object], message: str) -> None:
    """What went wrong is in attributes, what to do in the message."""
    assert facts == {name: getattr(error, name) for name in facts}
    assert message == str(error)


@pytest.mark.parametrize(("error", "facts", "message"), FACTS, ids=NAMES)
def test_an_error_travels_between_processes(error: TristoreError, facts: dict[str, object], message: str) -> None:
    """A copy, and one that went through a worker's pickle, says the same."""
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert (type(error), message) == (type(other), str(other))
        assert {name: str(value) for name, value in facts.items()} == {n: str(getattr(other, n)) for n in facts}


def test_every_error_with_facts_is_tried() -> None:
    """The errors that take more than a message are all in the list above, and with them those of accounts."""
    with_facts = {name for name, found in CLASSES.items() if "__init__" in vars(found)}

    assert with_facts | {"InsufficientCredits", "AuthenticationFailed"} == set(NAMES)


def test_errors_can_be_caught_as_what_they_are() -> None:
    """One root for all; a missing entity is a LookupError, an invalid one a ValueError, as Python's own are."""
    assert issubclass(NotFound, LookupError)
    assert issubclass(ValidationError, ValueError)
    assert all(issubclass(found, TristoreError) for found in CLASSES.values())


def test_a_duplicate_key_never_shows_its_values() -> None:
    """The error names the fields of the key and nothing of what was in them."""
    error = DuplicateKey("User", ["email"], "65")

    assert {"entity", "fields", "id"} == set(vars(error))


def test_problems_and_stale_entities_are_shown_in_full() -> None:
    """The parts of an error are equal by their facts and say them in their repr."""
    assert "Problem('email', 'is missing')" == repr(Problem("email", "is missing"))
    assert "Stale('User', '65', expected=3, actual=4)" == repr(STALE)
    assert 1 == len({Problem("email", "is missing"), Problem("email", "is missing")})
    assert Problem("email", "is missing") != Problem("name", "is missing")
    assert Problem("email", "is missing") != "email: is missing"
