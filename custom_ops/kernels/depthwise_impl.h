// Convolutions of each channel by itself, written once; lane_kernels_impl.h
// includes this for each instruction set.

#include <cstdint>

#include "finish_impl.h"
#include "lane_kernels.h"

namespace tfprune {
namespace {

// What a row of taps adds to pixels whose taps are anywhere.
template <class Isa, int kPixels>
struct AnyTaps {
  static void Add(const DepthwiseArgs& a, const float* from,
                  const float* weights, int some, typename Isa::Vector* sums) {
    for (int64_t x = 0; x < a.columns; ++x) {
      const auto weight = Isa::Load(weights + x * a.weight);
      TFPRUNE_UNROLL
      for (int i = 0; i < kPixels; ++i)
        sums[i] = Isa::MultiplyAdd(
            weight, Isa::LoadSome(from + x * a.column + i * a.step, some),
            sums[i]);
    }
  }
};

// The same where so many taps are neighbours as the pixels are: what several
// meet is loaded once. One tap of all pixels after the other, so that no sum
// waits for itself.
template <class Isa, int kPixels, int kTaps>
struct Neighbours {
  static void Add(const DepthwiseArgs& a, const float* from,
                  const float* weights, int some, typename Isa::Vector* sums) {
    typename Isa::Vector weight[kTaps];
    TFPRUNE_UNROLL
    for (int tap = 0; tap < kTaps; ++tap)
      weight[tap] = Isa::Load(weights + tap * a.weight);
    typename Isa::Vector x[kPixels + kTaps - 1];
    TFPRUNE_UNROLL
    for (int i = 0; i < kPixels + kTaps - 1; ++i)
      x[i] = Isa::LoadSome(from + i * a.step, some);
    TFPRUNE_UNROLL
    for (int tap = 0; tap < kTaps; ++tap) {
      TFPRUNE_UNROLL
      for (int i = 0; i < kPixels; ++i)
        sums[i] = Isa::MultiplyAdd(weight[tap], x[i + tap], sums[i]);
    }
  }
};

// Up to kLanes channels.
template <class Isa, int kPixels, class Taps>
inline void DepthwiseOf(const DepthwiseArgs& a, const Finish<Isa>& finish,
                        int64_t channel, int some) {
  typename Isa::Vector sums[kPixels] = {};
  for (int64_t y = 0; y < a.rows; ++y)
    Taps::Add(a, a.from + y * a.row + channel,
              a.weights + y * a.weight_row + channel, some, sums);
  const auto bias = Isa::LoadSome(a.bias + channel, some);
  TFPRUNE_UNROLL
  for (int i = 0; i < kPixels; ++i) {
    const int64_t at = i * a.channels + channel;
    finish(sums[i], bias, a.residual ? a.residual + at : nullptr, a.to + at,
           some);
  }
}

template <class Isa, int kPixels, class Taps>
void DepthwiseBy(const DepthwiseArgs& a) {
  const Finish<Isa> finish(a.activation, false);
  int64_t channel = 0;
  for (; channel + Isa::kLanes <= a.channels; channel += Isa::kLanes)
    DepthwiseOf<Isa, kPixels, Taps>(a, finish, channel, Isa::kLanes);
  if (channel < a.channels)
    DepthwiseOf<Isa, kPixels, Taps>(a, finish, channel,
                                    static_cast<int>(a.channels - channel));
}

template <class Isa, int kPixels>
void Depthwise(const DepthwiseArgs& a) {
  if (a.columns == 3 && a.column == a.step)
    DepthwiseBy<Isa, kPixels, Neighbours<Isa, kPixels, 3>>(a);
  else if (a.columns == 5 && a.column == a.step)
    DepthwiseBy<Isa, kPixels, Neighbours<Isa, kPixels, 5>>(a);
  else
    DepthwiseBy<Isa, kPixels, AnyTaps<Isa, kPixels>>(a);
}

}  // namespace
}  // namespace tfprune
