"""Data that stays in a folder between two processes."""
