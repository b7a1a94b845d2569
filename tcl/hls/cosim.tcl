# Step cosim: the Verilog of csynth in Vivado's simulator, driven by the same test bench.
source project.tcl
open_engine
cosim_design -rtl verilog -tool xsim -argv [vectors]
exit
