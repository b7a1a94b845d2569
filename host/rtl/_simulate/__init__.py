"""Stage 6: compiled kernels under Verilator."""
