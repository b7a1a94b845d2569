"""Formal proofs of the shell between engine and memory: `make prove`."""
