// Memory behind AXI masters: what the models of every simulation share. Each drives the signals of its
// own design and decides when a port waits; bursts, their checks and their data are here.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace axi {

constexpr int OKAY = 0, DECERR = 3;

// xorshift: the same stalls for the same seed, on every machine.
class Random {
 public:
  explicit Random(uint64_t seed = 0) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return uint32_t(state_ >> 32);
  }
  bool chance(uint32_t of_256) { return (next() & 255) < of_256; }

 private:
  uint64_t state_;
};

struct Burst {
  uint64_t address;
  uint32_t beats, done;
  uint64_t due;  // the first cycle in which it may be answered
  int response;
  uint64_t tag;  // whatever the model knows it by

  bool last() const { return done + 1 == beats; }
};

// What a port has under way, and what it offers in the present cycle.
struct ReadPort {
  std::deque<Burst> queue;
  bool open = false, offered = false;
};
struct WritePort {
  std::deque<Burst> queue, answers;
  bool open = false, data_open = false, answering = false;
};

class Memory {
 public:
  // Memory of the caller's at ``count`` places.
  void assign(uint32_t count, const uint64_t* bases, const uint64_t* sizes, uint8_t* const* data,
              const uint32_t* writable) {
    regions_.clear();
    for (uint32_t n = 0; n < count; n++)
      regions_.push_back({bases[n], sizes[n], data[n], writable[n] != 0});
  }

  // The burst of an address handshake on a port of `bytes`: AxLEN, AxSIZE and AxBURST as they came. What
  // is wrong goes into `breach`, where it breaks the protocol, or `missing`, where there is no memory.
  Burst begin(uint32_t bytes, uint64_t address, uint32_t length, int size, int kind, bool write,
              std::string& breach, std::string& missing) const {
    const uint32_t beats = length + 1;
    if (address >> 12 != (address + beats * bytes - 1) >> 12) breach = "a burst crosses a 4 KiB boundary";
    else if (1u << size != bytes || kind != 1 || address % bytes)
      breach = "a burst of a kind that the port does not take";
    if (find(address, uint64_t(beats) * bytes, write)) return {address, beats, 0, 0, OKAY, 0};
    char text[96];
    std::snprintf(text, sizeof text, "a %s of %u beats at 0x%llx, where no memory is",
                  write ? "write" : "read", beats, (unsigned long long)address);
    missing = text;
    return {address, beats, 0, 0, DECERR, 0};
  }

  // The present beat of a burst; nothing where it is answered with an error.
  void read(const Burst& b, uint32_t bytes, uint8_t* beat) const {
    if (b.response == OKAY) std::memcpy(beat, find(b.address + b.done * bytes, bytes, false), bytes);
  }
  void write(const Burst& b, uint32_t bytes, const uint8_t* beat, uint64_t strobe) const {
    if (b.response != OKAY) return;
    uint8_t* to = find(b.address + b.done * bytes, bytes, true);
    for (uint32_t n = 0; n < bytes; n++)
      if (strobe >> n & 1) to[n] = beat[n];
  }

 private:
  struct Region {
    uint64_t base, size;
    uint8_t* data;
    bool writable;
  };
  std::vector<Region> regions_;

  uint8_t* find(uint64_t address, uint64_t size, bool write) const {
    for (const auto& r : regions_)
      if (r.base <= address && address + size <= r.base + r.size && (r.writable || !write))
        return r.data + (address - r.base);
    return nullptr;
  }
};

}  // namespace axi
