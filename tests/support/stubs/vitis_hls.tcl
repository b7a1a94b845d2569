# The Vitis HLS commands that the scripts use, with the options that UG1399 documents (2022.2).

namespace eval hls {
    variable project ""
    variable solution ""
    variable top ""
    variable sources {}
    variable bench {}
    variable part ""
    variable period ""
    variable export {}
}

proc hls::need_solution {} {
    if {$hls::solution eq ""} {
        stub::refuse "no solution is open"
    }
}

proc hls::add {files bench} {
    if {$hls::project eq ""} {
        stub::refuse "add_files: no project is open"
    }
    foreach file $files {
        if {![file exists $file]} {
            stub::refuse "add_files: no such file $file"
        }
        lappend hls::[expr {$bench ? "bench" : "sources"}] $file
    }
}

# What the tool leaves on the disk: canned files by name, made by the test.
proc hls::leave {name path} {
    if {![info exists ::env(STUB_REPORTS)]} {
        return
    }
    set canned [file join $::env(STUB_REPORTS) $name]
    if {[file exists $canned]} {
        file mkdir [file dirname $path]
        file copy -force $canned $path
    }
}

proc hls::folder {args} {
    return [file join $hls::project $hls::solution {*}$args]
}

documented open_project {-reset} 1 1 {
    set hls::project [lindex $values 0]
    file mkdir $hls::project
}
documented close_project {} 0 0 {
    foreach name {project solution top part period} {
        set hls::$name ""
    }
    set hls::sources {}
    set hls::bench {}
}
documented set_top {} 1 1 {
    set hls::top [lindex $values 0]
}
documented add_files {-tb -cflags= -csimflags= -blackbox=} 1 1 {
    hls::add [lindex $values 0] [dict exists $given -tb]
}
documented open_solution {-reset -flow_target=} 1 1 {
    if {$hls::project eq ""} {
        stub::refuse "open_solution: no project is open"
    }
    if {[dict exists $given -flow_target] && [dict get $given -flow_target] ni {vivado vitis}} {
        stub::refuse "open_solution: -flow_target is vivado or vitis"
    }
    set hls::solution [lindex $values 0]
    file mkdir [hls::folder]
}
documented set_part {} 1 1 {
    hls::need_solution
    set hls::part [lindex $values 0]
}
documented create_clock {-period= -name=} 0 1 {
    hls::need_solution
    if {![string is double -strict [dict get $given -period]]} {
        stub::refuse "create_clock: -period takes nanoseconds"
    }
    set hls::period [dict get $given -period]
}
documented config_interface {
    -clock_enable= -default_slave_interface= -m_axi_addr64= -m_axi_alignment_byte_size=
    -m_axi_auto_max_ports= -m_axi_buffer_impl= -m_axi_conservative_mode=
    -m_axi_flush_mode= -m_axi_latency= -m_axi_max_bitwidth= -m_axi_max_read_burst_length=
    -m_axi_max_widen_bitwidth= -m_axi_max_write_burst_length= -m_axi_min_bitwidth=
    -m_axi_num_read_outstanding= -m_axi_num_write_outstanding= -m_axi_offset=
    -register_io= -s_axilite_data64= -s_axilite_interrupt_mode= -s_axilite_mailbox=
    -s_axilite_status_regs= -s_axilite_sw_reset=
} 0 0 {
    hls::need_solution
    if {[dict exists $given -m_axi_addr64] && ![string is boolean -strict [dict get $given -m_axi_addr64]]} {
        stub::refuse "config_interface: -m_axi_addr64 is true or false"
    }
}
documented set_directive_bind_storage {-impl= -latency= -type=} 2 2 {
    hls::need_solution
    if {[dict get $given -type] ni {fifo ram_1p ram_1wnr ram_2p ram_s2p ram_t2p rom_1p rom_2p rom_np}} {
        stub::refuse "set_directive_bind_storage: no such -type"
    }
    if {[dict get $given -impl] ni {bram bram_ecc lutram uram uram_ecc srl memory auto}} {
        stub::refuse "set_directive_bind_storage: no such -impl"
    }
    stub::fact storage {*}$values [dict get $given -impl]
}
documented config_export {
    -deadlock_detection= -description= -display_name= -format= -ip_xdc_file= -ip_xdc_ooc_file=
    -ipname= -library= -output= -rtl= -taxonomy= -vendor= -version= -vivado_clock=
    -vivado_impl_strategy= -vivado_max_timing_paths= -vivado_optimization_level=
    -vivado_pblock= -vivado_phys_opt= -vivado_report_level= -vivado_synth_design_args=
    -vivado_synth_strategy=
} 0 0 {
    hls::need_solution
    set hls::export [dict merge $hls::export $given]
}
documented csim_design {-argv= -clean -compiler= -ldflags= -mflags= -O -profile -setup} 0 0 {
    hls::need_solution
    if {$hls::bench eq ""} {
        stub::refuse "csim_design: there is no test bench"
    }
    stub::fact csim $hls::top $hls::sources $hls::bench [dict getdef $given -argv ""]
    hls::step csim
}
documented csynth_design {-dump_cfg -dump_post_cfg -hw_syn -synthesis_check} 0 0 {
    hls::need_solution
    foreach name {top part period sources} {
        if {[set hls::$name] eq ""} {
            stub::refuse "csynth_design: no $name is set"
        }
    }
    file mkdir [hls::folder syn verilog]
    hls::leave csynth.xml [hls::folder syn report csynth.xml]
    hls::step csynth
}
documented cosim_design {
    -argv= -bc -compiled_library_dir= -coverage -disable_binary_tv -disable_deadlock_detection
    -disable_dependency_check -enable_dataflow_profiling -enable_fifo_sizing
    -enable_tasks_with_m_axi -hwemu_trace_dir= -ldflags= -mflags= -O -random_stall -rtl= -setup
    -stable_axilite_update -tool= -trace_level= -user_stall= -wave_debug
} 0 0 {
    hls::need_solution
    if {![file isdirectory [hls::folder syn verilog]]} {
        stub::refuse "cosim_design: nothing has been synthesised"
    }
    if {$hls::bench eq ""} {
        stub::refuse "cosim_design: there is no test bench"
    }
    stub::fact cosim $hls::top $hls::sources $hls::bench [dict getdef $given -argv ""]
    hls::leave cosim.rpt [hls::folder sim report ${hls::top}_cosim.rpt]
    hls::step cosim
}
documented export_design {
    -deadlock_detection= -description= -display_name= -flow= -format= -ip_xdc_file= -ipname=
    -library= -output= -rtl= -taxonomy= -vendor= -version= -xo=
} 0 0 {
    hls::need_solution
    if {![file isdirectory [hls::folder syn verilog]]} {
        stub::refuse "export_design: nothing has been synthesised"
    }
    set all [dict merge $hls::export $given]
    if {[dict getdef $all -format ""] ni {ip_catalog syn_dcp sysgen xo}} {
        stub::refuse "export_design: -format is ip_catalog, syn_dcp, sysgen or xo"
    }
    stub::fact engine $hls::top $hls::part $hls::period $hls::sources
    stub::fact exported [join [lmap name {-vendor -library -ipname -version} {dict get $all $name}] :]
    set ip [hls::folder impl ip]
    file mkdir $ip
    close [open [file join $ip component.xml] w]
    hls::step ip
}

# A hook for the fake tool of the build's tests: prints the step's canned log.
proc hls::step {name} {
    if {[info commands ::fake::step] ne ""} {
        ::fake::step $name
    }
}

if {[catch {dict getdef {} a b}]} {
    # Tcl before 8.7 has no `dict getdef`.
    proc stub::getdef {dictionary key default} {
        if {[dict exists $dictionary $key]} {
            return [dict get $dictionary $key]
        }
        return $default
    }
    namespace ensemble configure dict -map \
        [dict merge [namespace ensemble configure dict -map] {getdef ::stub::getdef}]
}
