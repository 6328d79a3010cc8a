"""Problems without the secrets that their words quote."""

from collections.abc import Iterable

from ..domain.errors import Problem

HIDDEN = "is not valid"
"""All that is said of a secret."""


def without_secrets(problems: Iterable[Problem], secrets: Iterable[object]) -> list[Problem]:
    """Replace the words of those problems that quote one of the secrets."""
    quoted = [text for text in map(str, secrets) if text]
    return [
        Problem(problem.field, HIDDEN) if any(secret in problem.message for secret in quoted) else problem
        for problem in problems
    ]
