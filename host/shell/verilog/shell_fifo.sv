// A FIFO of DEPTH words (a power of two) and one more in its output register. The memory is read into
// a register and never at a word that is being written, so it can be block RAM of any kind.
module shell_fifo #(
  parameter int WIDTH = 128,
  parameter int DEPTH = 64
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
  logic [WIDTH-1:0] words [0:DEPTH-1];
  logic [BITS:0] head, tail, count;
  logic push, pull;
  assign count = tail - head;
  assign in_ready = ~count[BITS];
  assign push = in_valid & in_ready;
  assign pull = (count != '0) & (~out_valid | out_ready);
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
