"""The page in front of a chain, for every test here."""

from tests.dashboard.test_page import world

__all__ = ["world"]
