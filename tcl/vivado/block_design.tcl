# The block design: processor, engine, one SmartConnect for each AXI master, control and interrupt.
#
#   engine m_axi_gmem_w0 -> SmartConnect -> HP0     one HP port for each weight master
#   engine m_axi_gmem_v  -> SmartConnect -> a further port for parameters, vectors, state and logits
#   PS M_AXI -> SmartConnect -> engine s_axi_control, AXI interrupt controller
#   engine interrupt -> interrupt controller -> PS    (pynq finds interrupts through the controller)
#
# Everything runs on one clock. Needs `settings`, `board_properties` and the procedures ps_*.

proc pin {path} { return [get_bd_pins $path] }
proc interface {path} { return [get_bd_intf_pins $path] }

proc create_smartconnect {name masters} {
    set cell [create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect $name]
    set_property -dict [list CONFIG.NUM_SI 1 CONFIG.NUM_MI $masters CONFIG.NUM_CLKS 1] $cell
}

proc create_block_design {settings board_properties} {
    set masters [dict get $settings masters]
    create_bd_design [dict get $settings design]

    ps_create [dict values $masters] [dict get $settings clock_mhz] $board_properties
    set ps [ps_cell]
    create_bd_cell -type ip -vlnv [dict get $settings vlnv] engine_0
    create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset reset_0
    create_bd_cell -type ip -vlnv xilinx.com:ip:axi_intc axi_intc_0
    # One wire to the processor, instead of the bus that a MicroBlaze would want.
    set_property -dict [list CONFIG.C_IRQ_CONNECTION 1] [get_bd_cells axi_intc_0]

    lassign [ps_control] control control_clock
    set clocked [list $ps/$control_clock reset_0/slowest_sync_clk engine_0/ap_clk \
        axi_intc_0/s_axi_aclk]
    set held [list engine_0/ap_rst_n axi_intc_0/s_axi_aresetn]

    create_smartconnect control_smc 2
    connect_bd_intf_net [interface $ps/$control] [interface control_smc/S00_AXI]
    connect_bd_intf_net [interface control_smc/M00_AXI] [interface engine_0/s_axi_control]
    connect_bd_intf_net [interface control_smc/M01_AXI] [interface axi_intc_0/s_axi]
    lappend clocked control_smc/aclk
    lappend held control_smc/aresetn

    dict for {bundle port} $masters {
        lassign [ps_memory_port $port] slave slave_clock
        create_smartconnect ${bundle}_smc 1
        connect_bd_intf_net [interface engine_0/m_axi_$bundle] [interface ${bundle}_smc/S00_AXI]
        connect_bd_intf_net [interface ${bundle}_smc/M00_AXI] [interface $ps/$slave]
        lappend clocked ${bundle}_smc/aclk $ps/$slave_clock
        lappend held ${bundle}_smc/aresetn
    }

    foreach sink $clocked {
        connect_bd_net [pin $ps/[ps_clock]] [pin $sink]
    }
    connect_bd_net [pin $ps/[ps_reset]] [pin reset_0/ext_reset_in]
    foreach sink $held {
        connect_bd_net [pin reset_0/peripheral_aresetn] [pin $sink]
    }
    connect_bd_net [pin engine_0/interrupt] [pin axi_intc_0/intr]
    connect_bd_net [pin axi_intc_0/irq] [pin $ps/[ps_interrupt]]

    assign_addresses $masters
    validate_bd_design
    save_bd_design
}

proc assign_addresses {masters} {
    set ps [ps_cell]
    set base [ps_control_base]
    foreach segment {engine_0/s_axi_control/Reg axi_intc_0/S_AXI/Reg} {
        assign_bd_address -offset [format 0x%08X $base] -range 64K \
            -target_address_space [get_bd_addr_spaces $ps/Data] [get_bd_addr_segs $segment]
        incr base 0x10000
    }
    dict for {bundle port} $masters {
        lassign [ps_memory_port $port] slave slave_clock ddr
        set space [get_bd_addr_spaces engine_0/Data_m_axi_$bundle]
        assign_bd_address -target_address_space $space [get_bd_addr_segs $ps/$ddr]
        # On-chip memory and flash behind the same port are not for the engine.
        foreach segment [get_bd_addr_segs -of_objects [interface $ps/$slave]] {
            if {![string match */[file tail $ddr] $segment]} {
                exclude_bd_addr_seg -target_address_space $space $segment
            }
        }
    }
}
