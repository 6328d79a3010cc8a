"""Validators and converters for the fields of entities: ``name: str = field(validator=fields.text(max=80))``."""

# one list of them: that of the module which defines them
from .domain.entities.fields import *  # noqa: F403
from .domain.entities.fields import __all__  # noqa: F401
