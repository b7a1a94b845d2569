// What a run did, for the host to read when it has ended: cycles, and for each weight port the words that
// the core took, the cycles in which it was ready for one and had none, and a checksum of the words in
// their order. They begin anew with a start and stand still between runs.
//
// The checksum turns left by one bit for every word and takes the exclusive or of the word's 32-bit parts.
module shell_counters #(
  parameter int PORTS = 1,
  parameter int WIDTH = 128
) (
  input  logic clk,
  input  logic start,
  input  logic busy,
  input  logic [PORTS-1:0] valid,
  input  logic [PORTS-1:0] ready,
  input  logic [WIDTH*PORTS-1:0] data,
  output logic [32*(1+3*PORTS)-1:0] counters
);
  logic [31:0] cycles;
  assign counters[31:0] = cycles;
  always_ff @(posedge clk)
    if (start) cycles <= '0;
    else if (busy) cycles <= cycles + 1'b1;

  genvar p;
  generate
    for (p = 0; p < PORTS; p++) begin : port
      logic [31:0] words, starved, sum, folded;
      always_comb begin
        folded = '0;
        for (int k = 0; k < WIDTH / 32; k++) folded ^= data[WIDTH*p + 32*k +: 32];
      end
      always_ff @(posedge clk)
        if (start) {words, starved, sum} <= '0;
        else if (ready[p]) begin
          if (valid[p]) begin
            words <= words + 1'b1;
            sum <= {sum[30:0], sum[31]} ^ folded;
          end else starved <= starved + 1'b1;
        end
      assign counters[32+96*p +: 96] = {sum, starved, words};
    end
  endgenerate
endmodule
