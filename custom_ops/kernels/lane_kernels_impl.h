// The loops of lane_kernels.h, written once; an instruction set's file gives
// the vectors and includes this.
//
// Isa:: kLanes, kMostVectors, Vector, Load, Store, Broadcast, MultiplyAdd, Add,
// Multiply, Divide, Max, Min; Scale by whole powers of 2; LoadSome and
// StoreSome at any address; Stream and Fence, for stores past the caches;
// Transpose of as many vectors as there are lanes; GatherDots.
//
// Everything is in an unnamed namespace: a function of one instruction set must
// never be linked in place of another's.

#include <cstdint>
#include <utility>

#include "lane_kernels.h"

// Sums stay in registers only if all loops over them are unrolled.
#if defined(__clang__)
#define TFPRUNE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TFPRUNE_UNROLL _Pragma("GCC unroll 32")
#endif

#include "attention_impl.h"
#include "depthwise_impl.h"
#include "finish_impl.h"
#include "normalization_impl.h"
#include "winograd_transforms_impl.h"

namespace tfprune {
namespace {

template <class Isa, int kVectors>
using Total = typename Isa::Vector[kVectors];

template <class Isa, int kVectors>
inline void Add(float value, const float* from, Total<Isa, kVectors>& total) {
  const auto weight = Isa::Broadcast(value);
  TFPRUNE_UNROLL
  for (int v = 0; v < kVectors; ++v)
    total[v] =
        Isa::MultiplyAdd(weight, Isa::Load(from + v * Isa::kLanes), total[v]);
}

// With few vectors for each weight, weights come from afar all the time, and
// hardware prefetches no further than a page.
template <int kVectors, class Offset>
inline void FetchWeights(const float* values, const Offset* offsets) {
  constexpr int64_t kBytesAhead = 512;
  if (kVectors > 2) return;
  __builtin_prefetch(reinterpret_cast<const char*>(values) + kBytesAhead);
  __builtin_prefetch(reinterpret_cast<const char*>(offsets) + kBytesAhead);
}

template <class Isa, int kVectors, class Offset, bool kGoesOn>
void Multiply(const Row* row, const Row* end, const float* values,
              const void* where, const float* x, float* sums) {
  constexpr int kRows = RowsAtOnce(kVectors);
  constexpr int64_t kSum = kVectors * Isa::kLanes;
  const Offset* offsets = static_cast<const Offset*>(where);
  for (; row != end; row += kRows) {
    Total<Isa, kVectors> total[kRows] = {};
    TFPRUNE_UNROLL
    for (int r = 0; kGoesOn && r < kRows; ++r) {
      TFPRUNE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        total[r][v] = Isa::Load(sums + row[r].slot * kSum + v * Isa::kLanes);
    }
    const float* stop = values + int64_t{row->count} * kRows;
    for (; values != stop; values += kRows, offsets += kRows) {
      FetchWeights<kVectors>(values, offsets);
      TFPRUNE_UNROLL
      for (int r = 0; r < kRows; ++r)
        Add<Isa, kVectors>(values[r], x + offsets[r] * kOffsetUnit, total[r]);
    }
    TFPRUNE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      TFPRUNE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        Isa::Store(sums + row[r].slot * kSum + v * Isa::kLanes, total[r][v]);
    }
  }
}

template <class Isa, class Offset, int... kNumbers>
constexpr MultiplyFns Multiplies(std::integer_sequence<int, kNumbers...>) {
  return {{nullptr, &Multiply<Isa, kNumbers + 1, Offset, false>...},
          {nullptr, &Multiply<Isa, kNumbers + 1, Offset, true>...}};
}

// Prefetches into the L2 cache in the order of memory. Reads that alternate
// between many pixels have no pattern that hardware prefetchers follow.
template <class Isa>
class Fetcher {
 public:
  // The first `run` floats of pixels that are `pitch` apart.
  Fetcher(const float* from, int64_t run, int64_t pitch)
      : pixel_(from), run_(run), pitch_(pitch) {}

  // As much as a square has.
  void Next() {
    constexpr int kLine = 16;
    for (int i = 0; i < Isa::kLanes * Isa::kLanes; i += kLine) {
      __builtin_prefetch(pixel_ + at_, 0, 2);
      at_ += kLine;
      if (at_ < run_) continue;
      at_ = 0;
      pixel_ += pitch_;
    }
  }

 private:
  const float* pixel_;
  const int64_t run_, pitch_;
  int64_t at_ = 0;
};

// Turns up to kLanes channels of as many pixels into vectors of planes.
template <class Isa>
inline void PackSquare(const PackArgs& a, const float* const* from,
                       int64_t channel, int some, float* to) {
  typename Isa::Vector rows[Isa::kLanes];
  TFPRUNE_UNROLL
  for (int i = 0; i < Isa::kLanes; ++i)
    rows[i] = Isa::LoadSome(from[i] + channel, some);
  Isa::Transpose(rows);
  to += channel * a.plane;
  for (int i = 0; i < some; ++i) Isa::Store(to + i * a.plane, rows[i]);
}

// Packs the channels from `begin` to `end` of one position.
template <class Isa>
void PackPosition(const PackArgs& a, int64_t position, int64_t begin,
                  int64_t end) {
  const float* from[Isa::kLanes];
  for (int i = 0; i < Isa::kLanes; ++i) {
    const int64_t pixel = a.pixels[i * a.strip + position];
    const bool inside = pixel >= 0 && pixel < a.limit;
    from[i] = inside ? a.from + pixel * a.channels : a.zeros;
  }
  float* to = a.to + position * Isa::kLanes;
  Fetcher<Isa> fetcher(from[0] + begin + a.ahead, end - begin, a.channels);
  int64_t channel = begin;
  for (; channel + Isa::kLanes <= end; channel += Isa::kLanes) {
    PackSquare<Isa>(a, from, channel, Isa::kLanes, to);
    if (a.ahead) fetcher.Next();
  }
  if (channel < end)
    PackSquare<Isa>(a, from, channel, static_cast<int>(end - channel), to);
}

template <class Isa>
void Pack(const PackArgs& a) {
  // Long runs of a pixel, which may come from afar, but not so many planes that
  // their lines leave the cache from one position to the next.
  constexpr int64_t kBlock = 256;
  for (int64_t begin = 0; begin < a.channels; begin += kBlock) {
    const int64_t end =
        begin + kBlock < a.channels ? begin + kBlock : a.channels;
    for (int64_t position = 0; position < a.positions; ++position)
      PackPosition<Isa>(a, position, begin, end);
  }
}

// The pixels of one position, by lane; -1 where there is none.
template <class Isa>
inline void FindPixels(const StoreArgs& a, int64_t position, int64_t* offsets) {
  for (int i = 0; i < Isa::kLanes; ++i) {
    const int64_t pixel = a.pixels[i * a.strip + position];
    offsets[i] = pixel < a.limit ? pixel * a.pitch : -1;
    if (pixel < 0) offsets[i] = -1;
  }
}

// Stores up to kLanes filters of as many pixels.
template <class Isa>
inline void StoreSquare(const StoreArgs& a, const Finish<Isa>& finish,
                        const float* sums, const int64_t* offsets,
                        int64_t filter, int some) {
  const int64_t plane = a.positions * Isa::kLanes;
  typename Isa::Vector pixels[Isa::kLanes];
  TFPRUNE_UNROLL
  for (int i = 0; i < Isa::kLanes; ++i) pixels[i] = Isa::Load(sums + i * plane);
  Isa::Transpose(pixels);
  const auto bias = Isa::LoadSome(a.bias + filter, some);
  const float* residual = a.residual ? a.residual + filter : nullptr;
  TFPRUNE_UNROLL
  for (int i = 0; i < Isa::kLanes; ++i) {
    if (offsets[i] < 0) continue;
    finish(pixels[i], bias, residual ? residual + offsets[i] : nullptr,
           a.to + offsets[i] + filter, some);
  }
}

template <class Isa>
void Store(const StoreArgs& a) {
  const Finish<Isa> finish(a.activation, a.stream);
  const int64_t plane = a.positions * Isa::kLanes;
  for (int64_t position = 0; position < a.positions; ++position) {
    int64_t offsets[Isa::kLanes];
    FindPixels<Isa>(a, position, offsets);
    const float* sums = a.sums + position * Isa::kLanes;
    Fetcher<Isa> fetcher(a.residual + (a.ahead ? offsets[0] + a.ahead : 0),
                         a.filters, a.pitch);
    int64_t filter = 0;
    for (; filter + Isa::kLanes <= a.filters; filter += Isa::kLanes) {
      StoreSquare(a, finish, sums + filter * plane, offsets, filter,
                  Isa::kLanes);
      if (a.ahead) fetcher.Next();
    }
    if (filter < a.filters)
      StoreSquare(a, finish, sums + filter * plane, offsets, filter,
                  static_cast<int>(a.filters - filter));
  }
  if (a.stream) Isa::Fence();
}

template <class Isa, class Column, class Value>
void MultiplyVectorOf(const SlicedRows& slices, int64_t begin, int64_t end,
                      const float* x, const float* bias, const float* residual,
                      Activation activation, float* y) {
  const Column* columns = static_cast<const Column*>(slices.columns);
  const Value* values = static_cast<const Value*>(slices.values);
  for (int64_t slice = begin; slice < end; ++slice) {
    const int64_t first = slices.offsets[slice];
    alignas(64) float sums[kSliceRows];
    Isa::GatherDots(values + first, columns + first,
                    slices.offsets[slice + 1] - first, slices.dtype, x, sums);
    for (int i = 0; i < kSliceRows; ++i) {
      const int32_t row = slices.rows[slice * kSliceRows + i];
      if (row < 0) break;
      const float more =
          (bias ? bias[row] : 0.0f) + (residual ? residual[row] : 0.0f);
      y[row] = Activate(sums[i] + more, activation);
    }
  }
}

template <class Isa>
void MultiplyVector(const SlicedRows& rows, int64_t begin, int64_t end,
                    const float* x, const float* bias, const float* residual,
                    Activation activation, float* y) {
  const bool whole = rows.dtype == Dtype::kFloat;
  auto* multiply = MultiplyVectorOf<Isa, int32_t, float>;
  if (whole && rows.short_columns)
    multiply = MultiplyVectorOf<Isa, uint16_t, float>;
  if (!whole)
    multiply = rows.short_columns ? MultiplyVectorOf<Isa, uint16_t, uint16_t>
                                  : MultiplyVectorOf<Isa, int32_t, uint16_t>;
  multiply(rows, begin, end, x, bias, residual, activation, y);
}

template <class Isa, int... kPixels>
constexpr LaneKernels Collect(const char* name, bool (*runs_here)(),
                              std::integer_sequence<int, kPixels...>) {
  constexpr auto kNumbers =
      std::make_integer_sequence<int, Isa::kMostVectors>();
  return {name,
          runs_here,
          Isa::kLanes,
          Isa::kMostVectors,
          false,
          Multiplies<Isa, uint16_t>(kNumbers),
          Multiplies<Isa, int32_t>(kNumbers),
          &Pack<Isa>,
          &Store<Isa>,
          &MultiplyVector<Isa>,
          {nullptr, &Depthwise<Isa, kPixels + 1>...},
          Transforms<Isa, 3>(),
          Transforms<Isa, 5>(),
          &Attend<Isa>,
          &Normalize<Isa>};
}

template <class Isa>
constexpr LaneKernels Kernels(const char* name, bool (*runs_here)()) {
  return Collect<Isa>(name, runs_here,
                      std::make_integer_sequence<int, kMostDepthwisePixels>());
}

}  // namespace
}  // namespace tfprune
