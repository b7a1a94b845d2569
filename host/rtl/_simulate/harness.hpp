// Models of what stands around a kernel: registers, streams, memories and memory buses, with random
// stalls. The generated main file binds them to the ports of the Verilated module.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "axi_memory.hpp"
#include "verilated.h"

using axi::Random;

using Word = std::vector<uint32_t>;
inline size_t words_of(int width) { return (width + 31) / 32; }

// A port of the Verilated module by its address: one function for all widths, where a closure per
// port would cost the C++ compiler more than the kernel itself.
struct Set {
  void* signal = nullptr;
  size_t bytes = 0;
  void operator()(const Word& value) const {
    uint64_t low = value[0];
    if (value.size() > 1) low |= uint64_t(value[1]) << 32;
    switch (bytes) {
      case 1: *static_cast<uint8_t*>(signal) = uint8_t(low); break;
      case 2: *static_cast<uint16_t*>(signal) = uint16_t(low); break;
      case 4: *static_cast<uint32_t*>(signal) = uint32_t(low); break;
      case 8: *static_cast<uint64_t*>(signal) = low; break;
      default:
        for (size_t k = 0; k < bytes / 4; k++)
          static_cast<uint32_t*>(signal)[k] = k < value.size() ? value[k] : 0;
    }
  }
};
struct Get {
  const void* signal = nullptr;
  size_t bytes = 0;
  int width = 0;
  Word operator()() const {
    Word value(words_of(width));
    uint64_t low = 0;
    switch (bytes) {
      case 1: low = *static_cast<const uint8_t*>(signal); break;
      case 2: low = *static_cast<const uint16_t*>(signal); break;
      case 4: low = *static_cast<const uint32_t*>(signal); break;
      case 8: low = *static_cast<const uint64_t*>(signal); break;
      default:
        for (size_t k = 0; k < value.size(); k++)
          value[k] = static_cast<const uint32_t*>(signal)[k];
        return value;
    }
    value[0] = uint32_t(low);
    if (value.size() > 1) value[1] = uint32_t(low >> 32);
    return value;
  }
};

struct Settings {
  uint32_t seed = 1, stall = 0, latency = 1, limit = 0;
};

struct Reader {
  const std::vector<uint32_t>& data;
  size_t at = 0;
  explicit Reader(const std::vector<uint32_t>& d) : data(d) {}
  uint32_t one() {
    if (at >= data.size()) {
      std::fprintf(stderr, "the input file is too short\n");
      std::exit(3);
    }
    return data[at++];
  }
  Word word(int width) {
    Word w(words_of(width));
    for (auto& x : w) x = one();
    return w;
  }
};
using Writer = std::vector<uint32_t>;
inline void write_word(Writer& out, const Word& w) { out.insert(out.end(), w.begin(), w.end()); }

// One port. before(): drive the inputs of the cycle; sample(): look at the outputs before the edge.
struct Model {
  virtual ~Model() = default;
  virtual void load(Reader&) {}
  virtual void reset(Settings, uint32_t) {}
  virtual void before() {}
  virtual void sample() {}
  virtual void store(Writer&) {}
};

struct ScalarIn : Model {
  int width;
  Set set;
  Word value;
  ScalarIn(int w, Set s) : width(w), set(s) {}
  void load(Reader& r) override { value = r.word(width); }
  void before() override { set(value); }
};

struct ScalarOut : Model {
  int width;
  Get get;
  ScalarOut(int w, Get g) : width(w), get(g) {}
  void store(Writer& out) override { write_word(out, get()); }
};

struct StreamIn : Model {
  int width;
  Set valid, data;
  Get ready;
  std::deque<Word> queue;
  Settings settings;
  Random random{1};
  bool offered = false;
  StreamIn(int w, Set v, Get r, Set d) : width(w), valid(v), data(d), ready(r) {}
  void load(Reader& r) override {
    queue.clear();
    for (uint32_t n = r.one(); n; n--) queue.push_back(r.word(width));
  }
  void reset(Settings s, uint32_t salt) override {
    settings = s;
    random = Random(s.seed * 977u + salt);
    offered = false;
  }
  void before() override {
    if (!offered) offered = !queue.empty() && !random.chance(settings.stall);
    valid({offered});
    if (offered) data(queue.front());
  }
  void sample() override {
    if (offered && ready()[0]) {
      queue.pop_front();
      offered = false;
    }
  }
  void store(Writer& out) override { out.push_back(uint32_t(queue.size())); }
};

struct StreamOut : Model {
  int width;
  Get valid, data;
  Set ready;
  std::vector<Word> queue;
  Settings settings;
  Random random{1};
  bool open = false;
  StreamOut(int w, Get v, Set r, Get d) : width(w), valid(v), data(d), ready(r) {}
  void reset(Settings s, uint32_t salt) override {
    settings = s;
    random = Random(s.seed * 991u + salt);
    queue.clear();
  }
  void before() override {
    open = !random.chance(settings.stall);
    ready({open});
  }
  void sample() override {
    if (open && valid()[0]) queue.push_back(data());
  }
  void store(Writer& out) override {
    out.push_back(uint32_t(queue.size()));
    for (auto& w : queue) write_word(out, w);
  }
};

// One bank of a memory of the caller: a word comes in the cycle after its address.
struct Bank : Model {
  int width;
  uint32_t depth;
  std::vector<Get> ren, raddr;
  std::vector<Set> rdata;
  Get wen, waddr, wdata;
  std::vector<Word> words, last;
  Bank(int w, uint32_t d, std::vector<Get> re, std::vector<Get> ra, std::vector<Set> rd, Get we,
       Get wa, Get wd)
      : width(w), depth(d), ren(re), raddr(ra), rdata(rd), wen(we), waddr(wa), wdata(wd) {}
  void load(Reader& r) override {
    words.assign(depth, {});
    for (auto& w : words) w = r.word(width);
    last.assign(ren.size(), Word(words_of(width), 0));
  }
  void before() override {
    for (size_t k = 0; k < last.size(); k++) rdata[k](last[k]);
  }
  void sample() override {
    for (size_t k = 0; k < last.size(); k++)
      if (ren[k]()[0]) {
        uint32_t at = raddr[k]()[0];
        last[k] = at < depth ? words[at] : Word(words_of(width), 0);
      }
    if (wen()[0]) {
      uint32_t at = waddr()[0];
      if (at >= depth) {
        std::fprintf(stderr, "a write to word %u of %u\n", at, depth);
        std::exit(4);
      }
      words[at] = wdata();
    }
  }
  void store(Writer& out) override {
    for (auto& w : words) write_word(out, w);
  }
};

// A memory behind a bus: requests of (address, count), answered after a latency, in order.
struct Master : Model {
  int width;
  uint32_t most, size = 0;
  Get ar_valid, ar_addr, ar_count, r_ready, aw_valid, aw_addr, aw_count, w_valid, w_data;
  Set ar_ready, r_valid, r_data, aw_ready, w_ready, b_valid;
  bool reads = false, writes = false;
  std::vector<Word> words;
  Settings settings;
  Random random{1};
  struct Burst {
    uint32_t at, left;
    uint64_t due;
  };
  std::deque<Burst> reading, writing;
  std::deque<uint64_t> responses;
  uint64_t now = 0, beats_read = 0, beats_written = 0;
  bool offered = false, ar_open = false, aw_open = false, w_open = false, responding = false;
  Master(int w, uint32_t n) : width(w), most(n) {}
  void load(Reader& r) override {
    size = r.one();
    if (size > most) {
      std::fprintf(stderr, "%u words for a memory of at most %u\n", size, most);
      std::exit(4);
    }
    words.assign(size, {});
    for (auto& w : words) w = r.word(width);
  }
  void reset(Settings s, uint32_t salt) override {
    settings = s;
    random = Random(s.seed * 1009u + salt);
    reading.clear();
    writing.clear();
    responses.clear();
    now = beats_read = beats_written = 0;
    offered = false;
  }
  uint32_t check(uint32_t at) {
    if (at >= size) {
      std::fprintf(stderr, "an access to word %u of %u behind a bus\n", at, size);
      std::exit(4);
    }
    return at;
  }
  void before() override {
    now++;
    if (reads) {
      ar_open = reading.size() < 16 && !random.chance(settings.stall);
      ar_ready({ar_open});
      if (!offered)
        offered = !reading.empty() && reading.front().due <= now && !random.chance(settings.stall);
      r_valid({offered});
      if (offered) r_data(words[check(reading.front().at)]);
    }
    if (writes) {
      aw_open = writing.size() < 16 && !random.chance(settings.stall);
      aw_ready({aw_open});
      w_open = !writing.empty() && !random.chance(settings.stall);
      w_ready({w_open});
      responding = !responses.empty() && responses.front() <= now;
      b_valid({responding});
    }
  }
  void sample() override {
    if (reads) {
      if (offered && r_ready()[0]) {
        auto& b = reading.front();
        b.at++;
        beats_read++;
        offered = false;
        if (--b.left == 0) reading.pop_front();
      }
      if (ar_open && ar_valid()[0] && ar_count()[0])
        reading.push_back({ar_addr()[0], ar_count()[0], now + settings.latency});
    }
    if (writes) {
      if (responding) responses.pop_front();
      if (w_open && w_valid()[0]) {
        auto& b = writing.front();
        words[check(b.at++)] = w_data();
        beats_written++;
        if (--b.left == 0) {
          writing.pop_front();
          responses.push_back(now + settings.latency);
        }
      }
      if (aw_open && aw_valid()[0] && aw_count()[0])
        writing.push_back({aw_addr()[0], aw_count()[0], now});
    }
  }
  void store(Writer& out) override {
    out.push_back(size);
    for (auto& w : words) write_word(out, w);
    out.push_back(uint32_t(beats_read));
    out.push_back(uint32_t(beats_written));
  }
};

struct Kernel {
  std::vector<std::unique_ptr<Model>> models;
  Set clk, rst, start;
  Get done;
  template <class M>
  M* add(M* model) {
    models.emplace_back(model);
    return model;
  }
};
