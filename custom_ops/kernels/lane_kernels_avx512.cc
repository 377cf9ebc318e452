// AVX-512: 16 lanes, 14 sums in registers (more of them crowd the
// L1 cache with input).

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>
#include <utility>

#include "lane_kernels.h"
#include "number_formats.h"

// Only what follows may use these instructions: the rest of the library runs
// anywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma,f16c")
#endif

#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

#include "eight_avx.h"

struct Avx512 : EightAvx {
  static constexpr int kLanes = 16;
  static constexpr int kMostVectors = 14;
  using Vector = __m512;

  static Vector Load(const float* from) { return _mm512_load_ps(from); }
  static void Store(float* to, Vector x) { _mm512_store_ps(to, x); }
  static Vector Broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static Vector Add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
};

}  // namespace

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace {

bool RunsHere() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

}  // namespace

extern const LaneKernels kAvx512Kernels;
const LaneKernels kAvx512Kernels = Kernels<Avx512>("avx512", RunsHere);

}  // namespace tfprune

#endif  // defined(__x86_64__)
