// A core for testing the shell: the ports of an engine with two weight ports, but it only moves words.
// With n = first and o = last:
//   vector_out[o + k] = weights_0[o + k] ^ weights_1[o + k]                       for k < n
//                       (words of WEIGHT_BITS)
//   state_out[o ...]  = descriptors[0..1], parameters[o ..], vector_in[o ..], state_in[o ..]
//   logits[0]         = the sum of the words of state_out
`define READ(name, bits, width) \
  output logic [0:0] name``_ar_valid, input logic [0:0] name``_ar_ready, \
  output logic [bits-1:0] name``_ar_addr, output logic [31:0] name``_ar_count, \
  input logic [0:0] name``_r_valid, output logic [0:0] name``_r_ready, input logic [width-1:0] name``_r_data
`define WRITE(name, bits) \
  output logic [0:0] name``_aw_valid, input logic [0:0] name``_aw_ready, \
  output logic [bits-1:0] name``_aw_addr, output logic [31:0] name``_aw_count, \
  output logic [0:0] name``_w_valid, input logic [0:0] name``_w_ready, \
  output logic [127:0] name``_w_data, input logic [0:0] name``_b_valid

module copy_core (
  input  logic clk,
  input  logic rst,
  input  logic start,
  output logic done,
  input  logic [31:0] first,
  input  logic [31:0] last,
  `READ(descriptors, 12, 128),
  `READ(weights_0, 12, `WEIGHT_BITS),
  `READ(weights_1, 12, `WEIGHT_BITS),
  `READ(parameters, 12, 128),
  `READ(vector_in, 12, 128),
  `WRITE(vector_out, 12),
  `READ(state_in, 12, 128),
  `WRITE(state_out, 14),
  `WRITE(logits, 12)
);
  logic running;
  logic [31:0] n;
  assign n = first;

  // One request each; `asked` keeps it from being repeated.
  logic [5:0] asked;
  logic [3:0] part;  // of state_out: which of the four memories is being copied
  logic [31:0] moved, words, mixed;
  logic vector_answered, state_answered, logits_asked, logits_sent, logits_answered;
  logic [127:0] sum;

  assign weights_0_ar_valid = running & ~asked[0] & (n != 0);
  assign weights_1_ar_valid = running & ~asked[1] & (n != 0);
  assign vector_out_aw_valid = running & ~asked[2] & (n != 0);
  assign state_out_aw_valid = running & ~asked[3];
  assign weights_0_ar_addr = last[11:0];
  assign weights_1_ar_addr = last[11:0];
  assign vector_out_aw_addr = last[11:0];
  assign state_out_aw_addr = last[13:0];
  assign weights_0_ar_count = n;
  assign weights_1_ar_count = n;
  assign vector_out_aw_count = n;
  assign state_out_aw_count = 2 + 3 * n;

  assign vector_out_w_valid = weights_0_r_valid & weights_1_r_valid & asked[2] & (mixed != n);
  assign vector_out_w_data = 128'(weights_0_r_data ^ weights_1_r_data);
  assign weights_0_r_ready = vector_out_w_ready & weights_1_r_valid & asked[2];
  assign weights_1_r_ready = vector_out_w_ready & weights_0_r_valid & asked[2];

  // The next memory is asked for while the words of the one before still come.
  logic [1:0] next;
  logic all_asked;
  logic ask, granted;
  assign ask = running & ~all_asked;
  assign descriptors_ar_valid = ask & (next == 0);
  assign parameters_ar_valid = ask & (next == 1);
  assign vector_in_ar_valid = ask & (next == 2);
  assign state_in_ar_valid = ask & (next == 3);
  assign granted = (next == 0) ? descriptors_ar_ready : (next == 1) ? parameters_ar_ready :
    (next == 2) ? vector_in_ar_ready : state_in_ar_ready;
  assign descriptors_ar_addr = '0;
  assign parameters_ar_addr = last[11:0];
  assign vector_in_ar_addr = last[11:0];
  assign state_in_ar_addr = last[11:0];
  assign descriptors_ar_count = 2;
  assign parameters_ar_count = n;
  assign vector_in_ar_count = n;
  assign state_in_ar_count = n;

  assign words = (part == 0) ? 2 : n;
  logic there, move;
  assign there = (part == 0) ? descriptors_r_valid : (part == 1) ? parameters_r_valid :
    (part == 2) ? vector_in_r_valid : (part == 3) ? state_in_r_valid : 1'b0;
  assign state_out_w_data = (part == 0) ? descriptors_r_data : (part == 1) ? parameters_r_data :
    (part == 2) ? vector_in_r_data : state_in_r_data;
  assign state_out_w_valid = there & asked[3] & (moved != words);
  assign move = state_out_w_valid & state_out_w_ready;
  assign descriptors_r_ready = (part == 0) & move;
  assign parameters_r_ready = (part == 1) & move;
  assign vector_in_r_ready = (part == 2) & move;
  assign state_in_r_ready = (part == 3) & move;

  assign logits_aw_valid = running & (part == 4) & ~logits_asked;
  assign logits_aw_addr = '0;
  assign logits_aw_count = 1;
  assign logits_w_valid = logits_asked & ~logits_sent;
  assign logits_w_data = sum;

  assign done = running & logits_answered & state_answered & (vector_answered | (n == 0));

  always_ff @(posedge clk)
    if (rst) begin
      running <= 1'b0;
      asked <= '0;
    end else if (~running) begin
      if (start) running <= 1'b1;
      asked <= '0;
      part <= '0;
      next <= '0;
      all_asked <= 1'b0;
      moved <= '0;
      mixed <= '0;
      sum <= '0;
      {vector_answered, state_answered, logits_asked, logits_sent, logits_answered} <= '0;
    end else begin
      if (done) running <= 1'b0;
      if (weights_0_ar_valid & weights_0_ar_ready) asked[0] <= 1'b1;
      if (weights_1_ar_valid & weights_1_ar_ready) asked[1] <= 1'b1;
      if (vector_out_aw_valid & vector_out_aw_ready) asked[2] <= 1'b1;
      if (state_out_aw_valid & state_out_aw_ready) asked[3] <= 1'b1;
      if (ask & granted) begin
        next <= next + 1'b1;
        all_asked <= (next == 3) | ((next == 0) & (n == 0));
      end
      if (vector_out_w_valid & vector_out_w_ready) mixed <= mixed + 1;
      if (move) begin
        sum <= sum + state_out_w_data;
        moved <= moved + 1;
      end else if ((part != 4) & (moved == words)) begin
        moved <= '0;
        part <= part + 1'b1;
      end
      if (logits_aw_valid & logits_aw_ready) logits_asked <= 1'b1;
      if (logits_w_valid & logits_w_ready) logits_sent <= 1'b1;
      if (vector_out_b_valid) vector_answered <= 1'b1;
      if (state_out_b_valid) state_answered <= 1'b1;
      if (logits_b_valid) logits_answered <= 1'b1;
    end
endmodule
