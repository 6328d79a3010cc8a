"""What a backend with leases answers."""

import threading
import time

from ...backend import Backend, LeaseState
from .cases import TIMEOUT
from .offers import OfferedGuarantees

LONG = 60.0
SHORT = 0.05


def claim(backend: Backend, owner: str, seconds: float = LONG, id: str = "job") -> LeaseState:
    """Claim a lease."""
    return backend.claim_lease("things", id, owner=owner, seconds=seconds, timeout=TIMEOUT)


def renew(backend: Backend, owner: str, fence: int, seconds: float = LONG) -> bool:
    """Renew a lease, or give it back."""
    return backend.renew_lease("things", "job", owner=owner, fence=fence, seconds=seconds, timeout=TIMEOUT)


def claim_when_free(backend: Backend, owner: str) -> LeaseState:
    """Claim until the lease of somebody else has ended."""
    while (state := claim(backend, owner)).owner != owner:
        time.sleep(SHORT)
    return state


class LeasesContract(OfferedGuarantees):
    """Leases: one owner at a time, by the server's clock."""

    def test_a_lease_has_one_owner(self, leasing: Backend) -> None:
        """Who claims first has it; others learn who, and for how long; leases of other names are free."""
        first, second, other = claim(leasing, "one"), claim(leasing, "two"), claim(leasing, "two", id="other")

        assert ("one", "one", "two") == (first.owner, second.owner, other.owner)
        assert (1, 1, 1) == (first.fence, second.fence, other.fence)
        assert 0 < second.seconds <= LONG

    def test_the_owner_does_not_claim_twice(self, leasing: Backend) -> None:
        """A claim while the lease lasts gives the fence that it has."""
        assert claim(leasing, "one").fence == claim(leasing, "one").fence

    def test_a_lease_ends_by_itself(self, leasing: Backend) -> None:
        """Once it has ended another one claims it, with the next fence, and the first has lost it."""
        first = claim(leasing, "one", SHORT)
        second = claim_when_free(leasing, "two")

        assert (first.fence + 1, False) == (second.fence, renew(leasing, "one", first.fence))

    def test_a_lease_that_ended_unclaimed_is_renewed(self, leasing: Backend) -> None:
        """Whoever finds its fence still there goes on, although the time was over."""
        first = claim(leasing, "one", 0)

        assert renew(leasing, "one", first.fence)
        assert "one" == claim(leasing, "two").owner

    def test_a_lease_is_given_back(self, leasing: Backend) -> None:
        """With 0 seconds the next one need not wait; what the first does with its fence meets nothing then."""
        first = claim(leasing, "one")
        given_back = renew(leasing, "one", first.fence, 0)
        second = claim_when_free(leasing, "two")

        assert (True, 2, False) == (given_back, second.fence, renew(leasing, "one", first.fence))

    def test_names_are_values(self, leasing: Backend) -> None:
        """An owner whose name looks like a path or an operator is text."""
        claimed = claim(leasing, "$$NOW")

        assert ("$$NOW", True) == (claimed.owner, renew(leasing, "$$NOW", claimed.fence))

    def test_many_claimants(self, leasing: Backend) -> None:
        """Of claims at the same time exactly one succeeds, also where the lease was never claimed before."""
        states: list[LeaseState] = []
        together = threading.Barrier(6)

        def try_it(owner: str) -> None:
            together.wait()
            states.append(claim(leasing, owner))

        claimants = [threading.Thread(target=try_it, args=(f"number {number}",)) for number in range(6)]
        for claimant in claimants:
            claimant.start()
        for claimant in claimants:
            claimant.join()

        assert ({1}, 1) == ({state.fence for state in states}, len({state.owner for state in states}))
        assert 6 == len(states)
