"""That schemes do what they say, on a real DAMON: run inside guests with two nodes and swap (tests/vm/test_schemes.py)."""
