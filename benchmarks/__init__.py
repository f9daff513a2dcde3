"""Benchmarks: each against a peer that does the same work, in one run, interleaved. `make bench` runs them."""
