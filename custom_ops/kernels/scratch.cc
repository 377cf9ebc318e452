#include "scratch.h"

#include <cstdlib>
#include <memory>

#include "rounding.h"

namespace tfprune {

float* Scratch(int64_t floats) {
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  thread_local std::unique_ptr<float, Free> memory;
  thread_local int64_t size = 0;
  if (floats > size) {
    memory.reset(static_cast<float*>(
        std::aligned_alloc(64, RoundUp(floats, 16) * sizeof(float))));
    size = memory ? floats : 0;
  }
  return memory.get();
}

}  // namespace tfprune
