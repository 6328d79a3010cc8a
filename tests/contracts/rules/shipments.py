"""Shipments: an entity with a field of every sort that a rule can ask about, lists and nested values above all."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType
from uuid import UUID

from attrs import define, field

from tristore import Documents, Entity, Id, Index, Repository, UnitOfWork

ShipmentId = NewType("ShipmentId", Id)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Status(Enum):
    """Where a shipment is."""

    PACKED = "packed"
    SENT = "sent"


@define
class Part:
    """A value inside a nested value."""

    serial_number: str
    weight: int | None = None


@define
class Line:
    """A nested value, with lists of its own."""

    kind: str
    unit_price: Decimal = Decimal(0)
    is_fragile: bool = False
    note: str | None = None
    labels: list[str] = field(factory=list)
    parts: list[Part] = field(factory=list)
    main_part: Part | None = None

    @property
    def is_dear(self) -> bool:
        """Whether it is worth a stamp."""
        return self.unit_price >= 10


@define(kw_only=True)
class Shipment(Entity[ShipmentId]):
    """What is sent."""

    name: str = ""
    nick_name: str | None = None
    weight: int = 0
    height: int | None = None
    score: float = 0.0
    price: Decimal = Decimal(0)
    is_urgent: bool = False
    sent_at: datetime | None = None
    status: Status = Status.PACKED
    owner_id: ShipmentId | None = None
    token: UUID | None = None
    seal: bytes | None = None
    tags: list[str] = field(factory=list)
    codes: list[int | None] | None = None
    moments: list[datetime] = field(factory=list)
    states: set[Status] = field(factory=set)
    prices: tuple[Decimal, ...] = ()
    grid: list[list[int]] = field(factory=list)
    lines: list[Line] = field(factory=list)
    spare_lines: list[Line | None] | None = None
    first_line: Line | None = None
    lines_by_name: dict[str, Line] = field(factory=dict)
    stock: dict[str, int | None] = field(factory=dict)
    rows: list[dict[str, int]] = field(factory=list)
    data: dict[str, Any] = field(factory=dict)
    anything: Any = None


class ShipmentRepository(Repository[Shipment, ShipmentId]):
    """The shipments."""


class ShippingUnitOfWork(UnitOfWork):
    """Reading and writing."""

    shipments: ShipmentRepository


SHIPPING = (
    Documents(
        ShipmentRepository,
        collection="shipments",
        naming="camelCase",
        indexes=(Index("name"), Index("tags"), Index("lines.unit_price")),
    ),
)
