// Dot products with gathered vectors, for instruction sets that have AVX2. As
// lane_kernels_impl.h, it is included behind the file's target pragma, and all
// of it is in an unnamed namespace.

#ifndef TFPRUNE_KERNELS_GATHER_AVX_IMPL_H_
#define TFPRUNE_KERNELS_GATHER_AVX_IMPL_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "csr.h"

namespace tfprune {
namespace {

struct GatherAvx {
  static __m256 Values(const float* values, Dtype) {
    return _mm256_loadu_ps(values);
  }
  static __m256 Values(const uint16_t* values, Dtype dtype) {
    const __m128i bits =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
    if (dtype == Dtype::kHalf) return _mm256_cvtph_ps(bits);
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  // One by one: the gather instruction is slower on many CPUs. So is loading
  // short columns one by one.
  static __m256 Gather(const float* x, const uint16_t* columns) {
    uint64_t low, high;
    std::memcpy(&low, columns, sizeof(low));
    std::memcpy(&high, columns + 4, sizeof(high));
    return _mm256_setr_ps(x[low & 0xffff], x[low >> 16 & 0xffff],
                          x[low >> 32 & 0xffff], x[low >> 48], x[high & 0xffff],
                          x[high >> 16 & 0xffff], x[high >> 32 & 0xffff],
                          x[high >> 48]);
  }
  static __m256 Gather(const float* x, const int32_t* c) {
    return _mm256_setr_ps(x[c[0]], x[c[1]], x[c[2]], x[c[3]], x[c[4]], x[c[5]],
                          x[c[6]], x[c[7]]);
  }
  template <class Value, class Column>
  static void GatherDots(const Value* values, const Column* columns,
                         int64_t count, Dtype dtype, const float* x,
                         float* sums) {
    constexpr int kAhead = 1024;  // What large matrices need is far away.
    __m256 even = _mm256_setzero_ps(), odd = even;
    for (; count >= 16; count -= 16, values += 16, columns += 16) {
      __builtin_prefetch(values + kAhead);
      __builtin_prefetch(columns + kAhead);
      even = _mm256_fmadd_ps(Values(values, dtype), Gather(x, columns), even);
      odd = _mm256_fmadd_ps(Values(values + 8, dtype), Gather(x, columns + 8),
                            odd);
    }
    if (count)
      even = _mm256_fmadd_ps(Values(values, dtype), Gather(x, columns), even);
    _mm256_storeu_ps(sums, _mm256_add_ps(even, odd));
  }
};

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_GATHER_AVX_IMPL_H_
