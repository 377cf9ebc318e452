// AVX2 and FMA: 8 lanes, 14 sums in registers.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>
#include <utility>

#include "lane_kernels.h"
#include "number_formats.h"

// Only what follows may use these instructions: the rest of the library runs
// anywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

#include "eight_avx.h"

struct Avx2 : EightAvx {
  static constexpr int kLanes = 8;
  static constexpr int kMostVectors = 14;
  using Vector = __m256;

  static Vector Load(const float* from) { return _mm256_load_ps(from); }
  static void Store(float* to, Vector x) { _mm256_store_ps(to, x); }
  static Vector Broadcast(float value) { return _mm256_set1_ps(value); }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  static Vector Add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
};

}  // namespace

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace {

bool RunsHere() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

}  // namespace

extern const LaneKernels kAvx2Kernels;
const LaneKernels kAvx2Kernels = Kernels<Avx2>("avx2", RunsHere);

}  // namespace tfprune

#endif  // defined(__x86_64__)
