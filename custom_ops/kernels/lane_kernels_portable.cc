// For every CPU: GCC's and clang's vectors, and plain loops.

#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

// 128 bits are what every CPU of interest has.
typedef float Quad __attribute__((vector_size(16)));

struct Portable {
  static constexpr int kLanes = 8;
  static constexpr int kMostVectors = 6;

  struct Vector {
    Quad low, high;
  };
  struct Eight {
    float lane[8];
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

  static Eight LoadSome(const float* from, int some) {
    Eight x = {};
    for (int i = 0; i < some; ++i) x.lane[i] = from[i];
    return x;
  }
  static void StoreSome(float* to, Eight x, int some) {
    for (int i = 0; i < some; ++i) to[i] = x.lane[i];
  }
  template <class Function>
  static Eight Each(Function function) {
    Eight x;
    for (int i = 0; i < 8; ++i) x.lane[i] = function(i);
    return x;
  }
  static Eight Fill8(float value) {
    return Each([&](int) { return value; });
  }
  static Eight Add8(Eight a, Eight b) {
    return Each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  // `x` where they do not compare, so that a NaN stays.
  static Eight Max8(Eight x, Eight low) {
    return Each([&](int i) {
      return low.lane[i] > x.lane[i] ? low.lane[i] : x.lane[i];
    });
  }
  static Eight Min8(Eight x, Eight high) {
    return Each([&](int i) {
      return high.lane[i] < x.lane[i] ? high.lane[i] : x.lane[i];
    });
  }
  static void Transpose8(Eight* rows) {
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < i; ++j) std::swap(rows[i].lane[j], rows[j].lane[i]);
  }

  template <class Value, class Column>
  static float GatherDot(const Value* values, const Column* columns,
                         int64_t count, Dtype dtype, const float* x) {
    float sums[4] = {};
    for (int64_t i = 0; i < count; i += 4)
      for (int j = 0; j < 4; ++j)
        sums[j] += ToFloat(values[i + j], dtype) * x[columns[i + j]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
};

bool RunsHere() { return true; }

}  // namespace

extern const LaneKernels kPortableKernels;
const LaneKernels kPortableKernels = Kernels<Portable>("portable", RunsHere);

}  // namespace tfprune
