#include "winograd_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "problems.h"
#include "reference.h"

namespace tfprune {
namespace {

constexpr double kSparsities[] = {0, 0.5, 0.9, 1};

ConvShape Shape(int64_t kernel, int64_t height, int64_t width, int64_t channels,
                int64_t filters) {
  ConvShape shape;
  shape.kernel_height = shape.kernel_width = kernel;
  shape.height = height;
  shape.width = width;
  shape.channels = channels;
  shape.filters = filters;
  return shape;
}

std::string Describe(const ConvShape& s, double sparsity, int threads) {
  std::string text = "sparsity " + std::to_string(sparsity);
  for (int64_t size : {s.batch, s.height, s.width, s.channels, s.filters,
                       s.kernel_height, s.groups, int64_t{threads}})
    text += " " + std::to_string(size);
  return text;
}

Matrix RandomCoefficients(const ConvShape& shape, double sparsity,
                          std::mt19937& random) {
  const int64_t size = shape.kernel_height + 3;
  return RandomMatrix(shape.filters,
                      size * size * shape.channels / shape.groups, sparsity,
                      random);
}

// Random coefficients are no image of filters: what the transforms amplify does
// not cancel, and errors are in proportion to the largest outputs.
void ExpectNear(const float* got, const std::vector<float>& want) {
  double largest = 1;
  for (float x : want) largest = std::max<double>(largest, std::abs(x));
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_LE(std::abs(got[i] - want[i]), 2e-5 * largest) << "at " << i;
}

// A random problem, and what the reference makes of it.
class Problem {
 public:
  Problem(const ConvShape& shape, double sparsity, Epilogue epilogue = {})
      : shape_(shape),
        sparsity_(sparsity),
        random_(7),
        matrix_(RandomCoefficients(shape, sparsity, random_)),
        input_(RandomFloats(shape.InputPixels() * shape.channels, random_)),
        bias_(RandomFloats(shape.filters, random_)),
        epilogue_(epilogue),
        want_(shape.OutputPixels() * shape.filters) {
    const Csr coefficients = matrix_.View();
    EXPECT_EQ(Check(coefficients), "");
    EXPECT_EQ(CheckWinograd(shape, coefficients), "");
    if (epilogue.bias) epilogue_.bias = bias_.data();
    ReferenceWinograd(coefficients, shape, input_.data(), epilogue_,
                      want_.data());
  }

  // Compares a run with that, on every instruction set of this CPU.
  void Compare(const Tuning& tuning = {}, int threads = 1) const {
    SCOPED_TRACE(Describe(shape_, sparsity_, threads));
    for (const LaneKernels* kernels : AllLaneKernels()) {
      if (!kernels->runs_here()) continue;
      SCOPED_TRACE(kernels->name);
      const auto conv =
          WinogradConv::Pack(matrix_.View(), shape_, threads, *kernels, tuning);
      ASSERT_NE(conv, nullptr);
      std::vector<float> got(want_.size(), NAN);
      ASSERT_TRUE(conv->Run(input_.data(), epilogue_, got.data(), PoolFor));
      ExpectNear(got.data(), want_);
    }
  }

 private:
  const ConvShape shape_;
  const double sparsity_;
  std::mt19937 random_;
  const Matrix matrix_;
  const std::vector<float> input_, bias_;
  Epilogue epilogue_;
  std::vector<float> want_;
};

void Compare(const ConvShape& shape, double sparsity, Epilogue epilogue = {}) {
  Problem(shape, sparsity, epilogue).Compare();
}

TEST(WinogradConv, EverySizeAroundATile) {
  for (int64_t kernel : {3, 5})
    for (int64_t height : {1, 3, 4, 5, 9})
      for (int64_t width : {1, 2, 4, 7, 8, 9, 33})
        for (Padding padding : {Padding::kSame, Padding::kValid})
          Compare(Padded(Shape(kernel, height, width, 3, 5), padding), 0.5);
}

TEST(WinogradConv, Channels) {
  for (int64_t kernel : {3, 5})
    for (int64_t channels : {1, 7, 16, 17, 65})
      for (int64_t filters : {1, 8, 9, 33, 65, 131})
        Compare(Padded(Shape(kernel, 6, 6, channels, filters), Padding::kSame),
                0.9);
}

TEST(WinogradConv, Sparsities) {
  for (int64_t kernel : {3, 5})
    for (double sparsity : kSparsities)
      Compare(Padded(Shape(kernel, 13, 11, 20, 30), Padding::kSame), sparsity);
}

TEST(WinogradConv, Groups) {
  for (int64_t kernel : {3, 5})
    for (int64_t groups : {1, 2, 3, 12}) {
      ConvShape shape = Shape(kernel, 9, 9, 12, 36);
      shape.groups = groups;
      Compare(Padded(shape, Padding::kSame), 0.5);
    }
}

TEST(WinogradConv, BatchesAndThreads) {
  for (int64_t batch : {0, 1, 2, 5, 17}) {
    ConvShape shape = Shape(3, 14, 10, 130, 140);
    shape.batch = batch;
    const Problem problem(Padded(shape, Padding::kSame), 0.9);
    for (int threads : {1, 2, 3}) problem.Compare({}, threads);
  }
}

TEST(WinogradConv, EveryTuning) {
  ConvShape shape = Shape(3, 11, 13, 20, 30);
  shape.batch = 4;
  for (int64_t groups : {1, 5}) {
    shape.groups = groups;
    const Problem problem(Padded(shape, Padding::kSame), 0.5);
    for (int64_t vectors : {1, 2, 3, 6})
      for (int64_t channel_block : {1, 3, 20, 50})
        for (int64_t filter_block : {1, 7, 8, 30, 64}) {
          Tuning tuning;
          tuning.vectors = vectors;
          tuning.channel_block = channel_block;
          tuning.filter_block = filter_block;
          problem.Compare(tuning, 2);
        }
  }
}

TEST(WinogradConv, Epilogues) {
  const float present = 0;
  for (bool bias : {false, true})
    for (Activation activation : kActivations) {
      Epilogue epilogue;
      if (bias) epilogue.bias = &present;
      epilogue.activation = activation;
      Compare(Padded(Shape(5, 6, 6, 9, 70), Padding::kValid), 0.5, epilogue);
    }
}

TEST(WinogradConv, NothingToDo) {
  for (int64_t zero = 0; zero < 4; ++zero) {
    ConvShape shape = Shape(3, 4, 4, 1, 1);
    int64_t* sizes[] = {&shape.batch, &shape.height, &shape.channels,
                        &shape.filters};
    *sizes[zero] = 0;
    Compare(Padded(shape, Padding::kSame), 0.5);
  }
}

TEST(WinogradConv, NotANumberIsNotHidden) {
  std::mt19937 random(7);
  const ConvShape shape = Padded(Shape(3, 8, 8, 2, 3), Padding::kSame);
  Matrix matrix = RandomCoefficients(shape, 0, random);
  matrix.values[matrix.row_offsets[1] + 20] = NAN;
  const auto input = RandomFloats(shape.InputPixels() * 2, random);
  const auto conv = WinogradConv::Pack(matrix.View(), shape, 1);
  std::vector<float> got(shape.OutputPixels() * 3);
  Epilogue epilogue;
  epilogue.activation = Activation::kRelu;
  ASSERT_TRUE(conv->Run(input.data(), epilogue, got.data(), SerialFor));
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(i % 3 == 1 || !std::isnan(got[i]));
  EXPECT_TRUE(std::isnan(got[1]));
}

// G g G^T of dense 3x3 filters must give what the filters themselves do.
TEST(WinogradConv, CoefficientsOfFilters) {
  constexpr double kG[6][3] = {{1. / 4, 0, 0},
                               {-1. / 6, -1. / 6, -1. / 6},
                               {-1. / 6, 1. / 6, -1. / 6},
                               {1. / 24, 1. / 12, 1. / 6},
                               {1. / 24, -1. / 12, 1. / 6},
                               {0, 0, 1}};
  std::mt19937 random(7);
  const ConvShape shape = Padded(Shape(3, 10, 9, 8, 6), Padding::kSame);
  const Matrix filters = RandomMatrix(6, 9 * 8, 0, random);
  Matrix coefficients = {6, 36 * 8, {}, {}, {0}};
  for (int64_t f = 0; f < 6; ++f) {
    for (int64_t p = 0; p < 36; ++p)
      for (int64_t c = 0; c < 8; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < 9; ++i)
          sum += kG[p / 6][i / 3] * kG[p % 6][i % 3] *
                 filters.values[f * 72 + i * 8 + c];
        coefficients.values.push_back(static_cast<float>(sum));
        coefficients.column_indices.push_back(static_cast<int32_t>(p * 8 + c));
      }
    coefficients.row_offsets.push_back(
        static_cast<int32_t>(coefficients.values.size()));
  }
  const auto input = RandomFloats(shape.InputPixels() * 8, random);
  std::vector<float> want(shape.OutputPixels() * 6), got(want.size());
  ReferenceConv(filters.View(), shape, input.data(), {}, want.data());
  const auto conv = WinogradConv::Pack(coefficients.View(), shape, 1);
  ASSERT_TRUE(conv->Run(input.data(), {}, got.data(), SerialFor));
  ExpectNear(got.data(), want);
}

TEST(WinogradConv, RunsInManyThreadsAtOnce) {
  std::mt19937 random(7);
  ConvShape shape = Shape(3, 28, 28, 64, 64);
  shape.batch = 2;
  shape = Padded(shape, Padding::kSame);
  const Matrix matrix = RandomCoefficients(shape, 0.7, random);
  const auto input = RandomFloats(shape.InputPixels() * 64, random);
  const auto conv = WinogradConv::Pack(matrix.View(), shape, 2);
  std::vector<float> want(shape.OutputPixels() * 64);
  ASSERT_TRUE(conv->Run(input.data(), {}, want.data(), SerialFor));
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      std::vector<float> got(want.size());
      for (int run = 0; run < 3; ++run) {
        ASSERT_TRUE(conv->Run(input.data(), {}, got.data(), PoolFor));
        ASSERT_EQ(got, want);
      }
    });
  for (std::thread& caller : callers) caller.join();
}

TEST(WinogradConv, Mistakes) {
  std::mt19937 random(7);
  const ConvShape good = Padded(Shape(3, 9, 9, 4, 6), Padding::kSame);
  const Matrix matrix = RandomCoefficients(good, 0.5, random);
  const Csr csr = matrix.View();
  EXPECT_EQ(CheckWinograd(good, csr), "");
  const auto complaint = [&](int64_t ConvShape::* field, int64_t value) {
    ConvShape shape = good;
    shape.*field = value;
    return CheckWinograd(shape, csr);
  };
  EXPECT_EQ(complaint(&ConvShape::kernel_height, 4),
            "kernel size must be 3 or 5. Received: 4");
  EXPECT_EQ(complaint(&ConvShape::kernel_width, 5),
            "kernel size must be 3 or 5. Received: 5");
  EXPECT_EQ(complaint(&ConvShape::stride_height, 2),
            "strides and dilations must be 1. Received: 2");
  EXPECT_EQ(complaint(&ConvShape::dilation_width, 3),
            "strides and dilations must be 1. Received: 3");
  EXPECT_EQ(complaint(&ConvShape::channels, 5),
            "columns of the coefficients must be 6 * 6 * channels / groups. "
            "Received: 144");
  EXPECT_NE(complaint(&ConvShape::groups, 0), "");
  EXPECT_NE(complaint(&ConvShape::groups, -1), "");
  EXPECT_NE(complaint(&ConvShape::channels, -4), "");
  EXPECT_NE(complaint(&ConvShape::channels, int64_t{1} << 60), "");
  EXPECT_NE(complaint(&ConvShape::filters, 7), "");
  EXPECT_NE(complaint(&ConvShape::out_height, 12), "");
  EXPECT_NE(complaint(&ConvShape::batch, int64_t{1} << 30), "");
}

}  // namespace
}  // namespace tfprune
