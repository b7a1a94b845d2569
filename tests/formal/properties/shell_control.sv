  // The AXI4-Lite slave (AXI A3.2, B1). Assumed: the host keeps what it offers until it is taken; a run
  // ends only while it is under way (shell_run).
  always @* if (f_run) assume (!(finished & ~busy));
  always @(posedge clk) if (f_ran) begin
    assume (!$past(awvalid & ~awready) | (awvalid & $stable(awaddr)));
    assume (!$past(wvalid & ~wready) | (wvalid & $stable(wdata) & $stable(wstrb)));
    assume (!$past(arvalid & ~arready) | (arvalid & $stable(araddr)));
  end
  logic [1:0] f_aw, f_w, f_ar;  // taken and not answered
  always_ff @(posedge clk)
    if (rst) {f_aw, f_w, f_ar} <= '0;
    else begin
      f_aw <= f_aw + 2'(awvalid & awready) - 2'(bvalid & bready);
      f_w <= f_w + 2'(wvalid & wready) - 2'(bvalid & bready);
      f_ar <= f_ar + 2'(arvalid & arready) - 2'(rvalid & rready);
    end
  always @* if (f_run) begin
    P_answer_has_a_write: assert (!bvalid | ((f_aw != '0) & (f_w != '0)));
    P_answer_has_a_read: assert (rvalid == (f_ar != '0));
    P_writes_outstanding: assert ((f_aw <= 2'd2) & (f_w <= 2'd2));
    P_okay: assert ((bresp == '0) & (rresp == '0));
  end
  always @(posedge clk) if (f_ran) begin
    P_answer_stays: assert (!$past(bvalid & ~bready) | bvalid);
    P_read_stays: assert (!$past(rvalid & ~rready) | (rvalid & $stable(rdata)));
  end
  always @(posedge clk) if (f_past & f_reset) P_reset_is_silent: assert (~bvalid & ~rvalid);

  // Bounded response: a complete write is answered, and a read, within three cycles.
  logic [2:0] f_write_waits, f_read_waits;
  always_ff @(posedge clk)
    if (rst) {f_write_waits, f_read_waits} <= '0;
    else begin
      f_write_waits <= ((f_aw != '0) & (f_w != '0) & ~bvalid) ? f_write_waits + 3'd1 : '0;
      f_read_waits <= (arvalid & ~arready & ~rvalid) ? f_read_waits + 3'd1 : '0;
    end
  always @* if (f_run) begin
    P_write_is_answered: assert (f_write_waits <= 3'd3);
    P_read_is_taken: assert (f_read_waits <= 3'd3);
  end

  // A register reads back what was written, byte by byte: one argument, whichever.
  (* anyconst *) logic [$clog2(COUNT):0] f_k;
  logic [31:0] f_value, f_mask;
  logic [ADDRESS_BITS-1:0] f_offset;
  logic f_seen;
  always @* assume (f_k < COUNT);
  assign f_offset = ADDRESS_BITS'(OFFSETS >> (16 * f_k));
  assign f_mask = {{8{strobe[3]}}, {8{strobe[2]}}, {8{strobe[1]}}, {8{strobe[0]}}};
  always_ff @(posedge clk)
    if (rst) {f_value, f_seen} <= '0;
    else if (write & (at == f_offset)) begin
      f_value <= (f_value & ~f_mask) | (data & f_mask);
      f_seen <= 1'b1;
    end
  logic [ADDRESS_BITS-1:0] f_from;
  logic [31:0] f_then;
  always_ff @(posedge clk) if (read) {f_from, f_then} <= {from, f_value};
  always @* if (f_run) begin
    P_argument_is_kept: assert (32'(arguments >> (32 * f_k)) == f_value);
    P_argument_reads_back: assert (!(rvalid & (f_from == f_offset)) | (rdata == f_then));
    P_armed_means_all: assert (!(armed & NEEDED[f_k]) | f_seen);
  end

  // Start, end and interrupt: nothing is lost.
  logic f_done, f_isr;
  always_ff @(posedge clk)
    if (rst) {f_done, f_isr} <= '0;
    else begin
      if (finished) f_done <= 1'b1;
      else if (read_control) f_done <= 1'b0;
    end
  always @* if (f_run) begin
    P_done_until_read: assert (done == f_done);
    P_start_between_runs: assert (!start | (~busy & ~finished));
    P_start_is_asked: assert (!start | restart | (write & (at == CTRL) & data[0]));
    P_halt_is_asked: assert (!halt | (write & (at == CTRL) & data[19]));
    P_line: assert (line == (enable & (pending != '0)));
  end
  always @(posedge clk) if (f_ran) begin
    P_start_is_not_lost: assert (!($past(write & (at == CTRL) & data[0] & strobe[0] & ~busy & ~finished)) | $past(start));
    P_end_sets_the_interrupt: assert (!$past(finished & enables[0]) | pending[0]);
    P_interrupt_stays: assert (!($past(pending[0]) & ~pending[0]) | $past(write & (at == ISR)));
    P_status_is_read: assert (!($past(read_control)) | (rdata[22:16] == $past(faults)));
  end
