"""Queries over documents: by id, pages, cursors, rollups, changes by rule."""
