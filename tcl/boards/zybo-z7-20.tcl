# Zybo Z7-20, from its documents; not tried on one. The boot loader of the image has configured DDR and pins
# before a bitstream is loaded; what stands here only makes Vivado compute the clock dividers and the
# size of DDR right. See README.md.
set board_properties [list \
    CONFIG.PCW_CRYSTAL_PERIPHERAL_FREQMHZ {33.333333} \
    CONFIG.PCW_UIPARAM_DDR_PARTNO {MT41K256M16 RE-125} \
    CONFIG.PCW_UIPARAM_DDR_BUS_WIDTH {32 Bit} \
    CONFIG.PCW_UIPARAM_DDR_FREQ_MHZ {533.333333} \
]
