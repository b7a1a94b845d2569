# Step bitstream: block design, synthesis, implementation, reports, .bit and .hwh.
#
# `vivado -mode batch -source bitstream.tcl` in a project folder, after step ip.
# Leaves in output/: tritstream.bit, tritstream.hwh, utilization.rpt, timing.rpt.

source settings.tcl
source board.tcl
source ps.tcl
source block_design.tcl

set design [dict get $settings design]
set name [dict get $settings overlay]
set jobs [expr {[info exists env(TRITSTREAM_JOBS)] ? $env(TRITSTREAM_JOBS) : 2}]

create_project -force -part [dict get $settings part] $design vivado
set_property ip_repo_paths [list [file join [pwd] hls solution impl ip]] [current_project]
update_ip_catalog -rebuild
create_block_design $settings $board_properties

set bd [get_files $design.bd]
set wrapper [make_wrapper -files $bd -top]
add_files -norecurse $wrapper
set_property top ${design}_wrapper [current_fileset]
update_compile_order -fileset sources_1

proc run_to_end {run args} {
    launch_runs $run {*}$args
    wait_on_run $run
    if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
        error "run $run stopped: [get_property STATUS [get_runs $run]]"
    }
}

run_to_end synth_1 -jobs $jobs
run_to_end impl_1 -to_step write_bitstream -jobs $jobs

file mkdir output
open_run impl_1
report_utilization -file output/utilization.rpt
report_timing_summary -file output/timing.rpt
file copy -force vivado/$design.runs/impl_1/${design}_wrapper.bit output/$name.bit
file copy -force vivado/$design.gen/sources_1/bd/$design/hw_handoff/$design.hwh output/$name.hwh

# Timing that is not met still leaves the bitstream and its reports, to be looked at, not used.
set slack [get_property STATS.WNS [get_runs impl_1]]
puts "TRITSTREAM worst negative slack $slack ns"
if {$slack < 0} {
    puts "TRITSTREAM timing is not met"
    exit 3
}
exit
