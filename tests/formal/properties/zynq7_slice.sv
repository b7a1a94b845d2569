  // Nothing is lost, doubled or reordered between two handshakes.
  (* anyseq *) logic f_choose;
  logic f_chosen;
  logic [1:0] f_inside, f_ahead;
  logic [WIDTH-1:0] f_word;
  logic f_push, f_pull;
  assign f_push = in_valid & in_ready;
  assign f_pull = out_valid & out_ready;
  always_ff @(posedge clk)
    if (rst) {f_chosen, f_inside, f_ahead} <= '0;
    else begin
      f_inside <= f_inside + 2'(f_push) - 2'(f_pull);
      if (f_push & f_choose & ~f_chosen) begin
        f_chosen <= 1'b1;
        f_ahead <= f_inside - 2'(f_pull);
        f_word <= in_data;
      end else if (f_chosen & f_pull) begin
        f_ahead <= f_ahead - 2'd1;
        if (f_ahead == '0) f_chosen <= 1'b0;
      end
    end
  always @* if (f_run) begin
    P_bound: assert (f_inside <= 2'd2);
    P_offered: assert (out_valid == (f_inside != '0));
    P_room: assert (in_ready | (f_inside == 2'd2));
    P_word: assert (!(f_chosen & (f_ahead == '0) & out_valid) | (out_data == f_word));
  end
  always @(posedge clk) if (f_ran) begin
    P_valid_stays: assert (!$past(out_valid & ~out_ready) | out_valid);
    P_data_stays: assert (!$past(out_valid & ~out_ready) | $stable(out_data));
  end
