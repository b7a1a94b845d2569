// RAMB36E1 as far as it is used: true dual port, widths of 36 and 18, no output registers.
module RAMB36E1 #(
    parameter RAM_MODE = "TDP", SIM_DEVICE = "7SERIES", SIM_COLLISION_CHECK = "ALL",
    parameter INIT_FILE = "NONE", RDADDR_COLLISION_HWCONFIG = "DELAYED_WRITE",
    parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE",
    parameter RSTREG_PRIORITY_A = "RSTREG", RSTREG_PRIORITY_B = "RSTREG",
    parameter EN_ECC_READ = "FALSE", EN_ECC_WRITE = "FALSE",
    parameter WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST",
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter integer DOA_REG = 0, DOB_REG = 0,
    parameter [35:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
    parameter [0:0] IS_CLKARDCLK_INVERTED = 0, IS_CLKBWRCLK_INVERTED = 0,
    parameter [0:0] IS_ENARDEN_INVERTED = 0, IS_ENBWREN_INVERTED = 0,
    parameter [0:0] IS_RSTRAMARSTRAM_INVERTED = 0, IS_RSTRAMB_INVERTED = 0,
    parameter [0:0] IS_RSTREGARSTREG_INVERTED = 0, IS_RSTREGB_INVERTED = 0,
    parameter [255:0] @INITS@
) (
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
    input CASCADEINA, CASCADEINB, INJECTDBITERR, INJECTSBITERR,
    input [15:0] ADDRARDADDR, ADDRBWRADDR,
    input [31:0] DIADI, DIBDI, input [3:0] DIPADIP, DIPBDIP, input [3:0] WEA, input [7:0] WEBWE,
    output CASCADEOUTA, CASCADEOUTB, DBITERR, SBITERR, output [7:0] ECCPARITY,
    output [8:0] RDADDRECC, output [31:0] DOADO, DOBDO, output [3:0] DOPADOP, DOPBDOP
);
  // A byte and its parity at each of 4,096 places.
  reg [8:0] bytes[0:4095];
  localparam [32767:0] DATA = {@DATA@};
  localparam [4095:0] PARITY = {@PARITY@};
  integer k;
  initial for (k = 0; k < 4096; k = k + 1) bytes[k] = {PARITY[k], DATA[8*k+:8]};

  // Ports A (0) and B (1).
  wire clk [0:1], enable [0:1], reset [0:1], half [0:1];
  wire [9:0] row [0:1];
  wire [3:0] we [0:1];
  wire [31:0] di [0:1];
  wire [3:0] dip [0:1];
  reg [35:0] q [0:1];
  initial {q[0], q[1]} = {INIT_A, INIT_B};
  assign clk[0] = CLKARDCLK ^ IS_CLKARDCLK_INVERTED, clk[1] = CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED;
  assign enable[0] = ENARDEN ^ IS_ENARDEN_INVERTED, enable[1] = ENBWREN ^ IS_ENBWREN_INVERTED;
  assign reset[0] = RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED;
  assign reset[1] = RSTRAMB ^ IS_RSTRAMB_INVERTED;
  assign row[0] = ADDRARDADDR[14:5], row[1] = ADDRBWRADDR[14:5];
  assign half[0] = ADDRARDADDR[4], half[1] = ADDRBWRADDR[4];
  // A memory of 18 bits has two bytes to write.
  assign we[0] = WRITE_WIDTH_A == 36 ? WEA : {2'd0, WEA[1:0]};
  assign we[1] = WRITE_WIDTH_B == 36 ? WEBWE[3:0] : {2'd0, WEBWE[1:0]};
  assign di[0] = DIADI, di[1] = DIBDI, dip[0] = DIPADIP, dip[1] = DIPBDIP;
  assign {DOPADOP, DOADO} = q[0], {DOPBDOP, DOBDO} = q[1];
  assign {CASCADEOUTA, CASCADEOUTB, DBITERR, SBITERR, ECCPARITY, RDADDRECC} = 0;

  function automatic [35:0] read(input integer width, input [9:0] row, input half);
    if (width == 36)
      read = {bytes[{row, 2'd3}][8], bytes[{row, 2'd2}][8], bytes[{row, 2'd1}][8],
              bytes[{row, 2'd0}][8], bytes[{row, 2'd3}][7:0], bytes[{row, 2'd2}][7:0],
              bytes[{row, 2'd1}][7:0], bytes[{row, 2'd0}][7:0]};
    else
      read = {2'd0, bytes[{row, half, 1'd1}][8], bytes[{row, half, 1'd0}][8], 16'd0,
              bytes[{row, half, 1'd1}][7:0], bytes[{row, half, 1'd0}][7:0]};
  endfunction
  function automatic [35:0] merged(input integer width, input [35:0] old, input [3:0] we,
                                   input [31:0] di, input [3:0] dip);
    integer n;
    begin
      merged = old;
      for (n = 0; n < (width == 36 ? 4 : 2); n = n + 1)
        if (we[n]) {merged[32+n], merged[8*n+:8]} = {dip[n], di[8*n+:8]};
    end
  endfunction

  for (genvar p = 0; p < 2; p++) begin : port
    localparam integer WRITE = p == 0 ? WRITE_WIDTH_A : WRITE_WIDTH_B;
    localparam integer READ = p == 0 ? READ_WIDTH_A : READ_WIDTH_B;
    localparam MODE = p == 0 ? WRITE_MODE_A : WRITE_MODE_B;
    localparam [35:0] SRVAL = p == 0 ? SRVAL_A : SRVAL_B;
    always @(posedge clk[p])
      if (enable[p]) begin
        for (integer n = 0; n < (WRITE == 36 ? 4 : 2); n = n + 1)
          if (we[p][n])
            bytes[WRITE == 36 ? {row[p], n[1:0]} : {row[p], half[p], n[0]}] <=
                {dip[p][n], di[p][8*n+:8]};
        if (reset[p]) q[p] <= SRVAL;
        else if (MODE != "NO_CHANGE" || we[p] == 0)
          q[p] <= merged(WRITE, read(READ, row[p], half[p]),
                         MODE == "WRITE_FIRST" ? we[p] : 4'd0, di[p], dip[p]);
      end
  end
endmodule
