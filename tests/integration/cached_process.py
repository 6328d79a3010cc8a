"""A process that is killed between its commit and the invalidation: run by `test_cache_crash`.

Usage: ``cached_process.py CORE_URL REDIS_URL USER_ID STRICT``
"""

import os
import signal
import sys

from tristore import CacheSettings, Id, open_store
from tristore.adapters.documents.core import CORE
from tristore.domain.core import CoreUnitOfWork, UserId


def main() -> None:
    """Commit, and die where the cache is to be told."""
    url, redis_url, user_id, strict = sys.argv[1:]
    cache = CacheSettings(url=redis_url, strict=strict == "strict")
    store = open_store(CoreUnitOfWork, url=url, documents=CORE, name="under-test", prepare="off", cache=cache)

    def die(names: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert store.environment.cache is not None
    store.environment.cache.tokens.replace = die  # type: ignore[method-assign]
    with store.unit_of_work() as core:
        core.users.get(UserId(Id(user_id))).credits = 7


if __name__ == "__main__":
    main()
