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

// All bits where a weight stays, else none: as wide as it, for one loop to be
// one of vectors.
inline uint32_t Stays(const Hysteresis& a, int64_t i) {
  const float size = std::fabs(a.weights[i]);
  const uint32_t kept = 0u - a.kept[i];
  const uint32_t above = 0u - (size > Pick(a.kept[i], a.lower, a.upper));
  return above | ((0u - (size != size)) & kept);
}

template <class Store, bool kShows>
void HysteresisIn(Hysteresis a, int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + kLine <= end; i += kLine) {
    alignas(64) uint32_t stays[kLine];
    alignas(64) float line[kLine];
    for (int64_t j = 0; j < kLine; ++j) stays[j] = Stays(a, i + j);
    if (kShows) {
      for (int64_t j = 0; j < kLine; ++j)
        line[j] = Pick(stays[j] & 1, a.weights[i + j], 0);
      Store::StoreLine(a.shown + i, line);
    }
    uint8_t mask[kLine];
    for (int64_t j = 0; j < kLine; ++j) mask[j] = stays[j] & 1;
    std::memcpy(a.to + i, mask, kLine);
  }
  for (; i < end; ++i) {
    a.to[i] = Stays(a, i) & 1;
    if (kShows) a.shown[i] = Pick(a.to[i], a.weights[i], 0);
  }
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

bool IsStreamed(const float* to, int64_t count) {
  return count >= kStreamed && reinterpret_cast<uintptr_t>(to) % 64 == 0;
}

}  // namespace

void Where::Run(int threads, const ParallelFor& parallel) const {
  const bool streamed = IsStreamed(to, count);
  auto* run = streamed ? WhereIn<Streamed, false> : WhereIn<Cached, false>;
  if (other) run = streamed ? WhereIn<Streamed, true> : WhereIn<Cached, true>;
  InChunks(count, threads, parallel,
           [&](int64_t begin, int64_t end) { run(*this, begin, end); });
}

void Hysteresis::Run(int threads, const ParallelFor& parallel) const {
  auto* run = HysteresisIn<Cached, false>;
  if (shown)
    run = IsStreamed(shown, count) ? HysteresisIn<Streamed, true>
                                   : HysteresisIn<Cached, true>;
  InChunks(count, threads, parallel,
           [&](int64_t begin, int64_t end) { run(*this, begin, end); });
}

}  // namespace tfprune
