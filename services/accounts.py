"""Accounts: opening one, proving who one is, and closing it again."""

from datetime import datetime
from typing import Any

from attrs import frozen

from ..domain.core import AuthenticationFailed, CoreUnitOfWork, Credential, OrganizationId, User, UserId
from ..domain.core.passwords import PasswordHasher, check_password
from ..domain.entities.clock import Clock
from ..domain.entities.fields import to_email
from ..domain.entities.ids import IdFactory, new_id
from ..domain.errors import NotFound, ValidationError
from ..domain.unit_of_work.store import Store


@frozen
class AccountService:
    """The use cases around an account.

    Hashing is slow on purpose and always happens outside the transaction; inside, the stored hash is
    compared with the one that was checked, so that a password that changed meanwhile is not overlooked.
    """

    _core: Store[CoreUnitOfWork]
    _passwords: PasswordHasher
    _clock: Clock
    _ids: IdFactory = new_id

    def register(
        self, *, email: str, username: str, password: str, organization_id: OrganizationId | None = None
    ) -> User:
        """Open an account.

        Raises:
            ValidationError: if e-mail address, username or password are not acceptable.
            DuplicateKey: if the e-mail address or the username is taken.
        """
        check_password(password)
        user = User.register(id=UserId(self._ids()), email=email, username=username, organization_id=organization_id)
        user.password_hash = self._passwords.hash(password)
        # Two for one address at once: the slower one meets a conflict, and the duplicate at its next attempt.
        self._core.run(lambda core: core.users.add(user))
        return user

    def authenticate(self, email: str, password: str) -> User:
        """Return the active user with that e-mail address and password, and remember the sign-in.

        Raises:
            AuthenticationFailed: without saying why; finding that out takes the same time in every case.
        """
        found = self._find(email)
        checked = found.password_hash if found is not None else None
        if found is None or checked is None:
            self._passwords.hash(password)  # costs what a verification costs
            raise AuthenticationFailed
        if not self._passwords.verify(checked, password):
            raise AuthenticationFailed
        fresh = self._passwords.hash(password) if self._passwords.needs_rehash(checked) else checked
        return self._core.run(lambda core: self._sign_in(core, found.id, checked, fresh))

    def change_password(self, user_id: UserId, current: str, new: str) -> None:
        """Take another password; whoever is signed in has to sign in again.

        Raises:
            AuthenticationFailed: if the current password is wrong, or the account is not active.
            ValidationError: if the new one is not acceptable.
            NotFound: if there is no such user.
        """
        check_password(new)
        with self._core.reader() as core:
            checked = core.users.get(user_id).password_hash
        if checked is None or not self._passwords.verify(checked, current):
            raise AuthenticationFailed
        fresh = self._passwords.hash(new)

        def change(core: CoreUnitOfWork) -> None:
            user = core.users.get(user_id)
            if user.password_hash != checked or not user.is_active:
                raise AuthenticationFailed
            user.change_password(fresh)
            _revoke_all(core, user_id, self._clock.now())

        self._core.run(change)

    def deactivate(self, user_id: UserId) -> None:
        """Close the account to its user, who is signed out everywhere; what it owns stays.

        Raises:
            NotFound: if there is no such user.
        """

        def deactivate(core: CoreUnitOfWork) -> None:
            core.users.get(user_id).deactivate()
            _revoke_all(core, user_id, self._clock.now())

        self._core.run(deactivate)

    def remove(self, user_id: UserId) -> None:
        """Remove a user with its tokens and sessions, all of it or nothing.

        Raises:
            NotFound: if there is no such user.
        """
        self._core.run(lambda core: core.users.remove(core.users.get(user_id)))

    def _find(self, email: str) -> User | None:
        try:
            address = to_email(email)
        except ValidationError:
            return None
        with self._core.reader() as core:
            return core.users.first(lambda user: user.email == address)

    def _sign_in(self, core: CoreUnitOfWork, user_id: UserId, checked: str, fresh: str) -> User:
        try:
            user = core.users.get(user_id)
        except NotFound:
            raise AuthenticationFailed from None
        if user.password_hash != checked or not user.is_active:
            raise AuthenticationFailed
        user.password_hash = fresh
        user.last_login = self._clock.now()
        return user


def _revoke_all(core: CoreUnitOfWork, user_id: UserId, at: datetime) -> None:
    credentials: list[Credential[Any]] = [*core.tokens.of_user(user_id), *core.sessions.of_user(user_id)]
    for credential in credentials:
        if credential.is_valid(at):
            credential.revoke(at)
