"""The MongoDB backend, found by its URL schemes ``mongodb`` and ``mongodb+srv``."""
