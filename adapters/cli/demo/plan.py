"""What the demo will do: all of its data, drawn from a seed before anything is stored."""

from random import Random

from attrs import frozen

DAYS = 7
"""How many days, today included, the views are spread over."""

_FIRST = ("Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Ken", "Leslie", "Margaret")
_LAST = ("Allen", "Dijkstra", "Hamilton", "Hopper", "Knuth", "Lamport", "Liskov", "Lovelace", "Turing")
_PROJECTS = ("Aurora", "Borealis", "Cascade", "Delta", "Ember", "Fjord")
_BUSY = 6
"""Half of all transfers meet the first few accounts, so that threads get into each other's way."""


@frozen
class Person:
    """A user to be."""

    first: str
    last: str
    name: str
    credits: int


@frozen
class Payment:
    """A transfer to be, between people given by their position."""

    sender: int
    receiver: int
    amount: int


@frozen
class View:
    """A playback event to be; without a viewer, by a guest."""

    project: int
    viewer: int | None
    days_ago: int
    seconds: int


@frozen
class Plan:
    """Everything that one run stores, whatever the order in which threads get to it."""

    seed: int
    people: tuple[Person, ...]
    projects: tuple[str, ...]
    payments: tuple[Payment, ...]
    views: tuple[View, ...]

    def balances(self) -> list[int]:
        """The credits that each person has in the end."""
        left = [person.credits for person in self.people]
        for payment in self.payments:
            left[payment.sender] -= payment.amount
            left[payment.receiver] += payment.amount
        return left

    def changes(self, person: int) -> int:
        """How many payments change the account of a person."""
        return sum(person in {payment.sender, payment.receiver} for payment in self.payments)


def make_plan(users: int, seed: int) -> Plan:
    """Draw a plan; the same arguments always give the same one."""
    random = Random(seed)  # noqa: S311 - data for show
    payments = tuple(_payment(random, users) for _ in range(max(60, min(6 * users, 400))))
    people = tuple(_person(random, position, payments) for position in range(users))
    projects = tuple(random.sample(_PROJECTS, 3))
    views = tuple(_view(random, users, len(projects)) for _ in range(min(10 * users, 300)))
    return Plan(seed, people, projects, payments, views)


def _payment(random: Random, users: int) -> Payment:
    among = min(users, _BUSY) if random.random() < 0.5 else users
    sender, receiver = random.sample(range(among), 2)
    return Payment(sender, receiver, random.randint(1, 50))


def _person(random: Random, position: int, payments: tuple[Payment, ...]) -> Person:
    """Give a person enough for everything that it pays, so that the order of the payments does not matter."""
    first, last = random.choice(_FIRST), random.choice(_LAST)
    needed = sum(payment.amount for payment in payments if payment.sender == position)
    return Person(first, last, f"{first}-{last}-{position + 1}".lower(), needed + random.randint(0, 100))


def _view(random: Random, users: int, projects: int) -> View:
    viewer = random.randrange(users) if random.random() < 0.9 else None
    return View(random.randrange(projects), viewer, random.randrange(DAYS), random.randint(5, 600))
