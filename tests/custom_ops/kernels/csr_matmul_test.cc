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

TEST(CsrMatmul, ManyColumns) {
  std::mt19937 random(1);
  for (int64_t columns : {65535, 65536, 65537}) {
    const Matrix matrix = RandomMatrix(3, columns, 0.99, random);
    for (int64_t batch : {1, 9}) Compare(matrix.View(), batch);
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
