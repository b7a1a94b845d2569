// The course of a run. A run ends when the core is done, or early: because an AXI response was an error,
// because the host asked for it, or because a burst would lie outside of the memory that the host has
// named. Then no burst is begun any more, those under way are brought to their end as AXI demands, the
// core is reset, and the run is reported as done with `faults` set. What was written until then stays
// written. A start before the host has named all that a run needs ends at once.
//
//   faults  bit 0 an error in reading, bit 1 in writing, bit 2 DECERR among them (else SLVERR),
//           bit 3 stopped by the host, bit 4 not armed, bit 5 a burst outside of memory,
//           bit 6 told to do what cannot be (shell_check)
module shell_run (
  input  logic clk,
  input  logic rst,
  input  logic start,
  input  logic armed,
  input  logic halt,
  output logic busy,
  output logic finished,
  output logic [6:0] faults,
  output logic core_rst,
  output logic core_start,
  input  logic core_done,
  output logic stop,    // masters: begin no burst
  output logic clear,   // masters: forget requests and data
  input  logic quiet,   // masters: no burst is under way or about to begin
  input  logic read_error,
  input  logic write_error,
  input  logic decode_error,
  input  logic outside,
  input  logic bad
);
  typedef enum logic [2:0] {IDLE, BEGIN, RUN, DRAIN, RESET, FINISH} state_t;
  state_t state, following;
  logic resetting;
  logic [1:0] left;
  logic halted;
  logic [6:0] met;
  assign met = {bad, outside, 1'b0, halted, decode_error, write_error, read_error};
  assign core_rst = rst | resetting;
  always_comb begin
    following = state;
    case (state)
      IDLE: if (start) following = armed ? BEGIN : FINISH;
      BEGIN: following = (met != '0) ? DRAIN : RUN;
      // What a core asked for and did not take must not reach the next run either.
      RUN: if ((met != '0) | (core_done & ~quiet)) following = DRAIN;
        else if (core_done) following = FINISH;
      DRAIN: if (quiet) following = RESET;
      RESET: if (left == 2'd0) following = FINISH;
      default: following = IDLE;
    endcase
  end
  // What goes to every part of the design comes from a register of its own.
  always_ff @(posedge clk)
    if (rst) begin
      state <= IDLE;
      left <= 2'd0;
      halted <= 1'b0;
      faults <= '0;
      {busy, finished, core_start, resetting, stop, clear} <= '0;
    end else begin
      if (start) faults <= {2'b00, ~armed, 4'b0000};
      else if (busy) faults <= faults | met;
      halted <= busy & ~finished & (halted | halt);
      left <= (state == RESET) ? left - 2'd1 : 2'd3;
      state <= following;
      busy <= following != IDLE;
      finished <= following == FINISH;
      core_start <= following == BEGIN;
      resetting <= following == RESET;
      stop <= (following == DRAIN) | (following == RESET) | (following == FINISH);
      clear <= (following == RESET) | (following == FINISH);
    end
endmodule
