#include "lane_kernels.h"

#include <cstdlib>
#include <cstring>

namespace tfprune {

extern const LaneKernels kPortableKernels;
#if defined(__x86_64__)
extern const LaneKernels kAvx2Kernels;
extern const LaneKernels kAvx512Kernels;
#endif

namespace {

const LaneKernels* const kAll[] = {
#if defined(__x86_64__)
    &kAvx512Kernels, &kAvx2Kernels,
#endif
    &kPortableKernels};

// AMD's family 19h does 512 bits in two turns: it gains nothing by them, and
// loses where tiles are too large then.
bool IsWorthwhile(const LaneKernels& kernels) {
#if defined(__x86_64__)
  if (kernels.lanes == 16) return !__builtin_cpu_is("amdfam19h");
#endif
  return true;
}

const LaneKernels& Choose() {
  const char* wanted = std::getenv("TFPRUNE_ISA");
  for (const LaneKernels* kernels : kAll) {
    const bool fits = wanted ? std::strcmp(wanted, kernels->name) == 0
                             : IsWorthwhile(*kernels);
    if (fits && kernels->runs_here()) return *kernels;
  }
  return kPortableKernels;
}

}  // namespace

LaneKernelsList AllLaneKernels() { return {std::begin(kAll), std::end(kAll)}; }

const LaneKernels& BestLaneKernels() {
  static const LaneKernels& best = Choose();
  return best;
}

}  // namespace tfprune
