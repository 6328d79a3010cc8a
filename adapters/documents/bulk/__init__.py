"""Bulk sessions: writes in chunks, without tracking."""
