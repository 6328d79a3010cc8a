"""What is refused around accounts: a debit that nothing covers, and a sign-in that fails."""

from ..errors import DomainError


class InsufficientCredits(DomainError):
    """A debit above the balance.

    Attributes:
        balance: what there is.
        amount: what was asked for.
    """

    def __init__(self, balance: int, amount: int) -> None:
        self.balance = balance
        self.amount = amount
        super().__init__(f"the balance of {balance} does not cover {amount} credits")


class AuthenticationFailed(DomainError):
    """Unknown account, wrong password, or an account that may not sign in: on purpose it does not say which."""

    def __init__(self) -> None:
        super().__init__("e-mail or password is wrong, or the account is not active")
