# Step cosim: the Verilog of every kernel and of the engine in Vivado's simulator, driven by the same
# test benches. Small kernels are synthesised here; the engine was, in step csynth.
source project.tcl
foreach kernel [dict keys [setting kernels]] {
    open_kernel $kernel
    if {$kernel ne "engine"} {
        csynth_design
    }
    cosim_design -rtl verilog -tool xsim -argv [vectors $kernel]
    close_project
}
exit
