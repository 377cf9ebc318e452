// Products of a dense matrix with a sparse one, Y = X W.

#ifndef TFPRUNE_KERNELS_CSR_MATMUL_H_
#define TFPRUNE_KERNELS_CSR_MATMUL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "lane_kernels.h"
#include "parallel.h"
#include "sparse_conv.h"

namespace tfprune {

// Returns the product with `weights` of so many rows as a convolution.
ConvShape MatmulShape(const Csr& weights, int64_t batch);

// Weights packed for one number of rows. A single row is multiplied row by row
// of the weights, several are pixels of a 1x1 convolution.
class CsrMatmul {
 public:
  // `weights`, the transpose of W, must have passed Check. Returns null when
  // memory does not suffice.
  static std::unique_ptr<const CsrMatmul> Pack(
      const Csr& weights, int64_t batch, int threads,
      const LaneKernels& kernels = BestLaneKernels(true),
      const Tuning& tuning = {});

  // output = activation(input W + bias + residual), as SparseConv::Run.
  bool Run(const float* input, const Epilogue& epilogue, float* output,
           const ParallelFor& parallel_for) const;

 private:
  CsrMatmul(const LaneKernels& kernels) : kernels_(kernels) {}
  void PackRows(const Csr& weights, int threads);
  void RunVector(const float* input, const Epilogue& epilogue, float* output,
                 const ParallelFor& parallel_for) const;

  const LaneKernels& kernels_;
  std::unique_ptr<const SparseConv> conv_;  // for several rows
  std::vector<int32_t> offsets_;
  std::vector<char> columns_, values_;
  PackedRows rows_ = {};
  std::vector<int64_t> shares_;  // where each thread's rows begin
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_CSR_MATMUL_H_
