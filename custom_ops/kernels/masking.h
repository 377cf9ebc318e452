// What pruning does to every weight in every step of training. Memory limits
// it: each loop reads once, writes once, and keeps nothing in between.

#ifndef TFPRUNE_KERNELS_MASKING_H_
#define TFPRUNE_KERNELS_MASKING_H_

#include <cstdint>

#include "parallel.h"

namespace tfprune {

// Masks are bytes: 1 keeps, 0 prunes.
struct Where {
  const uint8_t* mask = nullptr;
  const float* one = nullptr;
  const float* other = nullptr;  // null for zeros
  int64_t count = 0;
  float* to = nullptr;  // may be `one` or `other`

  // to[i] = mask[i] ? one[i] : other[i]
  void Run(int threads, const ParallelFor& parallel) const;
};

struct Hysteresis {
  const float* weights = nullptr;
  const uint8_t* kept = nullptr;
  float lower = 0, upper = 0;
  int64_t count = 0;
  uint8_t* to = nullptr;   // may be `kept`
  float* shown = nullptr;  // may be `weights`, or null for none

  // to[i] = |weights[i]| > (kept[i] ? lower : upper), or kept[i] of what is not
  // a number; shown[i] = to[i] ? weights[i] : 0
  void Run(int threads, const ParallelFor& parallel) const;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_MASKING_H_
