"""Canaries: a word in every secret and every value, and no error, log, representation or traceback that sings it."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field

from tristore import (
    Documents,
    DocumentStore,
    DuplicateKey,
    Entity,
    InvalidQuery,
    Repository,
    TristoreError,
    Unique,
    UnitOfWork,
    ValidationError,
    from_dict,
    open_store,
    to_dict,
    update_from,
    where,
)
from tristore.domain.core import TokenPurpose
from tristore.errors import TooLarge
from tristore.fields import SECRET

CANARY = "hunter2Zq9"


def not_too_easy(_: object, attribute: Any, value: object) -> None:
    """A validator that quotes what it refuses, as those of attrs do."""
    if isinstance(value, str) and value.endswith("easy"):
        raise ValueError(f"{attribute.name}: {value!r} is too easy")


@define
class Key:
    """A nested value with a secret."""

    seed: str = field(repr=False, metadata=SECRET)


@define(kw_only=True)
class Vault(Entity):
    """Secrets of every sort."""

    label: str
    pin: str = field(default="", repr=False, metadata=SECRET, validator=not_too_easy)
    mode: TokenPurpose = field(default=TokenPurpose.API, repr=False, metadata=SECRET)
    keys: list[Key] = field(factory=list, repr=False)
    seeds: dict[str, Any] = field(factory=dict, repr=False, metadata=SECRET)


class VaultRepository(Repository[Vault]):
    """The vaults: a unique secret, of which an error must name the field only."""

    unique = (Unique("pin"), Unique("label"))


class VaultUnitOfWork(UnitOfWork):
    """Writing."""

    vaults: VaultRepository


VAULTS = Documents(VaultRepository, collection="vaults")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and whatever led to it, said or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything(error: BaseException) -> str:
    """All that a log or an error tracker could show of an error and of what led to it."""
    shown = "".join(traceback.format_exception(error))
    for one in chain(error):
        facts = {**vars(one), "details": getattr(one, "details", None)}
        shown += f"{one!r} {one.args!r} {facts!r} {getattr(one, '__notes__', '')}"
    return shown


class CanaryContract:
    """What no backend shows."""

    @pytest.fixture
    def vaults(self, url: str) -> Iterator[DocumentStore[VaultUnitOfWork]]:
        """A store of secrets."""
        store = open_store(VaultUnitOfWork, url=url, documents=[VAULTS], prepare="create", name="under-test")
        yield store
        store.close()

    @pytest.fixture(autouse=True)
    def logged(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        """What is logged meanwhile; of the driver's own log of commands the page on security warns."""
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.INFO, logger="pymongo.command")
        yield
        assert CANARY not in caplog.text

    @pytest.fixture
    def stored(self, vaults: DocumentStore[VaultUnitOfWork]) -> Vault:
        """A vault that is stored."""
        with vaults.unit_of_work() as uow:
            vault = Vault(label=f"{CANARY} label", pin=f"{CANARY} pin", keys=[Key(CANARY)], seeds={"a": CANARY})
            uow.vaults.add(vault)
        return vault

    @pytest.mark.parametrize(("name", "value"), [("pin", f"{CANARY} pin"), ("label", f"{CANARY} label")])
    @pytest.mark.parametrize("others", [0, 2])
    def test_a_duplicate_names_fields_only(
        self, vaults: DocumentStore[VaultUnitOfWork], stored: Vault, name: str, value: str, others: int
    ) -> None:
        """DuplicateKey has the fields; neither it nor the driver's error behind it has the value."""
        with pytest.raises(DuplicateKey) as caught, vaults.unit_of_work() as uow:
            for number in range(others):
                uow.vaults.add(Vault(label=f"{CANARY}{number}", pin=f"{CANARY}{number}", seeds={"x": CANARY}))
            vault = Vault(label=f"{CANARY} other", pin=f"{CANARY} other")
            setattr(vault, name, value)
            uow.vaults.add(vault)

        assert (name,) == caught.value.fields
        assert CANARY not in everything(caught.value)

    def test_an_update_to_a_duplicate(self, vaults: DocumentStore[VaultUnitOfWork], stored: Vault) -> None:
        """The same where an update meets the value."""
        with vaults.unit_of_work() as uow:
            other = Vault(label="other", pin="other")
            uow.vaults.add(other)
        with pytest.raises(DuplicateKey) as caught, vaults.unit_of_work() as uow:
            uow.vaults.get(other.id).pin = f"{CANARY} pin"

        assert CANARY not in everything(caught.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("pin", [CANARY]),
            ("pin", f"{CANARY}\ud800"),
            ("mode", CANARY),
            ("keys", [Key(seed=[CANARY])]),  # type: ignore[arg-type]
            ("keys", [CANARY]),
            ("seeds", {CANARY: {1, 2}}),
            ("seeds", {"x": object}),
            ("seeds", {f"${CANARY}": 1}),
        ],
    )
    def test_what_cannot_be_stored(
        self, vaults: DocumentStore[VaultUnitOfWork], stored: Vault, name: str, value: Any
    ) -> None:
        """A secret that cannot be stored is named and not shown, in a new entity and in an edited one."""
        new = Vault(label="new", pin="new")
        object.__setattr__(new, name, value)
        with pytest.raises(ValidationError) as added, vaults.unit_of_work() as uow:
            uow.vaults.add(new)
        with pytest.raises(ValidationError) as edited, vaults.unit_of_work() as uow:
            object.__setattr__(uow.vaults.get(stored.id), name, value)

        assert [] == [CANARY for caught in (added, edited) if CANARY in everything(caught.value)]

    def test_what_is_too_large(self, vaults: DocumentStore[VaultUnitOfWork]) -> None:
        """A document above the limit is refused without a part of it."""
        with pytest.raises(TooLarge) as caught, vaults.unit_of_work() as uow:
            uow.vaults.add(Vault(label="big", pin="big", seeds={"x": CANARY * 2_000_000}))

        assert CANARY not in everything(caught.value)

    def test_what_is_asked_of_secrets(self, vaults: DocumentStore[VaultUnitOfWork], stored: Vault) -> None:
        """A rule that cannot be asked does not show the value that was to be compared."""
        rules = [
            lambda v: v.pin == [CANARY],
            lambda v: v.pin.startswith(f"{CANARY}\0"),
            lambda v: v.pin.startswith(CANARY * 1_000),
            lambda v: v.mode == CANARY,
            lambda v: v.seeds["x"] == {"$ne": CANARY},
            lambda v: v.keys == CANARY,
        ]
        shown = []
        for rule in rules:
            with pytest.raises(InvalidQuery) as caught, vaults.reader() as uow:
                uow.vaults.find(rule)
            shown.append(everything(caught.value))

        assert CANARY not in "".join(shown)

    def test_what_comes_from_outside(self) -> None:
        """Data that is refused shows no secret, whichever rule refuses it."""
        wrong: list[dict[str, Any]] = [
            {"label": "a", "pin": f"{CANARY} easy"},
            {"label": "a", "pin": [CANARY]},
            {"label": "a", "mode": CANARY},
            {"label": "a", "keys": [{"seed": {"$gt": CANARY}}]},
            {"label": "a", "seeds": [CANARY]},
        ]
        shown = []
        for data in wrong:
            with pytest.raises(TristoreError) as caught:
                from_dict(Vault, data)
            shown.append(everything(caught.value))
            with pytest.raises(TristoreError) as caught:
                update_from(Vault(label="a"), data, allow={"label"})
            shown.append(everything(caught.value))

        assert CANARY not in "".join(shown)

    def test_representations_and_data(self, vaults: DocumentStore[VaultUnitOfWork], stored: Vault) -> None:
        """Neither representations nor to_dict have secrets; stores and units show none of what they hold."""
        with vaults.unit_of_work() as uow:
            loaded = uow.vaults.get(stored.id)
            shown = f"{uow!r} {uow.vaults!r} {vaults!r} {vaults.check()!r}"
        data = to_dict(loaded)

        assert CANARY not in shown
        assert f"Vault(id={loaded.id!r}" in repr(loaded)
        assert CANARY not in repr(loaded).replace(f"{CANARY} label", "").replace(f"{loaded.label!r}", "")
        assert {"pin", "mode", "seeds"}.isdisjoint(data)
        assert [{}] == data["keys"]
        assert CANARY not in repr(where(Vault, lambda v: v.label == "x"))
