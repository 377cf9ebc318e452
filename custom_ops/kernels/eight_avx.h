// 8 floats with AVX2, for the files whose instruction set has it. Included
// within an unnamed namespace, behind the file's target.

struct EightAvx {
  using Eight = __m256;

  static __m256i Mask(int some) {
    alignas(32) static constexpr int32_t kOnes[16] = {-1, -1, -1, -1,
                                                      -1, -1, -1, -1};
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(kOnes + 8 - some));
  }
  static Eight LoadSome(const float* from, int some) {
    if (some == 8) return _mm256_loadu_ps(from);
    return _mm256_maskload_ps(from, Mask(some));
  }
  static void StoreSome(float* to, Eight x, int some) {
    if (some == 8)
      _mm256_storeu_ps(to, x);
    else
      _mm256_maskstore_ps(to, Mask(some), x);
  }
  static Eight Add8(Eight a, Eight b) { return _mm256_add_ps(a, b); }
  // These return the second operand for a NaN, so that one in `x` stays.
  static Eight Max8(Eight x, Eight low) { return _mm256_max_ps(low, x); }
  static Eight Min8(Eight x, Eight high) { return _mm256_min_ps(high, x); }
  static Eight Fill8(float value) { return _mm256_set1_ps(value); }

  static void Transpose8(Eight* r) {
    Eight pairs[8], quads[8];
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
  // One by one: the gather instruction is slower on many CPUs.
  template <class Column>
  static __m256 Gather(const float* x, const Column* c) {
    return _mm256_setr_ps(x[c[0]], x[c[1]], x[c[2]], x[c[3]], x[c[4]], x[c[5]],
                          x[c[6]], x[c[7]]);
  }
  // `count` is a multiple of 16.
  template <class Value, class Column>
  static float GatherDot(const Value* values, const Column* columns,
                         int64_t count, Dtype dtype, const float* x) {
    __m256 even = _mm256_setzero_ps(), odd = even;
    for (int64_t i = 0; i < count; i += 16) {
      even = _mm256_fmadd_ps(Values(values + i, dtype), Gather(x, columns + i),
                             even);
      odd = _mm256_fmadd_ps(Values(values + i + 8, dtype),
                            Gather(x, columns + i + 8), odd);
    }
    alignas(32) float sums[8];
    _mm256_store_ps(sums, _mm256_add_ps(even, odd));
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }
};
