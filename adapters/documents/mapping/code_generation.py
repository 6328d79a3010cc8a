"""The text of the generated functions: what is done for each field of a class, for values of the declared types.

Whatever does not fit makes the text stumble with one of the errors that `ClassMapping` then answers.
"""

from collections.abc import Callable
from typing import Any

from ....domain.entities.scalars import Kind
from ..values.codecs import CODE_NAMES, STORED
from .mapped_field import MappedField


def filler(cls: type[Any]) -> type[Any]:
    """A private subclass whose attributes are set without hooks: the cheapest way to fill a slots class."""
    return type(f"_{cls.__name__}Filler", (cls,), {"__slots__": (), "__setattr__": object.__setattr__})


def load_lines(field: MappedField, value: str, names: dict[str, Any]) -> list[str]:
    """Return the lines that bring a field from the `document` into a local variable and the `subject`."""
    source = f"get({field.key!r})" if field.type.optional else f"document[{field.key!r}]"
    lines = [f"{value} = {source}"]
    kind, stored = field.type.kind, STORED.get(field.type.kind)
    when = f"if {value} is not None: " if field.type.optional else ""
    if stored is not None and stored.exact:
        guard = f" and {value} is not None" if field.type.optional else ""
        lines.append(f"if {value}.__class__ is not {stored.exact}{guard}: raise ValueError")
    elif stored is not None and stored.load_code:
        lines.append(f"{when}{value} = {stored.load_code.format(value)}")
    elif kind is Kind.ENUM:
        names[f"members_of_{value}"] = {member.value: member for member in field.type.python}
        lines.append(f"{when}{value} = members_of_{value}[{value}]")
    else:
        names[f"load_{value}"] = field.codec.load
        lines.append(f"{when}{value} = load_{value}({value})")
    return [*lines, f"subject.{field.name} = {value}"]


def dump_lines(field: MappedField, value: str, names: dict[str, Any]) -> list[str]:
    """Return the lines that bring a field of the `subject`, as it is stored, into a local variable."""
    kind, stored = field.type.kind, STORED.get(field.type.kind)
    first = f"{value} = subject.{field.name}"
    if stored is not None and stored.dump_code:
        lines = [line.format(value) for line in stored.dump_code]
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
    exec(compile(text, f"<tristore {signature} of {subject}>", "exec"), known := {**CODE_NAMES, **names})  # noqa: S102
    found: Callable[..., Any] = known[signature.partition("(")[0]]
    return found
