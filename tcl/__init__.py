"""Package data: Tcl scripts for Vitis HLS and Vivado."""
