// A memory with a port to write and a port to read, `rdata` two cycles after `raddr`: `ren` moves the
// word out of the memory, `rce` into the register behind it. A word that is read while it is written
// is the old one. For synthesis it is RAMB36E1 as true dual port of 32 of 36 bits (18 where that many
// words need it), with the register in fabric: DO_REG has no clock in nextpnr-xilinx.
module tritstream_ram #(
  parameter int WIDTH = 32,
  parameter int DEPTH = 512,
  parameter int BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic clk,
  input  logic wen,
  input  logic [BITS-1:0] waddr,
  input  logic [WIDTH-1:0] wdata,
  input  logic ren,
  input  logic [BITS-1:0] raddr,
  input  logic rce,
  output logic [WIDTH-1:0] rdata
);
`ifdef SYNTHESIS
  localparam bit DEEP = DEPTH > 1024;
  localparam int ROW = DEEP ? 11 : 10;
  localparam int DATA = DEEP ? 16 : 32;
  localparam int COLUMNS = (WIDTH + DATA - 1) / DATA;
  localparam int ROWS = (DEPTH + (1 << ROW) - 1) >> ROW;
  localparam int PICK = (ROWS > 1) ? BITS - ROW : 1;
  wire [ROW+PICK-1:0] write_at = waddr;
  wire [ROW+PICK-1:0] read_at = raddr;
  wire [COLUMNS*DATA-1:0] data = wdata;
  wire [COLUMNS*DATA-1:0] words [0:ROWS-1];
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire chosen = (ROWS == 1) || (write_at[ROW+PICK-1:ROW] == r);
    for (genvar c = 0; c < COLUMNS; c++) begin : column
      wire [31:0] in = data[DATA*c +: DATA];
      wire [31:0] out;
      wire [14:0] wa = DEEP ? {write_at[ROW-1:0], 4'hf} : {write_at[ROW-1:0], 5'h1f};
      wire [14:0] ra = DEEP ? {read_at[ROW-1:0], 4'hf} : {read_at[ROW-1:0], 5'h1f};
      RAMB36E1 #(
        .RAM_MODE("TDP"), .DOA_REG(0), .DOB_REG(0),
        .READ_WIDTH_A(DEEP ? 18 : 36), .WRITE_WIDTH_A(DEEP ? 18 : 36),
        .READ_WIDTH_B(DEEP ? 18 : 36), .WRITE_WIDTH_B(DEEP ? 18 : 36),
        .WRITE_MODE_A("READ_FIRST"), .WRITE_MODE_B("READ_FIRST")
      ) ram (
        .CLKARDCLK(clk), .CLKBWRCLK(clk),
        .ENARDEN(wen & chosen), .ENBWREN(ren),
        .REGCEAREGCE(1'b1), .REGCEB(1'b1),
        .RSTRAMARSTRAM(1'b0), .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0), .RSTREGB(1'b0),
        .ADDRARDADDR({1'b1, wa}), .ADDRBWRADDR({1'b1, ra}),
        .WEA(4'hf), .WEBWE(8'h00),
        .DIADI(in), .DIPADIP(4'h0), .DIBDI(32'h0), .DIPBDIP(4'h0),
        .DOBDO(out)
      );
      assign words[r][DATA*c +: DATA] = out[DATA-1:0];
    end
  end
  wire [COLUMNS*DATA-1:0] word;
  if (ROWS == 1) begin : one
    assign word = words[0];
  end else begin : several
    logic [PICK-1:0] picked;
    always_ff @(posedge clk) if (ren) picked <= read_at[ROW+PICK-1:ROW];
    assign word = words[picked];
  end
  always_ff @(posedge clk) if (rce) rdata <= word[WIDTH-1:0];
`else
  logic [WIDTH-1:0] words [0:DEPTH-1];
  logic [WIDTH-1:0] word;
  always_ff @(posedge clk) begin
    if (wen) words[waddr] <= wdata;
    if (ren) word <= words[raddr];
    if (rce) rdata <= word;
  end
`endif
endmodule

// A FIFO of DEPTH words (a power of two) and two more in the registers behind its memory, which move
// on one after the other, so that a word leaves every cycle. Small ones are registers.
//
// Both sides' handshakes come late in a cycle, so no sum stands behind them: pointers have enables, and
// `full` and `some` are chosen among what registers say. Room that is read counts a cycle later.
module tritstream_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 2
) (
  input  logic clk,
  input  logic rst,
  input  logic in_valid,
  output logic in_ready,
  input  logic [WIDTH-1:0] in_data,
  output logic out_valid,
  input  logic out_ready,
  output logic [WIDTH-1:0] out_data
);
  localparam int BITS = $clog2(DEPTH);
  localparam logic [BITS:0] MOST = (BITS+1)'(DEPTH - 1);
  logic [BITS:0] head, tail, freed;  // `freed` is `head` a cycle later
  logic [BITS:0] count;              // words in the memory, and one that was read in the last cycle
  logic late;                        // there is such a one
  logic full, some, read_valid, push, read, move;
  assign count = tail - freed;
  assign late = head[0] ^ freed[0];
  assign in_ready = ~full;
  assign push = in_valid & ~full;
  assign move = ~out_valid | out_ready;
  assign read = some & (~read_valid | move);
  logic one, two;                    // at least one word, two words in the memory
  logic [BITS+1:0] wide;
  assign wide = {1'b0, count};
  assign one = (wide[BITS+1:1] != '0) | (~late & wide[0]);
  assign two = (wide[BITS+1:2] != '0) | (wide[1] & (~late | wide[0]));
  logic last, stuck;
  assign last = ~late & (count == MOST);
  assign stuck = ~late & count[BITS];
  always_ff @(posedge clk)
    if (rst) begin
      head <= '0;
      tail <= '0;
      freed <= '0;
      full <= 1'b0;
      some <= 1'b0;
      read_valid <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      if (push) tail <= tail + 1'b1;
      if (read) head <= head + 1'b1;
      freed <= head;
      full <= stuck | (push & last);
      some <= push | (read ? two : one);
      if (read | move) read_valid <= read;
      if (move) out_valid <= read_valid;
    end
  if (WIDTH * DEPTH <= 512) begin : in_registers
    (* ram_style = "logic" *) logic [WIDTH-1:0] words [0:DEPTH-1];
    logic [WIDTH-1:0] word;
    always_ff @(posedge clk) begin
      if (push) words[tail[BITS-1:0]] <= in_data;
      if (read) word <= words[head[BITS-1:0]];
      if (move) out_data <= word;
    end
  end else begin : in_memory
    tritstream_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH)) memory (
      .clk(clk), .wen(push), .waddr(tail[BITS-1:0]), .wdata(in_data),
      .ren(read), .raddr(head[BITS-1:0]), .rce(move), .rdata(out_data));
  end
endmodule

// load: generated from Allo's MLIR, do not edit
module load (
  input logic clk,
  input logic rst,
  input logic start,
  output logic done,
  output logic [0:0] pipe_valid,
  input logic [0:0] pipe_ready,
  output logic [127:0] pipe_data,
  output logic [0:0] arg0_ar_valid,
  input logic [0:0] arg0_ar_ready,
  output logic [5:0] arg0_ar_addr,
  output logic [31:0] arg0_ar_count,
  input logic [0:0] arg0_r_valid,
  output logic [0:0] arg0_r_ready,
  input logic [127:0] arg0_r_data
);
  typedef enum logic [2:0] {
    idle,
    init_i_S_i_0,  // affine.for S_i_0 (line 4 of the MLIR, function load)
    request_i_S_i_0_0,
    run_S_i_0,  // depth 1
    finish  // wait for the answers to all writes
  } state_t;
  (* fsm_encoding = "one-hot" *) state_t state;
  logic [31:0] S_i_0_left;
  logic [0:0] S_i_0_more;
  logic [0:0] S_i_0_fire;
  logic [127:0] S_i_0_word_6;
  logic [5:0] S_i_0_add_7;
  logic [5:0] i_S_i_0;

  always_ff @(posedge clk)
    if (rst) state <= idle;
    else case (state)
      idle: begin
        if (start) state <= init_i_S_i_0;
      end
      init_i_S_i_0: begin
        state <= request_i_S_i_0_0;
      end
      request_i_S_i_0_0: begin
        if (arg0_ar_ready) state <= run_S_i_0;
      end
      run_S_i_0: begin
        if (~S_i_0_more & ~1'b0) state <= finish;
      end
      finish: begin
        if (1'b1) state <= idle;
      end
      default: state <= idle;
    endcase
  assign done = (state == finish);

  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_left <= 32'h30;
    else if (S_i_0_fire) S_i_0_left <= S_i_0_left - 1;
  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_more <= 1'b1;
    else if (S_i_0_fire) S_i_0_more <= S_i_0_left != 1;

  // S_i_0: a pipeline, 1 stage(s)
  // affine.load of memory (line 6 of the MLIR, function load)
  assign S_i_0_word_6 = arg0_r_data;
  // allo.stream_put (line 7 of the MLIR, function load)
  assign S_i_0_add_7 = i_S_i_0 + 6'h1;
  assign S_i_0_fire = (state == run_S_i_0) & S_i_0_more & arg0_r_valid & pipe_ready;
  always_ff @(posedge clk)
    if ((state == init_i_S_i_0)) i_S_i_0 <= 6'h0;
    else if (S_i_0_fire) i_S_i_0 <= S_i_0_add_7;
  assign arg0_r_ready = ((state == run_S_i_0) & S_i_0_more & pipe_ready);
  assign pipe_valid = ((state == run_S_i_0) & S_i_0_more & arg0_r_valid);
  assign pipe_data = S_i_0_word_6;
  assign arg0_ar_valid = (state == request_i_S_i_0_0);
  assign arg0_ar_addr = 6'h10;
  assign arg0_ar_count = 32'h30;
endmodule

// store: generated from Allo's MLIR, do not edit
module store (
  input logic clk,
  input logic rst,
  input logic start,
  output logic done,
  input logic [0:0] pipe_valid,
  output logic [0:0] pipe_ready,
  input logic [127:0] pipe_data,
  output logic [0:0] arg0_aw_valid,
  input logic [0:0] arg0_aw_ready,
  output logic [5:0] arg0_aw_addr,
  output logic [31:0] arg0_aw_count,
  output logic [0:0] arg0_w_valid,
  input logic [0:0] arg0_w_ready,
  output logic [127:0] arg0_w_data,
  input logic [0:0] arg0_b_valid
);
  typedef enum logic [2:0] {
    idle,
    init_i_S_i_0,  // affine.for S_i_0 (line 14 of the MLIR, function store)
    request_i_S_i_0_0,
    run_S_i_0,  // depth 1
    finish  // wait for the answers to all writes
  } state_t;
  (* fsm_encoding = "one-hot" *) state_t state;
  logic [31:0] S_i_0_left;
  logic [0:0] S_i_0_more;
  logic [0:0] S_i_0_fire;
  logic [127:0] S_i_0_word_1;
  logic [5:0] S_i_0_add_5;
  logic [5:0] i_S_i_0;
  logic [15:0] arg0_pending;

  always_ff @(posedge clk)
    if (rst) state <= idle;
    else case (state)
      idle: begin
        if (start) state <= init_i_S_i_0;
      end
      init_i_S_i_0: begin
        state <= request_i_S_i_0_0;
      end
      request_i_S_i_0_0: begin
        if (arg0_aw_ready) state <= run_S_i_0;
      end
      run_S_i_0: begin
        if (~S_i_0_more & ~1'b0) state <= finish;
      end
      finish: begin
        if ((arg0_pending == 0)) state <= idle;
      end
      default: state <= idle;
    endcase
  assign done = (state == finish) & (arg0_pending == 0);

  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_left <= 32'h30;
    else if (S_i_0_fire) S_i_0_left <= S_i_0_left - 1;
  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_more <= 1'b1;
    else if (S_i_0_fire) S_i_0_more <= S_i_0_left != 1;

  // S_i_0: a pipeline, 1 stage(s)
  // allo.stream_get (line 16 of the MLIR, function store)
  assign S_i_0_word_1 = pipe_data;
  // affine.store of memory (line 17 of the MLIR, function store)
  assign S_i_0_add_5 = i_S_i_0 + 6'h1;
  assign S_i_0_fire = (state == run_S_i_0) & S_i_0_more & pipe_valid & arg0_w_ready;
  always_ff @(posedge clk)
    if ((state == init_i_S_i_0)) i_S_i_0 <= 6'h0;
    else if (S_i_0_fire) i_S_i_0 <= S_i_0_add_5;
  assign pipe_ready = ((state == run_S_i_0) & S_i_0_more & arg0_w_ready);
  assign arg0_w_valid = ((state == run_S_i_0) & S_i_0_more & pipe_valid);
  assign arg0_w_data = S_i_0_word_1;
  assign arg0_aw_valid = (state == request_i_S_i_0_0);
  assign arg0_aw_addr = 6'h0;
  assign arg0_aw_count = 32'h30;
  always_ff @(posedge clk)
    if (rst) arg0_pending <= '0;
    else arg0_pending <= arg0_pending + {15'd0, arg0_aw_valid & arg0_aw_ready} - {15'd0, arg0_b_valid};
endmodule


// move: a dataflow region, generated from Allo's MLIR, do not edit
module move (
  input logic clk,
  input logic rst,
  input logic start,
  output logic done,
  output logic [0:0] from_ar_valid,
  input logic [0:0] from_ar_ready,
  output logic [5:0] from_ar_addr,
  output logic [31:0] from_ar_count,
  input logic [0:0] from_r_valid,
  output logic [0:0] from_r_ready,
  input logic [127:0] from_r_data,
  output logic [0:0] to_aw_valid,
  input logic [0:0] to_aw_ready,
  output logic [5:0] to_aw_addr,
  output logic [31:0] to_aw_count,
  output logic [0:0] to_w_valid,
  input logic [0:0] to_w_ready,
  output logic [127:0] to_w_data,
  input logic [0:0] to_b_valid
);
  logic busy;
  logic pipe_in_valid, pipe_in_ready;
  logic [127:0] pipe_in_data;
  logic pipe_out_valid, pipe_out_ready;
  logic [127:0] pipe_out_data;
  logic load_done, load_ended;
  logic store_done, store_ended;

  load load_i (
    .clk(clk),
    .rst(rst),
    .start(start & ~busy),
    .done(load_done),
    .arg0_ar_valid(from_ar_valid),
    .arg0_ar_ready(from_ar_ready),
    .arg0_ar_addr(from_ar_addr),
    .arg0_ar_count(from_ar_count),
    .arg0_r_valid(from_r_valid),
    .arg0_r_ready(from_r_ready),
    .arg0_r_data(from_r_data),
    .pipe_valid(pipe_in_valid),
    .pipe_ready(pipe_in_ready),
    .pipe_data(pipe_in_data)
  );
  store store_i (
    .clk(clk),
    .rst(rst),
    .start(start & ~busy),
    .done(store_done),
    .arg0_aw_valid(to_aw_valid),
    .arg0_aw_ready(to_aw_ready),
    .arg0_aw_addr(to_aw_addr),
    .arg0_aw_count(to_aw_count),
    .arg0_w_valid(to_w_valid),
    .arg0_w_ready(to_w_ready),
    .arg0_w_data(to_w_data),
    .arg0_b_valid(to_b_valid),
    .pipe_valid(pipe_out_valid),
    .pipe_ready(pipe_out_ready),
    .pipe_data(pipe_out_data)
  );
  tritstream_fifo #(.WIDTH(128), .DEPTH(8)) pipe_i (
    .clk(clk), .rst(rst),
    .in_valid(pipe_in_valid), .in_ready(pipe_in_ready), .in_data(pipe_in_data),
    .out_valid(pipe_out_valid), .out_ready(pipe_out_ready), .out_data(pipe_out_data));
  always_ff @(posedge clk)
    if (rst) busy <= 1'b0;
    else if (done) busy <= 1'b0;
    else if (start) busy <= 1'b1;
  always_ff @(posedge clk)
    if (rst | done) load_ended <= 1'b0;
    else if (load_done) load_ended <= 1'b1;
  always_ff @(posedge clk)
    if (rst | done) store_ended <= 1'b0;
    else if (store_done) store_ended <= 1'b1;
  assign done = busy & (load_ended | load_done) & (store_ended | store_done);
endmodule
