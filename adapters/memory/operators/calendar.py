"""Stretches of time on the calendar of a zone, as MongoDB's $dateTrunc cuts them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bson.objectid import ObjectId
from bson.timestamp import Timestamp

from ....domain.errors import InvalidQuery, ValidationError
from ....domain.queries.rollups import Bucket, TimeUnit
from ....domain.rules.predicates import Path, dotted

Beginning = Callable[[datetime], datetime]

_ORIGIN = datetime(2000, 1, 1)
"""Where hours and minutes are counted from, on the calendar of the zone."""

_LENGTHS = {TimeUnit.HOUR: timedelta(hours=1), TimeUnit.MINUTE: timedelta(minutes=1)}


def bucket_of(bucket: Bucket, path: Path) -> Callable[[object], datetime | None]:
    """Return the function that gives the beginning of the stretch of time in which a decoded value lies.

    Raises:
        InvalidQuery: if this machine does not know the zone.
    """
    beginning = _beginning(bucket.unit, _zone(bucket.zone))

    def begin(found: object) -> datetime | None:
        if found is None:
            return None
        moment = _moment(found, path)
        try:
            return beginning(moment)
        except (OverflowError, ValueError) as error:  # of a year before 1 or after 9999
            raise _refusal(path, "so near to the year 1 or 9999 that its bucket begins beyond them") from error

    return begin


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidQuery(f"this machine knows no time zone {name!r}: its tz database is another one") from error


def _moment(found: object, path: Path) -> datetime:
    """What counts as a date: an ObjectId and a timestamp have one in them."""
    if isinstance(found, datetime):
        return found
    if isinstance(found, ObjectId):
        return found.generation_time.replace(tzinfo=None)
    if isinstance(found, Timestamp):
        return found.as_datetime().replace(tzinfo=None)
    raise _refusal(path, "no date, so it lies in no bucket")


def _refusal(path: Path, what: str) -> ValidationError:
    return ValidationError.of(dotted(path), f"a stored value is {what}")


def _beginning(unit: TimeUnit, zone: tzinfo) -> Beginning:
    """The function from a moment to the beginning of its stretch, both naive and in UTC."""
    length = _LENGTHS.get(unit)
    if length is not None:
        origin = _to_utc(_ORIGIN, zone)
        return lambda moment: origin + (moment - origin) // length * length

    def begin(moment: datetime) -> datetime:
        local = moment.replace(tzinfo=UTC).astimezone(zone)
        return _to_utc(_first_day(unit, datetime(local.year, local.month, local.day)), zone)

    return begin


def _first_day(unit: TimeUnit, day: datetime) -> datetime:
    if unit is TimeUnit.DAY:
        return day
    if unit is TimeUnit.WEEK:
        return day - timedelta(days=day.weekday())
    if unit is TimeUnit.MONTH:
        return day.replace(day=1)
    return day.replace(day=1, month=1 if unit is TimeUnit.YEAR else (day.month - 1) // 3 * 3 + 1)


def _to_utc(local: datetime, zone: tzinfo) -> datetime:
    """The moment of a local time: the later of two, and the end of the gap if there is none."""
    earlier = local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    later = local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    return local - min(earlier, later)
