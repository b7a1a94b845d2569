// Two designs on one processor: the RTL and the netlist of the bitstream get the same pins of the
// PS7, driven here from what the RTL does, and the pins that they drive are compared, every cycle.
// The processor is the master of GP0 and the memory behind HP0 to HP3 and the ACP (AXI3). The RTL comes from
// Verilator; the netlist is data, so that another bitstream needs no other program.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "Vlockstep.h"
#include "axi_memory.hpp"

namespace {

struct Port {
  int at, width;
};
#include "pins.inc"  // a Port of each port in use, HP_PORTS, INPUTS, OUTPUTS

using axi::Burst;

constexpr std::size_t MOST_BURSTS = 8;
constexpr uint32_t BEAT = 8;

// The netlist, `Circuit.arrays` of circuit.py. Signals 0 and 1 are the constants.
class Circuit {
 public:
  bool clash = false;

  void load(uint32_t signals, uint32_t tables, const uint64_t* table, const int64_t* inputs,
            uint32_t flip_flops, const int64_t* flip_flop, uint32_t memories,
            const int64_t* memory, const int64_t* rows) {
    values_.assign(signals, 0);
    values_[1] = 1;
    tables_.resize(tables);
    for (auto& t : tables_) {
      t.bits = *table++;
      for (auto& i : t.inputs) i = int32_t(*inputs++);
    }
    flip_flops_.resize(flip_flops);
    for (auto& f : flip_flops_) {
      f = {int32_t(flip_flop[0]), int32_t(flip_flop[1]), int32_t(flip_flop[2]),
           int32_t(flip_flop[3]), uint8_t(flip_flop[4])};
      values_[f.q] = uint8_t(flip_flop[5]);
      flip_flop += 6;
    }
    next_.resize(flip_flops);
    memories_.resize(memories);
    for (auto& m : memories_) {
      m.upper = int(*memory++);
      for (auto& p : m.ports) {
        p.read = int(*memory++), p.write = int(*memory++), p.mode = int(*memory++);
        p.reset = uint32_t(*memory++), p.q = uint32_t(*memory++);
        p.enable = int32_t(*memory++), p.clear = int32_t(*memory++);
        for (auto* pins : {&p.we, &p.address, &p.data, &p.outputs})
          for (auto& pin : *pins) pin = int32_t(*memory++);
        show(p);
      }
      for (auto& row : m.rows) row = uint32_t(*rows++);
    }
  }
  bool there() const { return !values_.empty(); }
  uint8_t& operator[](int32_t signal) { return values_[signal]; }

  void settle() {
    uint8_t* const v = values_.data();
    for (const Table& t : tables_) {
      const int32_t* i = t.inputs;
      const unsigned at = v[i[0]] | v[i[1]] << 1 | v[i[2]] << 2 | v[i[3]] << 3 | v[i[4]] << 4 |
                          v[i[5]] << 5;
      v[i[6]] = t.bits >> at & 1;
    }
  }

  void clock() {
    const uint8_t* const v = values_.data();
    for (std::size_t n = 0; n < flip_flops_.size(); n++) {
      const FlipFlop& f = flip_flops_[n];
      next_[n] = v[f.clear] ? f.reset : v[f.enable] ? v[f.data] : v[f.q];
    }
    for (auto& m : memories_) step(m);
    for (auto& m : memories_)
      for (auto& p : m.ports) show(p);
    for (std::size_t n = 0; n < flip_flops_.size(); n++) values_[flip_flops_[n].q] = next_[n];
  }

 private:
  struct Table {
    uint64_t bits;
    int32_t inputs[7];
  };
  struct FlipFlop {
    int32_t q, data, enable, clear;
    uint8_t reset;
  };
  struct MemoryPort {
    int read, write, mode;
    uint32_t reset, q;
    int32_t enable, clear;
    std::vector<int32_t> we = std::vector<int32_t>(4), address = std::vector<int32_t>(14),
                         data = std::vector<int32_t>(18), outputs = std::vector<int32_t>(18);
  };
  struct Memory {
    int upper;
    MemoryPort ports[2];
    uint32_t rows[1024];
  };
  std::vector<uint8_t> values_, next_;
  std::vector<Table> tables_;
  std::vector<FlipFlop> flip_flops_;
  std::vector<Memory> memories_;

  uint32_t number(const std::vector<int32_t>& pins) const {
    uint32_t value = 0;
    for (std::size_t n = 0; n < pins.size(); n++) value |= uint32_t(values_[pins[n]]) << n;
    return value;
  }
  void show(const MemoryPort& p) {
    for (std::size_t n = 0; n < p.outputs.size(); n++) values_[p.outputs[n]] = p.q >> n & 1;
  }

  // A row has 16 bits of data, of which each write enable changes four, and above them two of
  // parity, each with one of a pair of enables: the half's own. A port of width 9 sees one byte.
  void step(Memory& m) {
    uint32_t row[2], mask[2], old[2], made[2];
    bool on[2], high[2];
    for (int k = 0; k < 2; k++) {
      const MemoryPort& p = m.ports[k];
      on[k] = values_[p.enable];
      mask[k] = 0;
      if (!on[k]) continue;
      const uint32_t address = number(p.address);
      row[k] = address >> 4, high[k] = address >> 3 & 1;
      old[k] = m.rows[row[k]];
      uint32_t enables = number(p.we), data = number(p.data);
      if (p.write == 9) {
        enables &= high[k] ? 12 : 3;
        data = (data & 0xFF) * 0x101 | (data >> 16 & 1) * 0x30000;
      }
      for (int n = 0; n < 4; n++)
        if (enables >> n & 1) mask[k] |= 15u << 4 * n;
      for (int n = 0; n < 2; n++)
        if (enables >> (2 * n + m.upper) & 1) mask[k] |= 0x10000u << n;
      made[k] = (old[k] & ~mask[k]) | (data & mask[k]);
    }
    // What the hardware leaves open: both ports at one row, one of them writing, unless that one
    // reads first and the other only reads.
    if (on[0] && on[1] && row[0] == row[1])
      clash |= (mask[0] && mask[1]) || (mask[0] && m.ports[0].mode != 1) ||
               (mask[1] && m.ports[1].mode != 1);
    for (int k = 0; k < 2; k++) {
      MemoryPort& p = m.ports[k];
      if (!on[k]) continue;
      if (values_[p.clear])
        p.q = p.reset;
      else if (p.mode != 2 || !number(p.we)) {
        uint32_t seen = p.mode == 0 ? made[k] : old[k];
        if (p.read == 9)
          seen = high[k] ? (seen >> 8 & 0xFF) | (seen >> 1 & 0x10000) : seen & 0x100FF;
        p.q = seen;
      }
    }
    for (int k = 0; k < 2; k++)
      if (on[k] && mask[k]) m.rows[row[k]] = (m.rows[row[k]] & ~mask[k]) | (made[k] & mask[k]);
  }
};

class Lockstep {
 public:
  uint64_t cycles = 0, compared = 0, first = 0, wrong = 0, words = 0;
  std::string problem;
  bool comparing = false;
  std::vector<uint32_t> differing = std::vector<uint32_t>((INPUTS + 31) / 32);
  uint32_t stall = 0, latency = 1;
  axi::Random random{1};
  Circuit circuit;
  std::vector<int32_t> input_signals, output_signals;
  std::vector<int32_t> counts_with;
  // Of each pin: -1 to leave it out, its own number to compare it always, or the number of the
  // valid that its level counts with.

  Lockstep() : top_(std::make_unique<Vlockstep>(&context_)) {
    std::memset(out(), 0, sizeof(uint32_t) * ((OUTPUTS + 31) / 32));
    set(MAXIGP0BREADY, 1), set(MAXIGP0RREADY, 1);
  }
  ~Lockstep() {
    Verilated::threadContextp(&context_);  // the model's destructor writes to it: see system/model.cpp
  }
  axi::Memory memory;

  void reset(uint32_t count) {
    for (auto& p : reads_) p = {};
    for (auto& p : writes_) p = {};
    set(FCLKRESETN, 0);
    while (count--) cycle();
    comparing = true;
    set(FCLKRESETN, 15);
    for (int n = 0; n < 4; n++) cycle();
  }
  void drive(const uint32_t* levels) {
    std::memcpy(out(), levels, sizeof(uint32_t) * ((OUTPUTS + 31) / 32));
    low();
    high();
  }
  void run(uint64_t count) {
    while (count-- && problem.empty() && !wrong) cycle();
  }
  uint32_t read(uint32_t address) {
    set(MAXIGP0ARADDR, address), set(MAXIGP0ARVALID, 1), set(MAXIGP0ARLEN, 0), set(MAXIGP0ARSIZE, 2);
    set(MAXIGP0ARBURST, 1);
    bool taken = false;
    for (int n = 0; n < 10000; n++) {
      settle();
      const bool accepted = !taken && get(MAXIGP0ARREADY), there = get(MAXIGP0RVALID);
      const uint32_t value = uint32_t(get(MAXIGP0RDATA));
      edge();
      if (accepted) taken = true, set(MAXIGP0ARVALID, 0);
      if (there) return value;
    }
    fail("GP0 is not answered when it reads");
    return 0;
  }
  void write(uint32_t address, uint32_t value) {
    set(MAXIGP0AWADDR, address), set(MAXIGP0AWVALID, 1), set(MAXIGP0AWLEN, 0), set(MAXIGP0AWSIZE, 2);
    set(MAXIGP0AWBURST, 1), set(MAXIGP0WDATA, value), set(MAXIGP0WSTRB, 15), set(MAXIGP0WLAST, 1);
    set(MAXIGP0WVALID, 1);
    for (int n = 0; n < 10000; n++) {
      settle();
      const bool address_taken = get(MAXIGP0AWREADY), data_taken = get(MAXIGP0WREADY);
      const bool answered = get(MAXIGP0BVALID);
      edge();
      if (address_taken) set(MAXIGP0AWVALID, 0);
      if (data_taken) set(MAXIGP0WVALID, 0);
      if (answered) return;
    }
    fail("GP0 is not answered when it writes");
  }
  uint32_t* rtl() { return reinterpret_cast<uint32_t*>(&top_->rtl_in); }
  bool level(int pin) { return rtl()[pin / 32] >> pin % 32 & 1; }

 private:
  VerilatedContext context_;
  std::unique_ptr<Vlockstep> top_;
  axi::ReadPort reads_[HP_PORTS];
  axi::WritePort writes_[HP_PORTS];

  uint32_t* out() { return reinterpret_cast<uint32_t*>(&top_->ps_out); }
  void set(Port p, uint64_t value) {
    for (int n = 0; n < p.width; n++) {
      uint32_t& word = out()[(p.at + n) / 32];
      const uint32_t mask = 1u << (p.at + n) % 32;
      word = value >> n & 1 ? word | mask : word & ~mask;
    }
  }
  uint64_t get(Port p) {
    uint64_t value = 0;
    for (int n = 0; n < p.width; n++)
      value |= uint64_t(rtl()[(p.at + n) / 32] >> (p.at + n) % 32 & 1) << n;
    return value;
  }
  void fail(const std::string& what) {
    if (problem.empty()) problem = what + " in cycle " + std::to_string(cycles);
  }
  bool wait() { return stall && random.chance(stall); }

  void cycle() {
    settle();
    edge();
  }

  void settle() {
    for (int n = 0; n < HP_PORTS; n++) offer(n);
    low();
  }

  // The first half of a cycle: the clock is low, everything settles, and is compared.
  void low() {
    top_->fclk0 = 0;
    top_->eval();
    if (!circuit.there()) return;
    for (int n = 0; n < OUTPUTS; n++) circuit[output_signals[n]] = out()[n / 32] >> n % 32 & 1;
    circuit.settle();
    if (comparing) compare();
  }

  void compare() {
    compared++;
    for (int n = 0; n < INPUTS; n++) {
      const int with = counts_with[n];
      if (with < 0 || level(n) == circuit[input_signals[n]] || (with != n && !level(with))) continue;
      if (!wrong) first = cycles;
      differing[n / 32] |= 1u << n % 32;
      wrong++;
    }
  }

  void edge() {
    for (int n = 0; n < HP_PORTS; n++) take(n);
    high();
  }

  void high() {
    top_->fclk0 = 1;
    top_->eval();
    if (circuit.there()) circuit.clock();
    cycles++;
  }

  void offer(int n) {
    const Hp& hp = HP[n];
    axi::ReadPort& r = reads_[n];
    axi::WritePort& w = writes_[n];
    r.open = r.queue.size() < MOST_BURSTS && !wait();
    if (!r.offered) r.offered = !r.queue.empty() && r.queue.front().due <= cycles && !wait();
    w.open = w.queue.size() + w.answers.size() < MOST_BURSTS && !wait();
    w.data_open = !w.queue.empty() && !wait();
    if (!w.answering) w.answering = !w.answers.empty() && w.answers.front().due <= cycles && !wait();
    set(hp.ARREADY, r.open), set(hp.RVALID, r.offered);
    if (r.offered) {
      const Burst& b = r.queue.front();
      uint64_t beat = 0;
      memory.read(b, BEAT, reinterpret_cast<uint8_t*>(&beat));
      set(hp.RDATA, beat), set(hp.RRESP, b.response), set(hp.RID, b.tag);
      set(hp.RLAST, b.last());
    }
    set(hp.AWREADY, w.open), set(hp.WREADY, w.data_open), set(hp.BVALID, w.answering);
    if (w.answering) set(hp.BRESP, w.answers.front().response), set(hp.BID, w.answers.front().tag);
  }

  Burst begin(uint64_t address, uint64_t length, uint64_t size, uint64_t kind, uint32_t id,
              bool write) {
    std::string breach, missing;
    Burst b = memory.begin(BEAT, address, uint32_t(length), int(size), int(kind), write, breach, missing);
    for (const std::string& problem : {breach, missing})
      if (!problem.empty()) fail(problem);
    b.due = cycles + latency;
    b.tag = id;
    return b;
  }

  void take(int n) {
    const Hp& hp = HP[n];
    axi::ReadPort& r = reads_[n];
    axi::WritePort& w = writes_[n];
    if (r.offered && get(hp.RREADY)) {
      words++;
      r.offered = false;
      if (++r.queue.front().done == r.queue.front().beats) r.queue.pop_front();
    }
    if (r.open && get(hp.ARVALID))
      r.queue.push_back(begin(get(hp.ARADDR), get(hp.ARLEN), get(hp.ARSIZE), get(hp.ARBURST),
                              uint32_t(get(hp.ARID)), false));
    if (w.answering && get(hp.BREADY)) {
      w.answering = false;
      w.answers.pop_front();
    }
    if (w.data_open && get(hp.WVALID)) {
      Burst& b = w.queue.front();
      const uint64_t beat = get(hp.WDATA);
      memory.write(b, BEAT, reinterpret_cast<const uint8_t*>(&beat), get(hp.WSTRB));
      words++;
      if (get(hp.WLAST) != (++b.done == b.beats)) fail("WLAST is not at the last beat");
      if (b.done == b.beats) {
        b.due = cycles + latency;
        w.answers.push_back(b);
        w.queue.pop_front();
      }
    }
    if (w.open && get(hp.AWVALID))
      w.queue.push_back(begin(get(hp.AWADDR), get(hp.AWLEN), get(hp.AWSIZE), get(hp.AWBURST),
                              uint32_t(get(hp.AWID)), true));
  }
};

}  // namespace

extern "C" {
#define PUBLIC __attribute__((visibility("default")))
PUBLIC void* lockstep_create() { return new Lockstep; }
PUBLIC void lockstep_destroy(void* s) { delete static_cast<Lockstep*>(s); }
PUBLIC void lockstep_settings(void* s, uint32_t seed, uint32_t stall, uint32_t latency) {
  auto* l = static_cast<Lockstep*>(s);
  l->random = axi::Random(seed), l->stall = stall, l->latency = latency;
}
PUBLIC void lockstep_regions(void* s, uint32_t count, const uint64_t* bases, const uint64_t* sizes,
                             uint8_t* const* data, const uint32_t* writable) {
  static_cast<Lockstep*>(s)->memory.assign(count, bases, sizes, data, writable);
}
PUBLIC void lockstep_reset(void* s, uint32_t cycles) { static_cast<Lockstep*>(s)->reset(cycles); }
PUBLIC uint32_t lockstep_read(void* s, uint32_t address) {
  return static_cast<Lockstep*>(s)->read(address);
}
PUBLIC void lockstep_write(void* s, uint32_t address, uint32_t value) {
  static_cast<Lockstep*>(s)->write(address, value);
}
PUBLIC void lockstep_run(void* s, uint64_t cycles) { static_cast<Lockstep*>(s)->run(cycles); }
PUBLIC void lockstep_drive(void* s, const uint32_t* levels) {
  static_cast<Lockstep*>(s)->drive(levels);
}
PUBLIC void lockstep_circuit(void* s, uint32_t signals, uint32_t tables, const uint64_t* table,
                             const int64_t* inputs, uint32_t flip_flops, const int64_t* flip_flop,
                             uint32_t memories, const int64_t* memory, const int64_t* rows,
                             const int32_t* input_signals, const int32_t* output_signals,
                             const int32_t* counts_with) {
  auto* l = static_cast<Lockstep*>(s);
  l->circuit.load(signals, tables, table, inputs, flip_flops, flip_flop, memories, memory, rows);
  l->input_signals.assign(input_signals, input_signals + INPUTS);
  l->output_signals.assign(output_signals, output_signals + OUTPUTS);
  l->counts_with.assign(counts_with, counts_with + INPUTS);
}
// Cycles, comparisons, cycle of the first difference, differences, beats moved, clash.
PUBLIC void lockstep_counters(void* s, uint64_t* v) {
  auto* l = static_cast<Lockstep*>(s);
  const uint64_t all[] = {l->cycles, l->compared, l->first, l->wrong, l->words, l->circuit.clash};
  std::memcpy(v, all, sizeof all);
}
// By pin, what the RTL and the netlist drive now, and whether they ever differed.
PUBLIC void lockstep_pins(void* s, uint8_t* rtl, uint8_t* netlist, uint8_t* differing) {
  auto* l = static_cast<Lockstep*>(s);
  for (int n = 0; n < INPUTS; n++) {
    rtl[n] = l->level(n);
    netlist[n] = l->circuit.there() ? l->circuit[l->input_signals[n]] : 0;
    differing[n] = l->differing[n / 32] >> n % 32 & 1;
  }
}
PUBLIC const char* lockstep_problem(void* s) {
  return static_cast<Lockstep*>(s)->problem.c_str();
}
}
