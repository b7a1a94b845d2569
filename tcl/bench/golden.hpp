// Golden vectors for the test benches: what goes into a kernel, and what must come out, bit for bit.
//
// One file for each kernel. Little-endian: the number of entries, then for each entry its name
// (32 bytes, zero-padded), the bytes of an element, the number of elements, and the elements.
// Entries of the n-th call are named "n.argument", what is expected of it "n.argument=".

#ifndef TRITSTREAM_GOLDEN_HPP
#define TRITSTREAM_GOLDEN_HPP

#include <ap_int.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

class Golden {
public:
  explicit Golden(const char *path) {
    std::FILE *file = std::fopen(path, "rb");
    if (file == nullptr) {
      std::printf("cannot open the vectors %s\n", path);
      failures++;
      return;
    }
    uint64_t entries = number(file);
    for (uint64_t i = 0; i < entries && failures == 0; i++) {
      char name[33] = {0};
      if (std::fread(name, 1, 32, file) != 32) {
        failures++;
      }
      Entry entry;
      entry.width = number(file);
      entry.count = number(file);
      if (failures == 0) {
        entry.bytes.resize(entry.width * entry.count);
        if (std::fread(entry.bytes.data(), 1, entry.bytes.size(), file) != entry.bytes.size()) {
          failures++;
        }
        entries_[name] = entry;
      }
    }
    std::fclose(file);
    if (failures > 0) {
      std::printf("the vectors %s are truncated\n", path);
    }
  }

  // Whether there is an n-th call.
  bool has(int call) const {
    std::string prefix = std::to_string(call) + ".";
    for (const auto &entry : entries_) {
      if (entry.first.compare(0, prefix.size(), prefix) == 0) {
        return failures == 0;
      }
    }
    return false;
  }

  // Sets the first elements of an argument to the call's; without an entry they stay what they are.
  template <class T> void fill(int call, const char *name, T *to, size_t count) const {
    const Entry *entry = find(call, name, "");
    for (size_t i = 0; entry != nullptr && i < entry->count && i < count; i++) {
      set(to[i], &entry->bytes[i * entry->width], entry->width);
    }
  }

  // Compares the first elements of an argument with the expected ones, where there are any.
  template <class T> void check(int call, const char *name, const T *got, size_t count) {
    const Entry *entry = find(call, name, "=");
    if (entry == nullptr) {
      return;
    }
    if (entry->count > count) {
      std::printf("call %d: %s has %zu elements, %zu are expected\n", call, name, count,
                  (size_t)entry->count);
      failures++;
      return;
    }
    for (size_t i = 0; i < entry->count; i++) {
      T expected = 0;
      set(expected, &entry->bytes[i * entry->width], entry->width);
      checked++;
      if (!(expected == got[i])) {
        if (failures++ < 10) {
          std::printf("call %d: %s[%zu] differs\n", call, name, i);
        }
      }
    }
  }

  // The line that tools look for, and the exit status of the test bench.
  int result(const char *kernel) const {
    if (failures > 0 || checked == 0) {
      std::printf("TRITSTREAM %s: %ld of %ld values differ\n", kernel, failures, checked);
      return 1;
    }
    std::printf("TRITSTREAM bit-exact: %s, %ld values\n", kernel, checked);
    return 0;
  }

private:
  struct Entry {
    uint64_t width = 0, count = 0;
    std::vector<unsigned char> bytes;
  };

  uint64_t number(std::FILE *file) {
    uint64_t value = 0;
    if (std::fread(&value, 8, 1, file) != 1) {
      failures++;
    }
    return value;
  }

  const Entry *find(int call, const char *name, const char *suffix) const {
    auto found = entries_.find(std::to_string(call) + "." + name + suffix);
    return found == entries_.end() ? nullptr : &found->second;
  }

  static uint64_t word(const unsigned char *bytes, size_t width, size_t at) {
    uint64_t value = 0;
    std::memcpy(&value, bytes + at, width - at < 8 ? width - at : 8);
    return value;
  }

  template <class T> static void set(T &value, const unsigned char *bytes, size_t width) {
    value = (T)word(bytes, width, 0);
  }
  template <int W>
  static void set(ap_uint<W> &value, const unsigned char *bytes, size_t width) {
    for (int low = 0; low < W; low += 64) {
      int high = low + 63 < W ? low + 63 : W - 1;
      value.range(high, low) = ap_uint<64>(word(bytes, width, low / 8));
    }
  }
  template <int W> static void set(ap_int<W> &value, const unsigned char *bytes, size_t width) {
    ap_uint<W> bits;
    set(bits, bytes, width);
    value = bits;
  }

  std::map<std::string, Entry> entries_;
  long failures = 0, checked = 0;
};

#endif
