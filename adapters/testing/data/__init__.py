"""Entities for tests: factories and strategies."""
