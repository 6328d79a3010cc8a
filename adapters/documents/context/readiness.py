"""Whether a store can be used: what its check, its opening and a probe of its health ask alike."""

from attrs import frozen

from ....domain.errors import TristoreError
from ...backend import ServerInfo, ServerState
from .store_context import Environment


@frozen
class Readiness:
    """What was found.

    Attributes:
        state: of the servers; None if none answers.
        missing: the declared unique keys that do not exist.
        problems: why the store cannot be used, and what to do; empty if it can.
    """

    state: ServerState | None
    missing: tuple[str, ...]
    problems: tuple[str, ...]


def readiness_of(environment: Environment, *, timeout: float) -> Readiness:
    """Ask whether a server answers, has what the store needs, and has the declared unique keys; what is wrong is told.

    Args:
        environment: the store.
        timeout: seconds for each question.
    """
    try:
        state = environment.backend.state(timeout=timeout)
    except TristoreError as error:
        return Readiness(None, (), (in_one_line(error),))
    problems = [_without_transactions(environment, state.info), without_changes(environment, state.info)]
    missing: tuple[str, ...] = ()
    try:
        missing = environment.missing(timeout)
    except TristoreError as error:
        problems.append(in_one_line(error))
    if missing:
        problems.append(f"{state.info.description} lacks the unique keys {', '.join(missing)}: call prepare()")
    return Readiness(state, missing, tuple(filter(None, problems)))


def _without_transactions(environment: Environment, info: ServerInfo) -> str:
    """Say that units need transactions that the server does not have; empty if they can work."""
    if not environment.transactional or info.transactions:
        return ""
    return f"{info.description} has no transactions: use a replica set, or open with transactions='off'"


def without_changes(environment: Environment, info: ServerInfo) -> str:
    """Say that the cache cannot follow the changes that it is to follow; empty if it can, or need not."""
    if environment.cache is None or not environment.cache.follows_changes or info.transactions:
        return ""
    return f"{info.description} has no change streams for the cache to follow: use a replica set, or leave watch out"


def in_one_line(error: TristoreError) -> str:
    """What an error says, for a list of findings."""
    return " ".join(str(error).split())
