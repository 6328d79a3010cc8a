"""Mass assignment: data from outside reaches an entity only through an allow-list."""

from datetime import datetime
from typing import Any

import attrs
import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from tristore import ConfigurationError, Entity, ValidationError, from_dict, new_id, update_from
from tristore.domain.core import CreditTransfer, User, UserId, UserRole
from tristore.fields import SECRET, text

CANARY = "hunter2-Zq9"
STRANGE_NAMES = ["$set", "roles.admin", "a\0b", "__proto__", "__class__", "constructor", "", "_events", "is_active"]


def not_above_the_end(span: "Span", _: object, value: int) -> None:
    if value > span.end:
        raise ValueError("must not be above the end")


def not_below_the_start(span: "Span", _: object, value: int) -> None:
    if value < getattr(span, "start", value):  # which the constructor sets later
        raise ValueError("must not be below the start")


@define(kw_only=True)
class Span(Entity):
    """A rule over two fields."""

    end: int = field(validator=not_below_the_start)
    start: int = field(validator=not_above_the_end)
    name: str = ""


@define
class Card:
    """A nested value that holds a secret."""

    pin: str = field(repr=False, metadata=SECRET)
    holder: str = ""


@define(kw_only=True)
class Wallet(Entity):
    """Fields that nobody may allow."""

    label: str = field(default="", validator=text(max=10))
    number: int = field(default=1, on_setattr=attrs.setters.frozen)
    card: Card | None = None
    cards: list[Card] = field(factory=list)
    opened_at: datetime | None = None
    settings: dict[str, Any] = field(factory=dict)


@frozen
class Point:
    """A value that never changes."""

    x: int


def user() -> User:
    """A user as it was stored."""
    return User(email="ada@example.org", username="ada", credits=5, password_hash=CANARY)


def state(entity: Any) -> tuple[Any, ...]:
    """Every value of an entity."""
    return attrs.astuple(entity, recurse=False)


def test_what_is_allowed_is_taken_over() -> None:
    """Values that are given and allowed are converted, validated and assigned; the others stay."""
    ada = user()
    update_from(
        ada,
        {"email": " Ada@Example.COM ", "nickname": "Countess", "role": "manager"},
        allow={"email", "nickname", "role", "first_name"},
    )

    assert ("ada@example.com", "Countess", UserRole.MANAGER, None, 5) == (
        ada.email,
        ada.nickname,
        ada.role,
        ada.first_name,
        ada.credits,
    )


def test_there_is_no_default() -> None:
    """Whoever takes data over says what may change: without an allow-list there is no call."""
    with pytest.raises(TypeError, match="allow"):
        update_from(user(), {"nickname": "x"})  # type: ignore[call-arg]


def test_everything_wrong_is_reported_at_once_and_nothing_changes() -> None:
    """Fields that are not allowed, unknown or wrong are one error, and what was right is not assigned either."""
    ada = user()
    before = state(ada)
    data = {"nickname": "Countess", "email": {"$ne": None}, "role": "king", "credits": 10**6, "admin": True}
    with pytest.raises(ValidationError) as caught:
        update_from(ada, data, allow={"nickname", "email", "role"})

    assert {"email", "role", "credits", "admin"} == {problem.field for problem in caught.value.problems}
    assert ("User", before) == (caught.value.entity, state(ada))


def test_forbidden_and_unknown_names_look_the_same() -> None:
    """Whoever guesses names does not learn which fields the entity has."""
    with pytest.raises(ValidationError) as caught:
        update_from(user(), {"password_hash": "x", "no_such_field": "x", "version": 7}, allow={"nickname"})

    assert {"may not be given"} == {problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_names_that_are_no_fields(name: str) -> None:
    """Operators, dotted paths, NUL and Python's own names are refused, allowed or not, by all that takes data."""
    ada = user()
    before = state(ada)
    for take in (
        lambda: update_from(ada, {name: {"x": 1}}, allow={"metadata"}),
        lambda: from_dict(User, {"email": "ada@example.org", "username": "ada", name: {"x": 1}}),
        lambda: from_dict(User, {"email": "ada@example.org", "username": "ada", name: 1}, allow={"email", "username"}),
    ):
        with pytest.raises(ValidationError) as caught:
            take()
        assert [name] == [problem.field for problem in caught.value.problems]
    with pytest.raises(ConfigurationError, match="it is not a field"):
        update_from(ada, {}, allow={name})

    assert before == state(ada)


@pytest.mark.parametrize("key", ["$set", "roles.admin", "a\0b"])
@pytest.mark.parametrize("deep", [False, True])
def test_keys_of_free_dictionaries(key: str, deep: bool) -> None:
    """A key that a store could take for an operator or a path is refused, however deep it is."""
    data = {"metadata": {"list": [{"x": {key: 1}}]} if deep else {key: 1}}
    ada = user()
    with pytest.raises(ValidationError):
        update_from(ada, data, allow={"metadata"})
    with pytest.raises(ValidationError):
        from_dict(User, {"email": "ada@example.org", "username": "ada", **data})

    assert {} == ada.metadata


@pytest.mark.parametrize("name", ["id", "version", "created_at", "updated_at"])
def test_what_only_tristore_sets(name: str) -> None:
    """Id, version and the times of an entity cannot be allowed, even if nothing is given for them."""
    for take in (lambda: update_from(user(), {}, allow={name}), lambda: from_dict(User, {}, allow={name})):
        with pytest.raises(ConfigurationError, match=f"User.{name} cannot be allowed: only tristore sets it"):
            take()


@pytest.mark.parametrize("name", ["card", "cards"])
def test_secrets_cannot_be_allowed(name: str) -> None:
    """A secret, and a value or list that holds one, is refused in an allow-list."""
    with pytest.raises(ConfigurationError, match="secret"):
        update_from(user(), {}, allow={"password_hash"})
    with pytest.raises(ConfigurationError, match="secret"):
        update_from(Wallet(), {}, allow={name})


def test_an_allow_list_is_a_set_of_names() -> None:
    """One text, whose letters would be taken for names, and what is no text are refused."""
    for allow in ("nickname", [1]):
        with pytest.raises(ConfigurationError, match="set of attribute names"):
            update_from(user(), {}, allow=allow)  # type: ignore[arg-type]


def test_what_never_changes_cannot_be_allowed() -> None:
    """A frozen field, and a frozen object, are refused before anything changes."""
    wallet = Wallet()
    for subject, data, name in ((wallet, {"label": "x", "number": 2}, "number"), (Point(1), {"x": 2}, "x")):
        with pytest.raises(ConfigurationError, match="frozen"):
            update_from(subject, data, allow=set(data) | {name})

    assert ("", 1) == (wallet.label, wallet.number)


@pytest.mark.parametrize("data", [{"start": 7, "end": 9}, {"start": -3, "end": -2}])
def test_values_that_are_right_together(data: dict[str, int]) -> None:
    """Two fields whose rule looks at both change together, whichever way they move."""
    span = Span(start=1, end=5)
    update_from(span, data, allow={"start", "end"})

    assert data == {"start": span.start, "end": span.end}


@pytest.mark.parametrize("data", [{"start": 7}, {"end": 0}, {"start": 9, "end": 7}, {"start": 7, "name": "x"}])
def test_values_that_break_a_rule_together(data: dict[str, Any]) -> None:
    """A rule over two fields holds although only one of them is given."""
    span = Span(start=1, end=5)
    with pytest.raises(ValidationError):
        update_from(span, data, allow={"start", "end", "name"})

    assert (1, 5, "") == (span.start, span.end, span.name)


def test_rules_of_fields_that_are_not_given() -> None:
    """A validator that looks at another field is asked again when that field changes."""
    transfer = CreditTransfer(sender_id=UserId(new_id()), receiver_id=UserId(new_id()), amount=1)
    before = state(transfer)
    with pytest.raises(ValidationError, match="receiver_id: must be another user"):
        update_from(transfer, {"sender_id": transfer.receiver_id}, allow={"sender_id"})

    assert before == state(transfer)


def test_secrets_stay_out_of_errors() -> None:
    """A secret that is not valid is named, and shown in no message, cause or context."""
    with pytest.raises(ValidationError) as caught:
        from_dict(Card, {"pin": [CANARY]})

    assert "pin: is not valid" in str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def refuse_the_pin(login: "Login") -> None:
    raise ValueError(f"{login.pin!r} is too easy")


@define
class Login:
    """A rule over the whole that quotes the secret."""

    pin: str = field(repr=False, metadata=SECRET)

    def __attrs_post_init__(self) -> None:
        refuse_the_pin(self)


def test_a_rule_over_the_whole_that_quotes_a_secret() -> None:
    """The words of a constructor that quote a secret are replaced."""
    with pytest.raises(ValidationError) as caught:
        from_dict(Login, {"pin": CANARY})

    assert "Login is not valid: is not valid" == str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_building_with_an_allow_list() -> None:
    """from_dict with an allow-list builds from what a sign-up may give, and from nothing else."""
    made = from_dict(User, {"email": "ada@example.org", "username": "ada"}, allow={"email", "username"})
    with pytest.raises(ValidationError, match="role: may not be given"):
        from_dict(User, {"email": "a@example.org", "username": "ada", "role": "admin"}, allow={"email", "username"})

    assert UserRole.MEMBER is made.role


@pytest.mark.parametrize("data", [None, [], "x", 1, [("nickname", "x")]])
def test_what_is_no_object(data: Any) -> None:
    """What is not an object with fields is one error."""
    with pytest.raises(ValidationError, match="must be an object"):
        update_from(user(), data, allow={"nickname"})


FIELDS = sorted(attribute.name for attribute in attrs.fields(User) if attribute.name != "_events")
ALLOWED = {"nickname", "first_name", "metadata", "role", "email"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.just("$gt"), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, *STRANGE_NAMES]), VALUES, max_size=4))
def test_whatever_is_given(data: dict[str, Any]) -> None:
    """No data changes what is not allowed, and data that is refused changes nothing at all."""
    ada = user()
    before = attrs.asdict(ada, recurse=False)
    refused = False
    try:
        update_from(ada, data, allow=ALLOWED)
    except ValidationError:
        refused = True
    after = attrs.asdict(ada, recurse=False)

    assert refused or set(data) <= ALLOWED
    assert {name for name in after if after[name] is not before[name]} <= (set() if refused else set(data))
