# Step csim: the C++ of every kernel and of the engine, as Vitis HLS compiles it, run against golden
# vectors. Each test bench prints one line TRITSTREAM.
source project.tcl
foreach kernel [dict keys [setting kernels]] {
    open_kernel $kernel
    csim_design -clean -argv [vectors $kernel]
    close_project
}
exit
