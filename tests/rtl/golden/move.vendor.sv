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
  state_t state;
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
  state_t state;
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


// A FIFO whose output is a register behind the memory; DEPTH is a power of two.
module tritstream_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 2
) (
  input logic clk, input logic rst,
  input logic in_valid, output logic in_ready, input logic [WIDTH-1:0] in_data,
  output logic out_valid, input logic out_ready, output logic [WIDTH-1:0] out_data
);
  localparam int BITS = $clog2(DEPTH);
  logic [WIDTH-1:0] words [0:DEPTH-1];
  logic [BITS:0] head, tail;
  wire logic [BITS:0] count = tail - head;
  assign in_ready = ~count[BITS];
  wire logic push = in_valid & in_ready;
  wire logic pull = (count != '0) & (~out_valid | out_ready);
  always_ff @(posedge clk) begin
    if (push) words[tail[BITS-1:0]] <= in_data;
    if (pull) out_data <= words[head[BITS-1:0]];
  end
  always_ff @(posedge clk)
    if (rst) begin
      head <= '0;
      tail <= '0;
      out_valid <= 1'b0;
    end else begin
      if (push) tail <= tail + 1'b1;
      if (pull) head <= head + 1'b1;
      if (pull | out_ready) out_valid <= pull;
    end
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
