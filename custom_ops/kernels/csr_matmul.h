// Products of a dense matrix with a sparse one, Y = X W.

#ifndef TFPRUNE_KERNELS_CSR_MATMUL_H_
#define TFPRUNE_KERNELS_CSR_MATMUL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "lane_kernels.h"
#include "packed_rows.h"
#include "parallel.h"
#include "sparse_conv.h"

namespace tfprune {

// Returns the product with `weights` of so many rows as a convolution.
ConvShape MatmulShape(const Csr& weights, int64_t batch);

// Weights packed for one number of rows. A single row is gathered from, several
// are pixels of a 1x1 convolution.
class CsrMatmul {
 public:
  // `weights`, the transpose of W, must have passed Check. Returns null when
  // memory does not suffice.
  static std::unique_ptr<const CsrMatmul> Pack(const Csr& weights,
                                               int64_t batch, int threads);
  // The same with kernels and tuning of the caller's choice.
  static std::unique_ptr<const CsrMatmul> Pack(const Csr& weights,
                                               int64_t batch, int threads,
                                               const LaneKernels& kernels,
                                               const Tuning& tuning = {});

  // output = activation(input W + bias + residual), as SparseConv::Run.
  bool Run(const float* input, const Epilogue& epilogue, float* output,
           const ParallelFor& parallel_for) const;

 private:
  CsrMatmul(const LaneKernels& kernels, int64_t columns)
      : kernels_(kernels), columns_(columns) {}

  const LaneKernels& kernels_;
  const int64_t columns_;
  std::unique_ptr<const SparseConv> conv_;  // for several rows
  std::unique_ptr<const PackedRows> rows_;  // for one
  std::vector<int64_t> shares_;             // where each thread's slices begin
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_CSR_MATMUL_H_
