# Step csynth: C++ to Verilog. Reports: hls/solution/syn/report.
source project.tcl
open_engine
csynth_design
exit
