"""Dates, times of the day and durations on each backend."""

from .shifts_suite import ShiftsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, ShiftsContract):
    """In memory."""


class TestMongo(OnMongo, ShiftsContract):
    """On a real mongod."""
