// From the AXI3 port GP0 of Zynq-7000 to an AXI4-Lite slave, one beat at a time.
//
// The processor's bursts (len > 0, FIXED or INCR, any size up to 32 bits) are taken apart, IDs and
// LAST are answered. WRAP, which only caches use, counts as INCR. Exclusive accesses get OKAY, which
// tells the processor that they failed, as AXI asks of a slave without a monitor. The slave has
// 2**ADDRESS_BITS bytes; beyond them, up to the end of the port's range, reads give zero and writes
// are lost, so that no access can hang the processor. What comes from GP0 goes into registers, and
// what goes there comes from registers.
module zynq7_control #(
  parameter int ADDRESS_BITS = 8
) (
  input  logic clk,
  input  logic rst,
  // GP0, AXI3: address of a burst to write,
  input  logic awvalid, output logic awready,
  input  logic [31:0] awaddr,
  input  logic [11:0] awid,
  input  logic [3:0] awlen,
  input  logic [1:0] awsize,
  input  logic [1:0] awburst,
  // its beats, its answer; likewise for reading
  input  logic wvalid,
  output logic wready,
  input  logic [31:0] wdata,
  input  logic [3:0] wstrb,
  output logic bvalid,
  input  logic bready,
  output logic [11:0] bid,
  output logic [1:0] bresp,
  input  logic arvalid,
  output logic arready,
  input  logic [31:0] araddr,
  input  logic [11:0] arid,
  input  logic [3:0] arlen,
  input  logic [1:0] arsize,
  input  logic [1:0] arburst,
  output logic rvalid,
  input  logic rready,
  output logic [31:0] rdata,
  output logic [11:0] rid,
  output logic [1:0] rresp,
  output logic rlast,
  // the slave, AXI4-Lite: an address to write to,
  output logic lite_awvalid, input logic lite_awready,
  output logic [ADDRESS_BITS-1:0] lite_awaddr,
  // its word,
  output logic lite_wvalid, input logic lite_wready,
  output logic [31:0] lite_wdata,
  output logic [3:0] lite_wstrb,
  // the answer;
  input  logic lite_bvalid, output logic lite_bready,
  input  logic [1:0] lite_bresp,
  // an address to read from,
  output logic lite_arvalid, input logic lite_arready,
  output logic [ADDRESS_BITS-1:0] lite_araddr,
  // and its word
  input  logic lite_rvalid,
  output logic lite_rready,
  input  logic [31:0] lite_rdata,
  input  logic [1:0] lite_rresp
);
  localparam logic [1:0] FIXED = 2'd0;

  function automatic logic [31:0] following(
    input logic [31:0] at, input logic fixed, input logic [1:0] size
  );
    following = fixed ? at : at + (32'd1 << size);
  endfunction
  // The port's own address is 1 GiB; its two high bits say nothing.
  function automatic logic known(input logic [31:0] at);
    known = at[29:ADDRESS_BITS] == '0;
  endfunction

  // Writes: an address, then for each beat a write of the slave, then one answer for all.
  typedef enum logic [2:0] {W_ADDRESS, W_BEAT, W_SEND, W_WAIT, W_ANSWER} write_t;
  write_t w;
  logic [31:0] w_at;
  logic w_fixed;
  logic [3:0] w_left;
  logic [1:0] w_size;
  assign awready = w == W_ADDRESS;
  assign wready = w == W_BEAT;
  assign bvalid = w == W_ANSWER;
  assign lite_awaddr = w_at[ADDRESS_BITS-1:0];
  assign lite_bready = w == W_WAIT;
  always_ff @(posedge clk)
    if (rst) begin
      w <= W_ADDRESS;
      lite_awvalid <= 1'b0;
      lite_wvalid <= 1'b0;
    end else begin
      case (w)
        W_ADDRESS: if (awvalid) w <= W_BEAT;
        W_BEAT: if (wvalid) w <= W_SEND;
        W_SEND: if (known(w_at)) begin
          lite_awvalid <= 1'b1;
          lite_wvalid <= 1'b1;
          w <= W_WAIT;
        end else w <= (w_left == '0) ? W_ANSWER : W_BEAT;
        W_WAIT: if (lite_bvalid) w <= (w_left == '0) ? W_ANSWER : W_BEAT;
        default: if (bready) w <= W_ADDRESS;
      endcase
      if (lite_awvalid & lite_awready) lite_awvalid <= 1'b0;
      if (lite_wvalid & lite_wready) lite_wvalid <= 1'b0;
    end
  always_ff @(posedge clk) begin
    if (w == W_ADDRESS) begin
      bid <= awid;
      bresp <= 2'b00;
      w_at <= awaddr;
      w_fixed <= awburst == FIXED;
      w_left <= awlen;
      w_size <= awsize;
    end
    if (w == W_BEAT) {lite_wdata, lite_wstrb} <= {wdata, wstrb};
    if (((w == W_SEND) & ~known(w_at)) | ((w == W_WAIT) & lite_bvalid)) begin
      w_at <= following(w_at, w_fixed, w_size);
      w_left <= w_left - 4'd1;
    end
    // The worst answer of the beats is the burst's.
    if ((w == W_WAIT) & lite_bvalid & (lite_bresp > bresp)) bresp <= lite_bresp;
  end

  // Reads: an address, then for each beat a read of the slave and a beat back.
  typedef enum logic [1:0] {R_ADDRESS, R_SEND, R_WAIT, R_ANSWER} read_t;
  read_t r;
  logic [31:0] r_at;
  logic r_fixed;
  logic [3:0] r_left;
  logic [1:0] r_size;
  assign arready = r == R_ADDRESS;
  assign rvalid = r == R_ANSWER;
  assign rlast = r_left == '0;
  assign lite_araddr = r_at[ADDRESS_BITS-1:0];
  assign lite_rready = r == R_WAIT;
  always_ff @(posedge clk)
    if (rst) begin
      r <= R_ADDRESS;
      lite_arvalid <= 1'b0;
    end else begin
      case (r)
        R_ADDRESS: if (arvalid) r <= R_SEND;
        R_SEND: if (known(r_at)) begin
          lite_arvalid <= 1'b1;
          r <= R_WAIT;
        end else r <= R_ANSWER;
        R_WAIT: if (lite_rvalid) r <= R_ANSWER;
        default: if (rready) r <= (r_left == '0) ? R_ADDRESS : R_SEND;
      endcase
      if (lite_arvalid & lite_arready) lite_arvalid <= 1'b0;
    end
  always_ff @(posedge clk) begin
    if (r == R_ADDRESS) begin
      rid <= arid;
      r_at <= araddr;
      r_fixed <= arburst == FIXED;
      r_left <= arlen;
      r_size <= arsize;
    end
    if (r == R_SEND) {rdata, rresp} <= '0;
    if ((r == R_WAIT) & lite_rvalid) {rdata, rresp} <= {lite_rdata, lite_rresp};
    if ((r == R_ANSWER) & rready) begin
      r_at <= following(r_at, r_fixed, r_size);
      r_left <= r_left - 4'd1;
    end
  end
endmodule
