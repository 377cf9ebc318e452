// What all kernels of convolutions have in common.

#ifndef TFPRUNE_KERNELS_CONVOLUTION_H_
#define TFPRUNE_KERNELS_CONVOLUTION_H_

#include "conv_shape.h"
#include "parallel.h"

namespace tfprune {

// Weights packed for one shape, which may run in many threads at the same time.
class Convolution {
 public:
  virtual ~Convolution() = default;

  // output = pool(activation(convolution + bias + residual)). Buffers are as
  // the shape says and must not overlap, but the residual may be the output
  // itself; `epilogue.pool` must have passed Check. Returns false, and leaves
  // the output undefined, when memory does not suffice.
  virtual bool Run(const float* input, const Epilogue& epilogue, float* output,
                   const ParallelFor& parallel_for) const = 0;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_CONVOLUTION_H_
