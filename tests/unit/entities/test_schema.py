"""What a class declares: its stored fields, their types, and what cannot be read."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Generic, NewType, Optional, TypeVar, Union
from uuid import UUID

import pytest
from attrs import define, field

from tristore import ConfigurationError, Entity, Id, InvalidQuery
from tristore.domain.entities.scalars import Kind
from tristore.domain.entities.schema import FieldType, schema_of
from tristore.fields import SECRET

RoomId = NewType("RoomId", Id)
SuiteId = NewType("SuiteId", RoomId)
Label = NewType("Label", str)
T = TypeVar("T")


class Size(Enum):
    """An enum."""

    SMALL = 1


@define
class View:
    """A nested value that may hold one of its own kind."""

    over: str
    beyond: "View | None" = None


@define(kw_only=True)
class Room(Entity[RoomId]):
    """A field of every sort."""

    suite_id: SuiteId | None = None
    label: Label = Label("")
    name: str = ""
    beds: int = 0
    area: float = 0.0
    clean: bool = False
    seen_at: Optional[datetime] = None  # noqa: UP045 - the older form is read too
    price: Union[Decimal, None] = None  # noqa: UP007 - and this one
    photo: bytes = b""
    door: UUID | None = None
    size: Size = Size.SMALL
    view: View | None = None
    views: list[View] = field(factory=list)
    exits: tuple[str, ...] = ()
    tags: set[str] = field(factory=set)
    keys: frozenset[int] = frozenset()
    names: dict[str, str] = field(factory=dict)
    rates: dict[str, list[Decimal | None]] = field(factory=dict)
    notes: dict[str, Any] = field(factory=dict)
    bare_list: list = field(factory=list)  # type: ignore[type-arg]
    bare_dict: dict = field(factory=dict)  # type: ignore[type-arg]
    anything: Any = None
    thing: object = None
    ratio: Fraction = Fraction(0)
    pair: tuple[int, str] = (0, "")
    either: int | str = 0
    by_number: dict[int, str] = field(factory=dict)
    code: str = field(default="", repr=False, metadata=SECRET)


def kind_of(declared: FieldType) -> Any:
    """A type as nested data: its kind, ``?`` where it is optional, the kind of its items."""
    shown = declared.kind.name + ("?" if declared.optional else "")
    return shown if declared.item is None else (shown, kind_of(declared.item))


def test_every_field_has_its_type() -> None:
    """Annotations of every form are read: typed ids, optionals, collections, nested classes."""
    assert {
        "id": "ID",
        "version": "INT",
        "created_at": "DATETIME",
        "updated_at": "DATETIME",
        "suite_id": "ID?",
        "label": "STR",
        "name": "STR",
        "beds": "INT",
        "area": "FLOAT",
        "clean": "BOOL",
        "seen_at": "DATETIME?",
        "price": "DECIMAL?",
        "photo": "BYTES",
        "door": "UUID?",
        "size": "ENUM",
        "view": "NESTED?",
        "views": ("SEQUENCE", "NESTED"),
        "exits": ("SEQUENCE", "STR"),
        "tags": ("SEQUENCE", "STR"),
        "keys": ("SEQUENCE", "INT"),
        "names": ("DICT", "STR"),
        "rates": ("DICT", ("SEQUENCE", "DECIMAL?")),
        "notes": ("DICT", "FREE?"),
        "bare_list": ("SEQUENCE", "FREE?"),
        "bare_dict": ("DICT", "FREE?"),
        "anything": "FREE?",
        "thing": "FREE?",
        "ratio": "OTHER",
        "pair": "OTHER",
        "either": "OTHER",
        "by_number": "OTHER",
        "code": "STR",
    } == {name: kind_of(found.type) for name, found in schema_of(Room).fields.items()}


def test_the_class_behind_a_type_is_known() -> None:
    """Each type knows the class to check against or to build; that of an id is str."""
    fields = schema_of(Room).fields

    assert (str, str, str) == tuple(fields[name].type.python for name in ("id", "suite_id", "label"))
    assert (Size, View, tuple, frozenset) == tuple(
        fields[name].type.python for name in ("size", "view", "exits", "keys")
    )


def test_recorded_events_are_not_stored() -> None:
    """What happened is delivered, not stored with the entity."""
    assert "_events" not in schema_of(Room).fields


def test_secrets_are_marked() -> None:
    """A field with SECRET in its metadata is one that no log may show."""
    assert ["code"] == [name for name, found in schema_of(Room).fields.items() if found.secret]


def test_a_schema_is_read_once() -> None:
    """The same class has the same schema object."""
    assert schema_of(Room) is schema_of(Room)


def test_an_entity_without_a_type_of_its_own_has_an_id() -> None:
    """The default of the id's type variable is Id."""

    @define(kw_only=True)
    class Plain(Entity):
        pass

    assert Kind.ID is schema_of(Plain).fields["id"].type.kind


def test_the_type_of_the_id_is_found_through_bases() -> None:
    """A generic base between the entity and its class passes the type on."""

    @define(kw_only=True)
    class Numbered(Entity[T], Generic[T]):
        remark: str = ""

    @define(kw_only=True)
    class Ticket(Numbered[int]):
        id: int = 0

    @define(kw_only=True)
    class Voucher(Numbered[UUID]):
        pass

    @define(kw_only=True)
    class SpecialVoucher(Voucher):
        pass

    assert Kind.INT is schema_of(Ticket).fields["id"].type.kind
    assert Kind.UUID is schema_of(Voucher).fields["id"].type.kind
    assert Kind.UUID is schema_of(SpecialVoucher).fields["id"].type.kind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("beds", "int"),
        ("seen_at", "datetime | None"),
        ("suite_id", "SuiteId | None"),
        ("view", "View | None"),
        ("views", "list"),
        ("either", "int | str"),
    ],
)
def test_a_type_is_shown_as_it_was_written(name: str, shown: str) -> None:
    """Messages name types as the user knows them."""
    assert shown == str(schema_of(Room).fields[name].type)


def test_an_unknown_field_is_refused_with_what_there_is() -> None:
    """A misspelt name is answered with the one that comes close, a strange one with all of them."""
    with pytest.raises(InvalidQuery, match=r"Room has no field 'bed'; did you mean 'beds'\?"):
        schema_of(Room).field_of("bed")
    with pytest.raises(InvalidQuery, match="View has no field 'zzz'; it has over, beyond"):
        schema_of(View).field_of("zzz")


def test_a_class_without_attrs_is_refused() -> None:
    """Only attrs classes are entities, and the message says how to make one."""

    class Bare:
        pass

    with pytest.raises(ConfigurationError, match=r"Bare is not an attrs class: decorate it with @define"):
        schema_of(Bare)


def test_an_annotation_that_leads_nowhere_is_refused() -> None:
    """A name that cannot be resolved is named."""

    @define(kw_only=True)
    class Lost(Entity):
        other: "Nowhere"  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(ConfigurationError, match=r"an annotation of Lost cannot be resolved: .*Nowhere"):
        schema_of(Lost)
