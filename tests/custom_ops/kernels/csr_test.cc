#include "csr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "conv_shape.h"
#include "number_formats.h"
#include "problems.h"

namespace tfprune {
namespace {

Matrix Good() { return {3, 8, {1, 2, 3, 4, 5}, {0, 7, 1, 3, 4}, {0, 2, 2, 5}}; }

Matrix AllOnes(int64_t rows, int64_t columns) {
  std::mt19937 random(0);
  return RandomMatrix(rows, columns, 0, random);
}

void ExpectProblem(const std::string& problem, const std::string& part) {
  EXPECT_NE(problem.find(part), std::string::npos) << problem;
}

TEST(Csr, AcceptsGoodMatrices) {
  EXPECT_EQ(Check(Good().View()), "");
  const Matrix empty = {0, 0, {}, {}, {0}};
  EXPECT_EQ(Check(empty.View()), "");
  const Matrix no_columns = {2, 0, {}, {}, {0, 0, 0}};
  EXPECT_EQ(Check(no_columns.View()), "");
}

TEST(Csr, RefusesOffsets) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  const std::vector<std::vector<int32_t>> bad = {
      {1, 2, 2, 5}, {-1, 2, 2, 5}, {0, 3, 2, 5},     {0, 6, 2, 5},
      {0, 2, 2, 4}, {0, 2, 2, 6},  {0, 2, 2, kMost}, {0, -2, 2, 5}};
  for (const auto& offsets : bad) {
    Matrix matrix = Good();
    matrix.row_offsets = offsets;
    ExpectProblem(Check(matrix.View()), "row_offsets must");
  }
}

TEST(Csr, RefusesColumns) {
  constexpr int32_t kLimits[] = {std::numeric_limits<int32_t>::min(), -1, 8,
                                 std::numeric_limits<int32_t>::max()};
  for (int index = 0; index < 5; ++index)
    for (int32_t column : kLimits) {
      Matrix matrix = Good();
      matrix.column_indices[index] = column;
      const std::string problem = Check(matrix.View());
      ExpectProblem(problem, "Received: " + std::to_string(column));
      ExpectProblem(problem, "at index " + std::to_string(index));
    }
}

TEST(Csr, RefusesSizesOfMoreThan32Bits) {
  Csr csr = Good().View();
  csr.columns = int64_t{1} << 31;
  ExpectProblem(Check(csr), "2^31");
}

TEST(ConvShape, RefusesWhatDoesNotFit) {
  const Matrix matrix = AllOnes(4, 18);
  ConvShape good;
  good.height = good.width = 5;
  good.channels = 2;
  good.filters = 4;
  good.kernel_height = good.kernel_width = 3;
  good = Padded(good, Padding::kSame);
  EXPECT_EQ(Check(good, matrix.View()), "");
  const auto expect = [&](int64_t ConvShape::* field, int64_t value,
                          const char* part) {
    ConvShape bad = good;
    bad.*field = value;
    ExpectProblem(Check(bad, matrix.View()), part);
  };
  constexpr int64_t kHuge = int64_t{1} << 62;
  expect(&ConvShape::batch, -1, "batch must be");
  expect(&ConvShape::batch, kHuge, "batch must be");
  expect(&ConvShape::batch, int64_t{1} << 30, "batch * height * width");
  expect(&ConvShape::kernel_height, 0, "kernel height must be 1 or more");
  expect(&ConvShape::kernel_width, 2, "columns of the weights");
  expect(&ConvShape::stride_width, 0, "stride width must be 1 or more");
  expect(&ConvShape::dilation_height, kHuge, "dilation height must be");
  expect(&ConvShape::pad_top, 3, "padding height must be from 0 to less");
  expect(&ConvShape::pad_left, -1, "padding width must be");
  expect(&ConvShape::out_height, 8, "output height must be from 0 to the 6");
  expect(&ConvShape::groups, 3, "groups must be a divisor");
  expect(&ConvShape::groups, 0, "groups must be a divisor");
  expect(&ConvShape::filters, 5, "rows of the weights");
}

TEST(NumberFormats, Half) {
  EXPECT_EQ(FromHalf(0x3c00), 1.0f);
  EXPECT_EQ(FromHalf(0xc000), -2.0f);
  EXPECT_EQ(FromHalf(0x7bff), 65504.0f);
  EXPECT_EQ(FromHalf(0x0001), 0x1p-24f);
  EXPECT_EQ(FromHalf(0x03ff), 1023 * 0x1p-24f);
  EXPECT_TRUE(std::signbit(FromHalf(0x8000)));
  EXPECT_TRUE(std::isinf(FromHalf(0x7c00)));
  EXPECT_TRUE(std::isnan(FromHalf(0x7e00)));
}

TEST(NumberFormats, Bfloat16) {
  EXPECT_EQ(FromBfloat16(0x3f80), 1.0f);
  EXPECT_EQ(FromBfloat16(0xc040), -3.0f);
}

}  // namespace
}  // namespace tfprune
