"""The rules of the core store's entities."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tristore import ValidationError, new_id, where
from tristore.domain.core import (
    Credential,
    CreditsTransferred,
    CreditTransfer,
    InsufficientCredits,
    Organization,
    OrganizationId,
    OrganizationStatus,
    Project,
    ProjectArchived,
    ProjectArchivedError,
    ProjectCreated,
    Session,
    Token,
    TokenPurpose,
    User,
    UserDeactivated,
    UserId,
    UserRegistered,
    UserStatus,
    hash_secret,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Issue = Callable[[], tuple[Credential[Any], str]]


def ada(**values: object) -> User:
    return User(**{"email": "ada@example.org", "username": "ada", **values})  # type: ignore[arg-type]


def problem_of(error: "pytest.ExceptionInfo[ValidationError]") -> str:
    return error.value.problems[0].field


def test_an_email_address_is_trimmed_and_lower_cased() -> None:
    """An e-mail address is kept in one form, however it is written."""
    user = ada(email="  Ada@Example.ORG ")

    assert user.email == "ada@example.org"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.org", {"$ne": None}, None])
def test_what_is_no_email_address_is_refused(email: object) -> None:
    """What is no e-mail address is refused when the user is made, whatever its type."""
    with pytest.raises(ValidationError) as error:
        ada(email=email)

    assert problem_of(error) == "email"


@pytest.mark.parametrize("username", ["ab", "a" * 31, "a b", "ad\u00e4", "ada!", "ada\n", None])
def test_a_username_has_3_to_30_plain_characters(username: object) -> None:
    """A username is 3 to 30 letters, digits, '_' and '-'."""
    with pytest.raises(ValidationError) as error:
        ada(username=username)

    assert problem_of(error) == "username"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first_name", "x" * 81),
        ("role", "admin"),
        ("status", "active"),
        ("organization_id", "nobody"),
        ("credits", -1),
        ("credits", 1.5),
        ("credits", True),
        ("last_login", datetime(2026, 1, 1)),
    ],
)
def test_a_broken_rule_of_a_user_names_the_field(name: str, value: object) -> None:
    """A value that breaks a rule is refused, when the user is made and when it is changed, naming the field."""
    with pytest.raises(ValidationError) as made:
        ada(**{name: value})
    with pytest.raises(ValidationError) as changed:
        setattr(ada(), name, value)

    assert (problem_of(made), problem_of(changed)) == (name, name)


@pytest.mark.parametrize(
    ("names", "full", "shown"),
    [
        ({}, "", "ada"),
        ({"first_name": "Ada"}, "Ada", "Ada"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace", "Ada Lovelace"),
        ({"first_name": "Ada", "nickname": "Countess"}, "Ada", "Countess"),
    ],
)
def test_a_user_is_shown_by_the_best_name_that_is_known(names: dict[str, str], full: str, shown: str) -> None:
    """The display name is the nickname, else the full name, else the username."""
    user = ada(**names)

    assert (user.full_name, user.display_name) == (full, shown)


def test_setting_the_display_name_sets_the_nickname() -> None:
    """The display name can be set; an empty one takes the nickname away."""
    user = ada()

    user.display_name = " Countess "
    assert user.nickname == "Countess"

    user.display_name = " "
    assert user.nickname is None


def test_a_display_name_is_text() -> None:
    """What is no text is refused, and changes nothing."""
    user = ada(nickname="Countess")
    with pytest.raises(ValidationError, match="display_name: must be text, not NoneType"):
        user.display_name = cast("Any", None)

    assert user.nickname == "Countess"


@pytest.mark.parametrize("status", list(UserStatus))
def test_only_an_active_user_is_active(status: UserStatus) -> None:
    """`is_active` says of an object what it says in a specification."""
    user = ada(status=status)

    assert user.is_active is (status is UserStatus.ACTIVE)
    assert where(User, lambda u: u.is_active).is_satisfied_by(user) is user.is_active


def test_a_password_hash_is_never_shown() -> None:
    """The repr of a user does not hold the password hash."""
    assert "secret-hash" not in repr(ada(password_hash="secret-hash"))


def test_credits_are_taken_and_given() -> None:
    """Debit and credit change the balance by the amount."""
    user = ada(credits=10)

    user.debit(10)
    user.credit(3)

    assert user.credits == 3


def test_a_debit_above_the_balance_changes_nothing() -> None:
    """InsufficientCredits tells balance and amount, and the balance stays."""
    user = ada(credits=5)

    with pytest.raises(InsufficientCredits) as error:
        user.debit(6)

    assert (error.value.balance, error.value.amount, user.credits) == (5, 6, 5)


@pytest.mark.parametrize("amount", [0, -1, 1.5, True, "1"])
def test_an_amount_is_a_whole_number_of_at_least_1(amount: int) -> None:
    """No other amount is taken or given, so a negative debit cannot make credits."""
    user = ada(credits=5)

    for change in (user.debit, user.credit):
        with pytest.raises(ValidationError):
            change(amount)

    assert user.credits == 5


def test_a_registered_user_records_it() -> None:
    """Registering records an event with what a greeting needs."""
    user = User.register(email="Ada@example.org", username="ada")

    assert user.recorded_events == (UserRegistered(user_id=user.id, email="ada@example.org"),)


def test_deactivating_twice_is_recorded_once() -> None:
    """A second deactivation changes nothing."""
    user = ada()

    user.deactivate()
    user.deactivate()

    assert user.status is UserStatus.INACTIVE
    assert user.recorded_events == (UserDeactivated(user_id=user.id),)


@pytest.mark.parametrize("slug", ["a", "Acme", "acme--inc", "-acme", "acme_inc", "a" * 61, 7])
def test_a_slug_fits_into_an_address(slug: object) -> None:
    """The slug of an organization is lower-case letters and digits with single hyphens."""
    with pytest.raises(ValidationError) as error:
        Organization(name="Acme", slug=slug)  # type: ignore[arg-type]

    assert problem_of(error) == "slug"


def test_an_organization_is_active_until_it_is_suspended() -> None:
    """`is_active` says of an organization what it says in a specification."""
    active = Organization(name=" Acme ", slug="acme-2")
    suspended = Organization(name="Acme", slug="acme", status=OrganizationStatus.SUSPENDED)
    rule = where(Organization, lambda o: o.is_active)

    assert active.name == "Acme"
    assert [True, False] == [rule.is_satisfied_by(active), rule.is_satisfied_by(suspended)]


def test_an_archived_project_keeps_its_name() -> None:
    """A project is archived once, with the time, and cannot be renamed afterwards."""
    organization_id = OrganizationId(new_id())
    project = Project.begin(organization_id=organization_id, name=" Apollo ")

    project.rename("Apollo 11")
    project.archive(NOON)
    project.archive(NOON + HOUR)
    with pytest.raises(ProjectArchivedError):
        project.rename("Apollo 12")

    assert (project.name, project.archived_at, project.is_archived) == ("Apollo 11", NOON, True)
    assert project.recorded_events == (
        ProjectCreated(project_id=project.id, organization_id=organization_id),
        ProjectArchived(project_id=project.id),
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, None, 7])
def test_a_project_has_a_name(name: object) -> None:
    """A project without a name, or with a very long one, is refused."""
    with pytest.raises(ValidationError) as error:
        Project(organization_id=OrganizationId(new_id()), name=name)  # type: ignore[arg-type]

    assert problem_of(error) == "name"


def issue_token() -> tuple[Credential[Any], str]:
    return Token.issue(user_id=UserId(new_id()), purpose=TokenPurpose.API, at=NOON, lifetime=HOUR)


def issue_session() -> tuple[Credential[Any], str]:
    return Session.issue(user_id=UserId(new_id()), at=NOON, lifetime=HOUR)


ISSUES = pytest.mark.parametrize("issue", [issue_token, issue_session])


@ISSUES
def test_only_a_hash_of_the_secret_is_kept(issue: Issue) -> None:
    """The secret of a token or session is returned once, and neither it nor its hash is shown."""
    credential, secret = issue()

    assert credential.secret_hash == hash_secret(secret)
    assert secret not in repr(credential)
    assert credential.secret_hash not in repr(credential)


@ISSUES
def test_a_credential_matches_its_own_secret_only(issue: Issue) -> None:
    """A token or session matches its secret and no other one."""
    credential, secret = issue()

    assert credential.matches(secret)
    assert not credential.matches(issue()[1])


@ISSUES
def test_a_credential_is_valid_until_it_expires(issue: Issue) -> None:
    """A token or session is accepted before the end of its lifetime, not at it."""
    credential, _ = issue()

    assert credential.is_valid(NOON + HOUR - timedelta(milliseconds=1))
    assert not credential.is_valid(NOON + HOUR)


@ISSUES
def test_a_credential_is_revoked_once(issue: Issue) -> None:
    """A revoked token or session is not accepted from then on; a second time changes nothing."""
    credential, _ = issue()

    credential.revoke(NOON + HOUR / 2)
    credential.revoke(NOON + HOUR)

    assert credential.revoked_at == NOON + HOUR / 2
    assert credential.is_valid(NOON)
    assert not credential.is_valid(NOON + HOUR / 2)


def test_a_session_is_seen_forwards_only() -> None:
    """An older sighting that arrives late does not turn the time back; a long user agent is cut."""
    session, _ = Session.issue(user_id=UserId(new_id()), at=NOON, lifetime=HOUR, user_agent="x" * 999)

    session.touch(NOON + timedelta(minutes=2))
    session.touch(NOON + timedelta(minutes=1))

    assert session.last_seen_at == NOON + timedelta(minutes=2)
    assert len(session.user_agent) == 400


def test_a_transfer_moves_credits_and_records_it() -> None:
    """A transfer takes from the sender what it gives to the receiver, and says so in an event."""
    sender, receiver = ada(credits=10), ada(username="bob")

    transfer = CreditTransfer.between(sender, receiver, 4, "lunch")

    assert (sender.credits, receiver.credits, transfer.amount, transfer.note) == (6, 4, 4, "lunch")
    assert transfer.recorded_events == (
        CreditsTransferred(transfer_id=transfer.id, sender_id=sender.id, receiver_id=receiver.id, amount=4),
    )


@pytest.mark.parametrize("amount", [0, -4, 2.5, 11])
def test_a_transfer_that_cannot_be_made_moves_nothing(amount: int) -> None:
    """An amount that is not whole, not positive or not covered leaves both balances."""
    sender, receiver = ada(credits=10), ada(username="bob")

    with pytest.raises((ValidationError, InsufficientCredits)):
        CreditTransfer.between(sender, receiver, amount)

    assert (sender.credits, receiver.credits) == (10, 0)


def test_a_transfer_to_oneself_is_refused() -> None:
    """Sender and receiver are two users."""
    user = ada(credits=10)

    with pytest.raises(ValidationError) as error:
        CreditTransfer.between(user, user, 1)

    assert (problem_of(error), user.credits) == ("receiver_id", 10)
