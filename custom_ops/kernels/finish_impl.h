// What is done to sums before they are stored, written once as the loops of
// lane_kernels_impl.h are, which include this.

#ifndef TFPRUNE_KERNELS_FINISH_IMPL_H_
#define TFPRUNE_KERNELS_FINISH_IMPL_H_

#include "conv_shape.h"
#include "elementary_impl.h"

namespace tfprune {
namespace {

// ReLUs are bounds of the result; of others these are infinite.
template <class Isa>
struct Finish {
  using Vector = typename Isa::Vector;

  Finish(Activation activation, bool stream)
      : low(Isa::Broadcast(IsRelu(activation) ? 0.0f : -kInfinity)),
        high(Isa::Broadcast(activation == Activation::kRelu6 ? 6.0f
                                                             : kInfinity)),
        activation(activation),
        stream(stream) {}

  void operator()(Vector x, Vector bias, const float* residual, float* to,
                  int some) const {
    x = Isa::Add(x, bias);
    if (residual) x = Isa::Add(x, Isa::LoadSome(residual, some));
    x = Isa::Min(Isa::Max(Curve(x), low), high);
    if (stream && some == Isa::kLanes)
      Isa::Stream(to, x);
    else
      Isa::StoreSome(to, x, some);
  }

  Vector Curve(Vector x) const {
    if (activation == Activation::kGelu) return Gelu<Isa>(x);
    if (activation == Activation::kGeluApproximate)
      return GeluApproximate<Isa>(x);
    return activation == Activation::kSilu ? Silu<Isa>(x) : x;
  }

  static constexpr float kInfinity = __builtin_inff();
  Vector low, high;
  Activation activation;
  bool stream;
};

inline float Activate(float x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return 0.5f * x * std::erfc(-0.70710678f * x);
    case Activation::kGeluApproximate:
      return x / (1 + std::exp(-1.5957691216f * x * (1 + 0.044715f * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    default:
      if (!(x > 0.0f)) return x != x ? x : 0.0f;
      return activation == Activation::kRelu6 && x > 6.0f ? 6.0f : x;
  }
}

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_FINISH_IMPL_H_
