#include "parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "problems.h"
#include "sparse_conv.h"

namespace tfprune {
namespace {

TEST(PoolFor, DoesEveryItemOnce) {
  for (int64_t items : {0, 1, 2, 3, 100, 1000})
    for (int threads : {1, 2, 5}) {
      std::vector<std::atomic<int>> done(items);
      PoolFor(items, threads, [&](int64_t item, int slot) {
        ASSERT_LT(slot, threads);
        ++done[item];
      });
      for (const auto& count : done) ASSERT_EQ(count, 1);
    }
}

TEST(PoolFor, GivesASlotToOneAtATime) {
  constexpr int kThreads = 4;
  std::vector<std::atomic<int>> inside(kThreads);
  for (int round = 0; round < 200; ++round)
    PoolFor(50, kThreads, [&](int64_t, int slot) {
      ASSERT_EQ(inside[slot]++, 0);
      --inside[slot];
    });
}

// Alone at first, and shared as soon as another loop was just done.
TEST(SmallFor, IsSharedBehindAnotherLoop) {
  int shared = 0;
  const ParallelFor count = [&](int64_t items, int, const auto& work) {
    ++shared;
    SerialFor(items, 1, work);
  };
  std::atomic<int64_t> sum{0};
  const auto add = [&](int64_t item, int) { sum += item; };
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  SmallFor(count, 4, 2, add);
  EXPECT_EQ(shared, 0);
  // Somebody else may take the processor away in between.
  for (int round = 0; round < 1000 && !shared; ++round)
    SmallFor(count, 4, 2, add);
  EXPECT_EQ(shared, 1);
  EXPECT_EQ(sum % 6, 0);
  SmallFor(count, 4, 1, add);
  EXPECT_EQ(shared, 1);
}

TEST(PoolFor, ServesManyCallersAndCallersWithin) {
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 64; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        PoolFor(7, 3, [&](int64_t, int) {
          PoolFor(3, 2, [&](int64_t item, int) { sum += item; });
        });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 64 * 20 * 7 * 3);
}

TEST(PoolFor, WorksInAForkedChild) {
  PoolFor(4, 2, [](int64_t, int) {});
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> count{0};
    PoolFor(100, 2, [&](int64_t, int) { ++count; });
    _exit(count == 100 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(SparseConv, RunsInManyThreadsAtOnce) {
  ConvShape shape;
  shape.batch = 4;
  shape.height = shape.width = 14;
  shape.channels = 64;
  shape.filters = 128;
  shape.kernel_height = shape.kernel_width = 3;
  shape = Padded(shape, Padding::kSame);
  std::mt19937 random(1);
  const Matrix matrix = RandomMatrix(128, 576, 0.8, random);
  const auto input = RandomFloats(4 * 14 * 14 * 64, random);
  const auto conv = SparseConv::Pack(matrix.View(), shape, 3);
  std::vector<float> want(4 * 14 * 14 * 128);
  conv->Run(input.data(), {}, want.data(), SerialFor);
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int caller = 0; caller < 16; ++caller)
    callers.emplace_back([&] {
      std::vector<float> got(want.size());
      conv->Run(input.data(), {}, got.data(), PoolFor);
      right += got == want;
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 16);
}

}  // namespace
}  // namespace tfprune
