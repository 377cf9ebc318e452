// AVX2 and FMA: 8 lanes, 14 sums in registers.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "lane_kernels.h"

// Only what follows may use these instructions: the rest of the library runs
// anywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#include "gather_avx_impl.h"
#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

struct Avx2 : GatherAvx {
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
  static Vector Multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector Divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
  static Vector Scale(Vector x, Vector power) {
    const __m256i bits = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), bits));
  }
  // These return the second operand for a NaN, so that one in `x` stays.
  static Vector Max(Vector x, Vector low) { return _mm256_max_ps(low, x); }
  static Vector Min(Vector x, Vector high) { return _mm256_min_ps(high, x); }

  static Vector LoadSome(const float* from, int some) {
    if (some == kLanes) return _mm256_loadu_ps(from);
    return _mm256_maskload_ps(from, Mask(some));
  }
  static void StoreSome(float* to, Vector x, int some) {
    if (some == kLanes)
      _mm256_storeu_ps(to, x);
    else
      _mm256_maskstore_ps(to, Mask(some), x);
  }
  // Half a cache line past the caches is slower than into them.
  static void Stream(float* to, Vector x) { _mm256_storeu_ps(to, x); }
  static void Fence() {}
  static __m256i Mask(int some) {
    alignas(32) static constexpr int32_t kOnes[16] = {-1, -1, -1, -1,
                                                      -1, -1, -1, -1};
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(kOnes + kLanes - some));
  }

  static void Transpose(Vector* r) {
    Vector pairs[8], quads[8];
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      pairs[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
      r[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
  }
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
