// The FIFO of masters: the one that the RTL compiler has for the target (host/rtl/verilog).
module shell_fifo #(
  parameter int WIDTH = 128,
  parameter int DEPTH = 64
) (
  // Clock, and the reset that empties it.
  input logic clk, input logic rst,
  // A word goes in in a cycle in which both are high,
  input logic in_valid, output logic in_ready,
  input logic [WIDTH-1:0] in_data,
  // and comes out likewise.
  output logic out_valid, input logic out_ready,
  output logic [WIDTH-1:0] out_data
);
  shell_tritstream_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) fifo (
    .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
    .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data)
  );
endmodule
