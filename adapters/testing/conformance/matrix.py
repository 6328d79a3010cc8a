"""The matrix at the end of a run: each guarantee, and whether the backend under test holds it.

A test of the suite notes in its report what it is about, so that the reports alone, of this process or of another one,
make the matrix.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from textwrap import wrap
from typing import Any, Protocol

SUITE, AREA, GUARANTEE, NOT_OFFERED = (
    f"tristore.conformance.{name}" for name in ("suite", "area", "guarantee", "not_offered")
)
"""The names of the properties that a report carries."""


class Report(Protocol):
    """What the matrix reads of a pytest report."""

    outcome: Any
    user_properties: Any


class Verdict(Enum):
    """What is known of one guarantee of one backend; the worst case decides."""

    HOLDS = "holds"
    NOT_OFFERED = "not offered"
    NOT_RUN = "not run"
    FAILS = "FAILS"

    def worse(self, other: "Verdict") -> "Verdict":
        """Return the worse of two verdicts."""
        order = list(Verdict)
        return max(self, other, key=order.index)


_OUTCOMES = {"passed": Verdict.HOLDS, "skipped": Verdict.NOT_RUN, "failed": Verdict.FAILS}

_IN_WORDS = {
    Verdict.HOLDS: "hold",
    Verdict.FAILS: "FAIL",
    Verdict.NOT_OFFERED: "are not offered",
    Verdict.NOT_RUN: "were not run",
}
_NARROWEST = 30


class Matrix:
    """Guarantees in the order of the suite, each with the verdict for each suite that ran."""

    def __init__(self) -> None:
        self.suites: list[str] = []
        self.areas: dict[str, dict[str, dict[str, Verdict]]] = {}

    @classmethod
    def of(cls, reports: Iterable[Report]) -> "Matrix":
        """Read the reports of a run; those of other tests are passed over."""
        matrix = cls()
        for report in reports:
            noted = dict(report.user_properties)
            if GUARANTEE in noted:
                matrix._note(noted, report.outcome)
        return matrix

    def _note(self, noted: Mapping[str, str], outcome: str) -> None:
        suite = noted[SUITE]
        if suite not in self.suites:
            self.suites.append(suite)
        verdict = _OUTCOMES[outcome] if NOT_OFFERED not in noted else Verdict.NOT_OFFERED
        verdicts = self.areas.setdefault(noted[AREA], {}).setdefault(noted[GUARANTEE], {})
        verdicts[suite] = verdict.worse(verdicts.get(suite, verdict))

    def __bool__(self) -> bool:
        """Tell whether any suite ran."""
        return bool(self.suites)

    def counts(self, suite: str) -> Counter[Verdict]:
        """Count the verdicts of one suite."""
        return Counter(
            verdicts[suite]
            for guarantees in self.areas.values()
            for verdicts in guarantees.values()
            if suite in verdicts
        )

    def lines(self, width: int, *, brief: bool = False) -> Iterator[str]:
        """Yield the matrix as text, a column for each suite.

        Args:
            width: of a line, in characters.
            brief: leave out what all suites hold.
        """
        columns = {suite: max(len(suite), *(len(verdict.value) for verdict in Verdict)) + 2 for suite in self.suites}
        indent = sum(columns.values())
        shown = {area: found for area in self.areas if (found := self._shown(area, brief=brief))}
        if shown:
            yield "".join(suite.ljust(size) for suite, size in columns.items()) + "guarantee"
        for area, guarantees in shown.items():
            yield f"{' ' * indent}{area}"
            for guarantee, verdicts in guarantees.items():
                cells = [verdicts.get(suite, Verdict.NOT_RUN).value.ljust(size) for suite, size in columns.items()]
                first, *rest = wrap(guarantee, max(_NARROWEST, width - indent - 2))
                yield f"{''.join(cells)}  {first}"
                yield from (f"{' ' * (indent + 2)}{line}" for line in rest)
        for suite in self.suites:
            yield f"{suite}: {self._summary(suite)}"

    def _shown(self, area: str, *, brief: bool) -> dict[str, dict[str, Verdict]]:
        return {
            guarantee: verdicts
            for guarantee, verdicts in self.areas[area].items()
            if not brief or set(verdicts.values()) != {Verdict.HOLDS}
        }

    def _summary(self, suite: str) -> str:
        counts = self.counts(suite)
        parts = [f"{counts[verdict]} {words}" for verdict, words in _IN_WORDS.items() if counts[verdict]]
        return f"of {counts.total()} guarantees {', '.join(parts)}"


def first_sentence(docstring: str | None) -> str:
    """Return the first line of a docstring."""
    return (docstring or "").strip().partition("\n")[0]
