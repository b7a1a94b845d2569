// What stands around the IP: a processor on the AXI4-Lite slave, and DDR memory behind the AXI masters,
// with latency, a limit to its bandwidth, random back-pressure and error responses on request. The
// memory is the caller's; the protocol is checked at every handshake. A plain C interface for ctypes.
//
// ports.inc, generated, names the masters: READER(index, bundle) and WRITER(index, bundle); probe.inc
// the signals of the core that are watched, if any: PROBE_STATE and PROBE_STREAM(index, valid, ready).
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "Vsystem.h"
#include "axi_memory.hpp"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include "bus.inc"    // BURST, READERS, WRITERS, READ_BYTES[], WRITE_BYTES[], VECTOR_READER, VECTOR_WRITER
#include "probe.inc"  // STREAMS
#ifdef PROBE_STATE
#include "Vsystem___024root.h"
#endif

namespace {

using axi::Burst;

constexpr uint32_t MOST_BURSTS = 16;  // that a memory port accepts before it answers one

struct Settings {
  uint32_t seed = 1;
  uint32_t stall = 0;      // of 256: wherever a port may wait, it does with this probability
  uint32_t latency = 1;    // cycles from an accepted address to the first beat or the answer
  uint32_t bandwidth = 0;  // bytes a cycle of all ports together, times 256; 0: no limit
  // Answer burst number `error_burst` of a master (readers first) with `error_code`; none: code 0.
  uint32_t error_master = 0, error_burst = 0, error_code = 0;
  // The port of everything but weights: how many cycles a beat of it takes (2: half as wide), and whether
  // it has its read channel together with the last weight master, bursts in the order of their requests.
  uint32_t vector_cycles = 1, vector_shares = 0;
};

constexpr std::size_t MOST_BEATS = 16;  // of data that a memory port takes before the address

struct Beat {
  uint8_t bytes[MOST_BYTES];
  uint32_t strobe;
  bool last;
};

struct Counters {
  uint64_t bursts = 0, beats = 0;
};

// A stay of the core's controller in one state: cycles, and words over each stream with the first and
// the last cycle in which one went.
struct Visit {
  uint64_t state = ~0ull, begin = 0, end = 0;
  struct {
    uint64_t words, first, last;
  } streams[STREAMS + 1] = {};
};

// A valid signal must stay, with what it announces, until it is accepted.
struct Steady {
  bool waiting = false;
  uint64_t address = 0;
  uint32_t length = 0;
};

void put(QData& signal, const uint8_t* bytes) { std::memcpy(&signal, bytes, 8); }
void get(const QData& signal, uint8_t* bytes) { std::memcpy(bytes, &signal, 8); }
template <std::size_t N>
void put(VlWide<N>& signal, const uint8_t* bytes) {
  for (std::size_t k = 0; k < N; k++) std::memcpy(&signal[k], bytes + 4 * k, 4);
}
template <std::size_t N>
void get(const VlWide<N>& signal, uint8_t* bytes) {
  for (std::size_t k = 0; k < N; k++) std::memcpy(bytes + 4 * k, &signal[k], 4);
}

class System {
 public:
  std::string problem;  // the first breach of protocol, or access outside of the regions
  bool breach = false;
  uint64_t cycles = 0;
  Counters readers[READERS], writers[WRITERS];
  std::vector<uint32_t> timeline;  // beats of each port, then words of each stream, by bucket
  uint32_t bucket = 0;             // cycles; 0: nothing is recorded
  std::vector<Visit> visits;

  System() {
    context_.randReset(2);
    context_.randSeed(1);
    top_ = std::make_unique<Vsystem>(&context_, "system");
    idle_control();
    reset(4);
  }
  ~System() {
    // The model's destructor writes to the thread's context: that of another System, even one that is
    // gone already, unless this says otherwise.
    Verilated::threadContextp(&context_);
    finish();
  }

  void settings(const Settings& s) {
    settings_ = s;
    random_ = axi::Random(s.seed);
    for (auto& p : reads_) p.seen = 0;
    for (auto& p : writes_) p.seen = 0;
  }
  axi::Memory& memory() { return memory_; }

  // Reset of everything, the memory's ports too: what was under way is forgotten.
  void reset(uint32_t count) {
    for (auto& p : reads_) p = ReadPort{};
    for (auto& p : writes_) p = WritePort{};
    top_->ap_rst_n = 0;
    idle_control();
    for (uint32_t n = 0; n < count; n++) cycle();
    top_->ap_rst_n = 1;
    cycle();
  }

  bool interrupt() { return top_->__SYM__interrupt; }

  // Cycles until the interrupt line is high; at most `limit`. Whether it is.
  bool run(uint64_t limit) {
    for (; limit && !interrupt(); limit--) cycle();
    return interrupt();
  }

  uint32_t control_read(uint32_t address) {
    top_->s_axi_control_ARADDR = address;
    top_->s_axi_control_ARVALID = 1;
    top_->s_axi_control_RREADY = 1;
    for (int n = 0; n < 100; n++) {
      settle();
      const bool taken = top_->s_axi_control_ARVALID && top_->s_axi_control_ARREADY;
      const bool there = top_->s_axi_control_RVALID;
      const uint32_t value = top_->s_axi_control_RDATA;
      edge();
      if (taken) top_->s_axi_control_ARVALID = 0;
      if (there) {
        idle_control();
        return value;
      }
    }
    fail("the slave does not answer a read");
    return 0;
  }

  void control_write(uint32_t address, uint32_t value) {
    top_->s_axi_control_AWADDR = address;
    top_->s_axi_control_WDATA = value;
    top_->s_axi_control_WSTRB = 15;
    top_->s_axi_control_AWVALID = top_->s_axi_control_WVALID = top_->s_axi_control_BREADY = 1;
    for (int n = 0; n < 100; n++) {
      settle();
      const bool aw = top_->s_axi_control_AWVALID && top_->s_axi_control_AWREADY;
      const bool w = top_->s_axi_control_WVALID && top_->s_axi_control_WREADY;
      const bool there = top_->s_axi_control_BVALID;
      edge();
      if (aw) top_->s_axi_control_AWVALID = 0;
      if (w) top_->s_axi_control_WVALID = 0;
      if (there) {
        idle_control();
        return;
      }
    }
    fail("the slave does not answer a write");
  }

  // A waveform of the next `limit` cycles.
  bool trace(const char* path, uint64_t limit) {
#if VM_TRACE
    traced_until_ = cycles + limit;
    Verilated::threadContextp(&context_);  // which the file's constructor reads
    context_.traceEverOn(true);
    vcd_ = std::make_unique<VerilatedVcdC>();
    top_->trace(vcd_.get(), 99);
    vcd_->open(path);
    return vcd_->isOpen();
#else
    (void)path, (void)limit;
    return false;
#endif
  }
  void finish() {
#if VM_TRACE
    if (vcd_) vcd_->close();
    vcd_.reset();
#endif
    top_->final();
  }

 private:
  struct ReadPort : axi::ReadPort {
    Steady steady;
    uint32_t seen = 0;
    uint64_t free = 0;  // from this cycle on, for the next beat
  };
  struct WritePort : axi::WritePort {
    std::deque<Beat> data;  // of bursts that are not announced yet, too
    Steady steady;
    uint32_t seen = 0;
    uint64_t free = 0;
  };

  VerilatedContext context_;
  std::unique_ptr<Vsystem> top_;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> vcd_;
  uint64_t traced_until_ = 0;
#endif
  Settings settings_;
  axi::Random random_;
  axi::Memory memory_;
  ReadPort reads_[READERS];
  WritePort writes_[WRITERS];
  int64_t budget_ = 0;
  uint64_t time_ = 0;

  void idle_control() {
    top_->s_axi_control_ARVALID = top_->s_axi_control_RREADY = 0;
    top_->s_axi_control_AWVALID = top_->s_axi_control_WVALID = top_->s_axi_control_BREADY = 0;
  }
  void fail(const std::string& what) {
    if (problem.empty()) problem = what + " in cycle " + std::to_string(cycles);
  }
  void broken(const std::string& what) {
    breach = true;
    fail(what);
  }

  bool stall() { return settings_.stall && random_.chance(settings_.stall); }

  bool afford(int bytes) {
    if (!settings_.bandwidth) return true;
    if (budget_ < 0) return false;
    budget_ -= 256 * bytes;
    return true;
  }

  void cycle() {
    settle();
    edge();
  }

  // Drive the inputs of a cycle and let the outputs settle.
  void settle() {
    if (settings_.bandwidth) {
      budget_ += settings_.bandwidth;
      if (budget_ > 256 * MOST_BYTES * 4) budget_ = 256 * MOST_BYTES * 4;
    }
    // The first port to be served changes, so that a scarce memory is shared fairly.
    for (unsigned n = 0; n < READERS; n++) prepare_read((n + cycles) % READERS);
    for (unsigned n = 0; n < WRITERS; n++) prepare_write(n);
#define READER(k, name)                                                                           \
  drive(reads_[k], top_->m_axi_##name##_ARREADY, top_->m_axi_##name##_RVALID,                     \
        top_->m_axi_##name##_RDATA, top_->m_axi_##name##_RRESP, top_->m_axi_##name##_RLAST);
#define WRITER(k, name)                                                                           \
  drive(writes_[k], top_->m_axi_##name##_AWREADY, top_->m_axi_##name##_WREADY,                    \
        top_->m_axi_##name##_BVALID, top_->m_axi_##name##_BRESP);
#include "ports.inc"
#undef READER
#undef WRITER
    top_->ap_clk = 0;
    evaluate();
  }

  // Take the handshakes of the cycle, then the clock edge.
  void edge() {
    if (top_->ap_rst_n) {
#define READER(k, name)                                                                           \
  sample(k, reads_[k], top_->m_axi_##name##_ARVALID, top_->m_axi_##name##_ARADDR,                 \
         top_->m_axi_##name##_ARLEN, top_->m_axi_##name##_ARSIZE, top_->m_axi_##name##_ARBURST,   \
         top_->m_axi_##name##_RREADY);
#define WRITER(k, name)                                                                           \
  sample(k, writes_[k], top_->m_axi_##name##_AWVALID, top_->m_axi_##name##_AWADDR,                \
         top_->m_axi_##name##_AWLEN, top_->m_axi_##name##_AWSIZE, top_->m_axi_##name##_AWBURST,   \
         top_->m_axi_##name##_WVALID, top_->m_axi_##name##_WDATA, top_->m_axi_##name##_WSTRB,     \
         top_->m_axi_##name##_WLAST, top_->m_axi_##name##_BREADY);
#include "ports.inc"
#undef READER
#undef WRITER
      if (bucket) watch();
    }
    top_->ap_clk = 1;
    evaluate();
    cycles++;
  }

  void evaluate() {
    top_->eval();
#if VM_TRACE
    if (vcd_) vcd_->dump(time_);
    if (vcd_ && cycles >= traced_until_) {
      vcd_->close();
      vcd_.reset();
    }
#endif
    time_ += 5;
  }

  void count(unsigned column) {
    if (!bucket) return;
    constexpr unsigned columns = READERS + WRITERS + STREAMS;
    const std::size_t at = (cycles / bucket) * columns + column;
    if (timeline.size() <= at) timeline.resize((cycles / bucket + 1) * columns);
    timeline[at]++;
  }

  void watch() {
#ifdef PROBE_STATE
    const auto& root = *top_->rootp;
    if (visits.empty() || visits.back().state != root.PROBE_STATE) {
      visits.emplace_back();
      visits.back().state = root.PROBE_STATE;
      visits.back().begin = cycles;
    }
    Visit& visit = visits.back();
    visit.end = cycles + 1;
#define PROBE_STREAM(k, valid, ready)                         \
  if (root.valid && root.ready) {                             \
    count(READERS + WRITERS + k);                             \
    if (!visit.streams[k].words) visit.streams[k].first = cycles; \
    visit.streams[k].last = cycles;                           \
    visit.streams[k].words++;                                 \
  }
    PROBE_STREAMS
#undef PROBE_STREAM
#endif
  }

  // Whether another port that shares the data channel with this one has an earlier request.
  bool behind(unsigned k) {
    if (!settings_.vector_shares || (k != VECTOR_READER && k != READERS - 1)) return false;
    const auto& other = reads_[k == VECTOR_READER ? READERS - 1 : VECTOR_READER].queue;
    return !other.empty() && other.front().tag < reads_[k].queue.front().tag;
  }

  void prepare_read(unsigned k) {
    ReadPort& p = reads_[k];
    p.open = p.queue.size() < MOST_BURSTS && !stall();
    if (!p.offered)
      p.offered = !p.queue.empty() && p.queue.front().due <= cycles && p.free <= cycles && !behind(k) &&
                  !stall() && afford(READ_BYTES[k]);
  }
  void prepare_write(unsigned k) {
    WritePort& p = writes_[k];
    // AXI lets a memory take address and data in any order, and wait for either with the other; a port
    // with stalls and an odd seed wants data first.
    const bool data_first = settings_.stall && settings_.seed % 2;
    p.open = p.queue.size() + p.answers.size() < MOST_BURSTS && !(data_first && p.data.empty()) && !stall();
    p.data_open = p.data.size() < MOST_BEATS && p.free <= cycles && !stall() && afford(WRITE_BYTES[k]);
    if (!p.answering)
      p.answering = !p.answers.empty() && p.answers.front().due <= cycles && !stall();
  }

  template <class Data>
  void drive(ReadPort& p, CData& arready, CData& rvalid, Data& rdata, CData& rresp, CData& rlast) {
    arready = p.open;
    rvalid = p.offered;
    if (!p.offered) return;
    const Burst& b = p.queue.front();
    constexpr uint32_t bytes = sizeof(Data);
    uint8_t beat[bytes] = {};
    memory_.read(b, bytes, beat);
    put(rdata, beat);
    rresp = b.response;
    rlast = b.last();
  }
  void drive(WritePort& p, CData& awready, CData& wready, CData& bvalid, CData& bresp) {
    awready = p.open;
    wready = p.data_open;
    bvalid = p.answering;
    if (p.answering) bresp = p.answers.front().response;
  }

  // Checks an address handshake; the burst it makes.
  Burst begin(unsigned master, uint32_t bytes, uint32_t& seen, uint64_t address, uint32_t length, int size,
              int kind, bool write) {
    std::string breach, missing;
    Burst b = memory_.begin(bytes, address, length, size, kind, write, breach, missing);
    if (b.beats > BURST) broken("a burst of " + std::to_string(b.beats) + " beats");
    if (!breach.empty()) broken(breach);
    if (!missing.empty()) fail(missing);
    if (settings_.error_code && master == settings_.error_master && seen == settings_.error_burst)
      b.response = settings_.error_code;
    seen++;
    b.due = cycles + settings_.latency;
    b.tag = cycles * (READERS + WRITERS) + master;  // the cycle, and among those of one cycle the port
    return b;
  }

  void steady(Steady& s, bool valid, bool ready, uint64_t address, uint32_t length) {
    if (s.waiting && (!valid || address != s.address || length != s.length))
      broken("an address changes or goes before it is taken");
    s = {valid && !ready, address, length};
  }

  void sample(unsigned k, ReadPort& p, bool arvalid, uint64_t address, uint32_t length, int size,
              int kind, bool rready) {
    if (p.offered && rready) {
      Burst& b = p.queue.front();
      p.offered = false;
      if (k == VECTOR_READER) p.free = cycles + settings_.vector_cycles;
      readers[k].beats++;
      count(k);
      if (++b.done == b.beats) p.queue.pop_front();
    }
    steady(p.steady, arvalid, p.open, address, length);
    if (arvalid && p.open) {
      readers[k].bursts++;
      p.queue.push_back(begin(k, READ_BYTES[k], p.seen, address, length, size, kind, false));
    }
  }

  template <class Data>
  void sample(unsigned k, WritePort& p, bool awvalid, uint64_t address, uint32_t length, int size,
              int kind, bool wvalid, const Data& wdata, uint32_t strobe, bool wlast, bool bready) {
    if (p.answering && bready) {
      p.answers.pop_front();
      p.answering = false;
    }
    if (wvalid && p.data_open) {
      Beat beat{{}, strobe, wlast};
      get(wdata, beat.bytes);
      if (k == VECTOR_WRITER) p.free = cycles + settings_.vector_cycles;
      p.data.push_back(beat);
      writers[k].beats++;
      count(READERS + k);
    }
    steady(p.steady, awvalid, p.open, address, length);
    if (awvalid && p.open) {
      writers[k].bursts++;
      p.queue.push_back(begin(READERS + k, WRITE_BYTES[k], p.seen, address, length, size, kind, true));
    }
    while (!p.data.empty() && !p.queue.empty()) {
      const Beat& beat = p.data.front();
      Burst& b = p.queue.front();
      memory_.write(b, sizeof(Data), beat.bytes, beat.strobe);
      if (beat.last != (++b.done == b.beats)) broken("WLAST is not at the last beat");
      p.data.pop_front();
      if (b.done < b.beats) continue;
      b.due = cycles + settings_.latency;
      p.answers.push_back(b);
      p.queue.pop_front();
    }
  }
};

}  // namespace

extern "C" {
#define PUBLIC __attribute__((visibility("default")))
PUBLIC void* system_create() { return new System; }
PUBLIC void system_destroy(void* s) { delete static_cast<System*>(s); }
PUBLIC void system_settings(void* s, const uint32_t* v) {
  static_cast<System*>(s)->settings({v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]});
}
PUBLIC void system_regions(void* s, uint32_t count, const uint64_t* bases, const uint64_t* sizes,
                           uint8_t* const* data, const uint32_t* writable) {
  static_cast<System*>(s)->memory().assign(count, bases, sizes, data, writable);
}
PUBLIC void system_reset(void* s, uint32_t cycles) { static_cast<System*>(s)->reset(cycles); }
PUBLIC uint32_t system_read(void* s, uint32_t address) {
  return static_cast<System*>(s)->control_read(address);
}
PUBLIC void system_write(void* s, uint32_t address, uint32_t value) {
  static_cast<System*>(s)->control_write(address, value);
}
PUBLIC int system_run(void* s, uint64_t limit) { return static_cast<System*>(s)->run(limit); }
PUBLIC uint64_t system_cycles(void* s) { return static_cast<System*>(s)->cycles; }
PUBLIC void system_counters(void* s, uint64_t* v) {
  auto* system = static_cast<System*>(s);
  for (auto& c : system->readers) *v++ = c.bursts, *v++ = c.beats;
  for (auto& c : system->writers) *v++ = c.bursts, *v++ = c.beats;
}
PUBLIC const char* system_problem(void* s) { return static_cast<System*>(s)->problem.c_str(); }
PUBLIC int system_breach(void* s) { return static_cast<System*>(s)->breach; }
PUBLIC void system_forget_problem(void* s) { static_cast<System*>(s)->problem.clear(); }
PUBLIC void system_bucket(void* s, uint32_t cycles) {
  auto* system = static_cast<System*>(s);
  if (system->bucket != cycles) system->timeline.clear();
  system->bucket = cycles;
  system->visits.clear();
}
PUBLIC uint32_t system_visits(void* s, uint64_t* values, uint32_t room) {
  const auto& visits = static_cast<System*>(s)->visits;
  for (uint32_t n = 0; n < room && n < visits.size(); n++) {
    const Visit& v = visits[n];
    *values++ = v.state, *values++ = v.begin, *values++ = v.end;
    for (int k = 0; k < STREAMS; k++)
      *values++ = v.streams[k].words, *values++ = v.streams[k].first, *values++ = v.streams[k].last;
  }
  return uint32_t(visits.size());
}
PUBLIC uint32_t system_timeline(void* s, uint32_t* values, uint32_t room) {
  auto& t = static_cast<System*>(s)->timeline;
  for (uint32_t n = 0; n < room && n < t.size(); n++) values[n] = t[n];
  return uint32_t(t.size());
}
PUBLIC int system_trace(void* s, const char* path, uint64_t limit) {
  return static_cast<System*>(s)->trace(path, limit);
}
}
