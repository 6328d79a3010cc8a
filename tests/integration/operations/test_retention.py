"""What a server keeps for a time only, and what it keeps as time series."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from tristore import (
    ConfigurationError,
    Documents,
    Index,
    InvalidQuery,
    Repository,
    TimeSeries,
    Unique,
    Validation,
    open_store,
    open_stores,
)
from tristore.domain.analytics import AnalyticsUnitOfWork, Metric, MetricRepository
from tristore.domain.systemlogs import AuditEntry, ErrorReport, LogEntry, SystemlogsUnitOfWork
from tristore.operations import diff_indexes, diff_validators, sync_indexes
from tristore.three_stores import METRICS, PLAYBACK, SYSTEMLOGS, USAGE, Days, Settings, Url

from ..core_store import Raw, database_name, eventually
from .upkeep import customers, open_billing

NOW = datetime.now(UTC)
LONG_AGO, JUST_NOW = NOW - timedelta(days=91), NOW - timedelta(days=1)

SEEN_TO = 150.0
"""Seconds in which a server has certainly looked for what has expired: one of the user's own does once a minute."""


def entries(at: datetime) -> tuple[LogEntry, ErrorReport, AuditEntry]:
    """One of everything, from that time."""
    log = LogEntry(source="tests", message=f"at {at}", occurred_at=at)
    error = ErrorReport(
        fingerprint=f"{at:%Y%m%d}", source="tests", kind="E", message="m", first_seen_at=LONG_AGO, last_seen_at=at
    )
    audit = AuditEntry(action="looked", subject_kind="user", subject_id="1", occurred_at=at)
    return log, error, audit


def test_systemlogs_are_kept_for_a_time(mongo_url: str) -> None:
    """Log entries and error reports older than the retention go by themselves; younger ones and the trail stay."""
    store = open_store(SystemlogsUnitOfWork, url=mongo_url, documents=SYSTEMLOGS, prepare="create")
    with store.unit_of_work() as uow:
        for at in (LONG_AGO, JUST_NOW):
            log, error, audit = entries(at)
            uow.logs.add(log)
            uow.errors.add(error)
            uow.audit.add(audit)

    def kept() -> tuple[int, ...]:
        with store.reader() as reader:
            return reader.logs.count(), reader.errors.count(), reader.audit.count()

    assert eventually(lambda: kept() == (1, 1, 2), timeout=SEEN_TO)
    store.close()


def test_another_retention_is_a_modification(mongo_url: str, raw: Raw) -> None:
    """Another retention is drift that a sync mends in place; none at all takes the expiry away, once it is named."""
    indexes = raw[database_name(mongo_url)]["logs"].index_information

    def synced(days: int, *drop: str) -> list[str]:
        systemlogs = evolve(Settings().systemlogs, url=Url(mongo_url), retention_days=Days(days))
        with open_stores(Settings(systemlogs=systemlogs), prepare="off") as stores:
            diff = diff_indexes(stores.systemlogs, drop=drop)
            sync_indexes(stores.systemlogs, diff)
            return [step.kind.value for step in diff.steps if step.collection == "logs"]

    assert "create" in synced(90)
    assert (90 * 86_400) == indexes()["occurredAt_1"]["expireAfterSeconds"]
    assert (["modify"], []) == (synced(30), synced(0))
    assert (["hide", "drop", "create"], []) == (synced(0, "logs.occurredAt_1"), synced(0))
    assert "expireAfterSeconds" not in indexes()["occurredAt_1"]


REFUSED = {
    "two fields": (Index("joined_at", "name", expire_after=timedelta(1)), "needs one field"),
    "no time": (Index("name", expire_after=timedelta(1)), "name holds no datetime"),
    "nested, no time": (Index("address.city", expire_after=timedelta(1)), "holds no datetime"),
    "half a second": (Index("joined_at", expire_after=timedelta(seconds=0.5)), "whole seconds"),
    "before": (Index("joined_at", expire_after=timedelta(-1)), "whole seconds"),
    "for ever": (Index("joined_at", expire_after=timedelta(days=30_000)), "2,147,483,647"),
    "no kind": (Index("name:fulltext"), "no kind of index behind the colon"),
    "no field": (Index("nome:text"), "nome"),
    "no field inside": (Index("nome.$**"), "nome"),
}


@pytest.mark.parametrize(("index", "words"), REFUSED.values(), ids=REFUSED)
def test_a_declaration_that_cannot_be(index: Index, words: str) -> None:
    """An index that no server could make is refused when the store is opened, with what is wrong."""
    with pytest.raises(ConfigurationError, match=words):
        open_billing("memory://", customers(index))


def test_an_option_that_no_index_has() -> None:
    """A misspelt option is refused with the one that comes close, a unique one with where that is declared."""
    with pytest.raises(ConfigurationError, match="did you mean 'sparse'"):
        Index("name", sparce=True)
    with pytest.raises(ConfigurationError, match=r"Unique\("):
        Index("name", unique=True)
    with pytest.raises(ConfigurationError, match=r"no option 'zzz'.*weights"):
        Index("name", zzz=True)


SERIES = evolve(
    METRICS,
    time_series=TimeSeries(time="occurred_at", meta="name", granularity="minutes", expire_after=timedelta(days=7)),
)


@pytest.fixture
def metrics(mongo_url: str) -> Iterator[Any]:
    """The analytics store, whose metrics are a time series."""
    store = open_store(AnalyticsUnitOfWork, url=mongo_url, documents=[PLAYBACK, SERIES, USAGE])
    store.prepare()
    yield store
    store.close()


def measured(number: int) -> Metric:
    """A figure of the last minutes."""
    return Metric(name="load", value=float(number), occurred_at=JUST_NOW + timedelta(seconds=number))


def test_metrics_as_a_time_series(metrics: Any, mongo_url: str, raw: Raw) -> None:
    """A time series is made by prepare(), filled in bulk, and asked as any other collection."""
    with metrics.bulk() as bulk:
        result = bulk.metrics.add_many(measured(number) for number in range(300))
    with metrics.reader() as reader:
        latest = reader.metrics.latest("load")
        figures = reader.metrics.figures("load", since=JUST_NOW, until=JUST_NOW + timedelta(seconds=100))
        series = [one.value for one in reader.metrics.series("load", since=JUST_NOW, until=NOW)]
    (options,) = raw[database_name(mongo_url)].list_collections(filter={"name": "metrics"})

    assert (300, 299.0, 100, 49.5) == (result.inserted, latest.value, figures.count, figures.mean)
    assert [float(number) for number in range(300)] == series
    assert "timeseries" == options["type"]
    assert (7 * 86_400, "minutes") == (
        options["options"]["expireAfterSeconds"],
        options["options"]["timeseries"]["granularity"],
    )


def test_a_time_series_has_no_drift(metrics: Any, mongo_url: str) -> None:
    """What prepare() made is no drift; another expiry is modified, another form is a problem that says what to do."""
    assert not diff_indexes(metrics).drift
    assert "metrics" not in {one.collection for one in diff_validators(metrics)}
    for_ever = evolve(SERIES, time_series=TimeSeries(time="occurred_at", meta="name", granularity="minutes"))
    other = open_store(AnalyticsUnitOfWork, url=mongo_url, documents=[PLAYBACK, for_ever, USAGE])
    sync_indexes(other, diff_indexes(other))
    plain = open_store(AnalyticsUnitOfWork, url=mongo_url, documents=[PLAYBACK, METRICS, USAGE])

    assert not diff_indexes(other).drift
    assert ["modify"] == [step.kind.value for step in diff_indexes(metrics).steps]
    assert "copy its documents" in diff_indexes(plain).plan.problems[0]
    other.close()
    plain.close()


def test_a_time_series_in_memory() -> None:
    """In memory the same declaration keeps an ordinary collection, that answers the same."""
    store = open_store(AnalyticsUnitOfWork, url="memory://", documents=[PLAYBACK, SERIES, USAGE])
    with store.bulk() as bulk:
        bulk.metrics.add_many(measured(number) for number in range(3))
    with store.reader() as reader:
        assert 3 == reader.metrics.figures("load", since=JUST_NOW, until=NOW).count
    with pytest.raises(InvalidQuery, match=r"metrics is a time series"), store.unit_of_work() as uow:
        uow.metrics.add(measured(1))


class UniqueMetrics(MetricRepository):
    """With a key that no time series can keep."""

    unique = (Unique("name", "occurred_at"),)


SERIES_REFUSED = {
    "no field": ({"time": "moment"}, {}, "no required datetime"),
    "no time": ({"time": "name"}, {}, "no required datetime"),
    "no meta": ({"time": "occurred_at", "meta": "series"}, {}, "no field 'series'"),
    "unique": ({"time": "occurred_at"}, {"repository": UniqueMetrics}, "neither unique"),
    "validated": ({"time": "occurred_at"}, {"validation": Validation()}, "nor validators"),
}


@pytest.mark.parametrize(("series", "more", "words"), SERIES_REFUSED.values(), ids=SERIES_REFUSED)
def test_a_time_series_that_cannot_be(series: dict[str, Any], more: dict[str, Any], words: str) -> None:
    """What MongoDB does not keep in a time series is refused when the store is opened."""
    repository: type[Repository[Any, Any]] = more.get("repository", MetricRepository)
    wrong = Documents(
        repository, collection="metrics", validation=more.get("validation"), time_series=TimeSeries(**series)
    )
    with pytest.raises(ConfigurationError, match=words):
        open_store(AnalyticsUnitOfWork, url="memory://", documents=[PLAYBACK, wrong, USAGE])


def test_a_unit_writes_no_time_series(metrics: Any) -> None:
    """A unit of work that adds to a time series is refused, with what to use instead."""
    with pytest.raises(InvalidQuery, match=r"metrics is a time series.*bulk\(\)"), metrics.unit_of_work() as uow:
        uow.metrics.add(measured(1))
