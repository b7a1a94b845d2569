// A memory with a port to write and a port to read, `rdata` two cycles after `raddr`: `ren` moves the
// word out of the memory, `rce` into the register behind it. A word that is read while it is written
// is the old one. For synthesis it is RAMB36E1 as true dual port of 32 of 36 bits (18 where that many
// words need it), with the register in fabric: DO_REG has no clock in nextpnr-xilinx.
module PREFIXtritstream_ram #(
  parameter int WIDTH = 32,
  parameter int DEPTH = 512,
  parameter int BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic clk,
  input  logic wen,
  input  logic [BITS-1:0] waddr,
  input  logic [WIDTH-1:0] wdata,
  input  logic ren,
  input  logic [BITS-1:0] raddr,
  input  logic rce,
  output logic [WIDTH-1:0] rdata
);
`ifdef SYNTHESIS
  localparam bit DEEP = DEPTH > 1024;
  localparam int ROW = DEEP ? 11 : 10;
  localparam int DATA = DEEP ? 16 : 32;
  localparam int COLUMNS = (WIDTH + DATA - 1) / DATA;
  localparam int ROWS = (DEPTH + (1 << ROW) - 1) >> ROW;
  localparam int PICK = (ROWS > 1) ? BITS - ROW : 1;
  wire [ROW+PICK-1:0] write_at = waddr;
  wire [ROW+PICK-1:0] read_at = raddr;
  wire [COLUMNS*DATA-1:0] data = wdata;
  wire [COLUMNS*DATA-1:0] words [0:ROWS-1];
  for (genvar r = 0; r < ROWS; r++) begin : row
    wire chosen = (ROWS == 1) || (write_at[ROW+PICK-1:ROW] == r);
    for (genvar c = 0; c < COLUMNS; c++) begin : column
      wire [31:0] in = data[DATA*c +: DATA];
      wire [31:0] out;
      wire [14:0] wa = DEEP ? {write_at[ROW-1:0], 4'hf} : {write_at[ROW-1:0], 5'h1f};
      wire [14:0] ra = DEEP ? {read_at[ROW-1:0], 4'hf} : {read_at[ROW-1:0], 5'h1f};
      RAMB36E1 #(
        .RAM_MODE("TDP"), .DOA_REG(0), .DOB_REG(0),
        .READ_WIDTH_A(DEEP ? 18 : 36), .WRITE_WIDTH_A(DEEP ? 18 : 36),
        .READ_WIDTH_B(DEEP ? 18 : 36), .WRITE_WIDTH_B(DEEP ? 18 : 36),
        .WRITE_MODE_A("READ_FIRST"), .WRITE_MODE_B("READ_FIRST")
      ) ram (
        .CLKARDCLK(clk), .CLKBWRCLK(clk),
        .ENARDEN(wen & chosen), .ENBWREN(ren),
        .REGCEAREGCE(1'b1), .REGCEB(1'b1),
        .RSTRAMARSTRAM(1'b0), .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0), .RSTREGB(1'b0),
        .ADDRARDADDR({1'b1, wa}), .ADDRBWRADDR({1'b1, ra}),
        .WEA(4'hf), .WEBWE(8'h00),
        .DIADI(in), .DIPADIP(4'h0), .DIBDI(32'h0), .DIPBDIP(4'h0),
        .DOBDO(out)
      );
      assign words[r][DATA*c +: DATA] = out[DATA-1:0];
    end
  end
  wire [COLUMNS*DATA-1:0] word;
  if (ROWS == 1) begin : one
    assign word = words[0];
  end else begin : several
    logic [PICK-1:0] picked;
    always_ff @(posedge clk) if (ren) picked <= read_at[ROW+PICK-1:ROW];
    assign word = words[picked];
  end
  always_ff @(posedge clk) if (rce) rdata <= word[WIDTH-1:0];
`else
  logic [WIDTH-1:0] words [0:DEPTH-1];
  logic [WIDTH-1:0] word;
  always_ff @(posedge clk) begin
    if (wen) words[waddr] <= wdata;
    if (ren) word <= words[raddr];
    if (rce) rdata <= word;
  end
`endif
endmodule
