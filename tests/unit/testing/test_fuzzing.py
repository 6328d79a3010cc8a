"""The fuzzer finds what is wrong with a twin, and says it in a few lines that can be run."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, customer
from contracts.entities.shifts import SHIFTS, ShiftStore, ShiftUnitOfWork
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from pymongo import MongoClient
from sized import sized

from tristore import ConfigurationError, DocumentStore, FixedClock, open_store
from tristore.adapters.backend import BackendOptions
from tristore.adapters.operations.upkeep.candidates import START
from tristore.adapters.testing.fuzzing.answers import Answer
from tristore.adapters.testing.fuzzing.histories import histories
from tristore.adapters.testing.fuzzing.replay import Side, replay
from tristore.adapters.testing.fuzzing.steps import Add, Ask, End, History, Stored
from tristore.testing import MongoServer, StoresDiffer, fuzz

from .wrong_twins import WRONG_TWINS, SkipIsOffByOne, WrongTwin

EXAMPLES = 4_000
PLENTY = 600.0
"""Seconds: the histories of a seed are always the same, and a slow machine may take its time for them."""
MINUTE = 60.0
"""Seconds in which a wrong rule must be found that is not among those that take longer, whatever the machine does."""
QUICK = frozenset(
    {
        "CountsForgetOwnWrites",
        "EmptyTextIsMissing",
        "MissingIsNotNull",
        "RollbackCommits",
        "SkipIsOffByOne",
        "UniqueIgnoresCase",
    }
)
"""Wrong rules that are found in a few seconds: everybody's runs look for them, and the soak for the others."""
LONG = frozenset(
    {
        "AnUpdateHitsTwo",
        "ContainsComparesTheWholeList",
        "IntegersSortBeforeFloats",
        "NotEqualPassesMissingOver",
        "NullsSortLast",
        "StartsWithIgnoresCase",
        "TrueIsOne",
        "VersionsAreIgnored",
    }
)
"""Wrong rules that take 10 to 30 s on two shared cores: a slower machine may need more than a minute for them."""
WRONG = "wrong"

BillingStore = DocumentStore[BillingUnitOfWork]


def opener(twin: type[WrongTwin]) -> Callable[[str], BillingStore]:
    """Return what opens the billing store in memory, and at the URL "wrong" the twin with the wrong rule."""
    mode = "" if twin.transactional else "?transactions=false"

    def open_it(url: str) -> BillingStore:
        at = f"memory://{mode}" if url == WRONG else url.replace("memory://", f"memory://{mode}")
        transactions: Any = "required" if twin.transactional else "off"
        store = open_store(
            BillingUnitOfWork, url=at, documents=DOCUMENTS, clock=FixedClock(START), transactions=transactions
        )
        if url == WRONG:
            environment = store.environment
            environment.backend = twin.open(at, BackendOptions("wrong", tuple(environment.collections)))
        return store

    return open_it


def answer_of(script: str, open_it: Callable[[str], BillingStore], url: str) -> Answer:
    """Run the function of a script at a URL."""
    names: dict[str, Any] = {"open_it": open_it}
    exec(script[: script.index('\nhistory("')], names)
    try:
        return Answer.returned(names["history"](url))
    except Exception as error:  # noqa: BLE001 - the answer may be an error of any class
        return Answer.raised(error)


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(twin, id=twin.__name__, marks=[] if twin.__name__ in QUICK else pytest.mark.soak)
        for twin in WRONG_TWINS
    ],
)
def test_each_wrong_rule_is_found(twin: type[WrongTwin]) -> None:
    """A wrong rule is found within a minute, in a few steps, and the printed program shows it."""
    open_it, seconds = opener(twin), PLENTY if twin.__name__ in LONG else MINUTE

    with pytest.raises(StoresDiffer) as caught:
        fuzz(open_it, "memory://", WRONG, seconds=seconds, examples=EXAMPLES, seed=1)
    difference = caught.value.report.difference

    assert difference is not None
    assert difference.steps <= 10
    assert answer_of(difference.script, open_it, "memory://") != answer_of(difference.script, open_it, WRONG)


def test_there_are_enough_wrong_rules() -> None:
    """More than ten are asked for within a minute, and the others are real ones."""
    names = {twin.__name__ for twin in WRONG_TWINS}

    assert LONG | QUICK < names
    assert not LONG & QUICK
    assert len(names - LONG) >= 10


def test_a_wrong_rule_is_found_against_a_server(tristore_mongod: MongoServer) -> None:
    """A wrong twin is told from a real server, by the same program."""
    right = opener(WrongTwin)
    wrong = opener(SkipIsOffByOne)
    url = tristore_mongod.url_for("fuzzed_twin")

    def open_it(at: str) -> BillingStore:
        return wrong(WRONG) if at == WRONG else right(at)

    with pytest.raises(StoresDiffer) as caught:
        fuzz(open_it, WRONG, url, seconds=PLENTY, examples=EXAMPLES, seed=1)

    assert "skip=" in str(caught.value)
    assert f'history("{url}")' in str(caught.value)


@sized(40, soak=200)
def test_the_twin_and_a_server_agree(tristore_mongod: MongoServer, examples: int) -> None:
    """Histories over the sample domain find no difference between the twin and a real server, and leave nothing."""
    url = tristore_mongod.url_for("fuzzed")

    report = fuzz(opener(WrongTwin), "memory://", url, seconds=PLENTY, examples=examples, seed=1)
    with MongoClient[dict[str, Any]](url) as raw:
        left = [raw.fuzzed[name].count_documents({}) for name in ("customers", "invoices")]

    assert (examples, [0, 0]) == (report.histories, left)
    assert report.steps > 5 * examples


@sized(30, soak=300)
def test_the_twin_and_a_server_agree_about_times(tristore_mongod: MongoServer, examples: int) -> None:
    """Histories over dates, times of the day and durations find no difference between the twin and a real server."""

    def open_it(url: str) -> ShiftStore:
        return open_store(ShiftUnitOfWork, url=url, documents=SHIFTS, clock=FixedClock(START))

    report = fuzz(
        open_it, "memory://", tristore_mongod.url_for("fuzzed_times"), seconds=PLENTY, examples=examples, seed=1
    )

    assert examples == report.histories
    assert report.steps > 5 * examples


def drawn(store: BillingStore, number: int) -> list[History]:
    """The first histories of a strategy."""
    found: list[History] = []

    def keep(history: History) -> bool:
        found.append(history)
        return False

    with pytest.raises(NoSuchExample):
        find(
            histories(store),
            keep,
            settings=settings(
                max_examples=number,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
            random=Random(1),
        )
    return found


def test_histories_do_everything() -> None:
    """Histories take every kind of step, call every named query, keep two units open at once, and meet errors."""
    left, right = (Side(opener(WrongTwin)("memory://")) for _ in range(2))
    met: Counter[str] = Counter()
    for history in drawn(left.store, 300):
        played = replay(history, left, right)
        open_units: set[str] = set()
        for step, (answer, _) in zip(played.steps, played.answers, strict=True):
            met[step.method if isinstance(step, Ask) else type(step).__name__] += 1
            met[type(answer.error).__name__] += 1
            open_units = open_units - {step.slot} if isinstance(step, End) else open_units | {step.slot}
            met["both"] += {"a", "b"} <= open_units
        assert not played.differs

    assert set() == {
        *("Add", "Edit", "Remove", "End", "get", "find", "first", "page", "stream", "count", "exists"),
        *("rich", "unpaid", "both", "NotFound", "DuplicateKey", "WriteConflict", "UnitOfWorkFailed"),
    } - {name for name, times in met.items() if times}


def test_a_store_that_holds_something_is_not_touched() -> None:
    """Fuzzing empties its stores, so one that holds a document is refused."""
    store = opener(WrongTwin)("memory://")
    with store.unit_of_work() as billing:
        billing.customers.add(customer())

    with pytest.raises(ConfigurationError, match="customers at memory:// is not empty"):
        fuzz(lambda url: store, "memory://", "memory://", examples=1)
    with store.reader() as billing:
        assert 1 == billing.customers.count()


def test_the_same_seed_makes_the_same_histories() -> None:
    """Two runs with one seed replay the same histories."""
    reports = [fuzz(opener(WrongTwin), "memory://", "memory://", seconds=PLENTY, examples=15, seed=5) for _ in range(2)]

    assert reports[0].steps == reports[1].steps
    assert [15, 15] == [report.histories for report in reports]


def test_what_is_stored_is_compared_at_the_end() -> None:
    """Behind the last step of a history every collection is read, and its stored documents are compared."""
    left, right = Side(opener(WrongTwin)("memory://")), Side(opener(WrongTwin)("memory://"))
    history: History = [Add("a", "customers", customer()), End("a", "commit")]

    played = replay(history, left, right)

    assert not played.differs
    assert ["customers", "invoices"] == [step.collection for step in played.steps if isinstance(step, Stored)]
