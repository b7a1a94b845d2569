// A FIFO of DEPTH words (a power of two) and two more in the registers behind its memory, which move
// on one after the other, so that a word leaves every cycle. Small ones are registers.
module PREFIXtritstream_fifo #(
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
  logic [BITS-1:0] head, tail;
  logic [BITS:0] count;
  logic some, read_valid, push, read, move;
  assign in_ready = ~count[BITS];
  assign push = in_valid & in_ready;
  assign move = ~out_valid | out_ready;
  assign read = some & (~read_valid | move);
  always_ff @(posedge clk)
    if (rst) begin
      head <= '0;
      tail <= '0;
      count <= '0;
      some <= 1'b0;
      read_valid <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      if (push) tail <= tail + 1'b1;
      if (read) head <= head + 1'b1;
      if (push & ~read) count <= count + 1'b1;
      if (read & ~push) count <= count - 1'b1;
      some <= push | (read ? count[BITS:1] != '0 : some);
      if (read | move) read_valid <= read;
      if (move) out_valid <= read_valid;
    end
  if (WIDTH * DEPTH <= 512) begin : in_registers
    (* ram_style = "logic" *) logic [WIDTH-1:0] words [0:DEPTH-1];
    logic [WIDTH-1:0] word;
    always_ff @(posedge clk) begin
      if (push) words[tail] <= in_data;
      if (read) word <= words[head];
      if (move) out_data <= word;
    end
  end else begin : in_memory
    PREFIXtritstream_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH)) memory (
      .clk(clk), .wen(push), .waddr(tail), .wdata(in_data),
      .ren(read), .raddr(head), .rce(move), .rdata(out_data));
  end
endmodule
