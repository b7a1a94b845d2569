// accumulate: generated from Allo's MLIR, do not edit
module accumulate (
  input logic clk,
  input logic rst,
  input logic start,
  output logic done,
  input logic [31:0] arg0,
  output logic [31:0] sum,
  input logic [0:0] in_valid,
  output logic [0:0] in_ready,
  input logic [15:0] in_data
);
  typedef enum logic [2:0] {
    idle,
    run_start,  // depth 1
    init_i_S_i_0,  // scf.for S_i_0 (kernel.py:4, line 10 of the MLIR, function accumulate)
    run_S_i_0,  // depth 1
    run_address,  // depth 1
    finish  // wait for the answers to all writes
  } state_t;
  (* fsm_encoding = "one-hot" *) state_t state;
  logic [32:0] i_S_i_0_trips;
  logic [31:0] S_i_0_left;
  logic [0:0] S_i_0_more;
  logic [0:0] start_fire;
  logic [0:0] start_started;
  logic [0:0] start_end;
  logic [0:0] S_i_0_fire;
  logic [15:0] S_i_0_x_1;
  logic [30:0] S_i_0_add_7;
  logic [31:0] S_i_0_total_5;
  logic [31:0] S_i_0_cut_6;
  logic [0:0] address_fire;
  logic [0:0] address_started;
  logic [0:0] address_end;
  logic [30:0] i_S_i_0;
  logic [31:0] bound;
  logic [31:0] acc;

  always_ff @(posedge clk)
    if (rst) state <= idle;
    else case (state)
      idle: begin
        if (start) state <= run_start;
      end
      run_start: begin
        if (start_end) state <= init_i_S_i_0;
      end
      init_i_S_i_0: begin
        state <= (i_S_i_0_trips[31:0] == 0) ? run_address : run_S_i_0;
      end
      run_S_i_0: begin
        if (~S_i_0_more & ~1'b0) state <= run_address;
      end
      run_address: begin
        if (address_end) state <= finish;
      end
      finish: begin
        if (1'b1) state <= idle;
      end
      default: state <= idle;
    endcase
  assign done = (state == finish);

  assign i_S_i_0_trips = ($signed({{1{bound[31]}}, bound}) > $signed(33'h0)) ? {{1{bound[31]}}, bound} - 33'h0 : '0;
  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_left <= i_S_i_0_trips[31:0];
    else if (S_i_0_fire) S_i_0_left <= S_i_0_left - 1;
  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_more <= 1'b1;
    else if (S_i_0_fire) S_i_0_more <= S_i_0_left != 1;

  // start: once, 1 stage(s)
  assign start_fire = (state == run_start) & ~start_started;
  assign start_end = start_fire;
  always_ff @(posedge clk)
    if (rst | start_end) start_started <= '0;
    else if (start_fire) start_started <= 1'b1;

  // S_i_0: a pipeline, 1 stage(s)
  // allo.stream_get (kernel.py:5, line 12 of the MLIR, function accumulate)
  assign S_i_0_x_1 = in_data;
  // affine.store of acc (line 18 of the MLIR, function accumulate)
  assign S_i_0_add_7 = i_S_i_0 + 31'h1;
  // arith.addi (kernel.py:6, line 16 of the MLIR, function accumulate)
  assign S_i_0_total_5 = {{16{S_i_0_x_1[15]}}, S_i_0_x_1} + acc;
  // arith.trunci (line 17 of the MLIR, function accumulate)
  assign S_i_0_cut_6 = S_i_0_total_5;
  assign S_i_0_fire = (state == run_S_i_0) & S_i_0_more & in_valid;

  // address: once, 1 stage(s)
  assign address_fire = (state == run_address) & ~address_started;
  assign address_end = address_fire;
  always_ff @(posedge clk)
    if (rst | address_end) address_started <= '0;
    else if (address_fire) address_started <= 1'b1;
  always_ff @(posedge clk)
    if ((state == init_i_S_i_0)) i_S_i_0 <= 31'h0;
    else if (S_i_0_fire) i_S_i_0 <= S_i_0_add_7;
  always_ff @(posedge clk)
    if (start_fire) bound <= arg0;
  always_ff @(posedge clk)
    if (start_fire) acc <= 32'h0;
    else if (S_i_0_fire) acc <= S_i_0_cut_6;
  always_ff @(posedge clk)
    if (address_fire) sum <= acc;
  assign in_ready = ((state == run_S_i_0) & S_i_0_more);
endmodule
