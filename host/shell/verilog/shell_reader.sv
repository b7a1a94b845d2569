// An AXI read master for the memory arguments of one bundle.
//
// A user asks for `count` words of DATA_BITS from word `address` of its memory, and gets them on its
// stream. Requests become bursts that end at multiples of their greatest length: as this divides
// 4 KiB, none crosses such a boundary. A burst is asked for only when there is room for all of it, so
// RREADY never has to fall and no slow user can hold up the memory. Data comes in the order of the
// requests (one AXI ID), through one FIFO: users of one bundle must take their data in the order in
// which they asked, and requests of the same cycle count as asked in the order of the users.
//
// Ready outputs depend on registers alone. BUS_BITS is DATA_BITS, or half of it with the low half of a
// word first.
module shell_reader #(
  parameter int USERS = 1,
  parameter int DATA_BITS = 128,
  parameter int BUS_BITS = 128,
  parameter int BURST = 64,   // greatest length in beats of the bus
  parameter int DEPTH = 256,  // words of the FIFO
  parameter int BURSTS = 16   // most bursts under way
) (
  input  logic clk, input logic rst,
  // the run: begin no further burst; forget what is left; nothing is under way
  input  logic stop, input logic clear,
  output logic quiet,
  // and what met it
  output logic error,
  output logic decode_error,
  output logic outside,
  // the core
  input  logic [64*USERS-1:0] bases,
  input  logic [27:0] first_page,  // of 4 KiB: the memory that bursts may be in
  input  logic [27:0] last_page,
  // what each user asks for, in its words, and the words
  input  logic [USERS-1:0] ask_valid, output logic [USERS-1:0] ask_ready,
  input  logic [32*USERS-1:0] ask_address,
  input  logic [32*USERS-1:0] ask_count,
  output logic [USERS-1:0] valid,
  input  logic [USERS-1:0] ready,
  output logic [DATA_BITS-1:0] data,
  // the bus
  output logic arvalid,
  input  logic arready,
  output logic [63:0] araddr,
  output logic [7:0] arlen,
  input  logic rvalid,
  output logic rready,
  input  logic [BUS_BITS-1:0] rdata,
  input  logic [1:0] rresp,
  input  logic rlast
);
  localparam int BEATS = DATA_BITS / BUS_BITS;  // of the bus for a word
  localparam int BYTE_BITS = $clog2(DATA_BITS / 8);
  localparam int WORDS = BURST / BEATS;       // of a burst at most
  localparam int WORD_BITS = $clog2(WORDS);
  localparam int USER_BITS = (USERS > 1) ? $clog2(USERS) : 1;
  localparam int ROOM_BITS = $clog2(DEPTH) + 1;
  localparam int TAG_BITS = $clog2(BURSTS);

  logic forget;
  assign forget = rst | clear;

  // Requests. `held` ones wait to be cut into bursts; the lowest user goes first.
  logic [USERS-1:0] held;
  logic [32*USERS-1:0] addresses, counts;
  logic [USER_BITS-1:0] next, who;
  logic [63-BYTE_BITS:0] at;                  // in words
  logic [31:0] left;
  logic some, fits;                           // left != 0, left <= block: registers, as these are long
  assign ask_ready = {USERS{(held == '0) & ~some}};
  always_comb begin
    next = '0;
    for (int u = USERS - 1; u >= 0; u--) if (held[u]) next = USER_BITS'(u);
  end
  logic [63-BYTE_BITS:0] start;
  logic [31:0] count;
  logic [WORD_BITS:0] first_block;
  assign start = bases[64*next+BYTE_BITS +: 64-BYTE_BITS]
    + (64-BYTE_BITS)'(addresses[32*next +: 32]);
  assign count = counts[32*next +: 32];
  assign first_block = (WORD_BITS+1)'(WORDS) - {1'b0, start[WORD_BITS-1:0]};

  // The next burst: as much as is left, to the end of its block at most. Behind the first block all
  // are whole, so that what is left then fits if left - block <= WORDS now.
  logic planned, allowed, plan, issue;
  logic [WORD_BITS:0] block, length, planned_length;
  logic [63-BYTE_BITS:0] planned_at;
  logic [USER_BITS-1:0] planned_who;
  assign plan = some & ~planned;
  assign length = fits ? left[WORD_BITS:0] : block;
  logic [27:0] page;                          // of the burst
  assign page = at[12-BYTE_BITS +: 28];
  always_ff @(posedge clk)
    if (forget) begin
      held <= '0;
      some <= 1'b0;
      planned <= 1'b0;
    end else begin
      held <= held | (ask_valid & ask_ready);
      if (issue) planned <= 1'b0;
      if (plan) begin
        planned <= 1'b1;
        at <= at + (64-BYTE_BITS)'(length);
        left <= left - 32'(length);
        some <= ~fits;
        fits <= left <= 32'(block) + 32'(WORDS);
        block <= (WORD_BITS+1)'(WORDS);
      end else if (~some & (held != '0)) begin
        held[next] <= 1'b0;
        who <= next;
        at <= start;
        left <= count;
        some <= count != '0;
        fits <= count <= 32'(first_block);
        block <= first_block;
      end
    end
  always_ff @(posedge clk) begin
    if (ask_ready[0])
      {addresses, counts} <= {ask_address, ask_count};
    if (plan) begin
      planned_at <= at;
      planned_length <= length;
      planned_who <= who;
      allowed <= (at[63-BYTE_BITS:40-BYTE_BITS] == '0) & (page >= first_page) & (page <= last_page);
    end
  end

  // Issue: `reserved` words are in the FIFO or on their way to it.
  logic [ROOM_BITS-1:0] reserved;
  logic [TAG_BITS:0] tag_head, tag_tail;      // of the bursts under way
  logic some_under_way, all_under_way;
  logic [USER_BITS-1:0] tags [0:BURSTS-1];
  logic ended, taken;
  assign some_under_way = tag_tail != tag_head;
  assign all_under_way = (tag_tail ^ tag_head) == (TAG_BITS+1)'(BURSTS);
  assign outside = planned & ~allowed;
  assign issue = planned & allowed & ~stop & (~arvalid | arready) & ~all_under_way
    & (ROOM_BITS'(planned_length) <= ROOM_BITS'(DEPTH) - reserved);
  assign ended = rvalid & rready & rlast;
  assign quiet = ~arvalid & ~some_under_way & (~planned | stop);
  assign rready = some_under_way;
  always_ff @(posedge clk)
    if (rst) begin
      arvalid <= 1'b0;
      tag_head <= '0;
      tag_tail <= '0;
    end else begin
      if (issue) arvalid <= 1'b1;
      else if (arready) arvalid <= 1'b0;
      if (issue) tag_tail <= tag_tail + 1'b1;
      if (ended) tag_head <= tag_head + 1'b1;
    end
  // A word that a user takes gives its room back a cycle later: when it is taken is known late.
  logic given;
  always_ff @(posedge clk)
    if (forget) begin
      reserved <= '0;
      given <= 1'b0;
    end else begin
      given <= taken;
      reserved <= reserved + (issue ? ROOM_BITS'(planned_length) : '0) - ROOM_BITS'(given);
    end
  always_ff @(posedge clk)
    if (issue) begin
      araddr <= {planned_at, {BYTE_BITS{1'b0}}};
      arlen <= 8'(32'(planned_length) * BEATS - 1);
      tags[tag_tail[TAG_BITS-1:0]] <= planned_who;
    end

  // Data: words are put together from beats and go to the user of their burst.
  logic word_valid;
  logic [DATA_BITS-1:0] word;
  generate
    if (BEATS == 1) begin : whole
      assign word_valid = rvalid & rready;
      assign word = rdata;
    end else begin : halves
      logic second;
      logic [BUS_BITS-1:0] low;
      assign word_valid = rvalid & rready & second;
      assign word = {rdata, low};
      always_ff @(posedge clk)
        if (forget) second <= 1'b0;
        else if (rvalid & rready) second <= ~second;
      always_ff @(posedge clk) if (rvalid & rready) low <= rdata;
    end
  endgenerate
  assign error = rvalid & rready & rresp[1];
  assign decode_error = error & rresp[0];

  // A single user needs no tag beside its words.
  localparam int WIDTH = (USERS > 1) ? DATA_BITS + USER_BITS : DATA_BITS;
  logic there;
  logic [USER_BITS-1:0] user;
  logic unused;
  logic [WIDTH-1:0] stored;
  shell_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) fifo (
    .clk(clk), .rst(forget),
    .in_valid(word_valid), .in_ready(unused),
    .in_data(WIDTH'({tags[tag_head[TAG_BITS-1:0]], word})),
    .out_valid(there), .out_ready(taken), .out_data(stored)
  );
  assign data = stored[DATA_BITS-1:0];
  assign user = (USERS > 1) ? USER_BITS'(stored >> DATA_BITS) : '0;
  always_comb begin
    valid = '0;
    valid[user] = there;
  end
  assign taken = there & ready[user];
endmodule
