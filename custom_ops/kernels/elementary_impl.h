// Functions of each lane, written once as the loops of lane_kernels_impl.h are,
// which include this.

#ifndef TFPRUNE_KERNELS_ELEMENTARY_IMPL_H_
#define TFPRUNE_KERNELS_ELEMENTARY_IMPL_H_

namespace tfprune {
namespace {

// The polynomial whose highest coefficient is the first.
template <class Isa>
inline typename Isa::Vector Polynomial(typename Isa::Vector x,
                                       typename Isa::Vector sum) {
  (void)x;
  return sum;
}

template <class Isa, class... More>
inline typename Isa::Vector Polynomial(typename Isa::Vector x,
                                       typename Isa::Vector sum, float next,
                                       More... more) {
  sum = Isa::MultiplyAdd(sum, x, Isa::Broadcast(next));
  return Polynomial<Isa>(x, sum, more...);
}

// exp(x) as 2^n exp(r), |r| <= ln(2) / 2, within two units of the last digit;
// from exp(-87.3), near the least normal number, to exp(88.3).
template <class Isa>
inline typename Isa::Vector Exp(typename Isa::Vector x) {
  // Added and taken away again, it leaves the whole number that is nearest.
  const auto round = Isa::Broadcast(12582912.0f);
  const auto back = Isa::Broadcast(-12582912.0f);
  x = Isa::Min(Isa::Max(x, Isa::Broadcast(-87.3f)), Isa::Broadcast(88.3f));
  const auto power =
      Isa::Add(Isa::MultiplyAdd(x, Isa::Broadcast(1.44269504f), round), back);
  // ln(2) in two parts, the first of which has few digits.
  auto rest = Isa::MultiplyAdd(power, Isa::Broadcast(-0.693359375f), x);
  rest = Isa::MultiplyAdd(power, Isa::Broadcast(2.12194440e-4f), rest);
  const auto sum = Polynomial<Isa>(rest, Isa::Broadcast(1.0f / 720), 1.0f / 120,
                                   1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f);
  return Isa::Scale(sum, power);
}

// x times the logistic function of `inner`, which has its sign.
template <class Isa>
inline typename Isa::Vector Gated(typename Isa::Vector x,
                                  typename Isa::Vector inner) {
  const auto one = Isa::Broadcast(1.0f);
  const auto negative = Isa::Multiply(inner, Isa::Broadcast(-1.0f));
  // What is further down is divided by no more, and is nothing either.
  x = Isa::Max(x, Isa::Broadcast(-100.0f));
  return Isa::Divide(x, Isa::Add(one, Exp<Isa>(negative)));
}

template <class Isa>
inline typename Isa::Vector Silu(typename Isa::Vector x) {
  return Gated<Isa>(x, x);
}

// (1 + tanh(u)) / 2 is the logistic function of 2u.
template <class Isa>
inline typename Isa::Vector GeluApproximate(typename Isa::Vector x) {
  constexpr float kTwice = 1.5957691216f;  // 2 sqrt(2 / pi)
  const auto slope =
      Isa::MultiplyAdd(Isa::Multiply(x, x), Isa::Broadcast(kTwice * 0.044715f),
                       Isa::Broadcast(kTwice));
  return Gated<Isa>(x, Isa::Multiply(x, slope));
}

// max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2; erfc within 1.5e-7, by Abramowitz
// and Stegun, Handbook of Mathematical Functions, 7.1.26.
template <class Isa>
inline typename Isa::Vector Gelu(typename Isa::Vector x) {
  const auto one = Isa::Broadcast(1.0f), zero = Isa::Broadcast(0.0f);
  // From 20 on there is nothing below x; infinity times nothing has no value.
  const auto size =
      Isa::Min(Isa::Max(x, Isa::Multiply(x, Isa::Broadcast(-1.0f))),
               Isa::Broadcast(20.0f));
  const auto z = Isa::Multiply(size, Isa::Broadcast(0.70710678f));
  const auto t =
      Isa::Divide(one, Isa::MultiplyAdd(z, Isa::Broadcast(0.3275911f), one));
  const auto sum =
      Polynomial<Isa>(t, Isa::Broadcast(1.061405429f), -1.453152027f,
                      1.421413741f, -0.284496736f, 0.254829592f, 0.0f);
  const auto bell =
      Exp<Isa>(Isa::Multiply(Isa::Multiply(z, z), Isa::Broadcast(-1.0f)));
  const auto half = Isa::Multiply(size, Isa::Broadcast(-0.5f));
  return Isa::MultiplyAdd(half, Isa::Multiply(sum, bell), Isa::Max(x, zero));
}

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_ELEMENTARY_IMPL_H_
