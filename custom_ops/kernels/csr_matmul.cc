#include "csr_matmul.h"

#include <algorithm>
#include <new>

#include "scratch.h"

namespace tfprune {
namespace {

// Nonzeros of a product with a vector, below which one thread is faster than
// several.
constexpr int64_t kNonzerosThatPay = 200'000;

}  // namespace

ConvShape MatmulShape(const Csr& weights, int64_t batch) {
  ConvShape shape;
  shape.width = shape.out_width = batch;
  shape.channels = weights.columns;
  shape.filters = weights.rows;
  return shape;
}

std::unique_ptr<const CsrMatmul> CsrMatmul::Pack(const Csr& weights,
                                                 int64_t batch, int threads) {
  return Pack(weights, batch, threads,
              BestLaneKernels(MatmulShape(weights, batch), weights.nonzeros));
}

std::unique_ptr<const CsrMatmul> CsrMatmul::Pack(const Csr& weights,
                                                 int64_t batch, int threads,
                                                 const LaneKernels& kernels,
                                                 const Tuning& tuning) {
  try {
    std::unique_ptr<CsrMatmul> packed(new CsrMatmul(kernels, weights.columns));
    if (batch == 1) {
      packed->rows_ = std::make_unique<PackedRows>(weights);
      packed->shares_ = packed->rows_->Shares(
          weights.nonzeros < kNonzerosThatPay ? 1 : std::max(threads, 1));
    } else {
      packed->conv_ = SparseConv::Pack(weights, MatmulShape(weights, batch),
                                       threads, kernels, tuning);
      if (!packed->conv_) return nullptr;
    }
    return packed;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

bool CsrMatmul::Run(const float* input, const Epilogue& e, float* output,
                    const ParallelFor& parallel_for) const {
  if (conv_) return conv_->Run(input, e, output, parallel_for);
  float* x = Scratch(columns_ + 1);
  if (!x) return false;
  std::copy(input, input + columns_, x);
  x[columns_] = 0;
  const int64_t shares = shares_.size() - 1;
  parallel_for(shares, static_cast<int>(shares), [&](int64_t i, int) {
    kernels_.multiply_vector(rows_->View(), shares_[i], shares_[i + 1], x,
                             e.bias, e.residual, e.activation, output);
  });
  return true;
}

}  // namespace tfprune
