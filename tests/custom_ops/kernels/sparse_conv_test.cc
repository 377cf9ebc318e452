#include "sparse_conv.h"

#include <gtest/gtest.h>

#include "conv_problem.h"
#include "problems.h"

namespace tfprune {
namespace {

constexpr double kSparsities[] = {0, 0.5, 0.9, 1};

void Compare(const Problem& problem, const Tuning& tuning, int threads) {
  problem.Compare(
      [&](const Csr& weights, const ConvShape& shape, int threads,
          const LaneKernels& kernels) {
        return SparseConv::Pack(weights, shape, threads, kernels, tuning);
      },
      threads);
}

void Compare(const ConvShape& shape, double sparsity, Epilogue epilogue = {}) {
  Compare(Problem(shape, sparsity, epilogue), {}, 1);
}

TEST(SparseConv, EverySizeAroundATile) {
  for (int64_t width : {1, 2, 7, 8, 13, 14, 15, 55, 111, 112, 113, 127})
    for (double sparsity : kSparsities) {
      ConvShape shape;
      shape.height = 3;
      shape.width = width;
      shape.channels = 5;
      shape.filters = 9;
      shape.kernel_height = shape.kernel_width = 3;
      Compare(Padded(shape, Padding::kSame), sparsity);
      Compare(Padded(shape, Padding::kValid), sparsity);
    }
}

TEST(SparseConv, Channels) {
  for (int64_t channels : {1, 2, 7, 8, 9, 16, 17, 63, 64, 65, 131})
    for (int64_t filters : {1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 131}) {
      ConvShape shape;
      shape.height = shape.width = 5;
      shape.channels = channels;
      shape.filters = filters;
      shape.kernel_height = shape.kernel_width = 3;
      Compare(Padded(shape, Padding::kSame), 0.9);
    }
}

TEST(SparseConv, StridesDilationsAndKernels) {
  for (int64_t stride_y : {1, 2, 3})
    for (int64_t stride_x : {1, 2, 3})
      for (int64_t dilation : {1, 2, 3})
        for (int64_t kernel : {1, 2, 3, 5, 7})
          for (Padding padding : {Padding::kSame, Padding::kValid}) {
            ConvShape shape;
            shape.batch = 2;
            shape.height = 13;
            shape.width = 17;
            shape.channels = 3;
            shape.filters = 4;
            shape.kernel_height = kernel;
            shape.kernel_width = kernel == 5 ? 2 : kernel;
            shape.stride_height = stride_y;
            shape.stride_width = stride_x;
            shape.dilation_height = dilation;
            shape.dilation_width = dilation == 2 ? 3 : dilation;
            Compare(Padded(shape, padding), 0.5);
          }
}

TEST(SparseConv, ExplicitPadding) {
  for (int64_t top : {0, 1, 2, 4})
    for (int64_t left : {0, 1, 3, 4})
      for (int64_t stride : {1, 2})
        for (int64_t out : {1, 4, 5}) {
          ConvShape shape;
          shape.height = shape.width = 9;
          shape.channels = 2;
          shape.filters = 3;
          shape.kernel_height = shape.kernel_width = 5;
          shape.stride_height = shape.stride_width = stride;
          shape.pad_top = top;
          shape.pad_left = left;
          shape.out_height = out;
          shape.out_width = 5;
          shape.batch = 2;
          Compare(shape, 0.5);
        }
}

TEST(SparseConv, LargerThanCaches) {
  ConvShape shape;
  shape.height = 1;
  shape.width = 131'101;
  shape.channels = shape.filters = 64;
  Compare(Problem(Padded(shape, Padding::kSame), 0.99), {}, 2);
  shape.filters = 65;
  Compare(Padded(shape, Padding::kSame), 0.99);
}

TEST(SparseConv, Groups) {
  for (int64_t groups : {1, 2, 3, 4, 12})
    for (int64_t multiplier : {1, 2, 16})
      for (int64_t stride : {1, 2}) {
        ConvShape shape;
        shape.height = shape.width = 9;
        shape.channels = 12;
        shape.filters = 12 * multiplier;
        shape.groups = groups;
        shape.kernel_height = shape.kernel_width = 3;
        shape.stride_height = shape.stride_width = stride;
        Compare(Padded(shape, Padding::kSame), 0.5);
      }
}

TEST(SparseConv, BatchesAndSharedLines) {
  for (int64_t batch : {0, 1, 2, 3, 5, 8, 9, 16, 17}) {
    ConvShape shape;
    shape.batch = batch;
    shape.height = 7;
    shape.width = 6;
    shape.channels = 130;
    shape.filters = 140;
    shape.kernel_height = shape.kernel_width = 3;
    const Problem problem(Padded(shape, Padding::kSame), 0.9);
    for (int64_t images : {0, 1, 2, 8})
      for (int threads : {1, 2, 3}) {
        Tuning tuning;
        tuning.images = images;
        Compare(problem, tuning, threads);
      }
  }
}

TEST(SparseConv, EveryTuning) {
  ConvShape shape;
  shape.batch = 3;
  shape.height = 11;
  shape.width = 13;
  shape.channels = 20;
  shape.filters = 30;
  shape.kernel_height = shape.kernel_width = 3;
  for (int64_t groups : {1, 5}) {
    shape.groups = groups;
    const Problem problem(Padded(shape, Padding::kSame), 0.5);
    for (int64_t vectors : {1, 2, 3, 4, 5, 6})
      for (int64_t tiles : {1, 2, 5})
        for (int64_t channel_block : {1, 3, 20, 50})
          for (int64_t filter_block : {1, 7, 8, 30, 64}) {
            Tuning tuning;
            tuning.vectors = vectors;
            tuning.tiles = tiles;
            tuning.channel_block = channel_block;
            tuning.filter_block = filter_block;
            Compare(problem, tuning, 2);
          }
  }
}

TEST(SparseConv, Epilogues) {
  const float present = 0;
  for (bool bias : {false, true})
    for (bool residual : {false, true})
      for (Activation activation : kActivations)
        for (int64_t filters : {3, 8, 70}) {
          ConvShape shape;
          shape.batch = 2;
          shape.height = shape.width = 6;
          shape.channels = 40;
          shape.filters = filters;
          shape.kernel_height = shape.kernel_width = 3;
          Epilogue epilogue;
          if (bias) epilogue.bias = &present;
          if (residual) epilogue.residual = &present;
          epilogue.activation = activation;
          Compare(Padded(shape, Padding::kSame), 0.1, epilogue);
        }
}

TEST(SparseConv, Pools) {
  for (int64_t window : {1, 2, 3})
    for (int64_t stride : {1, 2, 3})
      for (int64_t kernel : {1, 3})
        for (int64_t batch : {1, 3, 9})
          for (int64_t filters : {5, 150})
            for (Padding padding : {Padding::kSame, Padding::kValid}) {
              ConvShape shape;
              shape.batch = batch;
              shape.height = 9;
              shape.width = 10;
              shape.channels = 4;
              shape.filters = filters;
              shape.kernel_height = shape.kernel_width = kernel;
              shape = Padded(shape, Padding::kSame);
              ConvShape as_conv = shape;
              as_conv.height = shape.out_height;
              as_conv.width = shape.out_width;
              as_conv.kernel_height = as_conv.kernel_width = window;
              as_conv.stride_height = as_conv.stride_width = stride;
              as_conv = Padded(as_conv, padding);
              Epilogue epilogue;
              epilogue.pool = {window,
                               window,
                               stride,
                               stride,
                               as_conv.pad_top,
                               as_conv.pad_left,
                               as_conv.out_height,
                               as_conv.out_width};
              ASSERT_EQ(Check(epilogue.pool, shape), "");
              Compare(Problem(shape, 0.5, epilogue), {}, 2);
            }
}

TEST(SparseConv, NothingToDo) {
  for (int64_t zero = 0; zero < 4; ++zero) {
    ConvShape shape;
    shape.height = shape.width = 4;
    int64_t* sizes[] = {&shape.batch, &shape.height, &shape.channels,
                        &shape.filters};
    *sizes[zero] = 0;
    Compare(Padded(shape, Padding::kSame), 0.5);
  }
}

}  // namespace
}  // namespace tfprune
