// Convolutions of each channel by itself.
//
// Each channel has one filter. A vector is neighbouring channels as they are in
// memory, so that no input is packed.

#ifndef TFPRUNE_KERNELS_DEPTHWISE_CONV_H_
#define TFPRUNE_KERNELS_DEPTHWISE_CONV_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "conv_shape.h"
#include "convolution.h"
#include "csr.h"
#include "lane_kernels.h"
#include "parallel.h"

namespace tfprune {

class DepthwiseConv : public Convolution {
 public:
  // Whether each channel has one filter, of its own and not too large, and
  // there are enough channels to fill a vector.
  static bool Fits(const ConvShape& shape);

  // `shape` must have filters as Fits wants them, and pass Check as `weights`
  // must. `threads` is the most that one run will use. Returns null when memory
  // does not suffice.
  static std::unique_ptr<const DepthwiseConv> Pack(const Csr& weights,
                                                   const ConvShape& shape,
                                                   int threads);
  // The same with kernels of the caller's choice.
  static std::unique_ptr<const DepthwiseConv> Pack(const Csr& weights,
                                                   const ConvShape& shape,
                                                   int threads,
                                                   const LaneKernels& kernels);

  // As Convolution has it, but without a pool.
  bool Run(const float* input, const Epilogue& epilogue, float* output,
           const ParallelFor& parallel_for) const override;

 private:
  // Outputs from `begin` to `end` of a row, whose windows have as many taps.
  struct Span {
    int64_t image, y, begin, end;
  };
  struct Job;

  DepthwiseConv(const Csr& weights, const ConvShape& shape, int threads,
                const LaneKernels& kernels);
  void RunRow(const Job& job, int64_t row) const;
  void RunSpan(const Job& job, const Span& span) const;

  const ConvShape shape_;
  const LaneKernels& kernels_;
  const int threads_;
  const int64_t pitch_;  // floats of a tap
  std::vector<float> memory_;
  float* weights_;  // [taps][pitch], on a cache line, zeros included
  std::vector<float> no_bias_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_DEPTHWISE_CONV_H_
