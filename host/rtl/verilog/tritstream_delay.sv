// WIDTH bits, LENGTH cycles later (4 at least): a ring in a memory, for targets on which that many
// flip-flops are dearer.
module PREFIXtritstream_delay #(
  parameter int WIDTH = 32,
  parameter int LENGTH = 8
) (
  input  logic clk,
  input  logic [WIDTH-1:0] in,
  output logic [WIDTH-1:0] out
);
  localparam int BITS = $clog2(LENGTH);
  logic [BITS-1:0] at, from;
  initial at = '0;
  always_ff @(posedge clk) begin
    at <= at + 1'b1;
    // A word is written as the cycle ends, and read two cycles before it leaves.
    from <= at - BITS'(LENGTH - 3);
  end
  PREFIXtritstream_ram #(.WIDTH(WIDTH), .DEPTH(1 << BITS)) memory (
    .clk(clk), .wen(1'b1), .waddr(at), .wdata(in),
    .ren(1'b1), .raddr(from), .rce(1'b1), .rdata(out));
endmodule
