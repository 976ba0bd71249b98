"""Benchmarks: every figure of ours is printed next to a floor measured in the same run, on the same data."""
