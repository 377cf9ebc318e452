// For every CPU: GCC's and clang's vectors, and plain loops.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "lane_kernels_impl.h"
#include "number_formats.h"

namespace tfprune {
namespace {

float ToFloat(float value, Dtype) { return value; }
float ToFloat(uint16_t bits, Dtype dtype) {
  return dtype == Dtype::kHalf ? FromHalf(bits) : FromBfloat16(bits);
}

// Every CPU of interest has vectors of 128 bits.
typedef float Quad __attribute__((vector_size(16)));
typedef int32_t Quads __attribute__((vector_size(16)));

struct Portable {
  static constexpr int kLanes = 8;
  static constexpr int kMostVectors = 6;

  struct Vector {
    Quad low, high;
  };

  static Vector Load(const float* from) {
    const Quad* quads = reinterpret_cast<const Quad*>(from);
    return {quads[0], quads[1]};
  }
  static void Store(float* to, Vector x) {
    Quad* quads = reinterpret_cast<Quad*>(to);
    quads[0] = x.low;
    quads[1] = x.high;
  }
  static Vector Broadcast(float value) {
    const Quad quad = {value, value, value, value};
    return {quad, quad};
  }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {a.low * b.low + c.low, a.high * b.high + c.high};
  }
  static Vector Add(Vector a, Vector b) {
    return {a.low + b.low, a.high + b.high};
  }
  static Vector Multiply(Vector a, Vector b) {
    return {a.low * b.low, a.high * b.high};
  }
  static Vector Divide(Vector a, Vector b) {
    return {a.low / b.low, a.high / b.high};
  }
  static Vector Scale(Vector x, Vector power) {
    return {Scale(x.low, power.low), Scale(x.high, power.high)};
  }
  static Quad Scale(Quad x, Quad power) {
    const Quads bits = reinterpret_cast<Quads>(x) +
                       (__builtin_convertvector(power, Quads) << 23);
    return reinterpret_cast<Quad>(bits);
  }

  // `x` where they do not compare, so that a NaN stays.
  static Vector Max(Vector x, Vector low) {
    return {low.low > x.low ? low.low : x.low,
            low.high > x.high ? low.high : x.high};
  }
  static Vector Min(Vector x, Vector high) {
    return {high.low < x.low ? high.low : x.low,
            high.high < x.high ? high.high : x.high};
  }

  static Vector LoadSome(const float* from, int some) {
    Vector x = {};
    std::memcpy(&x, from, some * sizeof(float));
    return x;
  }
  static void StoreSome(float* to, Vector x, int some) {
    std::memcpy(to, &x, some * sizeof(float));
  }
  static void Stream(float* to, Vector x) { StoreSome(to, x, kLanes); }
  static void Fence() {}
  static void Transpose(Vector* rows) {
    float* lanes = reinterpret_cast<float*>(rows);
    for (int i = 0; i < kLanes; ++i)
      for (int j = 0; j < i; ++j)
        std::swap(lanes[i * kLanes + j], lanes[j * kLanes + i]);
  }

  template <class Value, class Column>
  static void GatherDots(const Value* values, const Column* columns,
                         int64_t count, Dtype dtype, const float* x,
                         float* sums) {
    for (int row = 0; row < kSliceRows; ++row) sums[row] = 0;
    for (int64_t i = 0; i < count; i += kSliceRows)
      for (int row = 0; row < kSliceRows; ++row)
        sums[row] += ToFloat(values[i + row], dtype) * x[columns[i + row]];
  }
};

bool RunsHere() { return true; }

}  // namespace

extern const LaneKernels kPortableKernels;
const LaneKernels kPortableKernels = Kernels<Portable>("portable", RunsHere);

}  // namespace tfprune
