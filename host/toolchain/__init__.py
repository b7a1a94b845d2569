"""What other people's programs are found, run and kept by: compilers, Verilator, Yosys."""
