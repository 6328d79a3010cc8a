"""The fuzzer finds what is wrong with a twin, and says it in a few lines that can be run."""

from collections.abc import Callable
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork

from tristore import DocumentStore, FixedClock, open_store
from tristore.adapters.backend import BackendOptions
from tristore.adapters.testing.answers import Answer
from tristore.adapters.testing.fuzzing import StoresDiffer, fuzz
from tristore.adapters.testing.generated import START

from .wrong_twins import WRONG_TWINS, WrongTwin

SECONDS = 60
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


@pytest.mark.slow
@pytest.mark.parametrize("twin", WRONG_TWINS, ids=lambda twin: twin.__name__)
def test_each_wrong_rule_is_found(twin: type[WrongTwin]) -> None:
    """A wrong rule is found within the time that is given, in a few steps, and the printed program shows it."""
    open_it = opener(twin)

    with pytest.raises(StoresDiffer) as caught:
        fuzz(open_it, "memory://", WRONG, seconds=SECONDS, seed=1)
    difference = caught.value.report.difference

    assert difference is not None
    assert difference.steps <= 10
    assert answer_of(difference.script, open_it, "memory://") != answer_of(difference.script, open_it, WRONG)
