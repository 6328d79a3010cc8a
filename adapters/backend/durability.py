"""The warning that something was applied, though too few members of the replica set have confirmed it."""

import logging
import warnings

from ...domain.errors import DurabilityWarning

_LOGGER = logging.getLogger("tristore")


def warn_of_durability(problem: str) -> None:
    """Warn; where warnings are errors only log, for an error would say that nothing was applied."""
    try:
        warnings.warn(problem, DurabilityWarning, stacklevel=3)
    except DurabilityWarning:
        _LOGGER.warning("%s", problem)
