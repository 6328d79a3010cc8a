"""The text of the generated functions: what is done for each field of a class, for values of the declared types.

Whatever does not fit makes the text stumble with one of the errors that `ClassMapping` then answers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import ObjectId

from ....domain.entities.schema import Kind
from ..values.codecs import EPOCH_NAIVE, EPOCH_UTC
from .mapped_field import MappedField

_AS_THEY_ARE = {Kind.STR: "str", Kind.INT: "int", Kind.FLOAT: "float", Kind.BOOL: "bool"}
_NAMES = {
    "EPOCH_UTC": EPOCH_UTC,
    "EPOCH_NAIVE": EPOCH_NAIVE,
    "datetime": datetime,
    "ObjectId": ObjectId,
    "fromhex": bytes.fromhex,
}


def filler(cls: type[Any]) -> type[Any]:
    """A private subclass whose attributes are set without hooks: the cheapest way to fill a slots class."""
    return type(f"_{cls.__name__}Filler", (cls,), {"__slots__": (), "__setattr__": object.__setattr__})


def load_lines(field: MappedField, value: str, names: dict[str, Any]) -> list[str]:
    """Return the lines that bring a field from the `document` into a local variable and the `subject`."""
    source = f"get({field.key!r})" if field.type.optional else f"document[{field.key!r}]"
    lines = [f"{value} = {source}"]
    kind = field.type.kind
    when = f"if {value} is not None: " if field.type.optional else ""
    if kind in _AS_THEY_ARE:
        guard = f" and {value} is not None" if field.type.optional else ""
        lines.append(f"if {value}.__class__ is not {_AS_THEY_ARE[kind]}{guard}: raise ValueError")
    elif kind is Kind.ID:
        lines.append(f"{when}{value} = {value}.binary.hex()")
    elif kind is Kind.DATETIME:
        # from anything but a datetime nothing can be subtracted: it stumbles
        lines.append(f"{when}{value} = EPOCH_UTC + ({value} - EPOCH_NAIVE)")
    elif kind is Kind.ENUM:
        names[f"members_of_{value}"] = {member.value: member for member in field.type.python}
        lines.append(f"{when}{value} = members_of_{value}[{value}]")
    else:
        names[f"load_{value}"] = field.codec.load
        lines.append(f"{when}{value} = load_{value}({value})")
    return [*lines, f"subject.{field.name} = {value}"]


def dump_lines(field: MappedField, value: str, names: dict[str, Any]) -> list[str]:
    """Return the lines that bring a field of the `subject`, as it is stored, into a local variable."""
    kind = field.type.kind
    first = f"{value} = subject.{field.name}"
    if kind is Kind.STR:
        # half of a surrogate pair cannot be encoded, which is a ValueError; whether text is ASCII costs nothing to ask
        lines = [f"if {value}.__class__ is not str: raise ValueError", f"{value}.isascii() or {value}.encode()"]
    elif kind in {Kind.BOOL, Kind.FLOAT}:
        lines = [f"if {value}.__class__ is not {_AS_THEY_ARE[kind]}: raise ValueError"]
    elif kind is Kind.INT:
        limit = 2**63
        lines = [f"if {value}.__class__ is not int or not {-limit} <= {value} < {limit}: raise ValueError"]
    elif kind is Kind.ID:
        lines = [
            f"digits = {value}",
            f"{value} = ObjectId(fromhex(digits))",
            f"if {value}.binary.hex() != digits: raise ValueError",
        ]
    elif kind is Kind.DATETIME:
        # a naive one cannot be subtracted and stumbles; what is finer than a millisecond goes when it is encoded
        lines = [
            f"if {value}.__class__ is not datetime: raise ValueError",
            f"{value} = EPOCH_NAIVE + ({value} - EPOCH_UTC)",
        ]
    elif kind is Kind.ENUM:
        names[f"enum_of_{value}"] = field.type.python
        lines = [f"if {value}.__class__ is not enum_of_{value}: raise ValueError", f"{value} = {value}._value_"]
    else:
        names[f"dump_{value}"] = field.codec.dump
        lines = [f"{value} = dump_{value}({value})"]
    return [first, f"if {value} is not None:", *indented(lines)] if field.type.optional else [first, *lines]


def indented(lines: list[str]) -> list[str]:
    """Return the lines as those of a block."""
    return [f"    {line}" for line in lines]


def compiled(signature: str, lines: list[str], names: dict[str, Any], subject: str) -> Callable[..., Any]:
    """Compile a function.

    Args:
        signature: its name and parameters.
        lines: its body.
        names: what else it uses.
        subject: whom it is for, to be told in tracebacks.
    """
    text = "\n".join([f"def {signature}:", *indented(lines)])
    exec(compile(text, f"<tristore {signature} of {subject}>", "exec"), known := {**_NAMES, **names})  # noqa: S102
    found: Callable[..., Any] = known[signature.partition("(")[0]]
    return found
