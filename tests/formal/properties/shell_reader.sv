  // An AXI read master (AXI A3). The memory: it answers the bursts in order, with as many beats as they
  // have. In the proofs its number of bursts under way is counted and the length of one, whichever, known.
  logic [55:0] f_window;  // the host changes it between runs only
  always_ff @(posedge clk) f_window <= {first_page, last_page};
  always @* if (f_past) assume (f_window == {first_page, last_page});
  localparam int F_BYTES = BUS_BITS / 8;
  logic [5:0] f_bursts;
  logic [8:0] f_beat;
  logic f_ar, f_r;
  assign f_ar = arvalid & arready;
  assign f_r = rvalid & rready;
  always_ff @(posedge clk)
    if (rst) f_bursts <= '0;
    else f_bursts <= f_bursts + 6'(f_ar) - 6'(f_r & rlast);
  always @* if (f_run) begin
    assume (!rvalid | (f_bursts != '0));
    assume (!clear | (stop & quiet));  // shell_run
  end
  always @(posedge clk) if (f_ran)
    assume (!$past(rvalid & ~rready) | (rvalid & $stable(rlast) & $stable(rresp) & $stable(rdata)));

  always @(posedge clk) if (f_past & f_reset) P_reset_is_silent: assert (~arvalid);
  always @(posedge clk) if (f_ran) begin
    P_valid_stays: assert (!$past(arvalid & ~arready) | arvalid);
    P_address_stays: assert (!$past(arvalid & ~arready) | ($stable(araddr) & $stable(arlen)));
    P_stop_begins_nothing: assert (!$past(stop & ~arvalid) | ~arvalid);
    P_quiet_begins_nothing: assert (!$past(quiet) | ~arvalid);
    P_quiet_while_stopped: assert (!($past(stop & quiet) & stop) | quiet);
    P_window: assert (!$rose(arvalid) | (first_page <= araddr[39:12] & araddr[39:12] <= last_page & araddr[63:40] == '0));
    P_outside_is_told: assert (!(planned & ~allowed) | outside);
  end
  always @* if (f_run) begin
    P_bursts_are_counted: assert (f_bursts + 6'(arvalid) == 6'((TAG_BITS+1)'(tag_tail - tag_head)));
    P_allowed: assert (!planned | (allowed == ((planned_at[63-BYTE_BITS:40-BYTE_BITS] == '0)
      & (first_page <= planned_at[12-BYTE_BITS +: 28]) & (planned_at[12-BYTE_BITS +: 28] <= last_page))));
    P_aligned: assert (!arvalid | (araddr[BYTE_BITS-1:0] == '0));
    P_length: assert (!arvalid | (9'(arlen) < 9'(BURST)));
    P_no_4k_crossing: assert (!arvalid | (13'(araddr[11:0]) + (13'(arlen) + 13'd1) * 13'(F_BYTES) <= 13'd4096));
    P_outstanding: assert (f_bursts + 6'(arvalid) <= 6'(BURSTS));
    P_always_ready: assert (!rvalid | rready);
    P_quiet: assert (!quiet | (~arvalid & (f_bursts == '0)));
    P_error: assert (error == (f_r & rresp[1]));
    P_decode_error: assert (decode_error == (f_r & (rresp == 2'b11)));
  end
