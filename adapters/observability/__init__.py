"""Metrics, traces, and who called: what the other adapters report to."""
