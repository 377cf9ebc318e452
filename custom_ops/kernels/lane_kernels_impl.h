// The loops of lane_kernels.h, written once; an instruction set's file gives
// the vectors and includes this.
//
// Isa:: kLanes, kMostVectors, Vector, Load, Store, Broadcast, MultiplyAdd, Add
// and for 8 floats: Eight, LoadSome, StoreSome, Add8, Max8, Min8, Fill8,
// Transpose8; GatherDot for vectors.
//
// Everything is in an unnamed namespace: a function of one instruction set must
// never be linked in place of another's.

#include <cstdint>
#include <utility>

#include "lane_kernels.h"
#include "number_formats.h"

// Sums stay in registers only if all loops over them are unrolled.
#if defined(__clang__)
#define TFPRUNE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TFPRUNE_UNROLL _Pragma("GCC unroll 32")
#endif

namespace tfprune {
namespace {

// So few vectors cannot keep the multipliers busy: several entries at a time
// do.
constexpr int Sets(int vectors) {
  return vectors >= 8 ? 1 : (7 + vectors) / vectors;
}

template <class Isa, int kVectors>
using Total = typename Isa::Vector[kVectors];

template <class Isa, int kVectors>
void Add(const Entry& entry, const float* x, Total<Isa, kVectors>& total) {
  const auto weight = Isa::Broadcast(entry.value);
  const float* from = x + entry.offset;
  TFPRUNE_UNROLL
  for (int v = 0; v < kVectors; ++v)
    total[v] =
        Isa::MultiplyAdd(weight, Isa::Load(from + v * Isa::kLanes), total[v]);
}

template <class Isa, int kVectors, bool kGoesOn>
void Multiply(const Row* row, const Row* end, const Entry* entry,
              const float* x, float* sums) {
  constexpr int kSets = Sets(kVectors);
  constexpr int64_t kSum = kVectors * Isa::kLanes;
  for (; row != end; ++row) {
    float* sum = sums + row->slot * kSum;
    Total<Isa, kVectors> total[kSets] = {};
    if (kGoesOn) {
      TFPRUNE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        total[0][v] = Isa::Load(sum + v * Isa::kLanes);
    }
    const Entry* stop = entry + row->count;
    for (; stop - entry >= kSets; entry += kSets) {
      TFPRUNE_UNROLL
      for (int s = 0; s < kSets; ++s) Add<Isa, kVectors>(entry[s], x, total[s]);
    }
    for (; entry != stop; ++entry) Add<Isa, kVectors>(*entry, x, total[0]);
    TFPRUNE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      TFPRUNE_UNROLL
      for (int s = 1; s < kSets; ++s)
        total[0][v] = Isa::Add(total[0][v], total[s][v]);
      Isa::Store(sum + v * Isa::kLanes, total[0][v]);
    }
  }
}

template <class Isa>
void Pack(const PackArgs& a) {
  constexpr int kLanes = Isa::kLanes;
  // Long runs of a pixel, which may come from afar, but not so many planes that
  // their lines leave the cache from one position to the next.
  constexpr int64_t kBlock = 256;
  for (int64_t block = 0; block < a.channels; block += kBlock) {
    const int64_t end =
        block + kBlock < a.channels ? block + kBlock : a.channels;
    for (int64_t position = 0; position < a.positions; ++position) {
      const float* from[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        const int64_t pixel = a.pixels[lane * a.strip + position];
        const bool inside = pixel >= 0 && pixel < a.limit;
        from[lane] = inside ? a.from + pixel * a.channels : a.zeros;
      }
      float* to = a.to + position * kLanes;
      for (int64_t channel = block; channel < end; channel += 8) {
        const int some =
            end - channel < 8 ? static_cast<int>(end - channel) : 8;
        for (int lane = 0; lane < kLanes; lane += 8) {
          typename Isa::Eight rows[8];
          for (int i = 0; i < 8; ++i)
            rows[i] = Isa::LoadSome(from[lane + i] + channel, some);
          Isa::Transpose8(rows);
          for (int i = 0; i < some; ++i)
            Isa::StoreSome(to + (channel + i) * a.plane + lane, rows[i], 8);
        }
      }
    }
  }
}

template <class Isa>
typename Isa::Eight Activate(typename Isa::Eight x, Activation activation) {
  if (activation != Activation::kNone) x = Isa::Max8(x, Isa::Fill8(0.0f));
  if (activation == Activation::kRelu6) x = Isa::Min8(x, Isa::Fill8(6.0f));
  return x;
}

// Turns 8 planes of one position into 8 pixels.
template <class Isa>
void LoadPixels(const float* sums, int64_t plane, typename Isa::Eight* pixels) {
  for (int i = 0; i < 8; ++i) pixels[i] = Isa::LoadSome(sums + i * plane, 8);
  Isa::Transpose8(pixels);
}

// Finishes up to 8 filters of a pixel, from `filter` on.
template <class Isa>
void StorePixel(const StoreArgs& a, int64_t pixel, int64_t filter,
                typename Isa::Eight x) {
  const int64_t left = a.filters - filter;
  const int some = left < 8 ? static_cast<int>(left) : 8;
  const int64_t at = pixel * a.pitch + filter;
  if (a.bias) x = Isa::Add8(x, Isa::LoadSome(a.bias + filter, some));
  if (a.residual) x = Isa::Add8(x, Isa::LoadSome(a.residual + at, some));
  Isa::StoreSome(a.to + at, Activate<Isa>(x, a.activation), some);
}

// 16 filters at a time: they are one cache line of a pixel.
template <class Isa>
void Store(const StoreArgs& a) {
  constexpr int kLanes = Isa::kLanes;
  const int64_t plane = a.positions * kLanes;
  for (int64_t position = 0; position < a.positions; ++position) {
    for (int half = 0; half < kLanes; half += 8) {
      const int32_t* pixels = a.pixels + half * a.strip + position;
      const float* sums = a.sums + position * kLanes + half;
      for (int64_t filter = 0; filter < a.filters; filter += 16) {
        const bool both = a.filters - filter > 8;
        typename Isa::Eight low[8], high[8];
        LoadPixels<Isa>(sums + filter * plane, plane, low);
        if (both) LoadPixels<Isa>(sums + (filter + 8) * plane, plane, high);
        for (int i = 0; i < 8; ++i) {
          const int64_t pixel = pixels[i * a.strip];
          if (pixel < 0 || pixel >= a.limit) continue;
          StorePixel<Isa>(a, pixel, filter, low[i]);
          if (both) StorePixel<Isa>(a, pixel, filter + 8, high[i]);
        }
      }
    }
  }
}

float ToFloat(float value, Dtype) { return value; }
float ToFloat(uint16_t bits, Dtype dtype) {
  return dtype == Dtype::kHalf ? FromHalf(bits) : FromBfloat16(bits);
}

float Activate(float x, Activation activation) {
  if (activation != Activation::kNone && !(x > 0.0f)) x = x != x ? x : 0.0f;
  return activation == Activation::kRelu6 && x > 6.0f ? 6.0f : x;
}

template <class Isa, class Column, class Value>
void MultiplyVectorOf(const PackedRows& rows, int64_t begin, int64_t end,
                      const float* x, const float* bias, const float* residual,
                      Activation activation, float* y) {
  const Column* columns = static_cast<const Column*>(rows.columns);
  const Value* values = static_cast<const Value*>(rows.values);
  for (int64_t row = begin; row < end; ++row) {
    int64_t i = rows.offsets[row];
    const int64_t stop = rows.offsets[row + 1];
    float sum = (bias ? bias[row] : 0.0f) + (residual ? residual[row] : 0.0f);
    const int64_t whole = i + (stop - i) / 16 * 16;
    sum += Isa::GatherDot(values + i, columns + i, whole - i, rows.dtype, x);
    for (i = whole; i < stop; ++i)
      sum += ToFloat(values[i], rows.dtype) * x[columns[i]];
    y[row] = Activate(sum, activation);
  }
}

template <class Isa>
void MultiplyVector(const PackedRows& rows, int64_t begin, int64_t end,
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

template <class Isa, int... kNumbers>
constexpr LaneKernels Collect(const char* name, bool (*runs_here)(),
                              std::integer_sequence<int, kNumbers...>) {
  return {name,
          runs_here,
          Isa::kLanes,
          Isa::kMostVectors,
          {nullptr, &Multiply<Isa, kNumbers + 1, false>...},
          {nullptr, &Multiply<Isa, kNumbers + 1, true>...},
          &Pack<Isa>,
          &Store<Isa>,
          &MultiplyVector<Isa>};
}

template <class Isa>
constexpr LaneKernels Kernels(const char* name, bool (*runs_here)()) {
  return Collect<Isa>(name, runs_here,
                      std::make_integer_sequence<int, Isa::kMostVectors>());
}

}  // namespace
}  // namespace tfprune
