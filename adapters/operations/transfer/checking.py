"""Whether a document may be stored as it is: the entity that it stands for is made by its constructor."""

from typing import Any

import attrs
from bson import ObjectId, encode
from bson.errors import BSONError

from ....domain.entities.entity import Entity
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType
from ....domain.entities.secrets import without_secrets
from ....domain.errors import Problem, ValidationError
from ....domain.plain_functions import call_plain
from ....domain.repository.hooks import Change
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS
from ...documents.collections.bindings import Binding
from ...documents.evolution.upgrade import UPGRADE
from ...documents.mapping.class_mapping import ClassMapping
from ...documents.mapping.document_sizes import SUSPICIOUS, check_size
from ...documents.mapping.mapped_field import MappedField, problems_of
from ...documents.values.keys import ID_KEY

_REFUSALS = (ValueError, TypeError, ArithmeticError)
"""What converters and validators raise for a wrong value."""


class Check:
    """Judges the documents of one repository.

    One of an older schema version is brought up to date first. Loading a stored document trusts it; here its values go
    through the converters and validators of the entity, and through the repository's `before_save`. Where these change
    a value, the new one is stored. All else stays as it was written, down to the types of numbers and to fields that
    the entity does not know.
    """

    def __init__(self, binding: Binding, owner: UnitOfWork[Any]) -> None:
        self._binding = binding
        self._mapping = binding.mapping
        self._owner = owner
        self._change = Change(frozenset(self._mapping.by_name), is_new=True)
        self._made_here = self._mapping.by_name["id"].type.kind is Kind.ID

    def checked(self, document: Document, own_id: ObjectId) -> tuple[Document, Entity[Any]]:
        """Return what is to be stored, and the entity.

        Args:
            document: as it was written.
            own_id: its id if it has none.

        Raises:
            ValidationError: with every field that is wrong.
            MigrationError: if it has a schema version that cannot be read, or brought up to date.
        """
        if ID_KEY not in document:
            if not self._made_here:
                raise ValidationError.of(ID_KEY, "is missing, and only ids of tristore's own kind are made up")
            document = {ID_KEY: own_id, **document}
        elif next(iter(document)) != ID_KEY:  # as a server stores it
            document = {ID_KEY: document[ID_KEY], **document}
        _refuse_operators(document, "")
        document = self._of_now(document)
        entity, before = _made(self._mapping, document)
        if self._binding.saves:
            repository = getattr(self._owner, self._binding.name)
            call_plain("a hook", repository.before_save, entity, self._change, self._owner)
        wanted = self._mapping.dump(entity)
        document = _amended(document, before, wanted)
        if self._mapping.weight(wanted) >= SUSPICIOUS:
            check_size(self._mapping.name, entity, document)
        return document, entity

    def _of_now(self, document: Document) -> Document:
        """The document in the current schema version, as a read makes it: a migration that is complete stays so."""
        upgraded = dict(document)
        if self._mapping.chain.upgrade(upgraded) is None:
            return document
        del upgraded[UPGRADE]
        return upgraded


def _amended(document: Document, before: Document, after: Document) -> Document:
    """The document with the values that the constructor or the hook changed."""
    if encoded(before) == encoded(after):
        return document
    amended = dict(document)
    for key in before.keys() | after.keys():
        if key not in after:
            amended.pop(key, None)
        elif key not in before or encoded({key: before[key]}) != encoded({key: after[key]}):
            amended[key] = after[key]
    return amended


def encoded(document: Document) -> bytes:
    """Return a document in BSON: two are the same if this is.

    Raises:
        ValidationError: if BSON cannot hold it.
    """
    try:
        return encode(document, False, CODEC_OPTIONS)
    except (BSONError, OverflowError, ValueError, TypeError) as error:
        kind = type(error).__name__
    raise ValidationError.of("", f"a store cannot hold one of the values ({kind})")


def _refuse_operators(value: Any, path: str) -> None:
    """Refuse keys that a store could take for operators, at every depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if item.__class__ is dict or item.__class__ is list:
            _refuse_operators(item, f"{path}{key}.")
        if key.__class__ is str and (key[:1] == "$" or "\0" in key):
            raise ValidationError.of(f"{path}{key}", "a key has no leading '$' and no NUL")


def _made(mapping: ClassMapping, document: Document) -> tuple[Any, Document]:
    """Make an object with its constructor, and the objects in it; return it with the values that it was made of.

    Raises:
        ValidationError: with every field that is missing or has the wrong type, or that a converter or validator
            refuses.
    """
    values: dict[str, Any] = {}
    later: dict[str, Any] = {}
    before: Document = {}
    problems: list[Problem] = []
    left = [field for field in mapping.fields if field.is_left_to_class(document)]
    for field in mapping.fields:
        if field in left or (not field.attribute.init and field.is_computed(document)):
            continue
        try:
            value, plain = _read(mapping, field, document.get(field.key))
        except ValueError as error:
            problems.extend(problems_of(field, error))
            continue
        if value is not None or not field.type.optional:
            before[field.key] = plain
        if field.attribute.init:
            values[field.attribute.alias or field.name] = value
        else:
            later[field.name] = value
    if not problems:
        try:
            made = mapping.cls(**values)
        except _REFUSALS as error:
            problems.extend(_blamed(mapping, values, error))
        else:
            for name, value in later.items():
                object.__setattr__(made, name, value)
            before |= {field.key: field.codec.dump(getattr(made, field.name)) for field in left}
            return made, before
    raise ValidationError(problems, entity=mapping.name, document_id=document.get(ID_KEY))


def _read(mapping: ClassMapping, field: MappedField, stored: Any) -> tuple[Any, Any]:
    """The value of a field, and what that is as a stored one."""
    if stored is None or not _holds_objects(field.type):
        value = field.load(stored)
        return value, None if value is None else field.codec.dump(value)
    return _parts(mapping, field.type, stored)


def _parts(mapping: ClassMapping, declared: FieldType, stored: Any) -> tuple[Any, Any]:
    """A value with objects in it, and what that is as a stored one."""
    if stored is None and declared.optional:
        return None, None
    if declared.kind is Kind.NESTED:
        if not isinstance(stored, dict):
            raise ValueError(f"expected a document, found {type(stored).__name__}")
        return _made(mapping.nested(declared.python), stored)
    item = declared.item
    assert item is not None  # noqa: S101 - it holds objects
    wanted = dict if declared.kind is Kind.DICT else list
    if type(stored) is not wanted:
        raise ValueError(f"expected a {'document' if wanted is dict else 'list'}, found {type(stored).__name__}")
    if isinstance(stored, dict):
        pairs = {key: _parts(mapping, item, part) for key, part in stored.items()}
        return {key: value for key, (value, _) in pairs.items()}, {key: plain for key, (_, plain) in pairs.items()}
    parts = [_parts(mapping, item, part) for part in stored]
    return declared.python([value for value, _ in parts]), [plain for _, plain in parts]


def _holds_objects(declared: FieldType) -> bool:
    kind = declared.kind
    if kind is Kind.SEQUENCE or kind is Kind.DICT:
        return declared.item is not None and _holds_objects(declared.item)
    return kind is Kind.NESTED


def _blamed(mapping: ClassMapping, values: dict[str, Any], error: Exception) -> list[Problem]:
    """Name the fields that a constructor refuses: those whose own converter or validator refuses them."""
    subject = object.__new__(mapping.cls)
    problems: list[Problem] = []
    for field in mapping.fields:
        attribute = field.attribute
        value = values.get(attribute.alias or field.name)
        try:
            if attribute.converter is not None and not isinstance(attribute.converter, attrs.Converter):
                value = attribute.converter(value)
            object.__setattr__(subject, field.name, value)
            if attribute.validator is not None:
                attribute.validator(subject, attribute, value)
        except AttributeError:
            continue  # a validator that looks at a field which is not set yet
        except _REFUSALS as refusal:
            problems.extend(_told(field, refusal))
    secrets = [values[field.name] for field in mapping.fields if field.secret and field.name in values]
    return problems or without_secrets([Problem("", str(error.args[0] if error.args else error))], secrets)


def _told(field: MappedField, refusal: Exception) -> list[Problem]:
    """What a converter or validator says of a field, which may name the field itself."""
    if isinstance(refusal, ValidationError) and {problem.field for problem in refusal.problems} == {field.name}:
        refusal = ValueError("; ".join(problem.message for problem in refusal.problems))
    elif not isinstance(refusal, ValueError):
        refusal = ValueError(str(refusal.args[0] if refusal.args else refusal))
    return problems_of(field, refusal)
