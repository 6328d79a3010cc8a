"""The in-memory twin of a MongoDB, found by the URL scheme ``memory``."""
