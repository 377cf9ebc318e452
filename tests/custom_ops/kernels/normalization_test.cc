#include "normalization.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "problems.h"

namespace tfprune {
namespace {

double Expected(const NormalizeArgs& a, int64_t row, int64_t column) {
  const float* from = a.from + row * a.width;
  double mean = 0, variance = 0;
  for (int64_t i = 0; a.centered && i < a.width; ++i) mean += from[i];
  mean /= a.width;
  for (int64_t i = 0; i < a.width; ++i)
    variance += (from[i] - mean) * (from[i] - mean);
  const double x =
      (from[column] - mean) / std::sqrt(variance / a.width + a.epsilon);
  return x * (a.gamma ? a.gamma[column] : 1) + (a.beta ? a.beta[column] : 0);
}

void Compare(NormalizeArgs args, int threads) {
  for (const LaneKernels* kernels : AllLaneKernels()) {
    if (!kernels->runs_here()) continue;
    std::vector<float> got(args.rows * args.width + 1, NAN);
    got.back() = 7;
    args.to = got.data();
    NormalizeRows(args, threads, PoolFor, *kernels);
    ASSERT_EQ(got.back(), 7) << "written behind the end";
    for (int64_t i = 0; i < args.rows * args.width; ++i)
      ASSERT_NEAR(got[i], Expected(args, i / args.width, i % args.width), 4e-6)
          << kernels->name << " width " << args.width;
  }
}

TEST(Normalization, Sizes) {
  std::mt19937 random(1);
  for (int64_t rows : {0, 1, 3})
    for (int64_t width : {1, 7, 8, 15, 16, 17, 384}) {
      const auto from = RandomFloats(rows * width, random);
      const auto gamma = RandomFloats(width, random);
      const auto beta = RandomFloats(width, random);
      NormalizeArgs args;
      args.from = from.data();
      args.rows = rows;
      args.width = width;
      args.epsilon = 1e-3f;
      Compare(args, 1);
      args.gamma = gamma.data();
      Compare(args, 1);
      args.beta = beta.data();
      args.centered = false;
      Compare(args, 1);
    }
}

TEST(Normalization, SharesOfThreads) {
  std::mt19937 random(1);
  for (int64_t rows : {1, 5, 701}) {
    const auto from = RandomFloats(rows * 384, random);
    NormalizeArgs args;
    args.from = from.data();
    args.rows = rows;
    args.width = 384;
    args.epsilon = 1e-6f;
    for (int threads : {1, 2, 3, 8}) Compare(args, threads);
  }
}

}  // namespace
}  // namespace tfprune
