// Two designs on one processor: the RTL and the netlist of the bitstream get the same pins of the
// PS7, driven here from what the RTL does, and every pin that they drive is compared, every cycle.
// The processor is the master of GP0 and the memory behind HP0 to HP3 (AXI3).

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "Vlockstep.h"

namespace {

struct Port {
  int at, width;
};
#include "pins.inc"  // a Port of each port in use, HP_PORTS, INPUTS, OUTPUTS, COMPARED

constexpr int OKAY = 0, DECERR = 3;
constexpr std::size_t MOST_BURSTS = 8, BEAT = 8;

struct Random {
  uint64_t state = 1;
  bool chance(uint32_t of256) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (state >> 20 & 255) < of256;
  }
};

struct Region {
  uint64_t base, size;
  uint8_t* data;
  bool writable;
};

struct Burst {
  uint64_t address;
  uint32_t beats, done;
  uint64_t due;
  int response;
  uint32_t id;
};

class Lockstep {
 public:
  uint64_t cycles = 0, compared = 0, first = 0, wrong = 0, words = 0;
  std::string problem;
  std::vector<uint32_t> differing = std::vector<uint32_t>((INPUTS + 31) / 32);
  uint32_t stall = 0, latency = 1;
  Random random;

  Lockstep() : top_(std::make_unique<Vlockstep>(&context_)) {
    std::memset(out(), 0, sizeof(uint32_t) * ((OUTPUTS + 31) / 32));
    set(MAXIGP0BREADY, 1), set(MAXIGP0RREADY, 1);
  }
  void regions(std::vector<Region> all) { regions_ = std::move(all); }

  void reset(uint32_t count) {
    for (auto& p : reads_) p = {};
    for (auto& p : writes_) p = {};
    set(FCLKRESETN, 0);
    while (count--) cycle();
    set(FCLKRESETN, 15);
    for (int n = 0; n < 4; n++) cycle();
  }
  void drive(const uint32_t* levels) {
    std::memcpy(out(), levels, sizeof(uint32_t) * ((OUTPUTS + 31) / 32));
    top_->fclk0 = 0;
    top_->eval();
    compare();
    top_->fclk0 = 1;
    top_->eval();
    cycles++;
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
  uint32_t* bit() { return reinterpret_cast<uint32_t*>(&top_->bit_in); }
  bool clash() { return top_->clash; }

 private:
  struct ReadPort {
    std::deque<Burst> queue;
    bool open = false, offered = false;
  };
  struct WritePort {
    std::deque<Burst> queue, answers;
    bool open = false, data_open = false, answering = false;
  };
  VerilatedContext context_;
  std::unique_ptr<Vlockstep> top_;
  std::vector<Region> regions_;
  ReadPort reads_[HP_PORTS];
  WritePort writes_[HP_PORTS];

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

  uint8_t* find(uint64_t address, uint64_t size, bool write) {
    for (auto& r : regions_)
      if (r.base <= address && address + size <= r.base + r.size && (r.writable || !write))
        return r.data + (address - r.base);
    return nullptr;
  }

  void cycle() {
    settle();
    edge();
  }

  void settle() {
    for (int n = 0; n < HP_PORTS; n++) offer(n);
    top_->fclk0 = 0;
    top_->eval();
    compare();
  }

  void compare() {
    compared++;
    for (std::size_t n = 0; n < differing.size(); n++) {
      const uint32_t other = (rtl()[n] ^ bit()[n]) & COMPARED[n];
      if (!other) continue;
      if (!wrong) first = cycles;
      differing[n] |= other;
      wrong += __builtin_popcount(other);
    }
  }

  void edge() {
    for (int n = 0; n < HP_PORTS; n++) take(n);
    top_->fclk0 = 1;
    top_->eval();
    cycles++;
  }

  void offer(int n) {
    const Hp& hp = HP[n];
    ReadPort& r = reads_[n];
    WritePort& w = writes_[n];
    r.open = r.queue.size() < MOST_BURSTS && !wait();
    if (!r.offered) r.offered = !r.queue.empty() && r.queue.front().due <= cycles && !wait();
    w.open = w.queue.size() + w.answers.size() < MOST_BURSTS && !wait();
    w.data_open = !w.queue.empty() && !wait();
    if (!w.answering) w.answering = !w.answers.empty() && w.answers.front().due <= cycles && !wait();
    set(hp.ARREADY, r.open), set(hp.RVALID, r.offered);
    if (r.offered) {
      const Burst& b = r.queue.front();
      uint64_t beat = 0;
      if (b.response == OKAY) std::memcpy(&beat, find(b.address + b.done * BEAT, BEAT, false), BEAT);
      set(hp.RDATA, beat), set(hp.RRESP, b.response), set(hp.RID, b.id);
      set(hp.RLAST, b.done + 1 == b.beats);
    }
    set(hp.AWREADY, w.open), set(hp.WREADY, w.data_open), set(hp.BVALID, w.answering);
    if (w.answering) set(hp.BRESP, w.answers.front().response), set(hp.BID, w.answers.front().id);
  }

  Burst begin(uint64_t address, uint64_t length, uint64_t size, uint64_t kind, uint32_t id,
              bool write) {
    const uint32_t beats = uint32_t(length) + 1;
    if (size != 3 || kind != 1 || address % BEAT || address >> 12 != (address + beats * BEAT - 1) >> 12)
      fail("a burst of a kind that an HP port does not take");
    int response = OKAY;
    if (!find(address, beats * BEAT, write)) {
      char text[80];
      std::snprintf(text, sizeof text, "a %s at 0x%llx, where no memory is",
                    write ? "write" : "read", (unsigned long long)address);
      fail(text);
      response = DECERR;
    }
    return {address, beats, 0, cycles + latency, response, id};
  }

  void take(int n) {
    const Hp& hp = HP[n];
    ReadPort& r = reads_[n];
    WritePort& w = writes_[n];
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
      const uint64_t beat = get(hp.WDATA), strobe = get(hp.WSTRB);
      if (b.response == OKAY) {
        uint8_t* to = find(b.address + b.done * BEAT, BEAT, true);
        for (std::size_t k = 0; k < BEAT; k++)
          if (strobe >> k & 1) to[k] = uint8_t(beat >> 8 * k);
      }
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
  l->random.state = seed ? seed : 1, l->stall = stall, l->latency = latency;
}
PUBLIC void lockstep_regions(void* s, uint32_t count, const uint64_t* bases, const uint64_t* sizes,
                             uint8_t* const* data, const uint32_t* writable) {
  std::vector<Region> regions;
  for (uint32_t n = 0; n < count; n++)
    regions.push_back({bases[n], sizes[n], data[n], writable[n] != 0});
  static_cast<Lockstep*>(s)->regions(std::move(regions));
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
// Cycles, comparisons, cycle of the first difference, differences, beats moved, clash.
PUBLIC void lockstep_counters(void* s, uint64_t* v) {
  auto* l = static_cast<Lockstep*>(s);
  const uint64_t all[] = {l->cycles, l->compared, l->first, l->wrong, l->words, l->clash()};
  std::memcpy(v, all, sizeof all);
}
// Pins that ever differed, the RTL's and the netlist's pins of now: a bit each.
PUBLIC void lockstep_pins(void* s, uint32_t* differing, uint32_t* rtl, uint32_t* bit) {
  auto* l = static_cast<Lockstep*>(s);
  const std::size_t bytes = l->differing.size() * 4;
  std::memcpy(differing, l->differing.data(), bytes);
  std::memcpy(rtl, l->rtl(), bytes), std::memcpy(bit, l->bit(), bytes);
}
PUBLIC const char* lockstep_problem(void* s) {
  return static_cast<Lockstep*>(s)->problem.c_str();
}
}
