// Layer normalization, written once as the loops of lane_kernels_impl.h are,
// which include this.

#ifndef TFPRUNE_KERNELS_NORMALIZATION_IMPL_H_
#define TFPRUNE_KERNELS_NORMALIZATION_IMPL_H_

#include <cstdint>

#include "lane_kernels.h"

namespace tfprune {
namespace {

// The sum of what `term` makes of each vector of a row. Sums that wait for each
// other cannot keep the adders busy, so there are several.
template <class Isa, class Term>
inline float SumOf(int64_t width, Term term) {
  constexpr int kSums = 4;
  auto zero = Isa::Broadcast(0);
  typename Isa::Vector sums[kSums] = {zero, zero, zero, zero};
  int64_t i = 0;
  for (; i + kSums * Isa::kLanes <= width; i += kSums * Isa::kLanes) {
    TFPRUNE_UNROLL
    for (int s = 0; s < kSums; ++s)
      sums[s] = Isa::Add(sums[s], term(i + s * Isa::kLanes, Isa::kLanes));
  }
  for (; i + Isa::kLanes <= width; i += Isa::kLanes)
    sums[0] = Isa::Add(sums[0], term(i, Isa::kLanes));
  alignas(64) float lanes[Isa::kLanes], rest[Isa::kLanes];
  Isa::Store(lanes,
             Isa::Add(Isa::Add(sums[0], sums[1]), Isa::Add(sums[2], sums[3])));
  const int some = static_cast<int>(width - i);
  if (some) Isa::Store(rest, term(i, some));
  float total = 0;
  for (int lane = 0; lane < Isa::kLanes; ++lane)
    total += lanes[lane] + (lane < some ? rest[lane] : 0);
  return total;
}

template <class Isa>
void NormalizeRow(const NormalizeArgs& a, const float* from, float* to) {
  const float count = static_cast<float>(a.width);
  const auto value = [&](int64_t i, int some) {
    return Isa::LoadSome(from + i, some);
  };
  const float mean = a.centered ? SumOf<Isa>(a.width, value) / count : 0;
  const auto less = Isa::Broadcast(-mean);
  const float variance =
      SumOf<Isa>(a.width,
                 [&](int64_t i, int some) {
                   const auto x = Isa::Add(Isa::LoadSome(from + i, some), less);
                   return Isa::Multiply(x, x);
                 }) /
      count;
  const auto factor = Isa::Broadcast(1 / std::sqrt(variance + a.epsilon));
  const auto one = Isa::Broadcast(1), zero = Isa::Broadcast(0);
  for (int64_t i = 0; i < a.width; i += Isa::kLanes) {
    const int64_t left = a.width - i;
    const int some = static_cast<int>(left < Isa::kLanes ? left : Isa::kLanes);
    const auto gamma = a.gamma ? Isa::LoadSome(a.gamma + i, some) : one;
    const auto beta = a.beta ? Isa::LoadSome(a.beta + i, some) : zero;
    const auto x = Isa::Add(Isa::LoadSome(from + i, some), less);
    Isa::StoreSome(
        to + i, Isa::MultiplyAdd(Isa::Multiply(x, factor), gamma, beta), some);
  }
}

template <class Isa>
void Normalize(const NormalizeArgs& a) {
  for (int64_t row = 0; row < a.rows; ++row)
    NormalizeRow<Isa>(a, a.from + row * a.width, a.to + row * a.width);
}

}  // namespace
}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_NORMALIZATION_IMPL_H_
