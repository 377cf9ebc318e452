#include "masking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace tfprune {
namespace {

// From nothing to more than one chunk, streamed and not, with and without rest.
constexpr int64_t kCounts[] = {0,  1,   15,     16,     17,
                               64, 257, 262144, 262159, 4 * 1024 * 1024 + 33};

std::vector<float> Numbers(int64_t count, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& x : numbers) x = normal(random);
  constexpr float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),
                                std::numeric_limits<float>::infinity(), -0.0f,
                                std::numeric_limits<float>::denorm_min()};
  for (int64_t i = 0; i < count; i += 7) numbers[i] = kSpecial[i / 7 % 4];
  return numbers;
}

std::vector<uint8_t> Mask(int64_t count) {
  std::mt19937 random(3);
  std::vector<uint8_t> mask(count);
  for (uint8_t& keeps : mask) keeps = random() & 1;
  return mask;
}

bool SameBits(const float* one, const float* other, int64_t count) {
  return count == 0 || std::memcmp(one, other, count * sizeof *one) == 0;
}

TEST(Where, EqualsALoop) {
  for (int64_t count : kCounts)
    for (bool has_other : {false, true})
      for (int offset : {0, 1})  // results that are on a cache line, and not
        for (int threads : {1, 3}) {
          const auto mask = Mask(count);
          const auto one = Numbers(count, 1), other = Numbers(count, 2);
          std::vector<float> expected(count), to(count + 32, 5.0f);
          for (int64_t i = 0; i < count; ++i)
            expected[i] = mask[i] ? one[i] : has_other ? other[i] : 0.0f;
          const auto at = reinterpret_cast<uintptr_t>(to.data());
          float* begin = to.data() + (64 - at % 64) % 64 / 4 + offset;
          Where where;
          where.mask = mask.data();
          where.one = one.data();
          where.other = has_other ? other.data() : nullptr;
          where.count = count;
          where.to = begin;
          where.Run(threads, PoolFor);
          EXPECT_TRUE(SameBits(begin, expected.data(), count)) << count;
          EXPECT_EQ(begin[count], 5.0f);
        }
}

TEST(Where, WritesInPlace) {
  const auto mask = Mask(1000);
  const auto one = Numbers(1000, 1);
  auto other = Numbers(1000, 2);
  auto expected = other;
  for (int i = 0; i < 1000; ++i)
    if (mask[i]) expected[i] = one[i];
  Where where;
  where.mask = mask.data();
  where.one = one.data();
  where.other = where.to = other.data();
  where.count = 1000;
  where.Run(1, PoolFor);
  EXPECT_TRUE(SameBits(other.data(), expected.data(), 1000));
}

TEST(Hysteresis, EqualsALoop) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (int64_t count : kCounts)
    for (bool shows : {false, true})
      for (auto [lower, upper] :
           {std::pair{0.5f, 0.7f}, std::pair{0.5f, 0.5f}, std::pair{0.0f, 0.0f},
            std::pair{-kInfinity, kInfinity}}) {
        const auto weights = Numbers(count, 1);
        const auto kept = Mask(count);
        std::vector<uint8_t> to(count);
        std::vector<float> shown(count);
        Hysteresis decide;
        decide.weights = weights.data();
        decide.kept = kept.data();
        decide.lower = lower;
        decide.upper = upper;
        decide.count = count;
        decide.to = to.data();
        if (shows) decide.shown = shown.data();
        decide.Run(2, PoolFor);
        for (int64_t i = 0; i < count; ++i) {
          const float magnitude = std::fabs(weights[i]);
          const bool stays =
              (kept[i] && !(magnitude <= lower)) || magnitude > upper;
          ASSERT_EQ(to[i], stays) << count << " " << i;
          const float expected = shows && stays ? weights[i] : 0.0f;
          ASSERT_TRUE(SameBits(&shown[i], &expected, 1)) << count << " " << i;
        }
      }
}

TEST(Hysteresis, InfiniteLimitsKeepAMaskAsItIs) {
  const auto weights = Numbers(1000, 1);
  const auto kept = Mask(1000);
  std::vector<uint8_t> to(1000);
  Hysteresis decide;
  decide.weights = weights.data();
  decide.kept = kept.data();
  decide.lower = -std::numeric_limits<float>::infinity();
  decide.upper = std::numeric_limits<float>::infinity();
  decide.count = 1000;
  decide.to = to.data();
  decide.Run(1, PoolFor);
  EXPECT_EQ(to, kept);
}

}  // namespace
}  // namespace tfprune
