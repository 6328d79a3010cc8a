"""Hypothesis strategies for your own entities, and for rules over them.

>>> from hypothesis import given, settings
>>> from tristore.domain.core import User
>>> @settings(deadline=None)
... @given(entities(User, credits=7), specifications(User))
... def test_users(user, rule):
...     assert user.credits == 7
...     assert rule.is_satisfied_by(user) in {True, False}
>>> test_users()

They are derived anew at each call, and registered nowhere. The extra ``testing`` brings Hypothesis.
"""

from typing import Any, TypeVar

from .optional_libraries import Needs

with Needs("Hypothesis", "testing"):
    from hypothesis.strategies import SearchStrategy

from ....domain.entities.entity import Entity
from ....domain.rules.specification import Specification
from .entity_strategies import Deriver
from .rule_strategies import rules

T = TypeVar("T")
E = TypeVar("E", bound=Entity[Any])

MOST_LEAVES = 4
"""How many comparisons a random rule has at most, unless the caller says otherwise."""


def entities(cls: type[T], /, **given: Any) -> SearchStrategy[T]:
    """Objects of an entity class, or of any attrs class, that its own rules accept.

    Values are derived from the types of the fields, and from the validators of attrs and of `tristore.fields`;
    any other validator is asked. They are those that a store keeps as they are: times are UTC and in whole
    milliseconds, whole numbers have at most 64 bits, a Decimal 34 digits, none is NaN. An entity is new: its version
    is 0, and it was never added.

    Two entities may have the same id or e-mail address: draw several with
    ``st.lists(entities(User), unique_by=(lambda u: u.id, lambda u: u.email, lambda u: u.username))``.

    Args:
        cls: the class.
        given: strategies or plain values for fields, by name; for a reference, also the entity that it is to.

    Raises:
        ConfigurationError: for a name that the class does not take, and for a field for which no value is found.
    """
    return Deriver().objects(cls, given)


def specifications(cls: type[E], /, *, max_leaves: int = MOST_LEAVES, **given: Any) -> SearchStrategy[Specification[E]]:
    """Rules over an entity, from every word of the rule language that its fields allow.

    Args:
        cls: the entity's class.
        max_leaves: the most comparisons in one rule.
        given: strategies or plain values that fields are compared with, by name, as in `entities`; the same ones there
            and here make more rules that hold.

    Raises:
        ConfigurationError: for a name that the class does not take.
    """
    return rules(cls, given, max_leaves)
