"""The chain of schema steps of one collection: which version a document has, and how it becomes the current one."""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite

from attrs import astuple, frozen
from bson import decode, encode
from bson.errors import BSONError

from ....domain.entities.bounds import Comparator
from ....domain.errors import ConfigurationError, StepFailed, UnreadableVersion
from ....domain.rules.predicates import AnyOf, Compare, IsNone, Path, Predicate
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS, copied
from ..declarations.documents import Documents
from ..declarations.published_events import PublishedEvent
from ..declarations.schema_steps import SchemaChange, SchemaStep, Transform
from ..values.keys import ID_KEY
from .upgrade import UPGRADE, Upgrade, is_same, transformed

_NOT_STORABLE = (BSONError, OverflowError, UnicodeEncodeError, TypeError)


@frozen
class VersionKeys:
    """The document keys that tell of versions.

    Attributes:
        schema: of the schema version.
        compatible: of the oldest schema version whose code may read the document.
        version: of the optimistic version.
    """

    schema: str
    compatible: str
    version: str


class SchemaChain:
    """The declared steps of one collection.

    Attributes:
        collection: for messages.
        current: the version that documents are written in.
        first: the oldest version that can be read.
        steps: from the first to the current one.
        compatible: the oldest version whose code may read what is written here.
        keys: the document keys.
        on_read: whether documents of older versions are written back as soon as they are read.
        secret_keys: the top-level keys whose values no message shows.
        is_complete: tells whether no document of an older version is stored any more; a store gives it.
    """

    def __init__(self, documents: Documents | PublishedEvent, keys: VersionKeys) -> None:
        """Check the declaration.

        Raises:
            ConfigurationError: if a version is missing from the chain, or a step touches what tells of versions.
        """
        self.collection = documents.collection
        self.current = _checked_version(documents.schema_version, "schema_version", documents)
        self.keys = keys
        self._own = frozenset(astuple(keys))
        self.steps: tuple[SchemaStep, ...] = tuple(documents.steps)
        self.first = self.current - len(self.steps)
        self._check_steps()
        self.unversioned = _checked_version(documents.unversioned, "unversioned", documents)
        self.compatible = self.current
        for step in reversed(self.steps):
            if not step.compatible:
                break
            self.compatible -= 1
        # of the keys that the steps from each version on change
        self._roots = [
            tuple(dict.fromkeys(path[0] for path in self.changed_paths(version)))
            for version in range(self.first, self.current)
        ]
        self.on_read = documents.write_back == "on_read"
        self._replaces = documents.update == "replace"
        self.secret_keys: frozenset[str] = frozenset()
        self.is_complete: Callable[[], bool] = lambda: False

    def _check_steps(self) -> None:
        wanted = [*range(self.first + 1, self.current + 1)]
        declared = [step.version for step in self.steps if isinstance(step, SchemaStep)]
        if len(declared) != len(self.steps):
            raise ConfigurationError(f"the steps of {self.collection} must be SchemaStep(version, ...) objects")
        if declared != wanted or self.first < 1:
            raise ConfigurationError(
                f"the steps of {self.collection} lead to {_listed(declared)}, and must lead without a gap from an old "
                f"version to schema_version {self.current}: declare one SchemaStep for each of "
                f"{_listed([*range(min([*declared, self.current]), self.current + 1)])}"
            )
        for step in self.steps:
            for change in step.changes:
                for path in change.paths:
                    if path[0] in self._own:
                        raise ConfigurationError(
                            f"step {step.version} of {self.collection} touches {path[0]}, which tells the version of "
                            "a document and is tristore's"
                        )

    @property
    def stamp(self) -> Document:
        """What every document carries that is written in the current version."""
        marks: Document = {self.keys.schema: self.current}
        if self.compatible < self.current:
            marks[self.keys.compatible] = self.compatible
        return marks

    def hide(self, keys: Iterable[str]) -> None:
        """Let no message show the values of keys, and of those out of which steps make them."""
        secret = set(keys)
        for step in reversed(self.steps):
            for change in reversed(step.changes):
                roots = {path[0] for path in change.paths}
                if len(roots) > 1 and roots & secret:
                    secret |= roots
        self.secret_keys = frozenset(secret)

    def changed_paths(self, version: int | None = None) -> list[Path]:
        """The paths that the steps from a version on change; by default from the first."""
        start = (self.first if version is None else version) - self.first
        return [path for step in self.steps[start:] for change in step.changes for path in change.paths]

    def of_version(self, version: int) -> Predicate:
        """What holds of documents of a version."""
        path = (self.keys.schema,)
        same = Compare(path, Comparator.EQ, version)
        return AnyOf((same, IsNone(path))) if version == self.unversioned else same

    def older(self) -> Predicate:
        """What holds of documents of older versions than the current one."""
        path = (self.keys.schema,)
        less = Compare(path, Comparator.LT, self.current)
        return AnyOf((less, IsNone(path))) if self.unversioned < self.current else less

    def readable(self) -> Predicate:
        """What holds of documents of versions that can be read, and of some that are too old for that.

        What writes by a rule asks for it: what newer code wrote is left as it is.
        """
        path = (self.keys.schema,)
        known = (Compare(path, Comparator.LE, self.current), IsNone(path))
        if self._replaces:
            return AnyOf(known)
        return AnyOf((*known, Compare((self.keys.compatible,), Comparator.LE, self.current)))

    def bring_up(self, documents: Iterable[Document]) -> bool:
        """Bring documents up to date, in place; tell whether there was one to change.

        A document that was changed carries its `Upgrade`.

        Raises:
            UnreadableVersion: if one has a version that cannot be read.
            StepFailed: if a step cannot be carried out on one.
        """
        key, current = self.keys.schema, self.current
        others = [document for document in documents if document.get(key) != current]
        upgraded = False
        for document in others:
            upgraded = self.upgrade(document) is not None or upgraded
        return upgraded

    def check(self, documents: Iterable[Document]) -> None:
        """Refuse documents, or parts of them, of a version that cannot be read.

        Raises:
            UnreadableVersion: if there is one.
        """
        key, current = self.keys.schema, self.current
        for document in documents:
            if document.get(key) != current:
                self.version_of(document)

    def upgrade(self, document: Document) -> Upgrade | None:
        """Bring one document up to date, in place; return what must be written, None if nothing.

        Raises:
            UnreadableVersion: if it has a version that cannot be read.
            StepFailed: if a step cannot be carried out on it.
        """
        version = self.version_of(document)
        if version >= self.current:
            return None
        upgraded = self.upgraded(document, version)
        change = self._difference(document, upgraded, version)
        document.clear()
        document.update(upgraded)
        document[UPGRADE] = change
        return change

    def version_of(self, document: Document) -> int:
        """Return the version of a document that can be read.

        Raises:
            UnreadableVersion: if it has one that cannot.
        """
        found = document.get(self.keys.schema)
        if found is None:
            found = self.unversioned
        if not isinstance(found, int | float) or isinstance(found, bool) or not isfinite(found) or found != int(found):
            raise self._unreadable(document, found, "that is no version: mend the document")
        version = int(found)
        if version > self.current:
            self._check_future(document, version)
        elif version < self.first:
            raise self._unreadable(
                document, version, f"no steps lead from {version} to {self.first}: declare them in Documents(steps=)"
            )
        return version

    def upgraded(self, document: Document, version: int) -> Document:
        """Return the document as the steps from a version on make it; the given one stays as it is.

        Raises:
            StepFailed: if a step cannot be carried out on it.
        """
        new = dict(document)
        for root in self._roots[version - self.first]:
            if root in new:
                new[root] = copied(new[root])
        for step in self.steps[version - self.first :]:
            for change in step.changes:
                new = self._changed(new, step, change)
        new.update(self.stamp)
        return new

    def _changed(self, document: Document, step: SchemaStep, change: SchemaChange) -> Document:
        try:
            if isinstance(change, Transform):
                return transformed(document, change, self._own)
            change.apply(document)
        except Exception as error:
            place = self.collection, document.get(ID_KEY), step.version, str(change)
            if not any(path[0] in self.secret_keys for path in change.paths):
                why = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
                raise StepFailed(*place, why) from error
            hidden = StepFailed(*place, _without_words(error))
        else:
            return document
        raise hidden  # out here it has no context, which would show what it hides

    def _difference(self, old: Document, new: Document, version: int) -> Upgrade:
        roots = self._roots[version - self.first]
        try:
            changed = {root: new[root] for root in roots if root in new and not is_same(old, new, root)}
            # as it is read back later, and refused now if it cannot be stored
            changed = decode(encode(changed, False, CODEC_OPTIONS), CODEC_OPTIONS)
        except _NOT_STORABLE as error:
            steps = "; ".join(map(str, self.steps[version - self.first :]))
            place = self.collection, old.get(ID_KEY), self.current, steps
            why = "what comes of it cannot be stored: "
            if not self.secret_keys.intersection(roots):
                raise StepFailed(*place, f"{why}{error}") from error
            hidden = StepFailed(*place, f"{why}{_without_words(error)}")
        else:
            new.update(changed)
            gone = tuple(root for root in roots if root in old and root not in new)
            return Upgrade({**changed, **self.stamp}, gone)
        raise hidden  # out here it has no context, which would show what it hides

    def _check_future(self, document: Document, version: int) -> None:
        oldest = document.get(self.keys.compatible)
        compatible = isinstance(oldest, int | float) and oldest <= self.current
        if not compatible:
            raise self._unreadable(
                document, version, "newer code wrote it, and did not mark it compatible: deploy that code here first"
            )
        if self._replaces:
            raise self._unreadable(
                document,
                version,
                "it is marked compatible, but update='replace' would lose the fields that are not known here: "
                "declare update='set'",
            )

    def _unreadable(self, document: Document, version: object, why: str) -> UnreadableVersion:
        return UnreadableVersion(self.collection, document.get(ID_KEY), version, self.current, why)


def _without_words(error: Exception) -> str:
    """All that is said of an error about a secret."""
    return f"{type(error).__name__}, whose words may show a secret"


def _checked_version(value: object, name: str, documents: Documents | PublishedEvent) -> int:
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{name} of {documents.collection} must be a whole number from 1 on, not {value!r}")
    return value


def _listed(versions: Sequence[int]) -> str:
    return ", ".join(map(str, versions)) or "no version"
