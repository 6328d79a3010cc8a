"""Invalidations that are owed."""

from tristore.adapters.caching.failed_invalidations import Debts


def test_what_is_owed_until_it_is_settled() -> None:
    """C18: a failure is owed until what was owed then has been invalidated."""
    debts = Debts()
    assert not debts
    assert debts.add(["users", "organizations"])
    assert not debts.add(["users"])
    assert (True, True, False) == ("users" in debts, "organizations" in debts, "transfers" in debts)
    assert debts.settle(debts.owed())
    assert not debts


def test_a_failure_that_comes_meanwhile_stays() -> None:
    """C18: what makes good the failures so far says nothing of a commit that failed while that was under way."""
    debts = Debts()
    debts.add(["users", "organizations"])
    paid = debts.owed()
    debts.add(["users"])
    assert not debts.settle(paid)
    assert (True, False) == ("users" in debts, "organizations" in debts)
