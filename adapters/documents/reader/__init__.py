"""Readers: no tracking, no transaction."""
