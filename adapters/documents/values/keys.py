"""The keys under which attributes are stored."""

import re
from collections.abc import Mapping
from typing import Literal

from attrs import frozen

Naming = Literal["camelCase", "snake_case"]
"""The form of the keys of documents."""

_AFTER_UNDERSCORE = re.compile(r"(?<=[a-z0-9])_+([a-z0-9])")

ID_KEY = "_id"


def camel_case(name: str) -> str:
    """Turn ``organization_id`` into ``organizationId``."""
    return _AFTER_UNDERSCORE.sub(lambda found: found.group(1).upper(), name)


@frozen
class Keys:
    """Turns attribute names into document keys.

    Attributes:
        naming: the form of the keys.
        own: keys that differ from it, by attribute name; for the entity's own fields, not for nested ones.
    """

    naming: Naming
    own: Mapping[str, str]

    def key_of(self, name: str, *, nested: bool) -> str:
        """Return the document key of an attribute."""
        if not nested:
            if name == "id":
                return ID_KEY
            if name in self.own:
                return self.own[name]
        return camel_case(name) if self.naming == "camelCase" else name
