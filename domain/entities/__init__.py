"""Entities and what they are made of: identity, fields, clock, events, and the schema that is read from a class."""
