# Kria KR260. The PYNQ image has configured DDR, PLLs and pins before a bitstream is loaded; what stands
# here only makes Vivado compute the clock dividers right. See README.md.
set board_properties [list \
    CONFIG.PSU__PSS_REF_CLK__FREQMHZ {33.333} \
]
