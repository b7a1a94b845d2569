// The AXI4-Lite slave: block control, interrupt registers and arguments as Vitis HLS lays them out
// (UG1399, "S_AXILITE Control Register Map").
//
//   0x00 CTRL  bit 0 start (set by the host, falls with the end of the run), bit 1 done and bit 3 ready
//              (cleared by reading), bit 2 idle, bit 7 auto restart, bit 9 the interrupt line;
//              from bit 16 on, reserved in the HLS map: what ended the latest run early, see shell_run.
//              They stay until the next start. Writing a one to bit 19 stops the run.
//   0x04 GIER  bit 0 lets the interrupt out
//   0x08 IER   bit 0 done, bit 1 ready
//   0x0C ISR   the same bits; writing a one toggles
//   OFFSETS    argument words of 32 bits, which read back as written; `armed` when all that NEEDED names
//              have been written since reset
//   READ_FROM  words that are only read
//
// Anything else reads zero and takes no write. Answers are always OKAY.
module shell_control #(
  parameter int ADDRESS_BITS = 8,
  parameter int COUNT = 1,
  parameter logic [16*COUNT-1:0] OFFSETS = 16'h10,
  parameter logic [COUNT-1:0] NEEDED = '0,
  parameter int READINGS = 1,
  parameter int READ_FROM = 'h80
) (
  input  logic clk,
  input  logic rst,
  input  logic awvalid,
  output logic awready,
  input  logic [ADDRESS_BITS-1:0] awaddr,
  input  logic wvalid,
  output logic wready,
  input  logic [31:0] wdata,
  input  logic [3:0] wstrb,
  output logic bvalid,
  input  logic bready,
  output logic [1:0] bresp,
  input  logic arvalid,
  output logic arready,
  input  logic [ADDRESS_BITS-1:0] araddr,
  output logic rvalid,
  input  logic rready,
  output logic [31:0] rdata,
  output logic [1:0] rresp,
  output logic line,
  output logic start,
  input  logic busy,
  input  logic finished,
  input  logic [6:0] faults,
  output logic halt,
  output logic armed,
  output logic [32*COUNT-1:0] arguments,
  input  logic [32*READINGS-1:0] readings
);
  localparam logic [ADDRESS_BITS-1:0] CTRL = 'h0, GIER = 'h4, IER = 'h8, ISR = 'hc;

  // Write address and data come in any order; the write happens when both are there.
  logic aw_held, w_held, write;
  logic [ADDRESS_BITS-1:0] at;
  logic [31:0] data;
  logic [3:0] strobe;
  assign awready = ~aw_held;
  assign wready = ~w_held;
  // The answer before this one has been taken: whether it just is would be known late.
  assign write = aw_held & w_held & ~bvalid;
  assign bresp = 2'b00;
  always_ff @(posedge clk)
    if (rst) begin
      aw_held <= 1'b0;
      w_held <= 1'b0;
      bvalid <= 1'b0;
    end else begin
      if (write) begin
        aw_held <= 1'b0;
        w_held <= 1'b0;
      end
      if (awvalid & awready) aw_held <= 1'b1;
      if (wvalid & wready) w_held <= 1'b1;
      if (write) bvalid <= 1'b1;
      else if (bready) bvalid <= 1'b0;
    end
  always_ff @(posedge clk) begin
    if (awvalid & awready) at <= {awaddr[ADDRESS_BITS-1:2], 2'b00};
    if (wvalid & wready) begin
      data <= wdata;
      strobe <= wstrb;
    end
  end

  logic read, read_control;
  logic [ADDRESS_BITS-1:0] from;
  assign from = {araddr[ADDRESS_BITS-1:2], 2'b00};
  assign arready = ~rvalid;
  assign read = arvalid & arready;
  assign read_control = read & (from == CTRL);
  assign rresp = 2'b00;

  logic done, ready, auto_restart, restart, enable;
  logic [1:0] enables, pending;
  assign line = enable & (pending != 2'b00);
  assign start = ~busy & ~finished
    & ((write & (at == CTRL) & data[0] & strobe[0]) | restart);
  assign halt = write & (at == CTRL) & data[19] & strobe[2];
  always_ff @(posedge clk)
    if (rst) begin
      done <= 1'b0;
      ready <= 1'b0;
      auto_restart <= 1'b0;
      restart <= 1'b0;
      enable <= 1'b0;
      enables <= 2'b00;
      pending <= 2'b00;
    end else begin
      // An end that coincides with a read is not lost: the next read sees it.
      if (finished) {done, ready} <= 2'b11;
      else if (read_control) {done, ready} <= 2'b00;
      if (finished & auto_restart) restart <= 1'b1;
      else if (start) restart <= 1'b0;
      if (write & strobe[0]) begin
        if (at == CTRL) auto_restart <= data[7];
        if (at == GIER) enable <= data[0];
        if (at == IER) enables <= data[1:0];
      end
      pending <= (pending ^ ((write & strobe[0] & (at == ISR)) ? data[1:0] : 2'b00))
        | (finished ? enables : 2'b00);
    end

  genvar k, b;
  logic [COUNT-1:0] seen;
  assign armed = &(seen | ~NEEDED);
  generate
    for (k = 0; k < COUNT; k++) begin : argument
      localparam logic [15:0] OFFSET = OFFSETS[16*k +: 16];
      // An enable a byte: no logic in front of the registers.
      for (b = 0; b < 4; b++) begin : part
        always_ff @(posedge clk)
          if (rst) arguments[32*k + 8*b +: 8] <= '0;
          else if (write & strobe[b] & (at == OFFSET[ADDRESS_BITS-1:0]))
            arguments[32*k + 8*b +: 8] <= data[8*b +: 8];
      end
      always_ff @(posedge clk)
        if (rst) seen[k] <= 1'b0;
        else if (write & (at == OFFSET[ADDRESS_BITS-1:0])) seen[k] <= 1'b1;
    end
  endgenerate

  // Every register at its place, so that reading is one multiplexer.
  localparam int WORDS = 2 ** (ADDRESS_BITS - 2);
  logic [32*WORDS-1:0] map;
  always_comb begin
    map = '0;
    for (int n = 0; n < COUNT; n++)
      map[8*OFFSETS[16*n +: ADDRESS_BITS] +: 32] = arguments[32*n +: 32];
    map[8*READ_FROM +: 32*READINGS] = readings;
  end
  logic [31:0] value;
  always_comb begin
    value = map[32*from[ADDRESS_BITS-1:2] +: 32];
    case (from)
      CTRL: value = {9'd0, faults, 6'd0, line, 1'b0,
        auto_restart, 3'd0, ready, ~busy, done, busy};
      GIER: value = {31'd0, enable};
      IER: value = {30'd0, enables};
      ISR: value = {30'd0, pending};
      default: ;
    endcase
  end
  always_ff @(posedge clk)
    if (rst) rvalid <= 1'b0;
    else if (read) rvalid <= 1'b1;
    else if (rready) rvalid <= 1'b0;
  always_ff @(posedge clk) if (read) rdata <= value;
endmodule
