"""The rules of partial indexes: what a server can decide of one document while it writes it."""

from collections.abc import Iterator

from ....domain.entities.bounds import Comparator
from ....domain.errors import ConfigurationError, InvalidQuery
from ....domain.repository.unique import Unique
from ....domain.rules.predicates import All, AnyOf, Compare, IsNone, Not, OneOf, Predicate, Text, dotted
from ....domain.rules.specification import specification_of
from ..declarations.indexes import Index
from ..mapping.entity_mapping import EntityMapping


def partial_of(declared: Unique | Index, mapping: EntityMapping) -> Predicate | None:
    """Return the rule of an index in the words of the document, None if it has none.

    Raises:
        ConfigurationError: if it is no rule, or one that MongoDB does not take for an index
            (https://www.mongodb.com/docs/manual/core/index-partial).
    """
    if declared.where is None:
        return None
    name = f"the index on {', '.join(declared.fields)} of {mapping.name}"
    if declared.sparse:
        raise ConfigurationError(f"{name} is sparse and has a rule: a server takes one of them, so leave sparse out")
    try:
        predicate = specification_of(mapping.cls, declared.where).predicate
        stored = mapping.to_current_predicate(predicate)
    except InvalidQuery as error:
        raise ConfigurationError(f"{name}: {error}") from None
    refused = next(_refused(predicate), None)
    if refused is not None:
        raise ConfigurationError(
            f"{name} cannot hold only what meets {refused}: a rule of an index compares with ==, <, <=, >, >=, "
            "one_of() and is_none(), combined with & and |; for entities that have the field at all, write sparse=True"
        )
    return stored


def _refused(predicate: Predicate) -> Iterator[str]:
    """Name what a server does not decide for an index."""
    match predicate:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _refused(part)
        case Not():
            yield "not_(...)"
        case Compare(path, Comparator.NE, _):
            yield f"{dotted(path)} != ..."
        case Compare() | OneOf() | IsNone():
            return
        case Text(path, test, _):
            yield f"{dotted(path)}.{test.value}(...)"
        case _:
            yield f"{type(predicate).__name__.lower()}({dotted(predicate.path)}, ...)"
