// What a run is told to do, looked at before it is done: the record numbers and base addresses at the start,
// and then every beat of the descriptor table (tritstream.kernels.descriptors) as the core takes it. `bad`
// rises within two cycles, sooner than a master begins a burst that the core asks for because of that beat,
// and stays until the next start. `rows` counts the descriptors that the core took.
//
// `tritstream.kernels.checks` says the same in Python, and where the parameters come from.
module shell_check #(
  parameter int BASES = 1,
  parameter logic [31:0] DESCRIPTORS = 258,  // rows that a table has at most
  parameter logic [15:0] COLUMN_WORDS = 1,   // of a row group
  parameter logic [15:0] VECTOR_WORDS = 1,   // of a norm
  parameter logic [11:0] ROOM_BEATS = 0,
  parameter logic [31:0] VECTOR_BEATS = 1,
  parameter logic [31:0] LOGITS_BEATS = 1,
  parameter logic [7*32-1:0] ROWS = '0       // of the matrix of each phase
) (
  input  logic clk,
  input  logic rst,
  input  logic start,
  input  logic [31:0] first,
  input  logic [31:0] last,
  input  logic [4*BASES-1:0] base_low,  // the low bits of every base address
  input  logic take,
  input  logic [127:0] data,
  output logic bad,
  output logic [8:0] rows
);
  localparam int WORD_BITS = 28, OFFSET_BITS = 27;
  logic there, back;      // a beat to look at; the second of a descriptor
  logic [3:0] number;     // of the beat: 0 to 6 a phase, 7 the model, then descriptors
  logic [31:0] a, b, c, d;
  logic [WORD_BITS-1:0] layer_words, head_words;
  logic sizes, model, front;
  assign sizes = number < 4'd7;
  assign model = number == 4'd7;
  assign front = number[3] & ~back;

  logic [31:0] most_rows;
  always_comb begin
    most_rows = '0;
    for (int k = 0; k < 7; k++) if (number[2:0] == 3'(k)) most_rows = ROWS[32*k +: 32];
  end
  logic bad_sizes, bad_model, bad_front, bad_back;
  assign bad_sizes = (a[WORD_BITS-1:0] == '0) | (a[31:WORD_BITS] != '0)
    | (b[15:0] == '0) | (b[15:0] > COLUMN_WORDS) | (b[31:16] == '0) | (b[31:16] > VECTOR_WORDS)
    | (c == '0) | (c > most_rows) | (d[11:0] > ROOM_BEATS);
  assign bad_model = (a == '0) | (a > VECTOR_BEATS) | (b == '0) | (b > LOGITS_BEATS)
    | (c != 32'(layer_words)) | (d != 32'(head_words));
  assign bad_front = (a > 32'd2)
    | ({b[31:OFFSET_BITS], c[31:OFFSET_BITS], d[31:OFFSET_BITS]} != '0);
  assign bad_back =
    {a[31:OFFSET_BITS], b[31:OFFSET_BITS], c[31:OFFSET_BITS], d[31:OFFSET_BITS]} != '0;

  always_ff @(posedge clk) begin
    there <= take & ~start & ~rst;
    if (take) {d, c, b, a} <= data;
    if (rst) begin
      bad <= 1'b0;
      rows <= '0;
    end else if (start) begin
      number <= '0;
      back <= 1'b0;
      rows <= '0;
      layer_words <= '0;
      bad <= (base_low != '0) | (last < first) | (last >= DESCRIPTORS);
    end else if (there) begin
      bad <= bad | (sizes & bad_sizes) | (model & bad_model) | (front & bad_front)
        | (number[3] & back & bad_back);
      if (number[3]) back <= ~back;
      else number <= number + 1'b1;
      if (front) rows <= rows + 1'b1;
      if (number == 4'd6) head_words <= a[WORD_BITS-1:0];
      else if (sizes) layer_words <= layer_words + a[WORD_BITS-1:0];
    end
  end
endmodule
