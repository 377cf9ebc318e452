#include "csr_matmul.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace tfprune {
namespace {

// Below so many nonzeros, waking a thread does not pay.
constexpr int64_t kNonzerosThatPay = 200'000;

std::vector<char> ShortColumns(const Csr& weights) {
  std::vector<char> bytes(weights.nonzeros * sizeof(uint16_t));
  for (int64_t i = 0; i < weights.nonzeros; ++i) {
    const uint16_t column = static_cast<uint16_t>(weights.column_indices[i]);
    std::memcpy(&bytes[i * sizeof(column)], &column, sizeof(column));
  }
  return bytes;
}

std::vector<char> Copy(const void* from, int64_t bytes) {
  const char* begin = static_cast<const char*>(from);
  return std::vector<char>(begin, begin + bytes);
}

}  // namespace

ConvShape MatmulShape(const Csr& weights, int64_t batch) {
  ConvShape shape;
  shape.width = shape.out_width = batch;
  shape.channels = weights.columns;
  shape.filters = weights.rows;
  return shape;
}

std::unique_ptr<const CsrMatmul> CsrMatmul::Pack(const Csr& weights,
                                                 int64_t batch, int threads,
                                                 const LaneKernels& kernels,
                                                 const Tuning& tuning) {
  try {
    std::unique_ptr<CsrMatmul> packed(new CsrMatmul(kernels));
    if (batch == 1) {
      packed->PackRows(weights, threads);
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

void CsrMatmul::PackRows(const Csr& weights, int threads) {
  const bool is_short = weights.columns <= 1 << 16;
  const int64_t size =
      weights.dtype == Dtype::kFloat ? sizeof(float) : sizeof(uint16_t);
  offsets_.assign(weights.row_offsets, weights.row_offsets + weights.rows + 1);
  columns_ = is_short ? ShortColumns(weights)
                      : Copy(weights.column_indices,
                             weights.nonzeros * sizeof(int32_t));
  values_ = Copy(weights.values, weights.nonzeros * size);
  rows_ = {offsets_.data(), columns_.data(), is_short, values_.data(),
           weights.dtype};
  if (weights.nonzeros < kNonzerosThatPay) threads = 1;
  for (int64_t i = 0; i <= threads; ++i) {
    const int64_t nonzeros = weights.nonzeros * i / threads;
    const auto row =
        std::lower_bound(offsets_.begin(), offsets_.end() - 1, nonzeros);
    shares_.push_back(row - offsets_.begin());
  }
  shares_.front() = 0;
  shares_.back() = weights.rows;
}

bool CsrMatmul::Run(const float* input, const Epilogue& epilogue, float* output,
                    const ParallelFor& parallel_for) const {
  if (conv_) return conv_->Run(input, epilogue, output, parallel_for);
  RunVector(input, epilogue, output, parallel_for);
  return true;
}

void CsrMatmul::RunVector(const float* input, const Epilogue& e, float* output,
                          const ParallelFor& parallel_for) const {
  const int64_t shares = shares_.size() - 1;
  parallel_for(shares, static_cast<int>(shares), [&](int64_t i, int) {
    kernels_.multiply_vector(rows_, shares_[i], shares_[i + 1], input, e.bias,
                             e.residual, e.activation, output);
  });
}

}  // namespace tfprune
