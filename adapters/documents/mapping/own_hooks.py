"""Which hooks of a cattrs converter its user has registered: what cattrs knows by itself is not stored."""

from collections.abc import Callable
from typing import Any, NoReturn

from cattrs import Converter

from ....domain.errors import ConfigurationError

Hook = Callable[..., Any]


class OwnHooks(Converter):
    """A converter that remembers which hooks were registered after it was made.

    Args:
        refuse: raises what is said of a type that nobody knows.
    """

    def __init__(self, refuse: Callable[[Any], NoReturn]) -> None:
        super().__init__(structure_fallback_factory=refuse, unstructure_fallback_factory=refuse)
        self._own: list[Hook] = []

    def own(self, hook: Hook) -> bool:
        """Tell whether a hook was registered, or made by a factory that was."""
        return any(hook is one for one in self._own)

    def _remember(self, hook: Any) -> Any:
        # while it is made, cattrs registers what it knows
        if hasattr(self, "_own"):
            self._own.append(hook)
        return hook

    def _remembering(self, factory: Any) -> Any:
        """A factory of the same parameters: cattrs gives the converter to those that take two."""
        if not hasattr(self, "_own"):
            return factory
        if getattr(factory, "__code__", None) is not None and factory.__code__.co_argcount > 1:
            return lambda wanted, converter: self._remember(factory(wanted, converter))
        return lambda wanted: self._remember(factory(wanted))

    def register_structure_hook(self, cl: Any, func: Any = None) -> Any:
        """Register, as `cattrs.Converter` does."""
        self._remember(cl if func is None else func)
        return super().register_structure_hook(cl, func)

    def register_unstructure_hook(self, cls: Any = None, func: Any = None) -> Any:
        """Register, as `cattrs.Converter` does."""
        self._remember(cls if func is None else func)
        return super().register_unstructure_hook(cls, func)

    def register_structure_hook_func(self, check_func: Any, func: Any) -> None:
        """Register, as `cattrs.Converter` does."""
        super().register_structure_hook_func(check_func, self._remember(func))

    def register_unstructure_hook_func(self, check_func: Any, func: Any) -> None:
        """Register, as `cattrs.Converter` does."""
        super().register_unstructure_hook_func(check_func, self._remember(func))

    def register_structure_hook_factory(self, predicate: Any, factory: Any = None) -> Any:
        """Register, as `cattrs.Converter` does."""
        if factory is None:
            return lambda given: self.register_structure_hook_factory(predicate, given) and given
        return super().register_structure_hook_factory(predicate, self._remembering(factory))

    def register_unstructure_hook_factory(self, predicate: Any, factory: Any = None) -> Any:
        """Register, as `cattrs.Converter` does."""
        if factory is None:
            return lambda given: self.register_unstructure_hook_factory(predicate, given) and given
        return super().register_unstructure_hook_factory(predicate, self._remembering(factory))


def checked_converter(converter: object) -> OwnHooks:
    """Return a converter that remembers its hooks.

    Raises:
        ConfigurationError: if it is another one.
    """
    if not isinstance(converter, OwnHooks):
        raise ConfigurationError(
            f"converter takes what make_converter() returns, not a {type(converter).__module__}."
            f"{type(converter).__name__}: register your hooks there"
        )
    return converter


def hooks_of(converter: Converter, wanted: Any) -> tuple[Hook, Hook] | None:
    """Return the pair of hooks that was registered for a type; None if there is none, or half of one.

    Raises:
        ConfigurationError: if nobody knows the type, or the converter does not remember.
    """
    known = checked_converter(converter)
    structure, unstructure = known.get_structure_hook(wanted), known.get_unstructure_hook(wanted)
    return (structure, unstructure) if known.own(structure) and known.own(unstructure) else None
