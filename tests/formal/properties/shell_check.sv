  // What cannot be is refused within two cycles of being taken, and the refusal stays. What exactly cannot be
  // is compared with Python in tests/shell.
  logic f_there, f_back;
  logic [3:0] f_number;
  logic [31:0] f_a, f_b;
  logic [8:0] f_rows;
  always_ff @(posedge clk) begin
    f_there <= take & ~start & ~rst;
    if (take) {f_b, f_a} <= data[63:0];
    if (start & ~rst) {f_number, f_back, f_rows} <= '0;
    else if (f_there) begin
      f_back <= f_number[3] & ~f_back;
      if (!f_number[3]) f_number <= f_number + 4'd1;
      if (f_number[3] & ~f_back) f_rows <= f_rows + 9'd1;
    end
  end
  logic f_started;
  always_ff @(posedge clk) f_started <= ~rst & (f_started | start);
  always @(posedge clk) if (f_ran) begin
    P_refusal_stays: assert (!$past(bad & ~start) | bad);
    P_registers: assert (!$past(start)
      | (bad == (($past(base_low) != '0) | ($past(last) < $past(first)) | ($past(last) >= DESCRIPTORS))));
    if ($past(f_started & f_there & ~start)) begin
      P_no_words: assert (!(($past(f_number) < 4'd7) & ($past(f_a) == '0)) | bad);
      P_norm_too_long: assert (!(($past(f_number) < 4'd7) & ($past(f_b[31:16]) > VECTOR_WORDS)) | bad);
      P_vector_too_long: assert (!(($past(f_number) == 4'd7) & ($past(f_a) > VECTOR_BEATS)) | bad);
      P_kind: assert (!($past(f_number[3] & ~f_back) & ($past(f_a) > 32'd2)) | bad);
      P_offset: assert (!($past(f_number[3]) & ($past(f_b[31:27]) != '0)) | bad);
    end
  end
  always @* if (f_run & f_started) P_rows: assert (rows == f_rows);
