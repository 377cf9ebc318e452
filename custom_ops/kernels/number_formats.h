// The 16-bit formats in which values may be stored.

#ifndef TFPRUNE_KERNELS_NUMBER_FORMATS_H_
#define TFPRUNE_KERNELS_NUMBER_FORMATS_H_

#include <cstdint>
#include <cstring>

namespace tfprune {

inline float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline float FromBfloat16(uint16_t bits) {
  return FromBits(static_cast<uint32_t>(bits) << 16);
}

// Half precision: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
inline float FromHalf(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 31;
  const uint32_t fraction = bits & 1023;
  if (exponent == 31) return FromBits(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0) {
    return FromBits(sign | (exponent + 112) << 23 | fraction << 13);
  }
  const float tiny = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -tiny : tiny;
}

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_NUMBER_FORMATS_H_
