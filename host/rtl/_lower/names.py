"""Names that SystemVerilog takes, each once in a module."""

from __future__ import annotations

import re

RESERVED = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 busy byte case casex casez cell
    chandle checker class clk clocking cmos config const constraint context continue cover
    covergroup coverpoint cross deassign default defparam design disable dist do done edge else
    end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify
    endtable endtask enum event eventually expect export extends extern final finish first_match
    for force foreach forever fork forkjoin function generate genvar global highz0 highz1 idle if
    iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout
    input inside instance int integer interconnect interface intersect join join_any join_none
    large let liblist library local localparam logic longint macromodule matches medium modport
    module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
    output package packed parameter pmos posedge primitive priority program property protected
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos
    rst rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared
    sequence shortint shortreal showcancelled signed small soft solve specify specparam start
    state state_t static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on
    sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until
    until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1
    while wildcard wire with within wor xnor xor
    """.split()  # noqa: SIM905 - a list would be 250 lines
)
"""Words of SystemVerilog, and the names that every module uses itself."""


class Names:
    """The names of a module that are taken."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = dict.fromkeys(RESERVED, 0)

    def unique(self, name: str) -> str:
        """The name, made one of SystemVerilog's, with a number behind it where it is taken."""
        name = "".join(c if c.isalnum() else "_" for c in name) or "v"
        if not name[0].isalpha():
            name = "v" + name
        base = re.sub(r"(__\d+)+$", "", name)
        made = base
        while made in self._taken:
            self._taken[base] = self._taken.get(base, 0) + 1
            made = f"{base}__{self._taken[base]}"
        self._taken[made] = 0
        return made
