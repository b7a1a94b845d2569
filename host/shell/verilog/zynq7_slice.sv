// A register between two handshakes: outputs come straight from registers on both sides, at full
// throughput. The second word holds what arrives in the cycle in which the receiver stops.
module zynq7_slice #(
  parameter int WIDTH = 1
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
  logic full;
  logic [WIDTH-1:0] held;
  assign in_ready = ~full;
  always_ff @(posedge clk)
    if (rst) begin
      out_valid <= 1'b0;
      full <= 1'b0;
    end else if (~out_valid | out_ready) begin
      out_valid <= full | in_valid;
      full <= 1'b0;
    end else if (in_valid) full <= 1'b1;
  always_ff @(posedge clk) begin
    if (~out_valid | out_ready) out_data <= full ? held : in_data;
    if (~full) held <= in_data;
  end
endmodule
