// For every CPU: plain loops over 8 floats, which compilers vectorise.

#include "lane_kernels_impl.h"

namespace tfprune {
namespace {

struct Portable {
  static constexpr int kLanes = 8;
  static constexpr int kMostVectors = 6;

  struct Vector {
    float lane[8];
  };
  using Eight = Vector;

  static Vector LoadSome(const float* from, int some) {
    Vector x = {};
    for (int i = 0; i < some; ++i) x.lane[i] = from[i];
    return x;
  }
  static void StoreSome(float* to, Vector x, int some) {
    for (int i = 0; i < some; ++i) to[i] = x.lane[i];
  }
  template <class Function>
  static Vector Each(Function function) {
    Vector x;
    for (int i = 0; i < 8; ++i) x.lane[i] = function(i);
    return x;
  }
  static Vector Load(const float* from) {
    return Each([&](int i) { return from[i]; });
  }
  static void Store(float* to, Vector x) { StoreSome(to, x, 8); }
  static Vector Broadcast(float value) {
    return Each([&](int) { return value; });
  }
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return Each([&](int i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
  }
  static Vector Add(Vector a, Vector b) {
    return Each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Vector Add8(Vector a, Vector b) { return Add(a, b); }
  // The second operand where they do not compare, so that a NaN in `x` stays.
  static Vector Max8(Vector x, Vector low) {
    return Each([&](int i) {
      return low.lane[i] > x.lane[i] ? low.lane[i] : x.lane[i];
    });
  }
  static Vector Min8(Vector x, Vector high) {
    return Each([&](int i) {
      return high.lane[i] < x.lane[i] ? high.lane[i] : x.lane[i];
    });
  }
  static Vector Fill8(float value) { return Broadcast(value); }
  static void Transpose8(Vector* rows) {
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
