# The IPs of the block designs: for each its configuration options, and the pins, interfaces, address
# spaces and segments that it has with them. Sources: PG247 (SmartConnect), PG099 (AXI INTC), PG164
# (Processor System Reset), PG082 (processing system 7), PG201 (Zynq UltraScale+ MPSoC), UG1399.
#
# A model is a procedure: given all options, it gives a dictionary with
#   pins        name -> {in|out clk|rst|irq|data required}
#   interfaces  name -> {Master|Slave kind width clock required}
#   spaces      name -> {interface}              where a master begins
#   segments    name -> {interface offset range} what a slave offers; offset - is the user's choice

namespace eval ip {
    variable catalogue {}
}

# ip::declare VLNV OPTIONS MODEL: OPTIONS maps names to {default pattern}; a pattern is a regexp.
proc ip::declare {vlnv options model} {
    dict set ip::catalogue [join [lrange [split $vlnv :] 0 2] :] [list $vlnv $options $model]
}

ip::declare xilinx.com:ip:smartconnect:1.0 {
    NUM_SI {1 {^([1-9]|1[0-6])$}}
    NUM_MI {1 {^([1-9]|1[0-6])$}}
    NUM_CLKS {1 {^[1-9]$}}
    HAS_ARESETN {1 {^[01]$}}
} {
    set pins {aresetn {in rst 1}}
    set interfaces {}
    for {set i 0} {$i < [dict get $o NUM_CLKS]} {incr i} {
        dict set pins aclk[expr {$i ? $i : ""}] {in clk 1}
    }
    for {set i 0} {$i < [dict get $o NUM_SI]} {incr i} {
        dict set interfaces [format S%02d_AXI $i] {Slave aximm 0 aclk 1}
    }
    for {set i 0} {$i < [dict get $o NUM_MI]} {incr i} {
        dict set interfaces [format M%02d_AXI $i] {Master aximm 0 aclk 1}
    }
    list $pins $interfaces {} {}
}

ip::declare xilinx.com:ip:proc_sys_reset:5.0 {
    C_NUM_PERP_ARESETN {1 {^[0-9]+$}}
    C_EXT_RST_WIDTH {4 {^[0-9]+$}}
} {
    list {
        slowest_sync_clk {in clk 1} ext_reset_in {in rst 1} aux_reset_in {in rst 0}
        mb_debug_sys_rst {in rst 0} dcm_locked {in data 0} mb_reset {out rst 0}
        bus_struct_reset {out rst 0} peripheral_reset {out rst 0}
        interconnect_aresetn {out rst 0} peripheral_aresetn {out rst 0}
    } {} {} {}
}

ip::declare xilinx.com:ip:axi_intc:4.1 {
    C_IRQ_CONNECTION {0 {^[01]$}}
    C_KIND_OF_INTR {0xFFFFFFFF {^0x[0-9A-Fa-f]+$}}
    C_IRQ_IS_LEVEL {1 {^[01]$}}
} {
    set pins {s_axi_aclk {in clk 1} s_axi_aresetn {in rst 1} intr {in irq 1}}
    set interfaces {s_axi {Slave aximm 32 s_axi_aclk 1}}
    if {[dict get $o C_IRQ_CONNECTION]} {
        dict set pins irq {out irq 0}
    } else {
        dict set interfaces interrupt {Master mbinterrupt 0 s_axi_aclk 1}
    }
    list $pins $interfaces {} {S_AXI/Reg {s_axi - 0x10000}}
}

ip::declare xilinx.com:ip:processing_system7:5.5 {
    PCW_FPGA0_PERIPHERAL_FREQMHZ {50 {^[0-9.]+$}}
    PCW_EN_CLK0_PORT {1 {^[01]$}}
    PCW_EN_RST0_PORT {1 {^[01]$}}
    PCW_USE_M_AXI_GP0 {1 {^[01]$}}
    PCW_USE_M_AXI_GP1 {0 {^[01]$}}
    PCW_USE_FABRIC_INTERRUPT {0 {^[01]$}}
    PCW_IRQ_F2P_INTR {0 {^[01]$}}
    PCW_USE_S_AXI_HP0 {0 {^[01]$}}
    PCW_USE_S_AXI_HP1 {0 {^[01]$}}
    PCW_USE_S_AXI_HP2 {0 {^[01]$}}
    PCW_USE_S_AXI_HP3 {0 {^[01]$}}
    PCW_USE_S_AXI_ACP {0 {^[01]$}}
    PCW_USE_DEFAULT_ACP_USER_VAL {0 {^[01]$}}
    PCW_S_AXI_HP0_DATA_WIDTH {64 {^(32|64)$}}
    PCW_S_AXI_HP1_DATA_WIDTH {64 {^(32|64)$}}
    PCW_S_AXI_HP2_DATA_WIDTH {64 {^(32|64)$}}
    PCW_S_AXI_HP3_DATA_WIDTH {64 {^(32|64)$}}
    PCW_CRYSTAL_PERIPHERAL_FREQMHZ {33.333333 {^[0-9.]+$}}
    PCW_APU_PERIPHERAL_FREQMHZ {666.666666 {^[0-9.]+$}}
    PCW_UIPARAM_DDR_PARTNO {{MT41J256M8 HX-15E} {^MT4}}
    PCW_UIPARAM_DDR_BUS_WIDTH {{32 Bit} {^(16|32) Bit$}}
    PCW_UIPARAM_DDR_FREQ_MHZ {533.333333 {^[0-9.]+$}}
} {
    set pins {}
    set interfaces {DDR {Master ddrx 0 - 1} FIXED_IO {Master fixedio 0 - 1}}
    set spaces {}
    set segments {}
    if {[dict get $o PCW_EN_CLK0_PORT]} { dict set pins FCLK_CLK0 {out clk 0} }
    if {[dict get $o PCW_EN_RST0_PORT]} { dict set pins FCLK_RESET0_N {out rst 0} }
    if {[dict get $o PCW_USE_FABRIC_INTERRUPT] && [dict get $o PCW_IRQ_F2P_INTR]} {
        dict set pins IRQ_F2P {in irq 1}
    }
    foreach n {0 1} {
        if {[dict get $o PCW_USE_M_AXI_GP$n]} {
            dict set pins M_AXI_GP${n}_ACLK {in clk 1}
            dict set interfaces M_AXI_GP$n [list Master aximm 32 M_AXI_GP${n}_ACLK 1]
            dict set spaces Data [list M_AXI_GP$n]
        }
    }
    foreach n {0 1 2 3} {
        if {[dict get $o PCW_USE_S_AXI_HP$n]} {
            dict set pins S_AXI_HP${n}_ACLK {in clk 1}
            dict set interfaces S_AXI_HP$n [list Slave aximm \
                [dict get $o PCW_S_AXI_HP${n}_DATA_WIDTH] S_AXI_HP${n}_ACLK 1]
            dict set segments S_AXI_HP$n/HP${n}_DDR_LOWOCM [list S_AXI_HP$n 0x0 0x20000000]
        }
    }
    if {[dict get $o PCW_USE_S_AXI_ACP]} {
        dict set pins S_AXI_ACP_ACLK {in clk 1}
        dict set interfaces S_AXI_ACP {Slave aximm 64 S_AXI_ACP_ACLK 1}
        dict set segments S_AXI_ACP/ACP_DDR_LOWOCM {S_AXI_ACP 0x0 0x20000000}
        dict set segments S_AXI_ACP/ACP_IOP {S_AXI_ACP 0xE0000000 0x400000}
        dict set segments S_AXI_ACP/ACP_QSPI_LINEAR {S_AXI_ACP 0xFC000000 0x1000000}
    }
    list $pins $interfaces $spaces $segments
}

set ip::ps8 {
    PSU__PSS_REF_CLK__FREQMHZ {33.333 {^[0-9.]+$}}
    PSU__FPGA_PL0_ENABLE {1 {^[01]$}}
    PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ {100 {^[0-9.]+$}}
    PSU__CRL_APB__PL0_REF_CTRL__SRCSEL {RPLL {^(IOPLL|RPLL|DPLL)$}}
    PSU__USE__FABRIC__RST {1 {^[01]$}}
    PSU__USE__IRQ0 {0 {^[01]$}}
    PSU__USE__IRQ1 {0 {^[01]$}}
}
foreach n {0 1 2} {
    lappend ip::ps8 PSU__USE__M_AXI_GP$n {1 {^[01]$}} PSU__MAXIGP${n}__DATA_WIDTH {128 {^(32|64|128)$}}
}
foreach n {0 1 2 3 4 5 6} {
    lappend ip::ps8 PSU__USE__S_AXI_GP$n {0 {^[01]$}} PSU__SAXIGP${n}__DATA_WIDTH {128 {^(32|64|128)$}}
}
ip::declare xilinx.com:ip:zynq_ultra_ps_e:3.4 $ip::ps8 {
    set pins {}
    set interfaces {}
    set spaces {}
    set segments {}
    if {[dict get $o PSU__FPGA_PL0_ENABLE]} { dict set pins pl_clk0 {out clk 0} }
    if {[dict get $o PSU__USE__FABRIC__RST]} { dict set pins pl_resetn0 {out rst 0} }
    foreach n {0 1} {
        if {[dict get $o PSU__USE__IRQ$n]} { dict set pins pl_ps_irq$n {in irq 1} }
    }
    foreach n {0 1 2} name {M_AXI_HPM0_FPD M_AXI_HPM1_FPD M_AXI_HPM0_LPD} {
        if {[dict get $o PSU__USE__M_AXI_GP$n]} {
            set clock [string map {m_axi_ maxi} [string tolower $name]]_aclk
            dict set pins $clock {in clk 1}
            dict set interfaces $name \
                [list Master aximm [dict get $o PSU__MAXIGP${n}__DATA_WIDTH] $clock 1]
            dict lappend spaces Data $name
        }
    }
    foreach n {0 1 2 3 4 5 6} short {HPC0 HPC1 HP0 HP1 HP2 HP3 LPD} {
        if {[dict get $o PSU__USE__S_AXI_GP$n]} {
            set name [expr {$short eq "LPD" ? "S_AXI_LPD" : "S_AXI_${short}_FPD"}]
            set clock [expr {$short eq "LPD" ? "saxi_lpd_aclk" : "saxi[string tolower $short]_fpd_aclk"}]
            dict set pins $clock {in clk 1}
            dict set interfaces $name \
                [list Slave aximm [dict get $o PSU__SAXIGP${n}__DATA_WIDTH] $clock 1]
            dict set segments SAXIGP$n/${short}_DDR_LOW [list $name 0x0 0x80000000]
            dict set segments SAXIGP$n/${short}_LPS_OCM [list $name 0xFF000000 0x1000000]
            dict set segments SAXIGP$n/${short}_QSPI [list $name 0xC0000000 0x20000000]
        }
    }
    list $pins $interfaces $spaces $segments
}

# The packaged engine: what Vitis HLS makes of the argument table. `masters` maps bundles to widths.
proc ip::declare_engine {vlnv masters} {
    ip::declare $vlnv {} [string map [list @masters $masters] {
        set interfaces {s_axi_control {Slave aximm 32 ap_clk 1}}
        set spaces {}
        dict for {bundle width} {@masters} {
            dict set interfaces m_axi_$bundle [list Master aximm $width ap_clk 1]
            dict set spaces Data_m_axi_$bundle m_axi_$bundle
        }
        list {ap_clk {in clk 1} ap_rst_n {in rst 1} interrupt {out irq 0}} $interfaces $spaces \
            {s_axi_control/Reg {s_axi_control - 0x10000}}
    }]
}
