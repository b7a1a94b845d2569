  // No word is lost, doubled, reordered or changed. `f_at` counts the words that go in until one is
  // chosen, at any time; that one must come out when all before it have.
  (* anyseq *) logic f_choose;
  logic f_chosen;
  logic [BITS+1:0] f_ahead;  // words before the chosen one that are still inside
  logic [WIDTH-1:0] f_word;
  logic [BITS+1:0] f_inside;
  logic f_push, f_pull, f_take;
  assign f_push = in_valid & in_ready;
  assign f_pull = out_valid & out_ready;
  assign f_take = f_push & f_choose & ~f_chosen;
  always_ff @(posedge clk)
    if (rst) begin
      f_chosen <= 1'b0;
      f_ahead <= '0;
      f_inside <= '0;
    end else begin
      f_inside <= f_inside + (BITS+2)'(f_push) - (BITS+2)'(f_pull);
      if (f_take) begin
        f_chosen <= 1'b1;
        f_word <= in_data;
        f_ahead <= f_inside - (BITS+2)'(f_pull);
      end else if (f_chosen & f_pull) begin
        f_ahead <= f_ahead - 1'b1;
        if (f_ahead == '0) f_chosen <= 1'b0;
      end
    end
  always @* if (f_run) begin
    P_count: assert (f_inside == (BITS+2)'(count) + (BITS+2)'(out_valid));
    P_bound: assert (f_inside <= (BITS+2)'(DEPTH + 1));
    P_room: assert (in_ready | (f_inside >= (BITS+2)'(DEPTH)));
    P_word: assert (!(f_chosen & (f_ahead == '0) & out_valid) | (out_data == f_word));
    P_there: assert (!f_chosen | (f_inside > f_ahead));
  end
  always @(posedge clk) if (f_ran) begin
    P_valid_stays: assert (!$past(out_valid & ~out_ready) | out_valid);
    P_data_stays: assert (!$past(out_valid & ~out_ready) | $stable(out_data));
    // A FIFO that was not empty offers a word in the next cycle.
    P_soon: assert (!$past(f_inside != '0 & ~f_pull) | out_valid);
  end
