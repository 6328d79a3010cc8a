"""dogpile.cache's backend for Redis, with lifetimes in milliseconds and commands that its client still recommends."""

from collections.abc import Mapping

from dogpile.cache.backends.redis import RedisBackend as DogpileRedisBackend


class RedisBackend(DogpileRedisBackend):
    """``tristore.redis``: takes what ``dogpile.cache.redis`` takes; ``redis_expiration_time`` may be a fraction."""

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep a value for its time."""
        self.writer_client.set(key, value, px=self._milliseconds)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Keep several values for their time, in one round trip and one transaction."""
        pipe = self.writer_client.pipeline()
        for key, value in mapping.items():
            pipe.set(key, value, px=self._milliseconds)
        pipe.execute()

    def close(self) -> None:
        """Give the connections back; the next call makes others."""
        self.writer_client.close()
        self.writer_client.connection_pool.disconnect()

    @property
    def _milliseconds(self) -> int | None:
        return max(1, int(self.redis_expiration_time * 1000)) if self.redis_expiration_time else None
