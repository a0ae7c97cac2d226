"""Helpers for tests: scripted peers, oracles and hosts. They do not replace code of the package."""
