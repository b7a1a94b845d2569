  // Between command and stream nothing is lost, doubled or mixed up; with a small FIFO and bursts.
  // The memory answers each burst with its beats, kept in a queue.
  logic [7:0] f_queue [0:15];
  logic [4:0] f_head, f_tail;
  logic [7:0] f_beat;
  logic f_ar, f_r;
  assign f_ar = arvalid & arready;
  assign f_r = rvalid & rready;
  always_ff @(posedge clk)
    if (rst) {f_head, f_tail, f_beat} <= '0;
    else begin
      if (f_ar) begin
        f_queue[f_tail[3:0]] <= arlen;
        f_tail <= f_tail + 5'd1;
      end
      if (f_r) begin
        f_beat <= rlast ? 8'd0 : f_beat + 8'd1;
        if (rlast) f_head <= f_head + 5'd1;
      end
    end
  always @* if (f_run) begin
    assume (!rvalid | ((f_head != f_tail) & (rlast == (f_beat == f_queue[f_head[3:0]]))));
    assume (~stop & ~clear);
    assume ((first_page == '0) & (last_page == '1) & (bases == '0));
    for (int u = 0; u < USERS; u++) assume (ask_address[32*u +: 32] < 32'h1000);
    for (int u = 0; u < USERS; u++) assume (ask_count[32*u +: 32] < 32'd64);
  end
  // The chosen word, any of those that come: it goes out when all before it have.
  (* anyseq *) logic f_choose;
  logic f_chosen;
  logic [7:0] f_inside, f_ahead;
  logic [DATA_BITS-1:0] f_word;
  logic [USER_BITS-1:0] f_user;
  always_ff @(posedge clk)
    if (rst) {f_chosen, f_inside, f_ahead} <= '0;
    else begin
      f_inside <= f_inside + 8'(word_valid) - 8'(taken);
      if (word_valid & f_choose & ~f_chosen) begin
        f_chosen <= 1'b1;
        f_ahead <= f_inside - 8'(taken);
        f_word <= word;
        f_user <= tags[tag_head[TAG_BITS-1:0]];
      end else if (f_chosen & taken) begin
        f_ahead <= f_ahead - 8'd1;
        if (f_ahead == '0) f_chosen <= 1'b0;
      end
    end
  // Words that were asked for and have not been delivered, of each user and of all.
  logic [15:0] f_asked, f_given, f_of_user_asked, f_of_user_given;
  (* anyconst *) logic [USER_BITS-1:0] f_u;
  always @* assume (f_u < USERS);
  logic [15:0] f_new;
  always_comb begin
    f_new = '0;
    for (int u = 0; u < USERS; u++) if (ask_valid[u] & ask_ready[u]) f_new += ask_count[32*u +: 16];
  end
  always_ff @(posedge clk)
    if (rst) {f_asked, f_given, f_of_user_asked, f_of_user_given} <= '0;
    else begin
      f_asked <= f_asked + f_new;
      f_given <= f_given + 16'(taken);
      if (ask_valid[f_u] & ask_ready[f_u]) f_of_user_asked <= f_of_user_asked + ask_count[32*f_u +: 16];
      if (valid[f_u] & ready[f_u]) f_of_user_given <= f_of_user_given + 16'd1;
    end
  logic f_idle;
  assign f_idle = (held == '0) & ~some & ~planned & quiet & (f_inside == '0);
  always @* if (f_run) begin
    P_no_overflow: assert (!word_valid | unused);
    P_word: assert (!(f_chosen & (f_ahead == '0) & there) | ((data == f_word) & (user == f_user)));
    P_one_user: assert ((valid & (valid - 1'b1)) == '0);
    P_all_words: assert (!f_idle | (f_asked == f_given));
    P_words_of_a_user: assert (!f_idle | (f_of_user_asked == f_of_user_given));
  end
