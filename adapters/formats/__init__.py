"""Entities and documents as text: JSON for people and programs, Extended JSON for files."""
