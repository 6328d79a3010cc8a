"""Declared collections bound to their repositories, with validators and bounds."""
