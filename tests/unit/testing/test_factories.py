"""Factories where no server is needed: seeds, overrides, bounds, and what is refused."""

from typing import Any

import attrs
import pytest
from attrs import define, field
from contracts.billing import Customer, Status, customer
from polyfactory import Use

from tristore import ConfigurationError, DuplicateKey, Entity, ValidationError, open_stores
from tristore.domain.core import Organization, User, UserStatus
from tristore.testing import EntityFactory, factory_of

from .test_strategies import Everything


class CustomerFactory(EntityFactory[Customer]):
    """A factory as users write it."""

    status = Status.BLOCKED
    name = Use(lambda: "Ada")


class PlainFactory(EntityFactory[Customer]):
    """One that keeps defaults."""

    __use_defaults__ = True


def test_values_lie_inside_the_bounds_of_validators() -> None:
    """What a factory builds is valid, by every validator that can be read and by those that cannot."""
    for made in factory_of(Everything).batch(200):
        attrs.validate(made)

        assert made.pairs % 2 == 0


def test_the_same_seed_makes_the_same_entities() -> None:
    """Ids included; another seed makes others."""
    factory = factory_of(User)
    found = []
    for seed in (1, 1, 2):
        factory.seed_random(seed)
        found.append([attrs.asdict(one) for one in factory.batch(10)])

    assert found[0] == found[1]
    assert found[0] != found[2]


def test_many_have_no_unique_value_in_common() -> None:
    """Ids, addresses and names of a thousand entities differ."""
    users = factory_of(User).batch(1_000)
    slugs = {one.slug for one in factory_of(Organization).batch(1_000)}

    different = [len({getattr(one, name) for one in users}) for name in ("id", "email", "username")]

    assert [1_000] * 4 == [*different, len(slugs)]


def test_class_attributes_and_arguments_fix_fields() -> None:
    """A call goes before the class, and the class before chance."""
    made = CustomerFactory.build()
    other = CustomerFactory.build(status=Status.ACTIVE, name="Bob")

    assert (Status.BLOCKED, "Ada") == (made.status, made.name)
    assert (Status.ACTIVE, "Bob") == (other.status, other.name)


def test_made_factories_fix_fields_too() -> None:
    """`factory_of` takes the same as the body of a class."""
    ada = customer()
    factory = factory_of(Customer, referred_by=ada, credits=Use(lambda: 7))

    assert {(ada.id, 7)} == {(one.referred_by, one.credits) for one in factory.batch(3)}


def test_defaults_can_be_kept() -> None:
    """With ``__use_defaults__`` only fields without a default are random."""
    made = PlainFactory.build()

    assert (Status.ACTIVE, 0, {}, None) == (made.status, made.credits, made.metadata, made.nickname)
    assert made.email != PlainFactory.build().email


def test_entities_are_new() -> None:
    """They were never stored, and lead to nobody who was not."""
    made = factory_of(User).build()

    assert (0, None) == (made.version, made.organization_id)


@pytest.mark.parametrize("call", [lambda: CustomerFactory.build(nmae="Ada"), lambda: factory_of(Customer, nmae="Ada")])
def test_wrong_names_are_refused(call: Any) -> None:
    """A name that the entity does not have is refused, with the one that comes close."""
    with pytest.raises(ConfigurationError, match="Customer has no field 'nmae'; did you mean 'name'"):
        call()


def test_wrong_values_are_refused() -> None:
    """The entity's own rules hold for what a caller gives."""
    with pytest.raises(ValidationError, match="credits"):
        CustomerFactory.build(credits=-1)


def test_a_field_without_a_value_is_named() -> None:
    """A type of the user's own must be given."""

    @define(kw_only=True)
    class Odd(Entity):
        colour: complex = field()

    with pytest.raises(ConfigurationError, match=r"Odd\.colour.*build\(colour="):
        factory_of(Odd).build()

    assert 2j == factory_of(Odd).build(colour=2j).colour


def test_many_are_stored_together_or_not_at_all() -> None:
    """Saving several is one unit of work."""
    with open_stores(core="memory://") as stores:
        with pytest.raises(DuplicateKey):
            factory_of(User).save(stores.core, count=3, username="ada")
        saved = factory_of(User).save(stores.core, count=2, status=UserStatus.INVITED)
        with stores.core.reader() as core:
            found = core.users.find()

    assert {one.id for one in saved} == {one.id for one in found}
    assert [1, 1] == [one.version for one in saved]
