// One half, 18 kbit, of a block RAM of 7-series devices, true dual port, as of AMD's UG473. Two with
// the same controls make a memory of 36 kbit, the lower with the even bits. A row has 16 bits and 2
// of parity; port widths are 18 (a row) or 9 (a byte of it with its parity).
module memory_half #(
    parameter UPPER = 0,  // which half: of a parity bit's two write enables, it takes this one
    parameter READ_A = 18, WRITE_A = 18, READ_B = 18, WRITE_B = 18,
    parameter MODE_A = 0, MODE_B = 0,  // 0 write first, 1 read first, 2 no change
    parameter [17:0] RESET_A = 0, RESET_B = 0, FIRST_A = 0, FIRST_B = 0,
    parameter FILE = ""
) (
    input clk_a, en_a, rst_a, input [3:0] we_a, input [13:0] addr_a, input [17:0] di_a,
    output [17:0] do_a,
    input clk_b, en_b, rst_b, input [3:0] we_b, input [13:0] addr_b, input [17:0] di_b,
    output [17:0] do_b,
    output reg clash
);
  reg [17:0] rows[0:1023];
  reg [17:0] q_a = FIRST_A, q_b = FIRST_B;
  integer k;
  initial begin
    clash = 0;
    for (k = 0; k < 1024; k = k + 1) rows[k] = 0;
    if (FILE != "") $readmemh(FILE, rows);
  end

  // Which bits of a row a write changes: four data bits per enable, a parity bit per pair.
  function automatic [17:0] changed(input integer width, input high, input [3:0] we);
    reg [3:0] on;
    begin
      on = width == 18 ? we : high ? we & 4'hc : we & 4'h3;
      changed = {on[2 + UPPER], on[UPPER], {4{on[3]}}, {4{on[2]}}, {4{on[1]}}, {4{on[0]}}};
    end
  endfunction
  function automatic [17:0] spread(input integer width, input [17:0] data);
    spread = width == 18 ? data : {data[16], data[16], data[7:0], data[7:0]};
  endfunction
  function automatic [17:0] taken(input integer width, input high, input [17:0] row);
    taken = width == 18 ? row : high ? {1'b0, row[17], 8'd0, row[15:8]}
                                     : {1'b0, row[16], 8'd0, row[7:0]};
  endfunction

  wire [17:0] mask_a = changed(WRITE_A, addr_a[3], we_a);
  wire [17:0] mask_b = changed(WRITE_B, addr_b[3], we_b);
  wire [17:0] old_a = rows[addr_a[13:4]], old_b = rows[addr_b[13:4]];
  wire [17:0] new_a = old_a & ~mask_a | spread(WRITE_A, di_a) & mask_a;
  wire [17:0] new_b = old_b & ~mask_b | spread(WRITE_B, di_b) & mask_b;

  always @(posedge clk_a)
    if (en_a) begin
      if (|mask_a) rows[addr_a[13:4]] <= new_a;
      if (rst_a) q_a <= RESET_A;
      else if (MODE_A != 2 || ~|we_a) q_a <= taken(READ_A, addr_a[3], MODE_A == 0 ? new_a : old_a);
    end
  always @(posedge clk_b)
    if (en_b) begin
      if (|mask_b) rows[addr_b[13:4]] <= new_b;
      if (rst_b) q_b <= RESET_B;
      else if (MODE_B != 2 || ~|we_b) q_b <= taken(READ_B, addr_b[3], MODE_B == 0 ? new_b : old_b);
    end
  assign do_a = q_a, do_b = q_b;

  // What the hardware leaves open: both ports at one row, one writing, unless it reads first and
  // the other only reads.
  always @(posedge clk_a)
    if (en_a && en_b && addr_a[13:4] == addr_b[13:4])
      if (|mask_a && |mask_b || |mask_a && MODE_A != 1 || |mask_b && MODE_B != 1) clash <= 1;
endmodule
