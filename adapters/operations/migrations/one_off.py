"""Named steps that are carried out once: data fixes, index builds."""

import hashlib
import inspect
import logging
import re
import textwrap
from collections.abc import Callable
from typing import Any

from attrs import Attribute, field, frozen

from ....domain.errors import ConfigurationError, StepChanged
from ....domain.plain_functions import call_plain, check_plain
from ....domain.unit_of_work.store import Store
from ...backend import Document
from ...documents.values.codecs import load_datetime
from .reports import StepStatus

log = logging.getLogger("tristore.migrations")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PREFIX = "step:"
_LONGEST = 1_000
"""The most characters of an outcome that are kept."""


def _source_of(function: Callable[..., Any]) -> str:
    if getattr(function, "__name__", "") == "<lambda>":
        raise ConfigurationError(
            "a lambda has no source of its own, but that of its line, so it has no checksum: write a function, or give "
            "checksum=, a text that you change with the step"
        )
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise ConfigurationError(
            f"the source of {getattr(function, '__name__', function)!r} cannot be read, so it has no checksum: "
            "give checksum=, a text that you change with the step"
        ) from error


def _check_name(_: object, __: "Attribute[str]", name: str) -> None:
    _check(name)


def _check(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a step: use up to 100 letters, digits, '.', '_' and '-', such as "
            "2026-01-lower-case-emails"
        )


@frozen
class OneOff:
    """A step that a store carries out once, under its name.

    A step that was killed in the midst of it is carried out again, so it must be able to begin anew: write data fixes
    with `update_where` and rules that no longer hold of what was done.

    Attributes:
        name: names it for good, in the database too.
        description: what it does, for people.
        run: is given the store; what it returns is kept as its outcome, as text.
        checksum: tells whether it is still the same; by default that of the source of `run`, which does not see what
            `run` calls.

    Raises:
        ConfigurationError: if the name cannot be one, or the source of `run` cannot be read.
    """

    name: str = field(validator=_check_name)
    description: str
    run: Callable[[Store[Any]], object] = field()
    checksum: str = field()

    @run.validator
    def _check_run(self, _: object, run: object) -> None:
        check_plain(run, f"run of step {self.name}", takes=1)

    @checksum.default
    def _of_source(self) -> str:
        _check(self.name)  # here, for validators come after the defaults
        check_plain(self.run, f"run of step {self.name}", takes=1)
        return hashlib.sha256(_source_of(self.run).encode()).hexdigest()[:16]

    @property
    def record(self) -> str:
        """The id of its record."""
        return f"{_PREFIX}{self.name}"

    def status(self, record: Document | None) -> StepStatus:
        """Say where it stands."""
        if record is None or "outcome" not in record:
            return StepStatus(self.name, self.description, "pending", self.checksum)
        outcome = record["outcome"]
        if outcome == "done" and record["checksum"] != self.checksum:
            outcome = "changed"
        return recorded(record, outcome, self.checksum, self.description)

    def refuse_changed(self, record: Document | None, store: str) -> None:
        """Refuse a step that was done with another content, or by another store.

        Raises:
            StepChanged: if it was done with another content.
            ConfigurationError: if a store of another name, in the same database, has a step of this name.
        """
        other = None if record is None else record.get("store", store)
        if other is not None and other != store:
            raise ConfigurationError(
                f"step {self.name} of store {store} was carried out by store {other}, which has the same database: "
                "give the steps of each store names of their own, or open the store with the name that it had, "
                f"open_store(..., name={other!r})"
            )
        if self.status(record).outcome == "changed":
            raise StepChanged(self.name)

    def carry_out(self, store: Store[Any]) -> tuple[str, str]:
        """Run it; return the outcome, and its words."""
        try:
            result = call_plain(f"run of step {self.name}", self.run, store)
        except Exception as error:
            log.exception("step %s of store %s failed", self.name, store.name)
            return "failed", f"{type(error).__name__}: {error}"[:_LONGEST]
        return "done", "" if result is None else str(result)[:_LONGEST]


def recorded(record: Document, outcome: str, checksum: str, description: str) -> StepStatus:
    """Return what a record says of a step."""
    started, ended = (record.get(key) for key in ("startedAt", "endedAt"))
    return StepStatus(
        record["_id"].removeprefix(_PREFIX),
        description,
        outcome,
        checksum,
        None if started is None else load_datetime(started),
        None if ended is None else load_datetime(ended),
        record.get("details", ""),
    )


def is_step(record: Document) -> bool:
    """Whether a record is that of a named step."""
    return str(record["_id"]).startswith(_PREFIX) and "outcome" in record
