#include "tuning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "lane_kernels.h"
#include "layout.h"
#include "problems.h"
#include "rounding.h"

namespace tfprune {
namespace {

ConvShape Images(int64_t batch, int64_t size, int64_t channels, int64_t filters,
                 int64_t kernel) {
  ConvShape s;
  s.batch = batch;
  s.height = s.width = size;
  s.channels = channels;
  s.filters = filters;
  s.kernel_height = s.kernel_width = kernel;
  return Padded(s, Padding::kSame);
}

int64_t Weights(const ConvShape& s) {
  return s.kernel_height * s.kernel_width * s.channels / s.groups * s.filters;
}

// Shapes from one pixel to many, small and large layers, without any channel,
// with strides, dilations and groups.
std::vector<ConvShape> Shapes() {
  std::vector<ConvShape> shapes;
  for (int64_t batch : {1, 3, 16})
    for (int64_t size : {1, 7, 56})
      for (int64_t channels : {1, 64, 1024})
        for (int64_t kernel : {1, 3, 5})
          shapes.push_back(Images(batch, size, channels, 48, kernel));
  shapes.push_back(Images(1, 7, 0, 5, 3));
  ConvShape strided = Images(2, 15, 8, 8, 3);
  strided.stride_height = 2;
  strided.dilation_width = 2;
  strided.groups = 4;
  shapes.push_back(Padded(strided, Padding::kValid));
  return shapes;
}

// Calls work(shape, nonzeros, threads, kernels) for all of these together.
void ForEachProblem(const std::function<void(const ConvShape&, int64_t, int,
                                             const LaneKernels&)>& work) {
  for (const ConvShape& shape : Shapes())
    for (int64_t nonzeros : {int64_t{0}, Weights(shape) / 10, Weights(shape)})
      for (int threads : {1, 2, 7})
        for (const LaneKernels* kernels : AllLaneKernels()) {
          SCOPED_TRACE(testing::Message()
                       << kernels->name << " batch " << shape.batch << " size "
                       << shape.height << " channels " << shape.channels
                       << " kernel " << shape.kernel_height << " nonzeros "
                       << nonzeros << " threads " << threads);
          work(shape, nonzeros, threads, *kernels);
        }
}

TEST(UsefulThreads, IsOneBelowAnAmountOfWork) {
  // 1000 pixels, of which packing and storing cost 4 multiplications each.
  ConvShape shape;
  shape.width = shape.out_width = 1000;
  EXPECT_EQ(UsefulThreads(shape, 1491, 4), 1);
  EXPECT_EQ(UsefulThreads(shape, 1492, 4), 4);
  EXPECT_EQ(UsefulThreads(shape, 1492, 1), 1);
  EXPECT_EQ(UsefulThreads(shape, 1492, 0), 1);
  EXPECT_EQ(UsefulThreads(shape, 1492, -1), 1);
  EXPECT_EQ(UsefulThreads(shape, 0, 4), 1);
}

TEST(UsefulThreads, CountsPackingAndStoring) {
  EXPECT_EQ(UsefulThreads(Images(1, 56, 256, 256, 1), 0, 4), 4);
  EXPECT_EQ(UsefulThreads(Images(1, 56, 32, 32, 1), 0, 4), 1);
}

TEST(ThreadsAwake, AreForSmallProducts) {
  ConvShape shape = Images(1, 4, 64, 64, 1);
  EXPECT_EQ(ThreadsAwake(shape, 10'000, 8), 1);
  EXPECT_EQ(ThreadsAwake(shape, 20'000, 8), 3);
  EXPECT_EQ(ThreadsAwake(shape, 20'000, 2), 2);
  EXPECT_EQ(ThreadsAwake(shape, 20'000, 0), 1);
  EXPECT_EQ(ThreadsAwake(shape, 100'000, 8), 1);
  shape.kernel_width = 3;
  EXPECT_EQ(ThreadsAwake(shape, 20'000, 8), 1);
}

TEST(UsefulThreads, DoesNotOverflow) {
  constexpr int64_t kMost = (int64_t{1} << 31) - 1;
  ConvShape shape;
  shape.width = shape.out_width = kMost;
  EXPECT_EQ(UsefulThreads(shape, kMost, 4), 4);
}

TEST(FilterBlock, GivesEqualSharesInWholeCacheLines) {
  EXPECT_EQ(FilterBlock(Images(1, 1, 1, 1, 1), 8, 256), 16);
  EXPECT_EQ(FilterBlock(Images(1, 1, 1, 64, 1), 1, 256), 64);
  EXPECT_EQ(FilterBlock(Images(1, 1, 1, 64, 1), 4, 256), 16);
  EXPECT_EQ(FilterBlock(Images(1, 1, 1, 100, 1), 4, 256), 32);
  // 2 blocks of 129 and 128 rather than of 256 and 1.
  EXPECT_EQ(FilterBlock(Images(1, 1, 1, 257, 1), 1, 256), 144);
}

TEST(FilterBlock, KeepsItsBounds) {
  for (int64_t filters : {1, 15, 16, 17, 255, 256, 257, 1000, 4096})
    for (int threads : {1, 2, 3, 64})
      for (int64_t most : {16, 64, 256}) {
        const int64_t block =
            FilterBlock(Images(1, 1, 1, filters, 1), threads, most);
        EXPECT_GE(block, 16);
        EXPECT_LE(block, most);
        EXPECT_EQ(block % 16, 0);
        EXPECT_LE(block, RoundUp(DivideUp(filters, threads), 16));
      }
}

TEST(TilesOfStrip, CoversEveryPosition) {
  const Layout layout(Images(1, 13, 4, 4, 3), 1, 8);
  Tuning tuning;
  for (int64_t vectors = 1; vectors <= layout.strip() + 1; ++vectors) {
    tuning.vectors = vectors;
    const int64_t tiles = TilesOfStrip(layout, tuning);
    EXPECT_GE(tiles * vectors, layout.strip());
    EXPECT_LT((tiles - 1) * vectors, layout.strip());
  }
}

TEST(Tune, KeepsWithinShapeAndRegisters) {
  ForEachProblem([](const ConvShape& shape, int64_t nonzeros, int threads,
                    const LaneKernels& kernels) {
    const Tuning tuning = Tune(shape, nonzeros, threads, kernels, {});
    ASSERT_GE(tuning.images, 1);
    EXPECT_EQ(kernels.lanes % tuning.images, 0);
    EXPECT_TRUE(tuning.images == 1 || tuning.images < 2 * shape.batch);
    const Layout layout(shape, tuning.images, kernels.lanes);
    EXPECT_GE(tuning.vectors, 1);
    EXPECT_LE(tuning.vectors,
              std::min<int64_t>(kernels.most_vectors, layout.strip()));
    EXPECT_GE(tuning.tiles, 1);
    EXPECT_LE(tuning.tiles, TilesOfStrip(layout, tuning));
    EXPECT_GE(tuning.channel_block, 1);
    EXPECT_LE(tuning.channel_block, std::max<int64_t>(shape.channels, 1));
    EXPECT_GE(tuning.filter_block, 16);
    EXPECT_EQ(tuning.filter_block % 16, 0);
  });
}

TEST(Tune, KeepsWhatIsWanted) {
  const Tuning all = {2, 3, 4, 5, 32};
  int64_t Tuning::* const fields[] = {&Tuning::images, &Tuning::vectors,
                                      &Tuning::tiles, &Tuning::channel_block,
                                      &Tuning::filter_block};
  const ConvShape shape = Images(4, 28, 32, 64, 3);
  for (const LaneKernels* kernels : AllLaneKernels()) {
    SCOPED_TRACE(kernels->name);
    const auto tuned = [&](const Tuning& wanted) {
      return Tune(shape, Weights(shape) / 10, 2, *kernels, wanted);
    };
    const Tuning same = tuned(all);
    for (const auto field : fields) {
      EXPECT_EQ(same.*field, all.*field);
      Tuning wanted;
      wanted.*field = all.*field;
      const Tuning found = tuned(wanted);
      EXPECT_EQ(found.*field, all.*field);
      for (const auto other : fields) EXPECT_GE(found.*other, 1);
    }
  }
}

// Where groups of images do not suffice, strips are cut into as many pieces as
// there are threads, if they have as many tiles.
TEST(Tune, LeavesNoThreadWithoutAPiece) {
  ForEachProblem([](const ConvShape& shape, int64_t nonzeros, int threads,
                    const LaneKernels& kernels) {
    const Tuning tuning = Tune(shape, nonzeros, threads, kernels, {});
    const Layout layout(shape, tuning.images, kernels.lanes);
    if (layout.groups() >= threads) return;
    const int64_t tiles = TilesOfStrip(layout, tuning);
    EXPECT_LE(tuning.tiles, DivideUp(tiles, threads));
  });
}

TEST(Tune, SharesTheFiltersAmongThreads) {
  for (const LaneKernels* kernels : AllLaneKernels())
    for (int threads : {1, 2, 8}) {
      const ConvShape shape = Images(1, 7, 512, 2048, 1);
      const Tuning tuning =
          Tune(shape, Weights(shape) / 10, threads, *kernels, {});
      EXPECT_GE(DivideUp(shape.filters, tuning.filter_block), threads);
    }
}

// Dense blocks of channels fit into the L1 cache of 32 KB; where filters have
// next to nothing in them, there are more channels.
TEST(Tune, MakesBlocksOfChannelsFitTheCache) {
  const ConvShape shape = Images(1, 28, 1024, 64, 3);
  for (const LaneKernels* kernels : AllLaneKernels()) {
    SCOPED_TRACE(kernels->name);
    const Tuning dense = Tune(shape, Weights(shape), 1, *kernels, {});
    const int64_t positions = kernels->generates_code
                                  ? shape.kernel_height * shape.kernel_width
                                  : shape.kernel_height * (dense.vectors + 2);
    EXPECT_LE(dense.channel_block * positions * kernels->lanes * sizeof(float),
              32u * 1024);
    if (kernels->generates_code) continue;
    const Tuning sparse = Tune(shape, Weights(shape) / 1000, 1, *kernels, {});
    EXPECT_GT(sparse.channel_block, dense.channel_block);
    const Tuning empty = Tune(shape, 0, 1, *kernels, {});
    EXPECT_EQ(empty.channel_block, shape.channels);
  }
}

// Small images share vectors, whose lanes they would leave empty; large ones
// have none to share.
TEST(Tune, JoinsSmallImages) {
  for (const LaneKernels* kernels : AllLaneKernels()) {
    SCOPED_TRACE(kernels->name);
    const ConvShape small = Images(64, 2, 64, 64, 3);
    EXPECT_GT(Tune(small, Weights(small), 1, *kernels, {}).images, 1);
    const ConvShape alone = Images(1, 2, 64, 64, 3);
    EXPECT_EQ(Tune(alone, Weights(alone), 1, *kernels, {}).images, 1);
  }
}

}  // namespace
}  // namespace tfprune
