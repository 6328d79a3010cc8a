"""Every error that tristore raises, and its warnings. The ten that callers catch most are names of `tristore` too."""

# one list of the errors: that of the module which defines them
from .domain.errors import *  # noqa: F403
from .domain.errors import __all__  # noqa: F401
