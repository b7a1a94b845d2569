  // A run: exactly one end for each start, and what went wrong reaches the status.
  // Assumed, and proven of the others: a start comes only between runs (shell_control); masters that are
  // stopped and quiet stay so, and an error comes only from a burst under way (shell_reader, shell_writer).
  always @* if (f_run) begin
    assume (!(start & (busy | finished)));
    assume (!(quiet & (read_error | write_error)));
    assume (!decode_error | read_error | write_error);
  end
  logic f_was_quiet;
  always_ff @(posedge clk) f_was_quiet <= stop & quiet;
  always @* if (f_ran) assume (!(f_was_quiet & stop) | quiet);

  logic f_open, f_begun, f_refused, f_drained, f_asked;
  logic [6:0] f_met;
  logic f_error;
  assign f_error = read_error | write_error | outside | bad;
  always_ff @(posedge clk)
    if (rst) {f_open, f_begun, f_refused, f_drained, f_asked, f_met} <= '0;
    else begin
      if (start) begin
        f_open <= 1'b1;
        {f_begun, f_drained, f_asked} <= '0;
        f_refused <= ~armed;
        f_met <= {2'b00, ~armed, 4'b0000};
      end else if (busy) begin
        if (finished) f_open <= 1'b0;
        if (core_start) f_begun <= 1'b1;
        if (stop & ~clear) f_drained <= 1'b1;
        if (halt) f_asked <= 1'b1;
        f_met <= f_met | {bad, outside, 1'b0, f_asked & ~finished, decode_error, write_error, read_error};
      end
    end
  always @* if (f_run) begin
    P_busy: assert (busy == f_open);
    P_one_core_start: assert (!core_start | (busy & ~f_begun));
    P_no_core_start_unarmed: assert (!(core_start & f_refused));
    P_end_of_a_run: assert (!finished | (f_open & (f_begun | f_refused)));
    P_core_reset_when_quiet: assert (!(core_rst & ~rst) | (stop & clear & quiet));
    P_clear_is_stopped: assert (!clear | stop);
    P_status_errors: assert ((faults[2:0] == f_met[2:0]) & (faults[6:5] == f_met[6:5]));
    P_status_unarmed: assert (faults[4] == f_met[4]);
  end
  always @(posedge clk) if (f_ran) begin
    P_start_is_not_lost: assert (!$past(start) | busy);
    P_armed_start_runs: assert (!$past(start & armed) | core_start);
    P_unarmed_start_ends: assert (!$past(start & ~armed) | (finished & faults[4]));
    P_error_stops: assert (!$past(busy & f_error) | stop | ~busy);
    P_error_is_reported: assert (!$past(busy & f_error) | (faults != '0));
    P_stop_is_kept: assert (!($past(stop & busy & ~finished)) | stop);
    P_early_end_drained: assert (!finished | ~f_begun | (faults == '0) | $past(quiet));
    P_halt_ends: assert (!$past(f_begun & f_asked & busy & ~finished) | stop | finished);
  end

  // Bounded response: the run ends within Q + 8 cycles of the core's end, an error or a stop, where the
  // masters are quiet after Q cycles of being stopped.
  localparam int Q = 6;
  logic [4:0] f_wait;
  logic [3:0] f_loud;
  logic f_due;
  assign f_due = f_open & f_begun & (core_done | f_error | f_asked);
  always_ff @(posedge clk)
    if (rst | start | finished) {f_wait, f_loud} <= '0;
    else begin
      if (f_due | (f_wait != '0)) f_wait <= f_wait + 5'd1;
      if (stop & ~quiet) f_loud <= f_loud + 4'd1;
    end
  always @* if (f_run) begin
    assume (f_loud <= 4'(Q));
    P_ends_soon: assert (f_wait <= 5'(Q + 8));
  end
