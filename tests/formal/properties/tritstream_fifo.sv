  // No word is lost, doubled, reordered or changed, as in stream_fifo. Words inside are those of the memory
  // and of the two registers behind it.
  (* anyseq *) logic f_choose;
  logic f_chosen;
  logic [BITS+2:0] f_ahead;  // words before the chosen one that are still inside
  logic [WIDTH-1:0] f_word;
  logic [BITS+2:0] f_inside;
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
      f_inside <= f_inside + (BITS+3)'(f_push) - (BITS+3)'(f_pull);
      if (f_take) begin
        f_chosen <= 1'b1;
        f_word <= in_data;
        f_ahead <= f_inside - (BITS+3)'(f_pull);
      end else if (f_chosen & f_pull) begin
        f_ahead <= f_ahead - 1'b1;
        if (f_ahead == '0) f_chosen <= 1'b0;
      end
    end
  logic [BITS:0] f_stored;
  assign f_stored = tail - head;
  always @* if (f_run) begin
    P_stored: assert (f_stored <= (BITS+1)'(DEPTH));
    P_count: assert (f_inside == (BITS+3)'(f_stored) + (BITS+3)'(read_valid) + (BITS+3)'(out_valid));
    P_some: assert (some == (f_stored != '0));
    P_full: assert (full == (count == (BITS+1)'(DEPTH)));
    P_freed: assert (((head - freed) == '0) | (((head - freed) == (BITS+1)'(1)) & read_valid));
    P_bound: assert (f_inside <= (BITS+3)'(DEPTH + 2));
    P_valid_is_a_word: assert (!out_valid | (f_inside != '0));
    P_room: assert (in_ready | (f_inside >= (BITS+3)'(DEPTH)));
    P_word: assert (!(f_chosen & (f_ahead == '0) & out_valid) | (out_data == f_word));
    P_there: assert (!f_chosen | (f_inside > f_ahead));
  end
  always @(posedge clk) if (f_ran) begin
    P_valid_stays: assert (!$past(out_valid & ~out_ready) | out_valid);
    P_data_stays: assert (!$past(out_valid & ~out_ready) | $stable(out_data));
    // What is inside comes nearer in every cycle: three after it came in it is offered.
    P_moves: assert (!($past(some) & ~$past(read_valid)) | read_valid);
    P_soon: assert (!$past(read_valid) | out_valid);
  end
