"""Allo kernels of the engine, and what is generated from them."""
