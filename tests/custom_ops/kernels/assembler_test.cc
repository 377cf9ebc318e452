// Encodings of GNU as 2.40 (Intel syntax in comments). Where it would choose a
// shorter form of the same instruction, it was told the one that is emitted:
// `{disp8}` for an offset of 0, and 32 bits for every `add`.

#include "assembler.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

namespace tfprune {
namespace {

constexpr auto kRdi = Assembler::kFirst;
constexpr auto kRsi = Assembler::kSecond;
constexpr auto kRdx = Assembler::kThird;
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

std::string Hex(const Assembler& assembler) {
  std::string text;
  for (uint8_t byte : assembler.code()) {
    char digits[4];
    std::snprintf(digits, sizeof digits, " %02x", byte);
    text += digits;
  }
  return text.empty() ? text : text.substr(1);
}

// Returns the code of one call of a method.
template <class... Parameters, class... Arguments>
std::string Emitted(void (Assembler::*method)(Parameters...),
                    Arguments... arguments) {
  Assembler assembler;
  (assembler.*method)(arguments...);
  EXPECT_EQ(assembler.position(), assembler.code().size());
  return Hex(assembler);
}

// vpxord zmm, zmm, zmm
TEST(Assembler, ZeroEncodesEveryBitOfTheRegister) {
  const std::pair<int, const char*> cases[] = {
      {0, "62 f1 7d 48 ef c0"},  {7, "62 f1 45 48 ef ff"},
      {8, "62 51 3d 48 ef c0"},  {15, "62 51 05 48 ef ff"},
      {16, "62 a1 7d 40 ef c0"}, {23, "62 a1 45 40 ef ff"},
      {24, "62 01 3d 40 ef c0"}, {31, "62 01 05 40 ef ff"}};
  for (const auto& [vector, want] : cases)
    EXPECT_EQ(Emitted(&Assembler::Zero, vector), want) << vector;
}

// vmovups zmm, [rdi + 64]
TEST(Assembler, LoadEncodesEveryBitOfTheRegister) {
  const std::pair<int, const char*> cases[] = {
      {0, "62 f1 7c 48 10 47 01"},  {7, "62 f1 7c 48 10 7f 01"},
      {8, "62 71 7c 48 10 47 01"},  {16, "62 e1 7c 48 10 47 01"},
      {24, "62 61 7c 48 10 47 01"}, {31, "62 61 7c 48 10 7f 01"}};
  for (const auto& [vector, want] : cases)
    EXPECT_EQ(Emitted(&Assembler::Load, vector, kRdi, 64), want) << vector;
}

// vmovups [rdi + 64], zmm
TEST(Assembler, StoreEncodesEveryBitOfTheRegister) {
  const std::pair<int, const char*> cases[] = {
      {0, "62 f1 7c 48 11 47 01"},  {7, "62 f1 7c 48 11 7f 01"},
      {8, "62 71 7c 48 11 47 01"},  {16, "62 e1 7c 48 11 47 01"},
      {24, "62 61 7c 48 11 47 01"}, {31, "62 61 7c 48 11 7f 01"}};
  for (const auto& [vector, want] : cases)
    EXPECT_EQ(Emitted(&Assembler::Store, vector, kRdi, 64), want) << vector;
}

// {disp8} vmovups zmm1, [base + 0] and the like
TEST(Assembler, EncodesTheBase) {
  struct {
    Assembler::Register base;
    const char *load, *store, *multiply_add;
  } const cases[] = {{kRdi, "62 f1 7c 48 10 4f 00", "62 f1 7c 48 11 4f 00",
                      "62 f2 6d 58 b8 4f 00"},
                     {kRsi, "62 f1 7c 48 10 4e 00", "62 f1 7c 48 11 4e 00",
                      "62 f2 6d 58 b8 4e 00"},
                     {kRdx, "62 f1 7c 48 10 4a 00", "62 f1 7c 48 11 4a 00",
                      "62 f2 6d 58 b8 4a 00"}};
  for (const auto& c : cases) {
    EXPECT_EQ(Emitted(&Assembler::Load, 1, c.base, 0), c.load);
    EXPECT_EQ(Emitted(&Assembler::Store, 1, c.base, 0), c.store);
    EXPECT_EQ(Emitted(&Assembler::MultiplyAdd, 1, 2, c.base, 0),
              c.multiply_add);
  }
}

// vmovups zmm17, [rdx + offset] and back. One byte counts vectors of 64 bytes;
// any other offset takes four.
TEST(Assembler, CompressesOffsetsOfVectors) {
  const std::pair<int32_t, const char*> cases[] = {
      {0, "4a 00"},
      {64, "4a 01"},
      {-64, "4a ff"},
      {127 * 64, "4a 7f"},
      {-128 * 64, "4a 80"},
      {128 * 64, "8a 00 20 00 00"},
      {-129 * 64, "8a c0 df ff ff"},
      {4, "8a 04 00 00 00"},
      {-4, "8a fc ff ff ff"},
      {60, "8a 3c 00 00 00"},
      {100, "8a 64 00 00 00"},
      {kMost, "8a ff ff ff 7f"},
      {kLeast, "8a 00 00 00 80"}};
  for (const auto& [offset, want] : cases) {
    EXPECT_EQ(Emitted(&Assembler::Load, 17, kRdx, offset),
              std::string("62 e1 7c 48 10 ") + want)
        << offset;
    EXPECT_EQ(Emitted(&Assembler::Store, 17, kRdx, offset),
              std::string("62 e1 7c 48 11 ") + want)
        << offset;
  }
}

// vfmadd231ps sum, x, [rsi + 4]{1to16}
TEST(Assembler, MultiplyAddEncodesEveryBitOfTheRegisters) {
  struct {
    int sum, x;
    const char* want;
  } const cases[] = {
      {0, 0, "62 f2 7d 58 b8 46 01"},   {7, 8, "62 f2 3d 58 b8 7e 01"},
      {8, 7, "62 72 45 58 b8 46 01"},   {15, 16, "62 72 7d 50 b8 7e 01"},
      {16, 15, "62 e2 05 58 b8 46 01"}, {23, 24, "62 e2 3d 50 b8 7e 01"},
      {24, 23, "62 62 45 50 b8 46 01"}, {31, 0, "62 62 7d 58 b8 7e 01"},
      {0, 31, "62 f2 05 50 b8 46 01"},  {30, 31, "62 62 05 50 b8 76 01"},
      {31, 31, "62 62 05 50 b8 7e 01"}};
  for (const auto& c : cases)
    EXPECT_EQ(Emitted(&Assembler::MultiplyAdd, c.sum, c.x, kRsi, 4), c.want)
        << c.sum << " " << c.x;
}

// vfmadd231ps zmm5, zmm31, [rsi + offset]{1to16}. One byte counts floats, as
// the operand is one that is broadcast.
TEST(Assembler, CompressesOffsetsOfBroadcastFloats) {
  const std::pair<int32_t, const char*> cases[] = {
      {0, "6e 00"},
      {4, "6e 01"},
      {-4, "6e ff"},
      {127 * 4, "6e 7f"},
      {-128 * 4, "6e 80"},
      {128 * 4, "ae 00 02 00 00"},
      {-129 * 4, "ae fc fd ff ff"},
      {1, "ae 01 00 00 00"},
      {2, "ae 02 00 00 00"},
      {-3, "ae fd ff ff ff"},
      {kMost - 3, "ae fc ff ff 7f"},
      {kLeast, "ae 00 00 00 80"}};
  for (const auto& [offset, want] : cases)
    EXPECT_EQ(Emitted(&Assembler::MultiplyAdd, 5, 31, kRsi, offset),
              std::string("62 f2 05 50 b8 ") + want)
        << offset;
}

// add register, number
TEST(Assembler, Advance) {
  EXPECT_EQ(Emitted(&Assembler::Advance, kRdi, 1024), "48 81 c7 00 04 00 00");
  EXPECT_EQ(Emitted(&Assembler::Advance, kRdx, 1024), "48 81 c2 00 04 00 00");
  const std::pair<int32_t, const char*> cases[] = {
      {0, "00 00 00 00"},          {1, "01 00 00 00"},
      {-1, "ff ff ff ff"},         {127, "7f 00 00 00"},
      {1024, "00 04 00 00"},       {kMost, "ff ff ff 7f"},
      {0x12345678, "78 56 34 12"}, {kLeast, "00 00 00 80"}};
  for (const auto& [bytes, want] : cases)
    EXPECT_EQ(Emitted(&Assembler::Advance, kRsi, bytes),
              std::string("48 81 c6 ") + want)
        << bytes;
}

// vzeroupper; ret
TEST(Assembler, Return) {
  EXPECT_EQ(Emitted(&Assembler::Return), "c5 f8 77 c3");
}

TEST(Assembler, AppendsInstructions) {
  Assembler assembler;
  EXPECT_EQ(assembler.position(), 0u);
  assembler.Zero(0);
  EXPECT_EQ(assembler.position(), 6u);
  assembler.Load(31, kRdi, 64);
  assembler.MultiplyAdd(0, 31, kRsi, 512);
  assembler.Store(0, kRdx, 0);
  assembler.Return();
  EXPECT_EQ(Hex(assembler),
            "62 f1 7d 48 ef c0 62 61 7c 48 10 7f 01 62 f2 05 50 b8 86 00 02 00 "
            "00 62 f1 7c 48 11 42 00 c5 f8 77 c3");
}

}  // namespace
}  // namespace tfprune
