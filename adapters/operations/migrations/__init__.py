"""Migrations: a runner that brings stored documents up to date, and named steps that are carried out once."""

from .migrations import Migrations
from .one_off import OneOff
from .reports import Progress

__all__ = ["Migrations", "OneOff", "Progress"]
