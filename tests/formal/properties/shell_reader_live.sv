  // Bounded response under a fair memory: addresses are taken and due beats come within two cycles, users
  // take words at once. A request of up to three words is then delivered within 48 cycles.
  logic [7:0] f_queue [0:15];
  logic [4:0] f_head, f_tail;
  logic [7:0] f_beat;
  logic [1:0] f_ar_waits, f_r_waits;
  always_ff @(posedge clk)
    if (rst) {f_head, f_tail, f_beat, f_ar_waits, f_r_waits} <= '0;
    else begin
      if (arvalid & arready) begin
        f_queue[f_tail[3:0]] <= arlen;
        f_tail <= f_tail + 5'd1;
      end
      if (rvalid & rready) begin
        f_beat <= rlast ? 8'd0 : f_beat + 8'd1;
        if (rlast) f_head <= f_head + 5'd1;
      end
      f_ar_waits <= (arvalid & ~arready) ? f_ar_waits + 2'd1 : 2'd0;
      f_r_waits <= ((f_head != f_tail) & ~(rvalid & rready)) ? f_r_waits + 2'd1 : 2'd0;
    end
  logic [1:0] f_open;
  logic [6:0] f_waits;
  logic [3:0] f_left;
  always_ff @(posedge clk)
    if (rst) {f_waits, f_left} <= '0;
    else begin
      if (ask_valid[0] & ask_ready[0]) f_left <= ask_count[3:0];
      else if (valid[0] & ready[0]) f_left <= f_left - 4'd1;
      f_waits <= (f_left != '0) ? f_waits + 7'd1 : 7'd0;
    end
  always @* if (f_run) begin
    assume (!rvalid | ((f_head != f_tail) & (rlast == (f_beat == f_queue[f_head[3:0]]))));
    assume ((f_ar_waits < 2'd3) & (f_r_waits < 2'd3));
    assume (~stop & ~clear & (ready == '1));
    assume ((first_page == '0) & (last_page == '1) & (bases == '0));
    assume (ask_address[31:12] == '0 && ask_count[31:0] <= 32'd3);
    assume (!ask_valid[0] | (f_left == '0));
    P_delivered: assert (f_waits <= 7'd48);
  end
