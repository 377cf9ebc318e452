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

// AMD's family 19h does 512 bits in two turns. What it gains by them, fewer
// instructions and whole cache lines, is lost again where taps look further:
// 16 strips are shorter than 8, and more of what is packed is surroundings.
bool IsWorthwhile(const LaneKernels& kernels, bool pointwise) {
#if defined(__x86_64__)
  if (kernels.lanes == 16) return pointwise || !__builtin_cpu_is("amdfam19h");
#endif
  return true;
}

const LaneKernels& Choose(bool pointwise) {
  const char* wanted = std::getenv("TFPRUNE_ISA");
  for (const LaneKernels* kernels : kAll) {
    const bool fits = wanted ? std::strcmp(wanted, kernels->name) == 0
                             : IsWorthwhile(*kernels, pointwise);
    if (fits && kernels->runs_here()) return *kernels;
  }
  return kPortableKernels;
}

}  // namespace

LaneKernelsList AllLaneKernels() { return {std::begin(kAll), std::end(kAll)}; }

const LaneKernels& BestLaneKernels(bool pointwise) {
  static const LaneKernels& best = Choose(false);
  static const LaneKernels& best_pointwise = Choose(true);
  return pointwise ? best_pointwise : best;
}

}  // namespace tfprune
