#include "lane_kernels.h"

#include <cstdlib>
#include <cstring>

namespace tfprune {

extern const LaneKernels kPortableKernels;
#if defined(__x86_64__)
extern const LaneKernels kAvx2Kernels;
extern const LaneKernels kAvx512Kernels;
extern const LaneKernels kAvx512CodeKernels;
#endif

namespace {

const LaneKernels* const kAll[] = {
#if defined(__x86_64__)
    &kAvx512CodeKernels, &kAvx512Kernels, &kAvx2Kernels,
#endif
    &kPortableKernels};

// Code takes more room than lists do: it must serve many pixels each time that
// it is fetched. Where each pixel is one of input, too, it pays for few pixels
// if it is small, and must not leave the L3 cache; on Intel's processors lists
// are faster there.
constexpr int64_t kNonzerosInL3 = 750'000;
constexpr int64_t kNonzerosInL2 = 100'000;
constexpr int64_t kManyPixels = 128;
constexpr int64_t kFewPixels = 64;

bool IsWorthwhile(const LaneKernels& kernels, const ConvShape& shape,
                  int64_t nonzeros) {
#if defined(__x86_64__)
  if (kernels.generates_code)
    return shape.OutputPixels() >= kManyPixels
               ? !IsPointwise(shape) || nonzeros <= kNonzerosInL3
               : IsPointwise(shape) && nonzeros <= kNonzerosInL2 &&
                     (shape.OutputPixels() >= kFewPixels ||
                      !__builtin_cpu_is("intel"));
  // AMD's family 19h does 512 bits in two turns. What lists gain by them, fewer
  // instructions and whole cache lines, is lost again where taps look further:
  // 16 strips are shorter than 8, and more of what is packed is surroundings.
  if (kernels.lanes == 16)
    return IsPointwise(shape) || !__builtin_cpu_is("amdfam19h");
#endif
  return true;
}

}  // namespace

LaneKernelsList AllLaneKernels() { return {std::begin(kAll), std::end(kAll)}; }

const LaneKernels& BestLaneKernels(const ConvShape& shape, int64_t nonzeros) {
  static const char* const wanted = std::getenv("TFPRUNE_ISA");
  for (const LaneKernels* kernels : kAll) {
    const bool fits = wanted ? std::strcmp(wanted, kernels->name) == 0
                             : IsWorthwhile(*kernels, shape, nonzeros);
    if (fits && kernels->runs_here()) return *kernels;
  }
  return kPortableKernels;
}

}  // namespace tfprune
