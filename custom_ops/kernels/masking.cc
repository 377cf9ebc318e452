#include "masking.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace tfprune {
namespace {

constexpr int64_t kLine = 64 / sizeof(float);
// What one thread does at a time. TensorFlow runs the arrays of a net at the
// same time, so that cores are idle only where one is very large.
constexpr int64_t kChunk = 4 * 1024 * 1024;
// Results from here on are past the caches before anybody reads them.
constexpr int64_t kStreamed = 256 * 1024;

// Without a branch: which weights are pruned has no pattern.
inline float Pick(uint8_t mask, float one, float other) {
  uint32_t yes, no;
  std::memcpy(&yes, &one, sizeof yes);
  std::memcpy(&no, &other, sizeof no);
  const uint32_t all = 0u - mask;
  yes = (yes & all) | (no & ~all);
  std::memcpy(&one, &yes, sizeof one);
  return one;
}

struct Cached {
  static void StoreLine(float* to, const float* line) {
    std::memcpy(to, line, kLine * sizeof *to);
  }
  static void Fence() {}
};

#if defined(__SSE__)
// Saves reading what is overwritten.
struct Streamed {
  static void StoreLine(float* to, const float* line) {
    for (int64_t i = 0; i < kLine; i += 4)
      _mm_stream_ps(to + i, _mm_load_ps(line + i));
  }
  static void Fence() { _mm_sfence(); }
};
#else
using Streamed = Cached;
#endif

template <class Store, bool kHasOther>
void WhereIn(Where a, int64_t begin, int64_t end) {
  const auto other = [&](int64_t i) { return kHasOther ? a.other[i] : 0.0f; };
  int64_t i = begin;
  for (; i + kLine <= end; i += kLine) {
    alignas(64) float line[kLine];
    for (int64_t j = 0; j < kLine; ++j)
      line[j] = Pick(a.mask[i + j], a.one[i + j], other(i + j));
    Store::StoreLine(a.to + i, line);
  }
  for (; i < end; ++i) a.to[i] = Pick(a.mask[i], a.one[i], other(i));
  Store::Fence();
}

// Calls work(begin, end) for all of [0, count) in chunks.
template <class Work>
void InChunks(int64_t count, int threads, const ParallelFor& parallel,
              const Work& work) {
  const int64_t chunks = (count + kChunk - 1) / kChunk;
  parallel(chunks, static_cast<int>(std::min<int64_t>(threads, chunks)),
           [&](int64_t chunk, int) {
             const int64_t begin = chunk * kChunk;
             work(begin, std::min(begin + kChunk, count));
           });
}

}  // namespace

void Where::Run(int threads, const ParallelFor& parallel) const {
  const bool aligned = reinterpret_cast<uintptr_t>(to) % 64 == 0;
  const bool streamed = count >= kStreamed && aligned;
  auto* run = streamed ? WhereIn<Streamed, false> : WhereIn<Cached, false>;
  if (other) run = streamed ? WhereIn<Streamed, true> : WhereIn<Cached, true>;
  InChunks(count, threads, parallel,
           [&](int64_t begin, int64_t end) { run(*this, begin, end); });
}

void Hysteresis::Run(int threads, const ParallelFor& parallel) const {
  InChunks(count, threads, parallel, [&](int64_t begin, int64_t end) {
    // By value: nothing that is written can change them.
    const Hysteresis a = *this;
    for (int64_t i = begin; i < end; ++i)
      a.to[i] = std::fabs(a.weights[i]) > (a.kept[i] ? a.lower : a.upper);
  });
}

}  // namespace tfprune
