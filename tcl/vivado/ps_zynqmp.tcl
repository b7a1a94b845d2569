# The processing system of Zynq UltraScale+: one clock, one interrupt, HPM0 for control, HP ports for
# weights and HPC0 for everything else. The PS calls them general-purpose ports: HPC0 is GP0, HP0 GP2.

proc ps_cell {} { return zynq_ultra_ps_e_0 }
proc ps_clock {} { return pl_clk0 }
proc ps_reset {} { return pl_resetn0 }
proc ps_interrupt {} { return pl_ps_irq0 }
proc ps_control {} { return {M_AXI_HPM0_FPD maxihpm0_fpd_aclk} }
proc ps_control_base {} { return 0xA0000000 }

proc ps_gp_number {port} {
    return [lsearch -exact {HPC0 HPC1 HP0 HP1 HP2 HP3} $port]
}

# Interface, clock pin and DDR segment behind a memory port such as HP0. DDR_LOW is the first 2 GiB,
# where Linux takes contiguous memory from.
proc ps_memory_port {port} {
    set gp [ps_gp_number $port]
    return [list S_AXI_${port}_FPD saxi[string tolower $port]_fpd_aclk SAXIGP$gp/${port}_DDR_LOW]
}

proc ps_create {ports clock_mhz board_properties} {
    set cell [create_bd_cell -type ip -vlnv xilinx.com:ip:zynq_ultra_ps_e [ps_cell]]
    set properties $board_properties
    lappend properties \
        CONFIG.PSU__FPGA_PL0_ENABLE 1 \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__SRCSEL IOPLL \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $clock_mhz \
        CONFIG.PSU__USE__M_AXI_GP0 1 \
        CONFIG.PSU__MAXIGP0__DATA_WIDTH 128 \
        CONFIG.PSU__USE__M_AXI_GP1 0 \
        CONFIG.PSU__USE__M_AXI_GP2 0 \
        CONFIG.PSU__USE__IRQ0 1
    foreach port $ports {
        set gp [ps_gp_number $port]
        lappend properties CONFIG.PSU__USE__S_AXI_GP$gp 1 CONFIG.PSU__SAXIGP${gp}__DATA_WIDTH 128
    }
    set_property -dict $properties $cell
}
