"""Dates, times of the day and durations on each backend."""

from ..stores import OnMemory, OnMongo
from .shifts_suite import ShiftsContract


class TestMemory(OnMemory, ShiftsContract):
    """In memory."""


class TestMongo(OnMongo, ShiftsContract):
    """On a real mongod."""
