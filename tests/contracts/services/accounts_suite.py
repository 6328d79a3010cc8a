"""What the service for accounts does, on every backend."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from bson import ObjectId

from tristore import DocumentStore, DuplicateKey, FixedClock, NotFound, ValidationError, new_id
from tristore.adapters.backend import Update, WritePlan
from tristore.domain.core import (
    AuthenticationFailed,
    CoreUnitOfWork,
    PasswordChanged,
    Session,
    User,
    UserDeactivated,
    UserId,
    UserRegistered,
    hash_secret,
)
from tristore.errors import LargeUnitWarning
from tristore.services import AccountService
from tristore.three_stores import Argon2PasswordHasher

from .services_base import HOUR, NOON, PASSWORD, StoresContract, ThreeStores


class AccountsContract(StoresContract):
    """Accounts: opened, proven, closed, removed."""

    def test_a_registered_user_is_stored_with_a_hash(self, stores: ThreeStores, ada: User) -> None:
        """Registering stores the user with a hash of the password, never the password."""
        stored = self.stored_user(stores, ada.id)

        assert (stored.email, stored.version) == ("ada@example.org", 1)
        assert stored.password_hash is not None
        assert PASSWORD not in stored.password_hash

    def test_registering_is_announced_after_the_commit(self, stores: ThreeStores, accounts: AccountService) -> None:
        """A handler receives the event when the user can be read by everyone."""
        seen: list[str] = []
        stores.core.subscribe(UserRegistered, lambda event: seen.append(self.stored_user(stores, event.user_id).email))

        accounts.register(email="ada@example.org", username="ada", password=PASSWORD)

        assert seen == ["ada@example.org"]

    @pytest.mark.parametrize(
        ("email", "username", "field"),
        [("ADA@example.org", "other", "email"), ("other@example.org", "ada", "username")],
    )
    @pytest.mark.usefixtures("ada")
    def test_an_account_is_unique(self, accounts: AccountService, email: str, username: str, field: str) -> None:
        """A second account with the same e-mail address, however written, or username is refused."""
        with pytest.raises(DuplicateKey) as error:
            accounts.register(email=email, username=username, password=PASSWORD)

        assert error.value.fields == (field,)

    def test_one_address_registered_in_threads(self, stores: ThreeStores, accounts: AccountService) -> None:
        """Of six who register one address at once, one has it, and five hear that it is taken."""
        start = threading.Barrier(6)

        def register(number: int) -> tuple[str, ...]:
            start.wait()
            try:
                accounts.register(email="ada@example.org", username=f"ada{number}", password=PASSWORD)
            except DuplicateKey as duplicate:
                return duplicate.fields
            return ()

        with ThreadPoolExecutor(6) as pool:
            outcomes = sorted(pool.map(register, range(6)))

        assert outcomes == [(), *[("email",)] * 5]
        with stores.core.reader() as core:
            assert core.users.count() == 1

    @pytest.mark.parametrize("wrong", [{"password": "short"}, {"email": "nobody"}, {"username": "a b"}])
    def test_bad_registrations_write_nothing(
        self, stores: ThreeStores, accounts: AccountService, wrong: dict[str, str]
    ) -> None:
        """A registration that breaks a rule is a ValidationError and stores nothing."""
        values = {"email": "ada@example.org", "username": "ada", "password": PASSWORD, **wrong}

        with pytest.raises(ValidationError):
            accounts.register(**values)  # type: ignore[arg-type]

        with stores.core.reader() as core:
            assert core.users.count() == 0

    def test_authenticating_remembers_the_sign_in(
        self, stores: ThreeStores, accounts: AccountService, ada: User, clock: FixedClock
    ) -> None:
        """The right password returns the user, for any way to write the address, and sets the last login."""
        clock.advance(HOUR)

        assert accounts.authenticate(" Ada@Example.org ", PASSWORD) == ada
        assert self.stored_user(stores, ada.id).last_login == NOON + HOUR

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "not an address"])
    @pytest.mark.usefixtures("ada")
    def test_a_failed_sign_in_does_not_say_why(self, accounts: AccountService, email: str) -> None:
        """Wrong password, unknown account and malformed address fail alike."""
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(email, "battery staple")

    def test_an_unknown_account_costs_a_hash(self, stores: ThreeStores, clock: FixedClock) -> None:
        """Timing does not tell whether an account exists: the password is hashed for an unknown one too."""
        hashed: list[str] = []

        class Counting(Argon2PasswordHasher):
            def hash(self, password: str) -> str:
                hashed.append(password)
                return super().hash(password)

        accounts = AccountService(stores.core, Counting(time_cost=1, memory_cost=64, parallelism=1), clock)
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate("nobody@example.org", PASSWORD)

        assert hashed == [PASSWORD]

    def test_a_sign_in_renews_an_old_hash(
        self, stores: ThreeStores, accounts: AccountService, ada: User, clock: FixedClock
    ) -> None:
        """When the parameters have risen, the next sign-in stores a new hash; the one after it does not."""
        before = self.stored_user(stores, ada.id).password_hash
        dearer = Argon2PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)

        AccountService(stores.core, dearer, clock).authenticate(ada.email, PASSWORD)
        renewed = self.stored_user(stores, ada.id).password_hash
        AccountService(stores.core, dearer, clock).authenticate(ada.email, PASSWORD)

        assert renewed is not None
        assert renewed != before
        assert not dearer.needs_rehash(renewed)
        assert renewed == self.stored_user(stores, ada.id).password_hash

    def test_a_stored_user_that_does_not_fit_is_no_wrong_password(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """A user whom another program has spoilt is reported as what it is, not as a failed sign-in."""
        backend = cast("DocumentStore[CoreUnitOfWork]", stores.core).backend
        spoil = Update(ObjectId(ada.id), 1, {"username": 5})
        backend.write(WritePlan("users", "version", updates=[spoil]), transaction=None, timeout=5.0)

        with pytest.raises(ValidationError, match=f"stored User {ada.id} is not valid: username"):
            accounts.authenticate(ada.email, PASSWORD)

    def test_an_inactive_user_keeps_the_password(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """Whoever may not sign in may not choose another password either."""
        accounts.deactivate(ada.id)
        before = self.stored_user(stores, ada.id)

        with pytest.raises(AuthenticationFailed):
            accounts.change_password(ada.id, PASSWORD, "battery staple")

        after = self.stored_user(stores, ada.id)
        assert (after.version, after.password_hash) == (before.version, before.password_hash)

    def test_a_changed_password_replaces_the_old_one(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """The new password signs in, the old one does not, and it is announced."""
        seen: list[PasswordChanged] = []
        stores.core.subscribe(PasswordChanged, seen.append)

        accounts.change_password(ada.id, PASSWORD, "battery staple")

        assert accounts.authenticate(ada.email, "battery staple") == ada
        assert seen == [PasswordChanged(user_id=ada.id)]
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(ada.email, PASSWORD)

    def test_a_changed_password_ends_sessions_and_tokens(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """Whoever was signed in with the old password is signed out."""
        self.add_credentials(stores, ada.id)

        accounts.change_password(ada.id, PASSWORD, "battery staple")

        with stores.core.reader() as core:
            assert not core.tokens.active_of(ada.id, NOON)
            assert not core.sessions.active_of(ada.id, NOON)

    def test_a_password_changes_only_with_the_current_one(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """A wrong current password, a bad new one and an unknown user change nothing."""
        before = self.stored_user(stores, ada.id)

        with pytest.raises(AuthenticationFailed):
            accounts.change_password(ada.id, "battery staple", "another one")
        with pytest.raises(ValidationError):
            accounts.change_password(ada.id, PASSWORD, "short")
        with pytest.raises(NotFound):
            accounts.change_password(UserId(new_id()), PASSWORD, "another one")

        after = self.stored_user(stores, ada.id)
        assert (after.version, after.password_hash) == (before.version, before.password_hash)

    def test_a_deactivated_user_is_signed_out(self, stores: ThreeStores, accounts: AccountService, ada: User) -> None:
        """A deactivated user cannot sign in, has no session or token left, and it is announced."""
        self.add_credentials(stores, ada.id)
        seen: list[UserDeactivated] = []
        stores.core.subscribe(UserDeactivated, seen.append)

        accounts.deactivate(ada.id)

        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(ada.email, PASSWORD)
        with stores.core.reader() as core:
            assert not core.users.get(ada.id).is_active
            assert not core.tokens.active_of(ada.id, NOON)
            assert not core.sessions.active_of(ada.id, NOON)
        assert seen == [UserDeactivated(user_id=ada.id)]

    def test_a_removed_user_takes_its_credentials_along(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """Removing a user removes its tokens and sessions, and nobody else's."""
        other = self.add_user(stores, "bob")
        token_secret, session_secret = self.add_credentials(stores, ada.id)
        self.add_credentials(stores, other)

        accounts.remove(ada.id)

        with stores.core.reader() as core:
            assert core.users.by_email(ada.email) is None
            assert core.tokens.by_secret_hash(hash_secret(token_secret)) is None
            assert core.sessions.by_secret_hash(hash_secret(session_secret)) is None
            assert (1, 1) == (len(core.tokens.of_user(other)), len(core.sessions.of_user(other)))

    def test_no_credential_of_a_removed_user_is_missed(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """A user goes with all sessions, also with more of them than one find returns."""
        for count in (1_000, 1):  # as many as a find without a limit may give
            with stores.core.unit_of_work() as core:
                for _ in range(count):
                    core.sessions.add(Session.issue(user_id=ada.id, at=NOON, lifetime=HOUR)[0])

        with pytest.warns(LargeUnitWarning, match="changes 1,00[0-9] entities"):
            accounts.remove(ada.id)

        with stores.core.reader() as reader:
            assert reader.sessions.count() == 0

    def test_a_rolled_back_removal_keeps_everything(self, stores: ThreeStores, ada: User) -> None:
        """User, tokens and sessions go in one transaction or not at all."""
        self.add_credentials(stores, ada.id)

        with stores.core.unit_of_work() as core:
            core.users.remove(core.users.get(ada.id))
            core.flush()
            core.rollback()

        with stores.core.reader() as reader:
            assert reader.users.get(ada.id) == ada
            assert (1, 1) == (len(reader.tokens.of_user(ada.id)), len(reader.sessions.of_user(ada.id)))

    def test_what_is_not_there_is_not_found(self, accounts: AccountService) -> None:
        """An unknown user can be neither deactivated nor removed."""
        unknown = UserId(new_id())

        for act in (accounts.deactivate, accounts.remove):
            with pytest.raises(NotFound) as error:
                act(unknown)
            assert (error.value.entity, error.value.id) == ("User", unknown)
