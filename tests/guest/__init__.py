"""Tests of the damon backend on a real DAMON: they run inside a guest only, started by tests/vm/test_guest.py."""
