// What is done to sums before they are stored, written once as the loops of
// lane_kernels_impl.h are, which include this.

#ifndef TFPRUNE_KERNELS_FINISH_IMPL_H_
#define TFPRUNE_KERNELS_FINISH_IMPL_H_

#include "conv_shape.h"

namespace tfprune {
namespace {

// Activations are bounds of the result; for none they are infinite.
template <class Isa>
struct Finish {
  using Vector = typename Isa::Vector;

  Finish(Activation activation, bool stream)
      : low(Isa::Broadcast(activation == Activation::kNone ? -kInfinity
                                                           : 0.0f)),
        high(Isa::Broadcast(activation == Activation::kRelu6 ? 6.0f
                                                             : kInfinity)),
        stream(stream) {}

  void operator()(Vector x, Vector bias, const float* residual, float* to,
                  int some) const {
    x = Isa::Add(x, bias);
    if (residual) x = Isa::Add(x, Isa::LoadSome(residual, some));
    x = Isa::Min(Isa::Max(x, low), high);
    if (stream && some == Isa::kLanes)
      Isa::Stream(to, x);
    else
      Isa::StoreSome(to, x, some);
  }

  static constexpr float kInfinity = __builtin_inff();
  Vector low, high;
  bool stream;
};

float Activate(float x, Activation activation) {
  if (activation != Activation::kNone && !(x > 0.0f)) x = x != x ? x : 0.0f;
  return activation == Activation::kRelu6 && x > 6.0f ? 6.0f : x;
}

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_FINISH_IMPL_H_
