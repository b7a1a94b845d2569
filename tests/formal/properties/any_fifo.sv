// A FIFO of which only the count is known: its words, and when one of them is offered, are anything that
// a FIFO allows (proof "fifo"). What is proven with it holds with every FIFO.
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
  (* anyseq *) logic late;
  (* anyseq *) logic [WIDTH-1:0] word;
  logic offered;
  logic [$clog2(DEPTH)+1:0] inside_;
  assign in_ready = inside_ < ($clog2(DEPTH)+2)'(DEPTH);
  assign out_valid = (inside_ != '0) & (offered | ~late);
  assign out_data = word;
  always_ff @(posedge clk)
    if (rst) {offered, inside_} <= '0;
    else begin
      offered <= out_valid & ~out_ready;
      inside_ <= inside_ + ($clog2(DEPTH)+2)'(in_valid & in_ready) - ($clog2(DEPTH)+2)'(out_valid & out_ready);
    end
endmodule
