// AVX-512: 16 lanes, 7 sums in registers (more of them crowd the L1 cache with
// input).

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "executable_memory.h"
#include "lane_kernels.h"

// Only what follows may use these instructions: the rest of the library runs
// anywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma,f16c")
#endif

// GCC 12 warns of undefined values within its own intrinsics.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include "gather_avx_impl.h"
#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

struct Avx512 : GatherAvx {
  static constexpr int kLanes = 16;
  static constexpr int kMostVectors = 7;
  using Vector = __m512;

  static Vector Load(const float* from) { return _mm512_load_ps(from); }
  static void Store(float* to, Vector x) { _mm512_store_ps(to, x); }
  static Vector Broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static Vector Add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector Multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector Divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
  static Vector Scale(Vector x, Vector power) {
    return _mm512_scalef_ps(x, power);
  }
  // These return the second operand for a NaN, so that one in `x` stays.
  static Vector Max(Vector x, Vector low) { return _mm512_max_ps(low, x); }
  static Vector Min(Vector x, Vector high) { return _mm512_min_ps(high, x); }

  static Vector LoadSome(const float* from, int some) {
    return _mm512_maskz_loadu_ps(Mask(some), from);
  }
  static void StoreSome(float* to, Vector x, int some) {
    _mm512_mask_storeu_ps(to, Mask(some), x);
  }
  static void Stream(float* to, Vector x) { _mm512_stream_ps(to, x); }
  static void Fence() { _mm_sfence(); }
  static __mmask16 Mask(int some) {
    return static_cast<__mmask16>((1u << some) - 1);
  }

  static void Transpose(Vector* r) {
    Vector pairs[16], quads[16];
    for (int i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
      quads[i] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      quads[i + 1] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      quads[i + 2] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      quads[i + 3] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      const Vector even_low =
          _mm512_shuffle_f32x4(quads[i], quads[i + 4], 0x88);
      const Vector odd_low = _mm512_shuffle_f32x4(quads[i], quads[i + 4], 0xdd);
      const Vector even_high =
          _mm512_shuffle_f32x4(quads[i + 8], quads[i + 12], 0x88);
      const Vector odd_high =
          _mm512_shuffle_f32x4(quads[i + 8], quads[i + 12], 0xdd);
      r[i] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
      r[i + 4] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
      r[i + 8] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
      r[i + 12] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
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
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

}  // namespace

extern const LaneKernels kAvx512Kernels;
const LaneKernels kAvx512Kernels = Kernels<Avx512>("avx512", RunsHere);

namespace {

bool RunsCodeHere() { return RunsHere() && ExecutableMemory::IsAllowed(); }

constexpr LaneKernels Generating(LaneKernels kernels) {
  kernels.name = "avx512_code";
  kernels.runs_here = RunsCodeHere;
  kernels.most_vectors = 16;
  kernels.generates_code = true;
  return kernels;
}

}  // namespace

extern const LaneKernels kAvx512CodeKernels;
const LaneKernels kAvx512CodeKernels =
    Generating(Kernels<Avx512>("", RunsHere));

}  // namespace tfprune

#endif  // defined(__x86_64__)
