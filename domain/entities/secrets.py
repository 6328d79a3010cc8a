"""Secrets: the mark of a field that holds one, and problems without the secrets that their words quote."""

from collections.abc import Iterable

from ..errors import Problem

SECRET = {"tristore.secret": True}
"""Field metadata that keeps a value out of `to_dict` and of logs; give ``repr=False`` with it."""

HIDDEN = "is not valid"
"""All that is said of a secret."""


def without_secrets(problems: Iterable[Problem], secrets: Iterable[object]) -> list[Problem]:
    """Replace the words of those problems that quote one of the secrets."""
    quoted = [text for text in map(str, secrets) if text]
    return [
        Problem(problem.field, HIDDEN) if any(secret in problem.message for secret in quoted) else problem
        for problem in problems
    ]
