"""A difference as Python that a reader can paste: a function of the URL, and what it answers on both sides."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from ....domain.entities.entity import MANAGED
from ...operations.openings import Opening
from ...operations.upkeep.candidates import START
from .answers import Answer
from .python_source.source import Source
from .replay import Played
from .steps import READER, SNAPSHOT, UNITS, Add, End, Remove, RepositoryStep, Step, Stored

_INDENT = " " * 4
_WIDTH = 100


@frozen
class Session:
    """The steps of one unit of work or snapshot, from the first to the one that ends it.

    Attributes:
        slot: where it is open.
        first: the number of its first step.
        last: the number of the step that ends it, None if nothing does.
    """

    slot: str
    first: int
    last: int | None


class Script:
    """Writes what was played, up to its last step.

    Args:
        played: a history with a difference.
        opening: how its stores are opened.
    """

    def __init__(self, played: Played, opening: Opening) -> None:
        kept = _kept(played)
        self._steps = [played.steps[number] for number in kept]
        self._answers = [played.answers[number] for number in kept]
        self._opening = opening
        self._source = Source()
        for module, names in opening.imports.items():
            for name in names:
                self._source.uses(module, name)
        self._sessions = list(_sessions(self._steps))

    def text(self, left: str, right: str) -> str:
        """Return the program, with the answers as comments.

        Args:
            left: the URL of the left side, as it may be shown.
            right: that of the right side.
        """
        answers = self._answers[-1]
        hidden = MANAGED - {"id"}
        if _shown(answers[0], hidden) == _shown(answers[1], hidden):
            hidden = frozenset()
        told = not hidden or any(isinstance(step, End) and step.milliseconds for step in self._steps)
        clock = self._clock() if told else ()
        body = [f"store = {self._opening.code}", "store.prepare()", *clock, *self._body()]
        calls = []
        for url, answer in zip((left, right), answers, strict=True):
            calls += [f'history("{url}")', *(f"# {line}" for line in _shown(answer, hidden)), ""]
        function = ["def history(url):", *(f"{_INDENT}{line}" for line in body)]
        return "\n".join([*self._source.imports(), "", "", *function, "", "", *calls]).rstrip() + "\n"

    def _clock(self) -> Iterator[str]:
        """Where the time matters, the clock stands still as it does for a history."""
        self._source.uses("tristore", "FixedClock")
        yield f"store.environment.clock = clock = FixedClock({self._source.of(START)})"

    def _tick(self, step: Step) -> list[str]:
        """What moves the clock on before the step."""
        if not isinstance(step, End) or not step.milliseconds:
            return []
        self._source.uses("datetime", "timedelta")
        return [f"clock.advance(timedelta(milliseconds={step.milliseconds}))"]

    def _body(self) -> Iterator[str]:
        """The lines of the function; a unit that nothing comes between is a block."""
        number = 0
        while number < len(self._steps):
            session = self._session_at(number)
            if session is not None and session.first == number and self._is_block(session):
                yield from self._block(session)
                number = (session.last or 0) + 1
                continue
            if session is not None and session.first == number:
                yield from self._begin(session.slot)
            yield from self._lines(number)
            number += 1

    @property
    def length(self) -> int:
        """How many steps are written."""
        return len(self._steps)

    def _session_at(self, number: int) -> Session | None:
        """The session that a step belongs to; a step of a reader belongs to none."""
        slot = self._steps[number].slot
        same = (session for session in self._sessions if session.slot == slot and session.first <= number)
        return max(same, key=lambda session: session.first, default=None)

    def _is_block(self, session: Session) -> bool:
        if session.last is None:
            return False
        between = self._steps[session.first : session.last + 1]
        return all(step.slot in {session.slot, READER} for step in between)

    def _block(self, session: Session) -> Iterator[str]:
        last = session.last or 0
        kind = "reader(snapshot=True)" if session.slot == SNAPSHOT else "unit_of_work()"
        how = self._steps[last]
        suppressed = self._suppressed(last)
        guard = f"suppress({suppressed}), " if suppressed else ""
        yield f"with {guard}store.{kind} as {session.slot}:"
        lines = [line for number in range(session.first, last) for line in self._lines(number)]
        if isinstance(how, End) and how.how == "rollback":
            lines.append(f"{session.slot}.rollback()")
        lines += self._tick(how)
        yield from (f"{_INDENT}{line}" for line in lines or ["pass"])

    def _begin(self, slot: str) -> Iterator[str]:
        kind = "reader(snapshot=True)" if slot == SNAPSHOT else "unit_of_work()"
        context = self._source.uses("contextvars", "Context")
        yield f"{slot} = store.{kind}"
        yield f"{context}().run({slot}.__enter__)"

    def _lines(self, number: int) -> list[str]:
        """The lines of one step; the last one returns, an error that both sides raised is passed over."""
        step = self._steps[number]
        statements, answer = self._code(step)
        is_last = number == len(self._steps) - 1
        if is_last and not isinstance(step, Add | Remove | End):
            answer = f"return {answer}"
        lines = [*self._tick(step), *statements, *([answer] if answer != "found" else [])]
        suppressed = "" if is_last else self._suppressed(number)
        if suppressed:
            lines = [f"with suppress({suppressed}):", *(f"{_INDENT}{line}" for line in lines)]
        if step.slot == READER and isinstance(step, RepositoryStep):
            return ["with store.reader() as reader:", *(f"{_INDENT}{line}" for line in lines)]
        return lines

    def _code(self, step: Step) -> tuple[list[str], str]:
        if isinstance(step, RepositoryStep):
            return step.code(f"{step.slot}.{step.repository}", self._source)
        if isinstance(step, Stored):
            return [], step.code(self._source)
        assert isinstance(step, End)  # noqa: S101 - there are no others
        if step.how in {"flush", "rollback"} and step.slot in UNITS:
            return [], f"{step.slot}.{step.how}()"
        comment = "  # commits" if step.slot in UNITS else ""
        return [], f"{step.slot}.__exit__(None, None, None){comment}"

    def _suppressed(self, number: int) -> str:
        """The class of the error that a step raised on both sides, if it is not the last step."""
        error = self._answers[number][0].error
        if error is None or number == len(self._steps) - 1:
            return ""
        self._source.uses("contextlib", "suppress")
        return self._source.named(type(error))


def _kept(played: Played) -> list[int]:
    """The numbers of the steps that matter: neither ends of what is not open, nor readers before the last step."""
    last = len(played.steps) - 1
    kept: list[int] = []
    is_open: set[str] = set()
    for number, step in enumerate(played.steps):
        matters = step.slot != READER
        if isinstance(step, End):
            matters = step.slot in is_open
            is_open -= {step.slot} if step.how != "flush" else set()
        elif step.slot != READER:
            is_open.add(step.slot)
        if matters or number == last:
            kept.append(number)
    return kept


def _sessions(steps: Sequence[Step]) -> Iterator[Session]:
    first: dict[str, int] = {}
    for number, step in enumerate(steps):
        if step.slot == READER:
            continue
        first.setdefault(step.slot, number)
        if isinstance(step, End) and step.how != "flush":
            yield Session(step.slot, first.pop(step.slot), number)
    yield from (Session(slot, number, None) for slot, number in first.items())


def _shown(answer: Answer, hidden: frozenset[str]) -> list[str]:
    """The answer in a few lines; the items of a long list stand one below the other."""
    if answer.error is not None:
        return [f"raises {type(answer.error).__name__}: {' '.join(str(answer.error).split())}"]
    source = Source(hidden)
    value: Any = answer.value
    text = source.of(value)
    if len(text) <= _WIDTH or not isinstance(value, list) or not value:
        return [text]
    return ["[", *(f"{_INDENT}{source.of(item)}," for item in value), "]"]
