# The processing system of Zynq-7000: one clock, one interrupt, GP0 for control, HP ports and the
# ACP for memory. The ACP is used without coherence: its user bits stay at zero, and software cleans and
# invalidates caches as for the other ports.

proc ps_cell {} { return processing_system7_0 }
proc ps_clock {} { return FCLK_CLK0 }
proc ps_reset {} { return FCLK_RESET0_N }
proc ps_interrupt {} { return IRQ_F2P }
proc ps_control {} { return {M_AXI_GP0 M_AXI_GP0_ACLK} }
proc ps_control_base {} { return 0x40000000 }

# Interface, clock pin and DDR segment behind a memory port such as HP0 or ACP.
proc ps_memory_port {port} {
    return [list S_AXI_$port S_AXI_${port}_ACLK S_AXI_$port/${port}_DDR_LOWOCM]
}

proc ps_create {ports clock_mhz board_properties} {
    set cell [create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7 [ps_cell]]
    set properties $board_properties
    lappend properties \
        CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $clock_mhz \
        CONFIG.PCW_EN_CLK0_PORT 1 \
        CONFIG.PCW_EN_RST0_PORT 1 \
        CONFIG.PCW_USE_M_AXI_GP0 1 \
        CONFIG.PCW_USE_FABRIC_INTERRUPT 1 \
        CONFIG.PCW_IRQ_F2P_INTR 1
    foreach port $ports {
        lappend properties CONFIG.PCW_USE_S_AXI_$port 1
        if {$port eq "ACP"} {
            lappend properties CONFIG.PCW_USE_DEFAULT_ACP_USER_VAL 0
        } else {
            lappend properties CONFIG.PCW_S_AXI_${port}_DATA_WIDTH 64
        }
    }
    set_property -dict $properties $cell

    # DDR and the fixed pins belong to the processor, but Vivado wants to see them leave the design.
    create_bd_intf_port -mode Master -vlnv xilinx.com:interface:ddrx_rtl:1.0 DDR
    create_bd_intf_port -mode Master \
        -vlnv xilinx.com:display_processing_system7:fixedio_rtl:1.0 FIXED_IO
    foreach name {DDR FIXED_IO} {
        connect_bd_intf_net [get_bd_intf_ports $name] [get_bd_intf_pins [ps_cell]/$name]
    }
}
