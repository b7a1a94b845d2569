# The Vivado commands that the scripts use (UG835, UG994), on a block design that is kept and checked:
# only pins, interfaces, spaces and segments that the cells really have can be named.

namespace eval bd {
    variable project ""
    variable repository {}
    variable refreshed 0
    variable design ""
    variable cells {}
    variable options {}
    variable ports {}
    variable validated 0
    variable runs {}
}

proc bd::model {cell} {
    set entry [dict get $ip::catalogue [dict get $bd::cells $cell]]
    set o [dict get $bd::options $cell]
    return [apply [list o [lindex $entry 2]] $o]
}

# "/engine_0/ap_clk" and "engine_0/ap_clk" are the same object.
proc bd::parts {path} {
    set path [string trimleft $path /]
    set cut [string first / $path]
    return [list [string range $path 0 $cut-1] [string range $path $cut+1 end]]
}

proc bd::find {path index what} {
    lassign [bd::parts $path] cell name
    if {![dict exists $bd::cells $cell]} {
        stub::refuse "$what $path: there is no cell $cell"
    }
    if {![dict exists [lindex [bd::model $cell] $index] $name]} {
        stub::refuse "$what $path: $cell has none of that name"
    }
    return /$cell/$name
}

proc bd::changed {} {
    set bd::validated 0
    if {$bd::design eq ""} {
        stub::refuse "there is no block design"
    }
}

documented create_project {-force -in_memory -ip -part= -rtl_kernel} 1 2 {
    set bd::project $values
    stub::fact project [lindex $values 0] [dict get $given -part]
}
documented current_project {-quiet -verbose} 0 1 { return @project }
documented current_fileset {-quiet -constrset -simset -srcset} 0 1 { return @fileset }
documented update_ip_catalog {-add_ip= -delete_ip= -rebuild -repo_path= -update_module_ref} 0 0 {
    if {$bd::repository eq ""} {
        stub::refuse "update_ip_catalog: no repository is set"
    }
    foreach path $bd::repository {
        if {![file exists [file join $path component.xml]]} {
            stub::refuse "update_ip_catalog: $path holds no IP"
        }
    }
    set bd::refreshed 1
}
documented create_bd_design {-cell= -dir= -quiet} 1 1 {
    if {$bd::project eq ""} {
        stub::refuse "create_bd_design: there is no project"
    }
    set bd::design [lindex $values 0]
    stub::fact design $bd::design
}
documented create_bd_cell {-quiet -reference= -type= -verbose -vlnv=} 1 1 {
    bd::changed
    set name [lindex $values 0]
    set vlnv [join [lrange [split [dict get $given -vlnv] :] 0 2] :]
    if {[dict get $given -type] ne "ip"} {
        stub::refuse "create_bd_cell: -type is not ip"
    }
    if {![dict exists $ip::catalogue $vlnv]} {
        stub::refuse "create_bd_cell: the catalogue has no IP [dict get $given -vlnv]"
    }
    lassign [dict get $ip::catalogue $vlnv] whole options
    if {[dict get $given -vlnv] ni [list $vlnv $whole]} {
        stub::refuse "create_bd_cell: the catalogue has $whole, not [dict get $given -vlnv]"
    }
    if {![string match xilinx.com:* $vlnv] && !$bd::refreshed} {
        stub::refuse "create_bd_cell: $vlnv is not in the catalogue before update_ip_catalog"
    }
    if {[dict exists $bd::cells $name]} {
        stub::refuse "create_bd_cell: there is a cell $name already"
    }
    dict set bd::cells $name $vlnv
    dict set bd::options $name {}
    dict for {option rule} $options {
        dict set bd::options $name $option [lindex $rule 0]
    }
    return /$name
}
documented create_bd_intf_port {-mode= -quiet -verbose -vlnv=} 1 1 {
    bd::changed
    dict set bd::ports [lindex $values 0] [list [dict get $given -mode] [dict get $given -vlnv]]
    stub::fact port [lindex $values 0] [dict get $given -vlnv]
}
documented get_bd_cells {-filter= -hierarchical -of_objects= -quiet -regexp} 0 1 {
    set name [string trimleft [lindex $values 0] /]
    if {![dict exists $bd::cells $name]} {
        stub::refuse "get_bd_cells: there is no cell $name"
    }
    return /$name
}
documented get_bd_pins {-filter= -hierarchical -of_objects= -quiet -regexp} 1 1 {
    return [bd::find [lindex $values 0] 0 pin]
}
documented get_bd_intf_pins {-filter= -hierarchical -of_objects= -quiet -regexp} 1 1 {
    return [bd::find [lindex $values 0] 1 interface]
}
documented get_bd_addr_spaces {-filter= -hierarchical -of_objects= -quiet -regexp} 1 1 {
    return [bd::find [lindex $values 0] 2 {address space}]
}
documented get_bd_addr_segs {-addressables -addressed -excluded -filter= -of_objects= -quiet -regexp} 0 1 {
    if {![dict exists $given -of_objects]} {
        return [bd::find [lindex $values 0] 3 {address segment}]
    }
    lassign [bd::parts [dict get $given -of_objects]] cell interface
    set found {}
    dict for {name segment} [lindex [bd::model $cell] 3] {
        if {[lindex $segment 0] eq $interface} {
            lappend found /$cell/$name
        }
    }
    return $found
}
documented get_bd_intf_ports {-filter= -of_objects= -quiet -regexp} 1 1 {
    if {![dict exists $bd::ports [lindex $values 0]]} {
        stub::refuse "get_bd_intf_ports: there is no port [lindex $values 0]"
    }
    return /[lindex $values 0]
}
documented connect_bd_net {-boundary_type= -net= -quiet -verbose} 2 1000 {
    bd::changed
    stub::fact net {*}$values
}
documented connect_bd_intf_net {-auto_bridge= -boundary_type= -intf_net= -quiet -verbose} 2 2 {
    bd::changed
    stub::fact connection {*}$values
}
documented set_property {-dict= -quiet -verbose} 1 3 {
    if {[dict exists $given -dict]} {
        if {[llength $values] != 1} {
            stub::refuse "set_property: -dict takes a list and one object"
        }
        set properties [dict get $given -dict]
        set object [lindex $values 0]
    } else {
        if {[llength $values] != 3} {
            stub::refuse "set_property: name, value and object"
        }
        set properties [lrange $values 0 1]
        set object [lindex $values 2]
    }
    if {[llength $properties] % 2} {
        stub::refuse "set_property: a list of names and values has an odd length"
    }
    foreach {name value} $properties {
        bd::set_one $name $value $object
    }
}
proc bd::set_one {name value object} {
    if {$object eq "@project" && $name eq "ip_repo_paths"} {
        set bd::repository $value
        return
    }
    if {$object eq "@fileset" && $name eq "top"} {
        stub::fact top $value
        return
    }
    set cell [string trimleft $object /]
    if {![dict exists $bd::cells $cell] || ![regexp {^CONFIG\.(.+)$} $name -> option]} {
        stub::refuse "set_property: $object has no property $name"
    }
    set options [lindex [dict get $ip::catalogue [dict get $bd::cells $cell]] 1]
    if {![dict exists $options $option]} {
        stub::refuse "set_property: [dict get $bd::cells $cell] has no option $option"
    }
    if {![regexp [lindex [dict get $options $option] 1] $value]} {
        stub::refuse "set_property: $option cannot be '$value'"
    }
    dict set bd::options $cell $option $value
    bd::changed
}
documented assign_bd_address {
    -boundary -combine_segments= -dict= -export_gui_to_file= -external -force -import_from_file=
    -master_boundary -offset= -quiet -range= -target_address_space= -verbose
} 0 1 {
    bd::changed
    set segment [lindex $values 0]
    lassign [bd::parts $segment] cell name
    lassign [dict get [lindex [bd::model $cell] 3] $name] interface offset range
    if {[dict exists $given -offset]} { set offset [dict get $given -offset] }
    if {[dict exists $given -range]} { set range [dict get $given -range] }
    stub::fact assigned [dict get $given -target_address_space] $segment $offset $range
}
documented exclude_bd_addr_seg {-quiet -target_address_space= -verbose} 0 1 {
    bd::changed
    stub::fact excluded [dict get $given -target_address_space] [lindex $values 0]
}
documented validate_bd_design {-design= -force -include_pfm -quiet -verbose} 0 0 {
    set bd::validated 1
}
documented save_bd_design {-quiet -verbose} 0 1 {
    stub::fact saved $bd::validated
}
documented get_files {-all -compile_order= -filter= -norecurse -of_objects= -quiet -regexp} 0 1 {
    if {[lindex $values 0] ne "$bd::design.bd"} {
        stub::refuse "get_files: there is no file [lindex $values 0]"
    }
    return vivado/$bd::design.srcs/sources_1/bd/$bd::design/$bd::design.bd
}
documented make_wrapper {-files= -fileset= -force -import -inst_template -quiet -testbench -top -verbose} 0 0 {
    set wrapper vivado/$bd::design.gen/sources_1/bd/$bd::design/hdl/${bd::design}_wrapper.v
    file mkdir [file dirname $wrapper]
    close [open $wrapper w]
    return $wrapper
}
documented add_files {-copy_to= -fileset= -force -norecurse -of_objects= -quiet -scan_for_includes -verbose} 1 1 {
    if {![file exists [lindex $values 0]]} {
        stub::refuse "add_files: no such file [lindex $values 0]"
    }
}
documented update_compile_order {-fileset= -force_gui -quiet -verbose} 0 0 {}
documented launch_runs {
    -custom_script= -dfx_mode= -dir= -email_all -force -host= -jobs= -lsf= -next_step
    -pre_launch_script= -quiet -scripts_only -to_step= -verbose
} 1 1 {
    set run [lindex $values 0]
    if {$run ni {synth_1 impl_1}} {
        stub::refuse "launch_runs: there is no run $run"
    }
    if {$run eq "impl_1" && ![dict exists $bd::runs synth_1]} {
        stub::refuse "launch_runs: impl_1 before synth_1"
    }
    if {!$bd::validated} {
        stub::refuse "launch_runs: the block design has not been validated"
    }
    dict set bd::runs $run [dict exists $given -to_step]
}
documented wait_on_run {-quiet -timeout= -verbose} 1 1 {
    set run [lindex $values 0]
    if {![dict exists $bd::runs $run]} {
        stub::refuse "wait_on_run: $run was not launched"
    }
    if {[info commands ::fake::step] ne ""} {
        ::fake::step $run
    }
    if {$run eq "impl_1" && [dict get $bd::runs impl_1]} {
        set bit vivado/$bd::design.runs/impl_1/${bd::design}_wrapper.bit
        set hwh vivado/$bd::design.gen/sources_1/bd/$bd::design/hw_handoff/$bd::design.hwh
        bd::leave bit $bit
        bd::leave hwh $hwh
    }
}
proc bd::leave {name path} {
    file mkdir [file dirname $path]
    if {[info exists ::env(STUB_REPORTS)] && [file exists [file join $::env(STUB_REPORTS) $name]]} {
        file copy -force [file join $::env(STUB_REPORTS) $name] $path
    } else {
        close [open $path w]
    }
}
documented get_runs {-filter= -of_objects= -quiet -regexp} 1 1 {
    if {[lindex $values 0] ni {synth_1 impl_1}} {
        stub::refuse "get_runs: there is no run [lindex $values 0]"
    }
    return @[lindex $values 0]
}
documented get_property {-max -min -quiet -verbose} 2 2 {
    lassign $values name object
    if {$object ni {@synth_1 @impl_1} || $name ni {PROGRESS STATUS STATS.WNS NEEDS_REFRESH}} {
        stub::refuse "get_property: $object has no property $name"
    }
    set failed [expr {[info exists ::env(STUB_FAILED_RUN)] && $::env(STUB_FAILED_RUN) eq [string range $object 1 end]}]
    switch $name {
        PROGRESS { return [expr {$failed ? "34%" : "100%"}] }
        STATUS { return [expr {$failed ? "place_design ERROR" : "write_bitstream Complete!"}] }
        STATS.WNS { return [expr {[info exists ::env(STUB_WNS)] ? $::env(STUB_WNS) : "0.123"}] }
    }
    return 0
}
documented open_run {-name= -pr_config= -quiet -verbose} 1 1 {}
documented report_utilization {
    -append -cells= -exclude_child_pblocks -file= -format= -hierarchical -hierarchical_depth=
    -hierarchical_percentages -name= -omit_locs -packthru -pblocks= -quiet -return_string -slr
    -spreadsheet_depth= -spreadsheet_file= -spreadsheet_table= -verbose
} 0 0 {
    bd::leave utilization.rpt [dict get $given -file]
}
documented report_timing_summary {
    -append -cells= -check_timing_verbose -datasheet -delay_type= -file= -input_pins -max_paths=
    -name= -no_check_timing -no_detailed_paths -no_header -nworst= -path_type= -quiet
    -report_unconstrained -return_string -routable_nets -rpx= -setup -hold -slack_lesser_than=
    -significant_digits= -unique_pins -verbose -warn_on_violation
} 0 0 {
    bd::leave timing.rpt [dict get $given -file]
}

proc stub::finish {} {
    dict for {cell vlnv} $bd::cells {
        stub::fact cell $cell $vlnv
        dict for {option value} [dict get $bd::options $cell] {
            stub::fact option $cell $option $value
        }
        lassign [bd::model $cell] pins interfaces spaces segments
        dict for {name pin} $pins {
            stub::fact pin /$cell/$name {*}$pin
        }
        dict for {name interface} $interfaces {
            stub::fact interface /$cell/$name {*}$interface
        }
        dict for {name owners} $spaces {
            stub::fact space /$cell/$name {*}$owners
        }
        dict for {name segment} $segments {
            stub::fact segment /$cell/$name {*}$segment
        }
    }
}
