// Products with gathered vectors, for the files whose instruction set has AVX2.
// Included within an unnamed namespace, behind the file's target.

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
