"""Which values are places, on the sphere and on a plane, as a server reads them.

A polygon whose sides cross each other is refused by a server alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bson.decimal128 import Decimal128

from ..bson.value_order import MISSING

_EAST, _NORTH = 180, 90
_PAIR = 2
_RING = 4
_NOT_A_PLACE = "holds no place: write GeoJSON, or [longitude, latitude] from -180 to 180 and from -90 to 90"


def fault_of_sphere(value: Any) -> str:
    """Say why a value cannot be in an index of kind 2dsphere; empty if it can."""
    if value is None or value is MISSING or value in ([], {}):
        return ""
    if isinstance(value, Mapping):
        if "type" in value or "coordinates" in value:
            return "" if _is_geojson(value) else _NOT_A_PLACE
        value = [*value.values()]
    return "" if _is_position(value) else _NOT_A_PLACE


def fault_of_flat(value: Any, least: float, most: float) -> str:
    """Say why a value cannot be in an index of kind 2d; empty if it can. What is no list and no object is left out."""
    parts = [*value.values()] if isinstance(value, Mapping) else value
    if not isinstance(parts, list) or not parts:
        return ""
    if isinstance(parts[0], list | Mapping):
        return next(filter(None, (fault_of_flat(part, least, most) for part in parts)), "")
    pair = [_number(part) for part in parts[:_PAIR]]
    if len(pair) == _PAIR and all(number is not None and least <= number <= most for number in pair):
        return ""
    return f"holds no place: write [x, y] from {least} to {most}"


def _number(value: Any) -> float | None:
    if isinstance(value, Decimal128):
        return float(value.to_decimal())
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_position(value: Any) -> bool:
    if not isinstance(value, list) or len(value) < _PAIR:
        return False
    east, north = map(_number, value[:_PAIR])
    return east is not None and north is not None and abs(east) <= _EAST and abs(north) <= _NORTH


def _is_line(value: Any) -> bool:
    return _all(value, _is_position) and any(position[:_PAIR] != value[0][:_PAIR] for position in value)


def _is_polygon(value: Any) -> bool:
    return _all(value, lambda ring: _is_line(ring) and len(ring) >= _RING and ring[0][:_PAIR] == ring[-1][:_PAIR])


def _all(value: Any, test: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(test, value))


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "Point": _is_position,
    "LineString": _is_line,
    "Polygon": _is_polygon,
    "MultiPoint": lambda value: _all(value, _is_position),
    "MultiLineString": lambda value: _all(value, _is_line),
    "MultiPolygon": lambda value: _all(value, _is_polygon),
}


def _is_geojson(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    if kind == "GeometryCollection":
        return _all(value.get("geometries"), lambda part: isinstance(part, Mapping) and _is_geojson(part))
    test = _SHAPES.get(kind) if isinstance(kind, str) else None
    return test is not None and test(value.get("coordinates"))
