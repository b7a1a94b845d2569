"""A bitstream for Zynq-7000 with open tools: Yosys, nextpnr-xilinx and prjxray's assembler."""
