#include "depthwise_conv.h"

#include <gtest/gtest.h>

#include <vector>

#include "conv_problem.h"
#include "problems.h"

namespace tfprune {
namespace {

ConvShape Shape(int64_t channels, int64_t height, int64_t width) {
  ConvShape shape;
  shape.channels = shape.filters = shape.groups = channels;
  shape.height = height;
  shape.width = width;
  shape.kernel_height = shape.kernel_width = 3;
  return shape;
}

void Compare(const ConvShape& shape, double sparsity = 0, int threads = 1,
             const Epilogue& epilogue = {}) {
  Problem(shape, sparsity, epilogue)
      .Compare(
          [](const Csr& weights, const ConvShape& shape, int threads,
             const LaneKernels& kernels) {
            return DepthwiseConv::Pack(weights, shape, threads, kernels);
          },
          threads);
}

TEST(DepthwiseConv, FitsOneFilterOfEachChannel) {
  ConvShape shape = Shape(16, 5, 5);
  EXPECT_TRUE(DepthwiseConv::Fits(shape));
  shape.filters = 32;
  EXPECT_FALSE(DepthwiseConv::Fits(shape));
  shape.filters = 16;
  shape.groups = 8;
  EXPECT_FALSE(DepthwiseConv::Fits(shape));
  EXPECT_FALSE(DepthwiseConv::Fits(Shape(1, 5, 5)));
  shape = Shape(16, 5, 5);
  shape.kernel_height = 1 << 30;
  EXPECT_FALSE(DepthwiseConv::Fits(shape));
}

TEST(DepthwiseConv, EverySizeAroundASpan) {
  for (int64_t width : {1, 2, 3, 7, 8, 9, 10, 11, 17, 19})
    for (int64_t channels : {1, 7, 8, 9, 15, 16, 17, 31, 33})
      for (Padding padding : {Padding::kSame, Padding::kValid})
        Compare(Padded(Shape(channels, 4, width), padding));
}

TEST(DepthwiseConv, Sparsities) {
  for (double sparsity : {0.0, 0.5, 0.9, 1.0})
    Compare(Padded(Shape(40, 9, 9), Padding::kSame), sparsity);
}

TEST(DepthwiseConv, StridesDilationsAndKernels) {
  for (int64_t stride_y : {1, 2, 3})
    for (int64_t stride_x : {1, 2, 3})
      for (int64_t dilation : {1, 2, 5})
        for (int64_t kernel : {1, 2, 3, 5, 7})
          for (Padding padding : {Padding::kSame, Padding::kValid}) {
            ConvShape shape = Shape(10, 13, 17);
            shape.batch = 2;
            shape.kernel_height = kernel;
            shape.kernel_width = kernel == 5 ? 2 : kernel;
            shape.stride_height = stride_y;
            shape.stride_width = stride_x;
            shape.dilation_height = dilation;
            shape.dilation_width = dilation == 2 ? 3 : dilation;
            Compare(Padded(shape, padding));
          }
}

TEST(DepthwiseConv, ExplicitPadding) {
  for (int64_t top : {0, 1, 4})
    for (int64_t left : {0, 1, 4})
      for (int64_t stride : {1, 2})
        for (int64_t out : {1, 4, 5}) {
          ConvShape shape = Shape(9, 9, 9);
          shape.kernel_height = shape.kernel_width = 5;
          shape.stride_height = shape.stride_width = stride;
          shape.pad_top = top;
          shape.pad_left = left;
          shape.out_height = out;
          shape.out_width = 5;
          shape.batch = 2;
          Compare(shape);
        }
}

TEST(DepthwiseConv, Epilogues) {
  const float present = 0;
  for (bool bias : {false, true})
    for (bool residual : {false, true})
      for (Activation activation : kActivations) {
        Epilogue epilogue;
        if (bias) epilogue.bias = &present;
        if (residual) epilogue.residual = &present;
        epilogue.activation = activation;
        Compare(Padded(Shape(37, 6, 11), Padding::kSame), 0, 1, epilogue);
      }
}

TEST(DepthwiseConv, SharesOfThreads) {
  for (int64_t batch : {0, 1, 3, 16})
    for (int threads : {1, 2, 3}) {
      ConvShape shape = Shape(130, 31, 33);
      shape.batch = batch;
      Compare(Padded(shape, Padding::kSame), 0, threads);
    }
}

TEST(DepthwiseConv, WeightsThatStandTwiceAddUp) {
  ConvShape shape = Shape(8, 1, 1);
  shape.kernel_height = shape.kernel_width = 1;
  shape.out_height = shape.out_width = 1;
  Matrix weights = {8,
                    1,
                    std::vector<float>(9, 1.0f),
                    std::vector<int32_t>(9, 0),
                    {0, 2, 3, 4, 5, 6, 7, 8, 9}};
  const std::vector<float> input(8, 1.0f);
  std::vector<float> output(8);
  const auto conv = DepthwiseConv::Pack(weights.View(), shape, 1);
  ASSERT_NE(conv, nullptr);
  ASSERT_TRUE(conv->Run(input.data(), {}, output.data(), SerialFor));
  EXPECT_EQ(output, (std::vector<float>{2, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(DepthwiseConv, NothingToDo) {
  Compare(Padded(Shape(5, 0, 4), Padding::kSame));
  Compare(Padded(Shape(5, 2, 4), Padding::kValid));
}

}  // namespace
}  // namespace tfprune
