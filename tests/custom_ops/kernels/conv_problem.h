// Random convolutions, and what the reference makes of them.

#ifndef TFPRUNE_TESTS_CONV_PROBLEM_H_
#define TFPRUNE_TESTS_CONV_PROBLEM_H_

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "conv_shape.h"
#include "lane_kernels.h"
#include "parallel.h"
#include "problems.h"
#include "reference.h"

namespace tfprune {

inline std::string Describe(const ConvShape& s, double sparsity, int threads) {
  const std::pair<const char*, int64_t> fields[] = {
      {"batch", s.batch},     {"height", s.height},
      {"width", s.width},     {"channels", s.channels},
      {"filters", s.filters}, {"kernel", s.kernel_height},
      {"by", s.kernel_width}, {"stride", s.stride_height},
      {"by", s.stride_width}, {"dilation", s.dilation_height},
      {"pad", s.pad_top},     {"groups", s.groups},
      {"threads", threads}};
  std::string text = "sparsity " + std::to_string(sparsity);
  for (const auto& [name, value] : fields)
    text += std::string(" ") + name + " " + std::to_string(value);
  return text;
}

inline void ExpectNear(const std::vector<float>& got,
                       const std::vector<float>& want, double terms) {
  ASSERT_EQ(got.size(), want.size());
  const double bound = 1e-6 * std::sqrt(terms + 1) + 1e-6;
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i] == want[i]) continue;
    ASSERT_LE(std::abs(got[i] - want[i]), bound) << "at " << i;
  }
}

// A random problem, and what the reference makes of it.
class Problem {
 public:
  Problem(const ConvShape& shape, double sparsity, Epilogue epilogue = {})
      : shape_(shape),
        sparsity_(sparsity),
        random_(7),
        matrix_(RandomMatrix(shape.filters,
                             shape.kernel_height * shape.kernel_width *
                                 shape.channels / shape.groups,
                             sparsity, random_)),
        input_(RandomFloats(shape.InputPixels() * shape.channels, random_)),
        bias_(RandomFloats(shape.filters, random_)),
        residual_(RandomFloats(shape.OutputPixels() * shape.filters, random_)),
        epilogue_(epilogue) {
    const Csr weights = matrix_.View();
    EXPECT_EQ(Check(weights), "");
    EXPECT_EQ(Check(shape, weights), "");
    if (epilogue.bias) epilogue_.bias = bias_.data();
    if (epilogue.residual) epilogue_.residual = residual_.data();
    const PoolShape& pool = epilogue.pool;
    want_.resize((pool.height ? shape.batch * pool.out_height * pool.out_width
                              : shape.OutputPixels()) *
                 shape.filters);
    ReferenceConv(weights, shape, input_.data(), epilogue_, want_.data());
  }

  // Compares a run of what `pack(weights, shape, threads, kernels)` returns
  // with that, on every instruction set of this CPU.
  template <class Pack>
  void Compare(Pack pack, int threads) const {
    SCOPED_TRACE(Describe(shape_, sparsity_, threads));
    for (const LaneKernels* kernels : AllLaneKernels()) {
      if (!kernels->runs_here()) continue;
      SCOPED_TRACE(kernels->name);
      const auto conv = pack(matrix_.View(), shape_, threads, *kernels);
      ASSERT_NE(conv, nullptr);
      // On a whole cache line, as TensorFlow's tensors are.
      std::vector<float> memory(want_.size() + 16, NAN);
      float* got = memory.data();
      while (reinterpret_cast<uintptr_t>(got) % 64) ++got;
      ASSERT_TRUE(conv->Run(input_.data(), epilogue_, got, PoolFor));
      ExpectNear({got, got + want_.size()}, want_, matrix_.columns);
      if (!epilogue_.residual) continue;
      std::copy(residual_.begin(), residual_.end(), got);
      Epilogue in_place = epilogue_;
      in_place.residual = got;
      ASSERT_TRUE(conv->Run(input_.data(), in_place, got, PoolFor));
      ExpectNear({got, got + want_.size()}, want_, matrix_.columns);
    }
  }

 private:
  const ConvShape shape_;
  const double sparsity_;
  std::mt19937 random_;
  const Matrix matrix_;
  const std::vector<float> input_, bias_, residual_;
  Epilogue epilogue_;
  std::vector<float> want_;
};

}  // namespace tfprune

#endif  // TFPRUNE_TESTS_CONV_PROBLEM_H_
