# The Vitis HLS projects that the steps open. Sourced by csim.tcl, csynth.tcl, cosim.tcl and ip.tcl.
#
# Runs in a project folder that `tritstream build` has made: settings.tcl and the sources are there.
# Written for Vitis HLS 2022.2 to 2025.2: `vitis_hls -f STEP.tcl`, and where that is gone
# `vitis-run --mode hls --tcl STEP.tcl`.

source settings.tcl

proc setting {name} {
    return [dict get $::settings $name]
}

# The engine's project is hls, a single kernel's is hls_KERNEL. A project keeps what earlier steps
# left: csynth_design's result is what cosim and export need.
proc open_kernel {kernel} {
    open_project [expr {$kernel eq "engine" ? "hls" : "hls_$kernel"}]
    set_top [dict get [setting kernels] $kernel]
    add_files $kernel.cpp
    add_files -tb ${kernel}_test.cpp -cflags "-I[pwd]"
    open_solution -flow_target vivado solution
    set_part [setting part]
    create_clock -period [setting clock_ns] -name default
    if {$kernel eq "engine"} {
        # Its long memories, where the part has UltraRAM.
        foreach array [setting ultra_ram] {
            set_directive_bind_storage -type ram_2p -impl uram core_0 $array
        }
    }
    # 64-bit base addresses on every board, so that the register map does not depend on the board.
    config_interface -m_axi_addr64=true
    config_export -format ip_catalog -rtl verilog -vendor [setting vendor] -library [setting library] \
        -ipname [setting ip] -version [setting version]
}

# Vectors are named by their whole path: each step's test bench runs in a folder of its own.
proc vectors {kernel} {
    return [file join [pwd] $kernel.vectors]
}
