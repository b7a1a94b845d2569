  // The AXI3 side of GP0, and the AXI4-Lite master behind it (AXI A3, B1). Assumed: the processor and the
  // slave keep what they offer until it is taken, and the slave answers only what it was asked.
  logic f_read, f_write, f_all_data;
  logic [3:0] f_read_length, f_read_beat, f_write_length, f_write_beat;
  logic [11:0] f_read_id, f_write_id;
  logic [1:0] f_lite_aw, f_lite_w, f_lite_ar;
  always_ff @(posedge clk)
    if (rst) {f_read, f_write, f_all_data, f_read_beat, f_write_beat, f_lite_aw, f_lite_w, f_lite_ar} <= '0;
    else begin
      if (arvalid & arready) begin
        f_read <= 1'b1;
        {f_read_length, f_read_id} <= {arlen, arid};
        f_read_beat <= '0;
      end
      if (rvalid & rready) begin
        f_read_beat <= f_read_beat + 4'd1;
        if (rlast) f_read <= 1'b0;
      end
      if (awvalid & awready) begin
        f_write <= 1'b1;
        {f_write_length, f_write_id} <= {awlen, awid};
        f_write_beat <= '0;
        f_all_data <= 1'b0;
      end
      if (wvalid & wready) begin
        f_write_beat <= f_write_beat + 4'd1;
        if (f_write_beat == f_write_length) f_all_data <= 1'b1;
      end
      if (bvalid & bready) {f_write, f_all_data} <= '0;
      f_lite_aw <= f_lite_aw + 2'(lite_awvalid & lite_awready) - 2'(lite_bvalid & lite_bready);
      f_lite_w <= f_lite_w + 2'(lite_wvalid & lite_wready) - 2'(lite_bvalid & lite_bready);
      f_lite_ar <= f_lite_ar + 2'(lite_arvalid & lite_arready) - 2'(lite_rvalid & lite_rready);
    end
  always @* if (f_run) begin
    assume (!lite_bvalid | ((f_lite_aw != '0) & (f_lite_w != '0)));
    assume (!lite_rvalid | (f_lite_ar != '0));
  end
  always @(posedge clk) if (f_ran) begin
    assume (!$past(lite_bvalid & ~lite_bready) | (lite_bvalid & $stable(lite_bresp)));
    assume (!$past(lite_rvalid & ~lite_rready) | (lite_rvalid & $stable(lite_rdata) & $stable(lite_rresp)));
  end
  always @* if (f_run) begin
    P_read_has_a_request: assert (!rvalid | (f_read & (rid == f_read_id)));
    P_last_at_length: assert (!rvalid | (rlast == (f_read_beat == f_read_length)));
    P_answer_has_its_data: assert (!bvalid | (f_write & f_all_data & (bid == f_write_id)));
    P_data_has_an_address: assert (!wready | (f_write & ~f_all_data));
    P_lite_one_at_a_time: assert ((f_lite_aw <= 2'd1) & (f_lite_w <= 2'd1) & (f_lite_ar <= 2'd1));
  end
  always @(posedge clk) if (f_ran) begin
    P_answer_stays: assert (!$past(bvalid & ~bready) | (bvalid & $stable(bid) & $stable(bresp)));
    P_read_stays: assert (!$past(rvalid & ~rready)
      | (rvalid & $stable(rid) & $stable(rresp) & $stable(rdata) & $stable(rlast)));
    P_lite_address_stays: assert (!$past(lite_awvalid & ~lite_awready) | (lite_awvalid & $stable(lite_awaddr)));
    P_lite_data_stays: assert (!$past(lite_wvalid & ~lite_wready)
      | (lite_wvalid & $stable(lite_wdata) & $stable(lite_wstrb)));
    P_lite_read_stays: assert (!$past(lite_arvalid & ~lite_arready) | (lite_arvalid & $stable(lite_araddr)));
  end
  // Bounded response: with a slave that takes and answers within three cycles and data at hand, a beat of
  // a burst is done within sixteen.
  logic [1:0] f_slave_waits_w, f_slave_waits_r;
  logic [4:0] f_write_waits, f_read_waits;
  always_ff @(posedge clk)
    if (rst) {f_slave_waits_w, f_slave_waits_r, f_write_waits, f_read_waits} <= '0;
    else begin
      f_slave_waits_w <= (w == W_WAIT) & ~(lite_awvalid & lite_awready) & ~(lite_wvalid & lite_wready)
        & ~lite_bvalid ? f_slave_waits_w + 2'd1 : 2'd0;
      f_slave_waits_r <= (r == R_WAIT) & ~(lite_arvalid & lite_arready) & ~lite_rvalid
        ? f_slave_waits_r + 2'd1 : 2'd0;
      f_write_waits <= f_write & ~bvalid & ~(wready & ~wvalid) & ~(wvalid & wready) ? f_write_waits + 5'd1 : '0;
      f_read_waits <= f_read & ~rvalid ? f_read_waits + 5'd1 : '0;
    end
  always @* if (f_run) begin
    assume ((f_slave_waits_w < 2'd3) & (f_slave_waits_r < 2'd3));
    P_write_goes_on: assert (f_write_waits <= 5'd16);
    P_read_goes_on: assert (f_read_waits <= 5'd16);
  end
