// A FIFO of DEPTH words (a power of two) and two more in the registers behind its memory, which move
// on one after the other, so that a word leaves every cycle. Small ones are registers.
//
// Both sides' handshakes come late in a cycle, so no sum stands behind them: pointers have enables, and
// `full` and `some` are chosen among what registers say. Room that is read counts a cycle later.
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
    PREFIXtritstream_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH)) memory (
      .clk(clk), .wen(push), .waddr(tail[BITS-1:0]), .wdata(in_data),
      .ren(read), .raddr(head[BITS-1:0]), .rce(move), .rdata(out_data));
  end
endmodule
