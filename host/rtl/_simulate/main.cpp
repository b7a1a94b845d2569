// One run after the other of the kernels in a harness: arguments from a file, results to a file.
// The generated header says which kernels there are: Vharness, binds, and state_of where WATCH.
#include "kernels.hpp"

int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  std::vector<uint32_t> input;
  FILE* f = std::fopen(argv[1], "rb");
  if (!f) return 2;
  uint32_t block[4096];
  for (size_t n; (n = std::fread(block, 4, 4096, f));) input.insert(input.end(), block, block + n);
  std::fclose(f);
  Vharness top(&context);
  const size_t kinds = sizeof(binds) / sizeof(binds[0]);
  std::vector<Kernel> kernels(kinds);
  for (size_t k = 0; k < kinds; k++) binds[k](top, kernels[k]);
#if VM_TRACE
  VerilatedVcdC vcd;
  bool tracing = false;
  const char* last = argv[argc - 1];
  if (last[0] != '+') {
    context.traceEverOn(true);
    top.trace(&vcd, 99);
    vcd.open(last);
    tracing = true;
  }
#endif
  uint64_t time = 0;
  Writer out;
  Reader in(input);
  for (auto& k : kernels) k.clk({0}), k.rst({1}), k.start({0});
  auto step = [&](Kernel& k, int level) {
    k.clk({uint32_t(level)});
    top.eval();
#if VM_TRACE
    if (tracing) vcd.dump(time);
#endif
    time += 5;
  };
  for (uint32_t jobs = in.one(); jobs; jobs--) {
    Kernel& k = kernels.at(in.one());
    Settings settings;
    settings.seed = in.one(), settings.stall = in.one(), settings.latency = in.one();
    settings.limit = in.one();
    uint32_t salt = 0;
    for (auto& m : k.models) {
      m->load(in);
      m->reset(settings, ++salt);
    }
    k.start({0}), k.rst({1});
    for (int n = 0; n < 3; n++) {
      for (auto& m : k.models) m->before();
      step(k, 0), step(k, 1);
    }
    for (auto& m : k.models) m->reset(settings, ++salt);
    k.rst({0});
    uint32_t cycles = 0, finished = 0;
#ifdef WATCH
    std::vector<uint32_t> states;
    auto watch = [&] {
      const size_t state = state_of(top, size_t(&k - &kernels[0]));
      if (states.size() <= state) states.resize(state + 1);
      states[state]++;
    };
#endif
    for (; cycles < settings.limit && !finished; cycles++) {
      k.start({cycles == 0});
      for (auto& m : k.models) m->before();
      step(k, 0);
      for (auto& m : k.models) m->sample();
      finished = k.done()[0];
#ifdef WATCH
      watch();
#endif
      step(k, 1);
    }
    k.start({0});
    step(k, 0);
    out.push_back(finished);
    out.push_back(cycles);
#ifdef WATCH
    if (finished) out.push_back(uint32_t(states.size()));
    if (finished) out.insert(out.end(), states.begin(), states.end());
#endif
    if (finished)
      for (auto& m : k.models) m->store(out);
  }
#if VM_TRACE
  if (tracing) vcd.close();
#endif
  top.final();
  f = std::fopen(argv[2], "wb");
  if (!f) return 2;
  std::fwrite(out.data(), 4, out.size(), f);
  return std::fclose(f);
}
