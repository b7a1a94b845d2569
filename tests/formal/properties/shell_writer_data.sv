  // Between command and bus nothing is lost, doubled or changed, and a request is answered once; with a
  // small FIFO and bursts.
  logic [5:0] f_addresses, f_datas;
  always_ff @(posedge clk)
    if (rst) {f_addresses, f_datas} <= '0;
    else begin
      f_addresses <= f_addresses + 6'(awvalid & awready) - 6'(bvalid & bready);
      f_datas <= f_datas + 6'(wvalid & wready & wlast) - 6'(bvalid & bready);
    end
  always @* if (f_run) begin
    assume (!bvalid | ((f_addresses != '0) & (f_datas != '0)));
    assume (~stop & ~clear);
    assume ((first_page == '0) & (last_page == '1) & (bases == '0));
    for (int u = 0; u < USERS; u++) assume (ask_address[32*u +: 32] < 32'h1000);
    for (int u = 0; u < USERS; u++) assume (ask_count[32*u +: 32] < 32'd64);
  end
  (* anyseq *) logic f_choose;
  logic f_chosen;
  logic [7:0] f_inside, f_ahead;
  logic [DATA_BITS-1:0] f_word;
  always_ff @(posedge clk)
    if (rst) {f_chosen, f_inside, f_ahead} <= '0;
    else begin
      f_inside <= f_inside + 8'(push) - 8'(taken);
      if (push & f_choose & ~f_chosen) begin
        f_chosen <= 1'b1;
        f_ahead <= f_inside - 8'(taken);
        f_word <= data[DATA_BITS*who +: DATA_BITS];
      end else if (f_chosen & taken) begin
        f_ahead <= f_ahead - 8'd1;
        if (f_ahead == '0) f_chosen <= 1'b0;
      end
    end
  logic [15:0] f_asked, f_sent;
  logic [3:0] f_requests, f_answers;
  logic [15:0] f_new;
  logic [3:0] f_many, f_ends;
  always_comb begin
    {f_new, f_many, f_ends} = '0;
    for (int u = 0; u < USERS; u++) begin
      if (ask_valid[u] & ask_ready[u]) begin
        f_new += ask_count[32*u +: 16];
        f_many += 4'd1;
      end
      if (answered[u]) f_ends += 4'd1;
    end
  end
  always_ff @(posedge clk)
    if (rst) {f_asked, f_sent, f_requests, f_answers} <= '0;
    else begin
      f_asked <= f_asked + f_new;
      f_sent <= f_sent + 16'(taken);
      f_requests <= f_requests + f_many;
      f_answers <= f_answers + f_ends;
    end
  logic f_idle;
  assign f_idle = (held == '0) & ~current;
  always @* if (f_run) begin
    P_no_overflow: assert (!push | room);
    P_word: assert (!(f_chosen & (f_ahead == '0) & there) | (word == f_word));
    P_announced_data_is_here: assert ((unsent == '0) | (f_inside != '0));
    P_all_words: assert (!f_idle | (f_asked == f_sent));
    P_one_answer_each: assert (!f_idle | (f_requests == f_answers));
    P_answered_alone: assert (f_ends <= 4'd1);
  end
