# Step csynth: the engine's C++ to Verilog. Reports: hls/solution/syn/report.
source project.tcl
open_kernel engine
csynth_design
exit
