"""Values and rules as Python that a reader can paste."""

import types
from collections import defaultdict
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

import attrs

from ..... import __all__ as public_names
from .....domain.entities.scalars import scalar_of
from .....domain.entities.schema import schema_of
from .....domain.rules.predicates import All
from .....domain.rules.specification import Specification
from ..answers import plain
from .rule_source import At, NoWordForItError, RuleSource

_STAND_IN = "e"
_NOTHING: Mapping[str, object] = types.MappingProxyType({})


class Source:
    """Writes values as expressions, and remembers what they need imported.

    Args:
        hidden: names of fields that are left out of entities.
    """

    def __init__(self, hidden: Collection[str] = ()) -> None:
        self._hidden = frozenset(hidden)
        self._imports: defaultdict[str, set[str]] = defaultdict(set)

    def imports(self) -> list[str]:
        """Return the import statements, in order."""
        return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self._imports.items())]

    def uses(self, module: str, name: str) -> str:
        """Return a name that is to be imported."""
        self._imports[module].add(name)
        return name

    def named(self, thing: type[Any]) -> str:
        """Return the name of a class, which is imported from the package's door where it is there."""
        if thing.__module__ == "builtins":
            return thing.__qualname__
        if thing.__module__.startswith("tristore.") and thing.__name__ in public_names:
            return self.uses("tristore", thing.__name__)
        outermost = thing.__qualname__.partition(".")[0]
        if "<locals>" not in thing.__qualname__:
            self.uses(thing.__module__, outermost)
        return thing.__qualname__.rpartition("<locals>.")[2]

    def of(self, value: object) -> str:
        """Return an expression for a value."""
        match value:
            case Enum():
                return f"{self.named(type(value))}.{value.name}"
            case list() | tuple() | set() | frozenset():
                return self._collection(value)
            case dict():
                return "{" + ", ".join(f"{self.of(key)}: {self.of(item)}" for key, item in value.items()) + "}"
            case Specification():
                return self._rule(value)
        scalar = scalar_of(value)
        if scalar is not None:
            return scalar.source(value, self.uses)
        return self._built(value) if attrs.has(type(value)) else repr(value)

    def call(
        self, function: str, positional: Collection[object] = (), named: Mapping[str, object] | None = None
    ) -> str:
        """Return a call of a function with these arguments."""
        given = [*map(self.of, positional), *(f"{name}={self.of(value)}" for name, value in (named or {}).items())]
        return f"{function}({', '.join(given)})"

    def _collection(self, value: Collection[object]) -> str:
        items = [self.of(item) for item in value]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        if isinstance(value, tuple):
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        kind = "" if isinstance(value, set) and items else type(value).__name__
        inside = "{" + ", ".join(sorted(items)) + "}" if items else ""
        return f"{kind}({inside})" if kind else inside

    def _built(self, value: object) -> str:
        """The call of a class with what differs from the defaults."""
        cls: type[Any] = type(value)
        given: dict[str, object] = {}
        for attribute in attrs.fields(cls):
            found = getattr(value, attribute.name)
            if attribute.init and attribute.name not in self._hidden and not _is_default(attribute, found):
                given[attribute.alias] = found
        return self.call(self.named(cls), (), given)

    def _rule(self, rule: Specification[Any]) -> str:
        """The rule as a lambda; as its parts where no word of the rule language says them."""
        entity = self.named(rule.entity)
        if rule.predicate == All(()):
            return f"{self.uses('tristore', 'where')}({entity})"
        try:
            body = RuleSource(self).of(rule.predicate, At(_STAND_IN, schema_of(rule.entity)))
        except NoWordForItError:
            specification = self.uses("tristore", "Specification")
            return f"{specification}({entity}, {self.of(rule.predicate)})"
        return f"{self.uses('tristore', 'where')}({entity}, lambda {_STAND_IN}: {body})"


def _is_default(attribute: "attrs.Attribute[Any]", value: object) -> bool:
    default: Any = attribute.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class, though typed as a function
        if default.takes_self or attribute.name == "id":
            return False
        default = default.factory()
    return bool(plain(default) == plain(value))  # 0.0 equals -0.0, and is another value
