// A FIFO whose output is a register behind the memory; DEPTH is a power of two.
module PREFIXtritstream_fifo #(
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
