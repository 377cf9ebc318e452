#include "attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "problems.h"

namespace tfprune {
namespace {

bool Sees(const Attention& a, int64_t image, int64_t head, int64_t query,
          int64_t key) {
  if (a.causal && key > query) return false;
  if (!a.mask) return true;
  const int64_t index[] = {image, head, query, key};
  int64_t at = 0;
  for (int axis = 0; axis < 4; ++axis)
    at = at * a.mask_sizes[axis] + (a.mask_sizes[axis] == 1 ? 0 : index[axis]);
  return a.mask[at];
}

// One query of one head, in double precision.
std::vector<double> Reference(const Attention& a, int64_t image, int64_t head,
                              int64_t query) {
  const int64_t shared = head / (a.heads / a.key_heads);
  const float* q =
      a.query + ((image * a.queries + query) * a.heads + head) * a.depth;
  std::vector<double> scores(a.keys);
  for (int64_t key = 0; key < a.keys; ++key) {
    const int64_t row = (image * a.keys + key) * a.key_heads + shared;
    for (int64_t i = 0; i < a.depth; ++i)
      scores[key] += double{q[i]} * a.key[row * a.depth + i];
    scores[key] *= a.scale;
    if (!Sees(a, image, head, query, key)) scores[key] = -2e38;
  }
  const double peak = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - peak);
  std::vector<double> sums(a.value_depth);
  for (int64_t key = 0; key < a.keys; ++key) {
    const int64_t row = (image * a.keys + key) * a.key_heads + shared;
    for (int64_t i = 0; i < a.value_depth; ++i)
      sums[i] += scores[key] / total * a.value[row * a.value_depth + i];
  }
  return sums;
}

// Random tensors, and attention between them.
struct Problem {
  Problem(Attention sizes, std::mt19937& random) : attention(sizes) {
    Attention& a = attention;
    query = RandomFloats(a.batch * a.queries * a.heads * a.depth, random);
    key = RandomFloats(a.batch * a.keys * a.key_heads * a.depth, random);
    value =
        RandomFloats(a.batch * a.keys * a.key_heads * a.value_depth, random);
    a.query = query.data();
    a.key = key.data();
    a.value = value.data();
    a.scale = 0.7f;
  }

  void Mask(const std::vector<int64_t>& sizes, std::mt19937& random) {
    std::bernoulli_distribution sees(0.6);
    int64_t count = 1;
    for (int axis = 0; axis < 4; ++axis)
      count *= attention.mask_sizes[axis] = sizes[axis];
    for (int64_t i = 0; i < count; ++i) mask.push_back(sees(random));
    attention.mask = mask.data();
  }

  void Compare(int threads = 1) {
    Attention& a = attention;
    ASSERT_EQ(a.Check(), "");
    for (const LaneKernels* kernels : AllLaneKernels()) {
      if (!kernels->runs_here()) continue;
      std::vector<float> got(a.batch * a.queries * a.heads * a.value_depth + 1,
                             NAN);
      got.back() = 7;
      a.to = got.data();
      ASSERT_TRUE(a.Run(threads, PoolFor, *kernels));
      ASSERT_EQ(got.back(), 7) << "written behind the end";
      const float* at = got.data();
      for (int64_t image = 0; image < a.batch; ++image)
        for (int64_t query = 0; query < a.queries; ++query)
          for (int64_t head = 0; head < a.heads; ++head)
            for (double expected : Reference(a, image, head, query))
              ASSERT_NEAR(*at++, expected, 2e-6)
                  << kernels->name << " queries " << a.queries << " keys "
                  << a.keys << " depth " << a.depth << " " << a.value_depth;
    }
  }

  Attention attention;
  std::vector<float> query, key, value;
  std::vector<uint8_t> mask;
};

Attention Sizes(int64_t queries, int64_t keys, int64_t depth,
                int64_t value_depth) {
  Attention a;
  a.batch = 2;
  a.heads = a.key_heads = 3;
  a.queries = queries;
  a.keys = keys;
  a.depth = depth;
  a.value_depth = value_depth;
  return a;
}

TEST(Attention, Sizes) {
  std::mt19937 random(1);
  for (int64_t queries : {0, 1, 5, 6, 7, 13})
    for (int64_t keys : {1, 7, 8, 15, 16, 17, 63, 64, 65, 130})
      for (int64_t depth : {0, 1, 8, 17})
        for (int64_t value_depth : {0, 1, 16, 33, 70})
          for (bool causal : {false, true}) {
            Problem problem(Sizes(queries, keys, depth, value_depth), random);
            problem.attention.causal = causal;
            problem.Compare();
          }
}

TEST(Attention, Masks) {
  std::mt19937 random(1);
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{2, 3, 9, 40},
                                            {1, 1, 9, 40},
                                            {2, 1, 1, 40},
                                            {1, 3, 9, 1},
                                            {2, 1, 1, 1},
                                            {1, 1, 1, 40}})
    for (bool causal : {false, true}) {
      Problem problem(Sizes(9, 40, 8, 8), random);
      problem.Mask(sizes, random);
      problem.attention.causal = causal;
      problem.Compare();
    }
}

TEST(Attention, NoKeys) {
  std::mt19937 random(1);
  Problem problem(Sizes(3, 0, 8, 2), random);
  std::vector<float> got(2 * 3 * 3 * 2, NAN);
  problem.attention.to = got.data();
  ASSERT_EQ(problem.attention.Check(), "");
  ASSERT_TRUE(problem.attention.Run(1, SerialFor));
  EXPECT_EQ(got, std::vector<float>(got.size(), 0));
}

// A value that nobody sees counts nothing, and a score that is no number does.
TEST(Attention, WhatIsNoNumber) {
  std::mt19937 random(1);
  for (const LaneKernels* kernels : AllLaneKernels()) {
    if (!kernels->runs_here()) continue;
    Problem problem(Sizes(3, 20, 8, 8), random);
    Attention& a = problem.attention;
    a.heads = a.key_heads = a.batch = 1;
    std::vector<uint8_t> mask(20, 1);
    mask[4] = 0;
    a.mask = mask.data();
    a.mask_sizes[3] = 20;
    problem.value[4 * 8] = 3e38f;
    std::vector<float> got(3 * 8, NAN);
    a.to = got.data();
    ASSERT_TRUE(a.Run(1, SerialFor, *kernels));
    for (float x : got) EXPECT_LT(std::abs(x), 1) << kernels->name;
    problem.query[8] = NAN;
    ASSERT_TRUE(a.Run(1, SerialFor, *kernels));
    for (int i = 0; i < 24; ++i)
      EXPECT_EQ(std::isnan(got[i]), i / 8 == 1) << kernels->name;
  }
}

TEST(Attention, SharedKeys) {
  std::mt19937 random(1);
  for (int64_t key_heads : {1, 2, 6}) {
    Attention sizes = Sizes(9, 11, 8, 5);
    sizes.heads = 6;
    sizes.key_heads = key_heads;
    Problem(sizes, random).Compare();
  }
}

TEST(Attention, SharesOfThreads) {
  std::mt19937 random(1);
  for (int64_t heads : {1, 5})
    for (int threads : {1, 2, 3, 8}) {
      Attention sizes = Sizes(200, 300, 32, 32);
      sizes.batch = 1;
      sizes.heads = sizes.key_heads = heads;
      Problem(sizes, random).Compare(threads);
    }
}

TEST(Attention, LargeScores) {
  std::mt19937 random(1);
  Problem problem(Sizes(7, 20, 8, 8), random);
  problem.attention.scale = 300;
  for (float& x : problem.query) x = std::round(x * 4) / 4;
  for (float& x : problem.key) x = std::round(x * 4) / 4;
  problem.Compare();
}

TEST(Attention, SizesThatDoNotFit) {
  Attention a = Sizes(4, 5, 6, 7);
  a.key_heads = 2;
  EXPECT_NE(a.Check(), "");
  a.key_heads = 0;
  EXPECT_NE(a.Check(), "");
  a = Sizes(4, int64_t{1} << 40, 0, 7);
  EXPECT_NE(a.Check(), "");
  a = Sizes(4, 5, 6, 7);
  const uint8_t mask[4] = {};
  a.mask = mask;
  a.mask_sizes[3] = 4;
  EXPECT_NE(a.Check(), "");
}

}  // namespace
}  // namespace tfprune
