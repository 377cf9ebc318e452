#include "csr_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <vector>

#include "problems.h"
#include "reference.h"

namespace tfprune {
namespace {

// A matrix with other values, of 16 bits: near 1 as halves, near 0.01 as
// bfloat16.
struct Shortened {
  explicit Shortened(const Matrix& matrix, Dtype dtype) : csr(matrix.View()) {
    std::mt19937 random(3);
    for (size_t i = 0; i < matrix.values.size(); ++i)
      bits.push_back(static_cast<uint16_t>(0x3c00 + random() % 256));
    csr.values = bits.data();
    csr.dtype = dtype;
  }
  std::vector<uint16_t> bits;
  Csr csr;
};

void Compare(const Csr& weights, int64_t batch,
             std::initializer_list<int> all_threads = {1}) {
  std::mt19937 random(5);
  const auto input = RandomFloats(batch * weights.columns, random);
  const auto bias = RandomFloats(weights.rows, random);
  const auto residual = RandomFloats(batch * weights.rows, random);
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.residual = residual.data();
  epilogue.activation = Activation::kRelu;
  std::vector<float> want(batch * weights.rows);
  ReferenceConv(weights, MatmulShape(weights, batch), input.data(), epilogue,
                want.data());
  for (const LaneKernels* kernels : AllLaneKernels()) {
    if (!kernels->runs_here()) continue;
    for (int threads : all_threads) {
      const auto packed = CsrMatmul::Pack(weights, batch, threads, *kernels);
      ASSERT_NE(packed, nullptr);
      std::vector<float> got(want.size(), NAN);
      ASSERT_TRUE(packed->Run(input.data(), epilogue, got.data(), PoolFor));
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], want[i],
                    2e-6 * std::sqrt(weights.columns + 1) + 1e-6)
            << kernels->name << " batch " << batch << " rows " << weights.rows
            << " columns " << weights.columns << " threads " << threads
            << " at " << i;
      }
    }
  }
}

TEST(CsrMatmul, Sizes) {
  std::mt19937 random(1);
  for (int64_t batch : {0, 1, 2, 7, 8, 9, 15, 16, 17, 113, 227})
    for (int64_t columns : {0, 1, 15, 16, 17, 33, 129, 257})
      for (int64_t rows : {0, 1, 7, 8, 9, 65})
        for (double sparsity : {0.0, 0.5, 0.9, 1.0}) {
          const Matrix matrix = RandomMatrix(rows, columns, sparsity, random);
          Compare(matrix.View(), batch);
        }
}

// Of numbers from -30 to 30, one of which each result is.
TEST(CsrMatmul, Activations) {
  const Matrix matrix = {1, 1, {1}, {0}, {0, 1}};
  std::vector<float> input;
  for (int i = -3000; i <= 3000; ++i) input.push_back(0.01f * i);
  for (Activation activation : kActivations)
    for (int64_t batch : {int64_t{1}, static_cast<int64_t>(input.size())})
      for (const LaneKernels* kernels : AllLaneKernels()) {
        if (!kernels->runs_here()) continue;
        Epilogue epilogue;
        epilogue.activation = activation;
        std::vector<float> want(batch), got(batch, NAN);
        ReferenceConv(matrix.View(), MatmulShape(matrix.View(), batch),
                      input.data(), epilogue, want.data());
        const auto packed = CsrMatmul::Pack(matrix.View(), batch, 1, *kernels);
        ASSERT_TRUE(packed->Run(input.data(), epilogue, got.data(), SerialFor));
        for (int64_t i = 0; i < batch; ++i)
          ASSERT_NEAR(got[i], want[i], 1e-6 + 2e-7 * std::abs(input[i]))
              << kernels->name << " of " << input[i];
      }
}

TEST(CsrMatmul, ActivationsOfWhatIsVeryLargeAndOfNoNumber) {
  const Matrix matrix = {1, 1, {1}, {0}, {0, 1}};
  const std::vector<float> input = {INFINITY, NAN, 3e38f, -3e38f};
  for (Activation activation : kActivations)
    for (int64_t batch : {1, 4})
      for (const LaneKernels* kernels : AllLaneKernels()) {
        if (!kernels->runs_here()) continue;
        Epilogue epilogue;
        epilogue.activation = activation;
        std::vector<float> got(batch);
        const auto packed = CsrMatmul::Pack(matrix.View(), batch, 1, *kernels);
        ASSERT_TRUE(packed->Run(input.data(), epilogue, got.data(), SerialFor));
        const bool is_bounded = activation == Activation::kRelu6;
        EXPECT_EQ(got[0], is_bounded ? 6 : INFINITY) << kernels->name;
        if (batch == 1) continue;
        EXPECT_TRUE(std::isnan(got[1])) << kernels->name;
        EXPECT_EQ(got[2], is_bounded ? 6 : 3e38f) << kernels->name;
        const bool is_linear = activation == Activation::kNone;
        EXPECT_NEAR(got[3], is_linear ? -3e38f : 0, 1e-30) << kernels->name;
      }
}

TEST(CsrMatmul, ManyColumns) {
  std::mt19937 random(1);
  for (int64_t columns : {8191, 8192, 65535, 65536, 65537}) {
    const Matrix matrix = RandomMatrix(3, columns, 0.99, random);
    for (int64_t batch : {1, 9}) Compare(matrix.View(), batch);
  }
}

// Rows of 0 to 8 nonzeros, none of which meets the infinite column 0.
TEST(CsrMatmul, InfinitiesWithoutWeights) {
  Matrix matrix = {9, 9, {}, {}, {0}};
  for (int32_t row = 0; row < 9; ++row) {
    for (int32_t column = 1; column <= row; ++column) {
      matrix.values.push_back(1);
      matrix.column_indices.push_back(column);
    }
    matrix.row_offsets.push_back(static_cast<int32_t>(matrix.values.size()));
  }
  for (int64_t batch : {1, 2, 9, 33, 65, 300}) {
    std::vector<float> input(batch * 9, 1);
    for (int64_t i = 0; i < batch; ++i) input[i * 9] = INFINITY;
    for (const LaneKernels* kernels : AllLaneKernels()) {
      if (!kernels->runs_here()) continue;
      const auto packed = CsrMatmul::Pack(matrix.View(), batch, 1, *kernels);
      ASSERT_NE(packed, nullptr);
      std::vector<float> got(batch * 9, NAN);
      ASSERT_TRUE(packed->Run(input.data(), {}, got.data(), PoolFor));
      for (int64_t i = 0; i < batch * 9; ++i)
        ASSERT_EQ(got[i], i % 9) << kernels->name << " batch " << batch;
    }
  }
}

TEST(CsrMatmul, SharesOfThreads) {
  std::mt19937 random(1);
  for (double sparsity : {0.0, 0.9}) {
    const Matrix matrix = RandomMatrix(700, 1000, sparsity, random);
    for (int64_t batch : {1, 40}) Compare(matrix.View(), batch, {1, 2, 3, 8});
  }
}

TEST(CsrMatmul, ShortValues) {
  std::mt19937 random(1);
  for (int64_t columns : {10, 16, 100})
    for (Dtype dtype : {Dtype::kBfloat16, Dtype::kHalf}) {
      const Matrix matrix = RandomMatrix(11, columns, 0.5, random);
      const Shortened shortened(matrix, dtype);
      for (int64_t batch : {1, 9}) Compare(shortened.csr, batch);
    }
}

}  // namespace
}  // namespace tfprune
