  // An AXI write master (AXI A3). The memory answers only bursts whose address and data it has taken, and
  // may take either first.
  logic [55:0] f_window;  // the host changes it between runs only
  always_ff @(posedge clk) f_window <= {first_page, last_page};
  always @* if (f_past) assume (f_window == {first_page, last_page});
  localparam int F_BYTES = BUS_BITS / 8;
  logic [5:0] f_addresses, f_datas;  // taken and not answered
  logic f_aw, f_w, f_b;
  assign f_aw = awvalid & awready;
  assign f_w = wvalid & wready;
  assign f_b = bvalid & bready;
  logic [7:0] f_length, f_beat;  // of the burst whose data comes now
  always_ff @(posedge clk)
    if (rst) {f_addresses, f_datas, f_beat} <= '0;
    else begin
      f_addresses <= f_addresses + 6'(f_aw) - 6'(f_b);
      f_datas <= f_datas + 6'(f_w & wlast) - 6'(f_b);
      if (f_w) f_beat <= wlast ? 8'd0 : f_beat + 8'd1;
    end
  always @* if (f_run) begin
    assume (!bvalid | ((f_addresses != '0) & (f_datas != '0)));
    assume (!clear | (stop & quiet));  // shell_run
  end
  always @(posedge clk) if (f_ran) begin
    assume (!$past(bvalid & ~bready) | (bvalid & $stable(bresp)));
  end

  always @(posedge clk) if (f_past & f_reset) P_reset_is_silent: assert (~awvalid & ~wvalid);
  always @(posedge clk) if (f_ran) begin
    P_address_valid_stays: assert (!$past(awvalid & ~awready) | awvalid);
    P_address_stays: assert (!$past(awvalid & ~awready) | ($stable(awaddr) & $stable(awlen)));
    P_data_valid_stays: assert (!$past(wvalid & ~wready) | wvalid);
    P_last_stays: assert (!$past(wvalid & ~wready) | $stable(wlast));
    P_stop_begins_nothing: assert (!$past(stop & ~awvalid) | ~awvalid);
    P_quiet_begins_nothing: assert (!$past(quiet) | ~awvalid);
    P_quiet_while_stopped: assert (!($past(stop & quiet) & stop) | quiet);
    P_window: assert (!$rose(awvalid) | (first_page <= awaddr[39:12] & awaddr[39:12] <= last_page & awaddr[63:40] == '0));
  end
  always @* if (f_run) begin
    // What the others lean on: how many bursts there can be, and how the next one is planned.
    P_bursts_are_few: assert (under_way <= COUNT_BITS'(BURSTS));
    P_counts_are_small: assert ((f_addresses <= 6'(BURSTS)) & (f_datas <= 6'(BURSTS)));
    P_beats_are_few: assert (unsent <= 9'(BURST));
    P_planned_is_current: assert (!(planned | some) | current);
    P_block: assert (!some | ((block != '0) & (block <= (WORD_BITS+1)'(WORDS))));
    P_block_ends: assert (!some | planned
      | ((WORD_BITS+2)'(block) + (WORD_BITS+2)'(at[WORD_BITS-1:0]) <= (WORD_BITS+2)'(WORDS)));
    P_fits: assert (!some | ((left != '0) & (fits == (left <= 32'(block)))));
    P_planned: assert (!planned | ((planned_length != '0)
      & ((WORD_BITS+2)'(planned_length) + (WORD_BITS+2)'(at[WORD_BITS-1:0]) <= (WORD_BITS+2)'(WORDS))));
    P_planned_to_the_end: assert (!(planned & some) | ((block == (WORD_BITS+1)'(WORDS))
      & ((WORD_BITS+2)'(planned_length) + (WORD_BITS+2)'(at[WORD_BITS-1:0]) == (WORD_BITS+2)'(WORDS))));
    P_bursts_are_counted: assert (f_addresses + 6'(awvalid) == 6'(under_way));
    P_data_is_counted: assert (f_datas + 6'(unsent != '0) == 6'(under_way));
    P_beats_are_counted: assert ((unsent == '0) ? (f_beat == '0) : (9'(f_beat) + unsent == 9'(awlen) + 9'd1));
    P_allowed: assert (!planned | (allowed == ((at[63-BYTE_BITS:40-BYTE_BITS] == '0)
      & (first_page <= at[12-BYTE_BITS +: 28]) & (at[12-BYTE_BITS +: 28] <= last_page))));
    P_aligned: assert (!awvalid | (awaddr[BYTE_BITS-1:0] == '0));
    P_length: assert (!awvalid | (9'(awlen) < 9'(BURST)));
    P_no_4k_crossing: assert (!awvalid | (13'(awaddr[11:0]) + (13'(awlen) + 13'd1) * 13'(F_BYTES) <= 13'd4096));
    P_outstanding: assert (f_addresses + 6'(awvalid) <= 6'(BURSTS));
    P_last_at_length: assert (!wvalid | (wlast == (f_beat == awlen)));
    P_data_belongs: assert (!wvalid | (f_datas < f_addresses + 6'(awvalid)));
    P_always_ready: assert (!bvalid | bready);
    P_quiet: assert (!quiet | (~awvalid & ~wvalid & (f_addresses == '0) & (f_datas == '0)));
    P_error: assert (error == (f_b & bresp[1]));
    P_decode_error: assert (decode_error == (f_b & (bresp == 2'b11)));
    P_answered_after_all: assert (!(answered != '0) | ((f_addresses == '0) & ~awvalid & ~some & ~planned));
  end
