"""Attrs classes and their documents: a generated pair of functions for each class.

The generated functions handle the common case, in which every value has its declared type, and nothing else.
Whatever makes them stumble goes through the checked way field by field, which accepts what can be accepted (defaults
for missing fields, whole doubles for integers) and names every field that is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from ....domain.entities.schema import FieldSchema, FieldType, schema_of
from ....domain.entities.secrets import without_secrets
from ....domain.errors import ConfigurationError, Problem, ValidationError
from ...backend import Document
from ..values.codecs import Codec
from ..values.compositions import codec_of
from ..values.keys import Keys
from .code_generation import compiled, dump_lines, filler, indented, load_lines
from .mapped_field import FACTORY, MISSING, MappedField, problems_at, problems_of

STUMBLES = (KeyError, TypeError, AttributeError, ValueError, OverflowError)


class ClassMapping:
    """Loads and dumps the objects of one attrs class."""

    def __init__(
        self,
        cls: type[Any],
        keys: Keys,
        unusual: Callable[[FieldType], Codec],
        *,
        nested: bool = True,
        known: "dict[type[Any], ClassMapping] | None" = None,
    ) -> None:
        self.cls = cls
        self.name = cls.__name__
        self._keys = keys
        self._unusual = unusual
        self._nested = {} if known is None else known
        self._results: dict[type[Any], ClassMapping] = {}
        if nested:
            self._nested[cls] = self  # before its fields: a class may hold values of its own kind
        self.fields = tuple(self._mapped(field, nested=nested) for field in schema_of(cls).fields.values())
        self.by_name = {field.name: field for field in self.fields}
        self._skips_init = self._can_skip_init()
        self._fast_load = self._generate_load("load(documents)") if self._skips_init else self._load_each_checked
        self._fast_dump = self._generate_dump()

    def nested(self, cls: type[Any]) -> "ClassMapping":
        """Return the mapping of a nested class, made once."""
        return self._nested.get(cls) or ClassMapping(cls, self._keys, self._unusual, known=self._nested)

    def rows(self, cls: type[Any]) -> "ClassMapping":
        """Return the mapping of a class whose documents are rows, with its own names as keys; made once."""
        found = self._results.get(cls)
        if found is None:
            found = self._results[cls] = ClassMapping(cls, Keys("snake_case", {}), self._unusual)
        return found

    def load(self, document: dict[str, Any]) -> Any:
        """Build an object from its document.

        Raises:
            ValidationError: if the document does not fit, naming it and every field that is wrong.
        """
        try:
            return self._fast_load((document,))[0]
        except STUMBLES:
            pass  # below, where the error that names the fields has none with values as its context
        return self._load_checked(document)

    def load_all(self, documents: list[dict[str, Any]]) -> list[Any]:
        """Build an object from each document."""
        try:
            return self._fast_load(documents)
        except STUMBLES:
            pass
        return [self.load(document) for document in documents]

    def dump(self, subject: Any) -> dict[str, Any]:
        """Build the document of an object; what is None is left out.

        Raises:
            ValidationError: if a value cannot be stored, naming every field that is wrong.
        """
        try:
            return self._fast_dump(subject)
        except STUMBLES:
            pass
        return self._dump_checked(subject)

    def codec_of(self, declared: FieldType) -> Codec:
        """Return the codec of a declared type.

        Raises:
            ConfigurationError: if values of it cannot be stored.
        """
        return codec_of(declared, self._nested_codec, self._unusual)

    def _mapped(self, field: FieldSchema, *, nested: bool) -> MappedField:
        try:
            codec = self.codec_of(field.type)
        except ConfigurationError as error:
            raise ConfigurationError(f"{field.name}: {error}") from None
        key = self._keys.key_of(field.name, nested=nested)
        return MappedField(field.name, key, field.type, codec, field.attribute)

    def _nested_codec(self, cls: type[Any]) -> Codec:
        mapping = self.nested(cls)

        def dump(value: Any) -> Any:
            if type(value) is not cls:
                raise ValueError(f"must be a {cls.__name__}, not {type(value).__name__}")
            return mapping.dump(value)

        return Codec(mapping.load, dump, mutable=True)

    def _can_skip_init(self) -> bool:
        """Whether filling the attributes makes the same object as the constructor would."""
        stored = {field.name for field in self.fields}
        plain = all(
            attribute.init if attribute.name in stored else not isinstance(attribute.default, FACTORY)
            for attribute in attrs.fields(self.cls)
        )
        return plain and not hasattr(self.cls, "__attrs_post_init__") and not self._frozen()

    def _frozen(self) -> bool:
        return getattr(self.cls.__setattr__, "__name__", "") == "_frozen_setattrs"

    def _load_each_checked(self, documents: Sequence[Document]) -> list[Any]:
        return [self._load_checked(document) for document in documents]

    def _load_checked(self, document: Any) -> Any:
        if not isinstance(document, dict):
            raise ValidationError.of("", f"expected a document, found {type(document).__name__}")
        values: dict[str, Any] = {}
        later: dict[str, Any] = {}
        problems: list[Problem] = []
        for field in self.fields:
            if field.is_left_to_class(document):
                values |= self._left_out(field, document)
                continue
            if not field.attribute.init and field.is_computed(document):
                continue
            try:
                value = field.load(document.get(field.key, MISSING))
            except ValueError as error:
                problems.extend(problems_of(field, error))
                continue
            if field.attribute.init:
                values[field.attribute.alias or field.name] = value
            else:
                later[field.name] = value
        if not problems:
            try:
                return _filled(self.cls(**values), later)
            except Exception as error:  # noqa: BLE001 - whatever the class's own code raises: the document is named
                secrets = [document.get(field.key, "") for field in self.fields if field.secret]
                problems.extend(without_secrets(problems_at("", error), secrets))
        raise ValidationError(problems, entity=self.name, document_id=document.get("_id"))

    def _left_out(self, field: MappedField, document: Document) -> dict[str, Any]:
        """The arguments for a field whose default stands in: none, for the class itself makes it."""
        return {}

    def _dump_checked(self, subject: Any) -> dict[str, Any]:
        document: dict[str, Any] = {}
        problems: list[Problem] = []
        for field in self.fields:
            value = getattr(subject, field.name)
            if value is None and field.type.optional:
                continue
            try:
                document[field.key] = field.codec.dump(value)
            except ValueError as error:
                problems.extend(problems_of(field, error))
        if problems:
            raise ValidationError(problems, entity=self.name)
        return document

    def _generate_load(
        self, signature: str, more: Sequence[str] = (), more_names: Mapping[str, Any] = MappingProxyType({})
    ) -> Callable[..., list[Any]]:
        """Generate a loop over documents; more lines may use the `document` and the `value_<number>` of each field."""
        names: dict[str, Any] = {"filler": filler(self.cls), "cls": self.cls, "new": object.__new__, **more_names}
        lines = ["get = document.get", "subject = new(filler)"]
        for number, field in enumerate(self.fields):
            lines += load_lines(field, f"value_{number}", names)
        stored = {field.name for field in self.fields}
        for attribute in attrs.fields(self.cls):
            if attribute.name not in stored:
                names[f"default_{attribute.name}"] = attribute.default
                lines.append(f"subject.{attribute.name} = default_{attribute.name}")
        lines += ["subject.__class__ = cls", "append(subject)", *more]
        loop = ["loaded = []", "append = loaded.append", "for document in documents:", *indented(lines)]
        return compiled(signature, [*loop, "return loaded"], names, self.name)

    def _generate_dump(self) -> Callable[[Any], Document]:
        names: dict[str, Any] = {}
        return compiled("dump(subject)", [*self._dump_lines(names, {}), "return document"], names, self.name)

    def _dump_lines(self, names: dict[str, Any], given: Mapping[str, str]) -> list[str]:
        """The lines that make the `document` of a `subject`; for some keys the expression may be given."""
        lines: list[str] = []
        items: dict[str, str] = {}
        absent: list[str] = []
        for number, field in enumerate(self.fields):
            items[field.key] = f"value_{number}"
            if field.key in given:
                continue
            lines += dump_lines(field, f"value_{number}", names)
            if field.type.optional:
                absent.append(f"if value_{number} is None: del document[{field.key!r}]")
        pairs = (f"{key!r}: {value}" for key, value in {**items, **given}.items())
        return [*lines, f"document = {{{', '.join(pairs)}}}", *absent]


def _filled(subject: Any, values: Mapping[str, Any]) -> Any:
    """Give an object what its constructor does not take, past its validators and a frozen class's refusal."""
    for name, value in values.items():
        object.__setattr__(subject, name, value)
    return subject
