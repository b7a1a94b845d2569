// An AXI write master for the memory arguments of one bundle.
//
// A user announces `count` words of DATA_BITS from word `address` of its memory, delivers them on its
// stream, and gets `answered` for a cycle when the memory has answered all of them. One request is
// worked on at a time. A burst is announced on the bus only when all of its data is here, so WVALID
// never waits for the core; nor does it wait for AWREADY, as a memory may want data first (AXI A3.3.1). Bursts are cut as in shell_reader.
//
// Ready outputs depend on registers alone. BUS_BITS is as in shell_reader.
module shell_writer #(
  parameter int USERS = 1,
  parameter int DATA_BITS = 128,
  parameter int BUS_BITS = 128,
  parameter int BURST = 64,
  parameter int DEPTH = 128,  // words of the FIFO, no fewer than those of a burst
  parameter int BURSTS = 16   // most bursts without an answer
) (
  input  logic clk,
  input  logic rst,
  input  logic stop,
  input  logic clear,
  output logic quiet,
  output logic error,
  output logic decode_error,
  output logic outside,
  // the core
  input  logic [64*USERS-1:0] bases,
  input  logic [27:0] first_page,  // of 4 KiB: the memory that bursts may be in
  input  logic [27:0] last_page,
  input  logic [USERS-1:0] ask_valid,
  output logic [USERS-1:0] ask_ready,
  input  logic [32*USERS-1:0] ask_address,
  input  logic [32*USERS-1:0] ask_count,
  input  logic [USERS-1:0] valid,
  output logic [USERS-1:0] ready,
  input  logic [DATA_BITS*USERS-1:0] data,
  output logic [USERS-1:0] answered,
  // the bus
  output logic awvalid,
  input  logic awready,
  output logic [63:0] awaddr,
  output logic [7:0] awlen,
  output logic wvalid,
  input  logic wready,
  output logic [BUS_BITS-1:0] wdata,
  output logic wlast,
  input  logic bvalid,
  output logic bready,
  input  logic [1:0] bresp
);
  localparam int BEATS = DATA_BITS / BUS_BITS;
  localparam int BYTE_BITS = $clog2(DATA_BITS / 8);
  localparam int WORDS = BURST / BEATS;
  localparam int WORD_BITS = $clog2(WORDS);
  localparam int USER_BITS = (USERS > 1) ? $clog2(USERS) : 1;
  localparam int ROOM_BITS = $clog2(DEPTH) + 2;
  localparam int COUNT_BITS = $clog2(BURSTS) + 1;

  logic forget;
  assign forget = rst | clear;

  // Requests: `current` is worked on, of which `wanted` words have not come from the core and `left`
  // have not been announced to the memory.
  logic [USERS-1:0] held;
  logic [32*USERS-1:0] addresses, counts;
  logic [USER_BITS-1:0] next, who;
  logic current, all_answered;
  logic [63-BYTE_BITS:0] at;
  logic [31:0] left, wanted;
  logic some, fits, more;                     // left != 0, left <= block, wanted != 0: see shell_reader
  logic push, room, plan, issue, planned, allowed;
  logic [WORD_BITS:0] block, first_block, length, planned_length;
  logic [63-BYTE_BITS:0] start;
  logic [31:0] count;
  assign ask_ready = {USERS{(held == '0) & ~current}};
  always_comb begin
    next = '0;
    for (int u = USERS - 1; u >= 0; u--) if (held[u]) next = USER_BITS'(u);
  end
  assign start = bases[64*next+BYTE_BITS +: 64-BYTE_BITS]
    + (64-BYTE_BITS)'(addresses[32*next +: 32]);
  assign count = counts[32*next +: 32];
  assign first_block = (WORD_BITS+1)'(WORDS) - {1'b0, start[WORD_BITS-1:0]};
  assign plan = some & ~planned;
  assign length = fits ? left[WORD_BITS:0] : block;
  logic [27:0] page;                          // of the burst
  assign page = at[12-BYTE_BITS +: 28];
  always_ff @(posedge clk)
    if (forget) begin
      held <= '0;
      current <= 1'b0;
      who <= '0;  // selects a valid: unknown, it would spread
      some <= 1'b0;
      more <= 1'b0;
      planned <= 1'b0;
    end else begin
      held <= held | (ask_valid & ask_ready);
      if (push) begin
        wanted <= wanted - 1'b1;
        more <= wanted != 32'd1;
      end
      if (issue) planned <= 1'b0;
      if (~current) begin
        if (held != '0) begin
          held[next] <= 1'b0;
          current <= 1'b1;
          who <= next;
          at <= start;
          left <= count;
          wanted <= count;
          some <= count != '0;
          more <= count != '0;
          fits <= count <= 32'(first_block);
          block <= first_block;
        end
      end else if (plan) begin
        planned <= 1'b1;
        planned_length <= length;
        allowed <= (at[63-BYTE_BITS:40-BYTE_BITS] == '0) & (page >= first_page) & (page <= last_page);
        left <= left - 32'(length);
        some <= ~fits;
        fits <= left <= 32'(block) + 32'(WORDS);
        block <= (WORD_BITS+1)'(WORDS);
      end else if (all_answered) current <= 1'b0;
      if (issue) at <= at + (64-BYTE_BITS)'(planned_length);
    end
  always_ff @(posedge clk)
    if (ask_ready[0]) {addresses, counts} <= {ask_address, ask_count};

  // Words come in; `stored` ones do not belong to an announced burst yet.
  logic [ROOM_BITS-1:0] stored;
  logic there, taken;
  logic [DATA_BITS-1:0] word;
  assign push = valid[who] & ready[who];
  always_comb begin
    ready = '0;
    ready[who] = room & more;
  end
  shell_fifo #(.WIDTH(DATA_BITS), .DEPTH(DEPTH)) fifo (
    .clk(clk), .rst(forget),
    .in_valid(push), .in_ready(room), .in_data(data[DATA_BITS*who +: DATA_BITS]),
    .out_valid(there), .out_ready(taken), .out_data(word)
  );
  logic came;  // a word, in the last cycle
  always_ff @(posedge clk)
    if (forget) begin
      stored <= '0;
      came <= 1'b0;
    end else begin
      came <= push;
      stored <= stored + ROOM_BITS'(came) - (issue ? ROOM_BITS'(planned_length) : '0);
    end

  // A burst goes out: its address and, beside it, its `unsent` beats.
  logic [COUNT_BITS-1:0] under_way;
  logic [8:0] unsent;
  assign outside = planned & ~allowed;
  assign issue = planned & allowed & ~stop & ~awvalid & (unsent == '0) & (under_way != COUNT_BITS'(BURSTS))
    & (stored >= ROOM_BITS'(planned_length));
  assign wvalid = (unsent != '0) & there;
  assign wlast = unsent == 9'd1;
  assign bready = under_way != '0;
  assign quiet = ~awvalid & (unsent == '0) & (under_way == '0) & (~planned | stop);
  always_ff @(posedge clk)
    if (rst) begin
      awvalid <= 1'b0;
      unsent <= '0;
      under_way <= '0;
    end else begin
      if (issue) awvalid <= 1'b1;
      else if (awready) awvalid <= 1'b0;
      if (issue) unsent <= 9'(32'(planned_length) * BEATS);
      else if (wvalid & wready) unsent <= unsent - 1'b1;
      under_way <= under_way + COUNT_BITS'(issue) - COUNT_BITS'(bvalid & bready);
    end
  always_ff @(posedge clk)
    if (issue) begin
      awaddr <= {at, {BYTE_BITS{1'b0}}};
      awlen <= 8'(32'(planned_length) * BEATS - 1);
    end
  generate
    if (BEATS == 1) begin : whole
      assign wdata = word;
      assign taken = wvalid & wready;
    end else begin : halves
      logic second;
      assign wdata = second ? word[DATA_BITS-1:BUS_BITS] : word[BUS_BITS-1:0];
      assign taken = wvalid & wready & second;
      always_ff @(posedge clk)
        if (forget) second <= 1'b0;
        else if (wvalid & wready) second <= ~second;
    end
  endgenerate

  // Answers.
  assign error = bvalid & bready & bresp[1];
  assign decode_error = error & bresp[0];
  assign all_answered = current & ~some & quiet & ~planned;
  always_comb begin
    answered = '0;
    answered[who] = all_answered;
  end
endmodule
