# Step ip: packages the Verilog as an IP, hls/solution/impl/ip, for Vivado's catalogue.
source project.tcl
open_kernel engine
export_design -format ip_catalog -rtl verilog
exit
