  // Bounded response under a fair memory that takes an address only when it has seen data, and answers
  // within two cycles; the user delivers at once. A request of up to three words is answered within 48
  // cycles.
  logic [5:0] f_addresses, f_datas;
  logic [1:0] f_aw_waits, f_w_waits, f_b_waits;
  logic [6:0] f_waits;
  logic f_open, f_part, f_data;
  // Data of the burst whose address waits is offered, or was taken.
  assign f_data = wvalid | f_part | (f_datas > f_addresses);
  always_ff @(posedge clk)
    if (rst) {f_addresses, f_datas, f_aw_waits, f_w_waits, f_b_waits, f_waits, f_open, f_part} <= '0;
    else begin
      f_addresses <= f_addresses + 6'(awvalid & awready) - 6'(bvalid & bready);
      f_datas <= f_datas + 6'(wvalid & wready & wlast) - 6'(bvalid & bready);
      if (wvalid & wready) f_part <= ~wlast;
      f_aw_waits <= (awvalid & f_data & ~awready) ? f_aw_waits + 2'd1 : 2'd0;
      f_w_waits <= (wvalid & ~wready) ? f_w_waits + 2'd1 : 2'd0;
      f_b_waits <= ((f_addresses != '0) & (f_datas != '0) & ~bvalid) ? f_b_waits + 2'd1 : 2'd0;
      if (ask_valid[0] & ask_ready[0]) f_open <= 1'b1;
      else if (answered[0]) f_open <= 1'b0;
      f_waits <= f_open ? f_waits + 7'd1 : 7'd0;
    end
  always @* if (f_run) begin
    assume (!awready | f_data);
    assume (!bvalid | ((f_addresses != '0) & (f_datas != '0)));
    assume ((f_aw_waits < 2'd3) & (f_w_waits < 2'd3) & (f_b_waits < 2'd3));
    assume (~stop & ~clear & (valid == '1));
    assume ((first_page == '0) & (last_page == '1) & (bases == '0));
    assume (ask_address[31:12] == '0 && ask_count[31:0] <= 32'd3);
    assume (!ask_valid[0] | ~f_open);
    P_answered: assert (f_waits <= 7'd48);
  end
