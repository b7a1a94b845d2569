// lookup: generated from Allo's MLIR, do not edit
module lookup (
  input logic clk,
  input logic rst,
  input logic start,
  output logic done,
  output logic [0:0] arg0_0_ren0,
  output logic [3:0] arg0_0_raddr0,
  input logic [7:0] arg0_0_rdata0,
  output logic [0:0] arg0_0_ren1,
  output logic [3:0] arg0_0_raddr1,
  input logic [7:0] arg0_0_rdata1,
  output logic [0:0] arg0_0_wen,
  output logic [3:0] arg0_0_waddr,
  output logic [7:0] arg0_0_wdata,
  output logic [0:0] out_0_ren0,
  output logic [3:0] out_0_raddr0,
  input logic [7:0] out_0_rdata0,
  output logic [0:0] out_0_ren1,
  output logic [3:0] out_0_raddr1,
  input logic [7:0] out_0_rdata1,
  output logic [0:0] out_0_wen,
  output logic [3:0] out_0_waddr,
  output logic [7:0] out_0_wdata
);
  typedef enum logic [1:0] {
    idle,
    init_i_S_i_0,  // affine.for S_i_0 (line 6 of the MLIR, function lookup)
    run_S_i_0,  // depth 3
    finish  // wait for the answers to all writes
  } state_t;
  state_t state;
  logic [31:0] S_i_0_left;
  logic [0:0] S_i_0_more;
  logic [0:0] S_i_0_fire;
  logic [2:1] S_i_0_v;
  logic [3:0] S_i_0_add_11;
  logic [7:0] S_i_0_x_5;
  logic [1:0] S_i_0_low_6;
  logic [3:0] S_i_0_y_8;
  logic [3:0] S_i_0_y_8_rom [0:3];
  logic [1:0] S_i_0_y_8_addr;
  logic [0:0] S_i_0_negative_9;
  logic [7:0] S_i_0_x_5_d2;
  logic [0:0] S_i_0_not_10;
  logic [0:0] S_i_0_or_13;
  logic [7:0] S_i_0_mux_12;
  logic [3:0] S_i_0_i_0_d1;
  logic [3:0] S_i_0_i_0_d2;
  logic [3:0] i_S_i_0;
  logic [7:0] arg0_0_q0;

  always_ff @(posedge clk)
    if (rst) state <= idle;
    else case (state)
      idle: begin
        if (start) state <= init_i_S_i_0;
      end
      init_i_S_i_0: begin
        state <= run_S_i_0;
      end
      run_S_i_0: begin
        if (~S_i_0_more & ~(|S_i_0_v)) state <= finish;
      end
      finish: begin
        if (1'b1) state <= idle;
      end
      default: state <= idle;
    endcase
  assign done = (state == finish);

  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_left <= 32'h10;
    else if (S_i_0_fire) S_i_0_left <= S_i_0_left - 1;
  always_ff @(posedge clk)
    if (state == init_i_S_i_0) S_i_0_more <= 1'b1;
    else if (S_i_0_fire) S_i_0_more <= S_i_0_left != 1;

  // S_i_0: a pipeline, 3 stage(s)
  // affine.store of out (line 18 of the MLIR, function lookup)
  assign S_i_0_add_11 = i_S_i_0 + 4'h1;
  // affine.load of in (line 9 of the MLIR, function lookup)
  assign S_i_0_x_5 = arg0_0_q0;
  // arith.andi (line 10 of the MLIR, function lookup)
  assign S_i_0_low_6 = S_i_0_x_5[1:0];
  // memref.load of table (line 12 of the MLIR, function lookup)
  initial begin
    S_i_0_y_8_rom[0] = 4'h3;
    S_i_0_y_8_rom[1] = 4'hf;
    S_i_0_y_8_rom[2] = 4'h4;
    S_i_0_y_8_rom[3] = 4'h1;
  end
  assign S_i_0_y_8_addr = S_i_0_low_6;
  always_ff @(posedge clk) if (S_i_0_v[1]) S_i_0_y_8 <= S_i_0_y_8_rom[S_i_0_y_8_addr];
  // arith.cmpi (line 13 of the MLIR, function lookup)
  always_ff @(posedge clk) S_i_0_x_5_d2 <= S_i_0_x_5;
  assign S_i_0_negative_9 = $signed(S_i_0_x_5_d2) < $signed({{4{S_i_0_y_8[3]}}, S_i_0_y_8});
  // affine.store of out (line 18 of the MLIR, function lookup)
  assign S_i_0_not_10 = ~S_i_0_negative_9;
  assign S_i_0_or_13 = S_i_0_negative_9 | S_i_0_not_10;
  assign S_i_0_mux_12 = S_i_0_negative_9 ? {{4{S_i_0_y_8[3]}}, S_i_0_y_8} : S_i_0_x_5_d2;
  assign S_i_0_fire = (state == run_S_i_0) & S_i_0_more;
  always_ff @(posedge clk) S_i_0_i_0_d1 <= i_S_i_0;
  always_ff @(posedge clk) S_i_0_i_0_d2 <= S_i_0_i_0_d1;
  always_ff @(posedge clk)
    if (rst) S_i_0_v <= '0;
    else S_i_0_v <= {S_i_0_v[1:1], S_i_0_fire};
  always_ff @(posedge clk)
    if ((state == init_i_S_i_0)) i_S_i_0 <= 4'h0;
    else if (S_i_0_fire) i_S_i_0 <= S_i_0_add_11;
  assign arg0_0_ren0 = S_i_0_fire;
  assign arg0_0_raddr0 = i_S_i_0;
  assign arg0_0_q0 = arg0_0_rdata0;
  assign arg0_0_ren1 = 1'b0;
  assign arg0_0_raddr1 = '0;
  assign arg0_0_wen = 1'b0;
  assign arg0_0_waddr = '0;
  assign arg0_0_wdata = '0;
  assign out_0_ren0 = 1'b0;
  assign out_0_raddr0 = '0;
  assign out_0_ren1 = 1'b0;
  assign out_0_raddr1 = '0;
  assign out_0_wen = (S_i_0_v[2] & S_i_0_or_13);
  assign out_0_waddr = S_i_0_i_0_d2;
  assign out_0_wdata = S_i_0_mux_12;
endmodule
