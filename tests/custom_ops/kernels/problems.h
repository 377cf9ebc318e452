// Random problems for the kernels' tests and benchmarks.

#ifndef TFPRUNE_TESTS_PROBLEMS_H_
#define TFPRUNE_TESTS_PROBLEMS_H_

#include <cstdint>
#include <random>
#include <vector>

#include "conv_shape.h"
#include "csr.h"

namespace tfprune {

struct Matrix {
  int64_t rows, columns;
  std::vector<float> values;
  std::vector<int32_t> column_indices, row_offsets;

  Csr View() const {
    Csr csr;
    csr.rows = rows;
    csr.columns = columns;
    csr.nonzeros = values.size();
    csr.values = values.data();
    csr.column_indices = column_indices.data();
    csr.row_offsets = row_offsets.data();
    return csr;
  }
};

constexpr Activation kActivations[] = {Activation::kNone,
                                       Activation::kRelu,
                                       Activation::kRelu6,
                                       Activation::kGelu,
                                       Activation::kGeluApproximate,
                                       Activation::kSilu};

inline std::vector<float> RandomFloats(int64_t size, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(size);
  for (float& value : values) value = uniform(random);
  return values;
}

inline Matrix RandomMatrix(int64_t rows, int64_t columns, double sparsity,
                           std::mt19937& random) {
  Matrix matrix = {rows, columns, {}, {}, {0}};
  std::bernoulli_distribution is_zero(sparsity);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      if (is_zero(random)) continue;
      matrix.values.push_back(uniform(random));
      matrix.column_indices.push_back(static_cast<int32_t>(column));
    }
    matrix.row_offsets.push_back(static_cast<int32_t>(matrix.values.size()));
  }
  return matrix;
}

enum class Padding { kSame, kValid };

// Fills in padding and output sizes, as TensorFlow has them.
inline ConvShape Padded(ConvShape s, Padding padding) {
  const auto axis = [&](int64_t in, int64_t kernel, int64_t stride,
                        int64_t dilation, int64_t& pad, int64_t& out) {
    const int64_t reach = (kernel - 1) * dilation + 1;
    if (padding == Padding::kValid) {
      pad = 0;
      out = in < reach ? 0 : (in - reach) / stride + 1;
    } else {
      out = (in + stride - 1) / stride;
      const int64_t all = std::max<int64_t>((out - 1) * stride + reach - in, 0);
      pad = all / 2;
    }
  };
  axis(s.height, s.kernel_height, s.stride_height, s.dilation_height, s.pad_top,
       s.out_height);
  axis(s.width, s.kernel_width, s.stride_width, s.dilation_width, s.pad_left,
       s.out_width);
  return s;
}

}  // namespace tfprune

#endif  // TFPRUNE_TESTS_PROBLEMS_H_
