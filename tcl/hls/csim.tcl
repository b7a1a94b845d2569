# Step csim: the C++ that will be synthesised, compiled by Vitis HLS and run against golden vectors.
source project.tcl
open_engine
csim_design -clean -argv [vectors]
exit
