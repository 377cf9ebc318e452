#include "assembler.h"

namespace tfprune {
namespace {

// The bit `number` of x at `place`, inverted.
int Inverted(int x, int number, int place) {
  return (~x >> number & 1) << place;
}

}  // namespace

void Assembler::Zero(int vector) {
  Prefix({1, 1, 0xef}, vector, vector, vector, false);
  Byte(0xc0 | (vector & 7) << 3 | (vector & 7));
}

void Assembler::Load(int vector, Register base, int32_t offset) {
  WithMemory({1, 0, 0x10}, vector, 0, base, offset, Operand::kVector);
}

void Assembler::Store(int vector, Register base, int32_t offset) {
  WithMemory({1, 0, 0x11}, vector, 0, base, offset, Operand::kVector);
}

void Assembler::MultiplyAdd(int sum, int x, Register base, int32_t offset) {
  WithMemory({2, 1, 0xb8}, sum, x, base, offset, Operand::kBroadcast);
}

void Assembler::Advance(Register which, int32_t bytes) {
  Byte(0x48);
  Byte(0x81);
  Byte(0xc0 | which);
  Int32(bytes);
}

void Assembler::Return() {
  for (int byte : {0xc5, 0xf8, 0x77}) Byte(byte);  // vzeroupper
  Byte(0xc3);
}

// EVEX: Intel's manual, volume 2, 2.7. `last` is the operand that may be in
// memory.
void Assembler::Prefix(Opcode opcode, int reg, int second, int last,
                       bool broadcast) {
  Byte(0x62);
  Byte(Inverted(reg, 3, 7) | Inverted(last, 4, 6) | Inverted(last, 3, 5) |
       Inverted(reg, 4, 4) | opcode.map);
  Byte((~second & 15) << 3 | 4 | opcode.prefix);
  Byte(2 << 5 | broadcast << 4 | Inverted(second, 4, 3));
  Byte(opcode.code);
}

void Assembler::WithMemory(Opcode opcode, int reg, int second, Register base,
                           int32_t offset, Operand operand) {
  const bool broadcast = operand == Operand::kBroadcast;
  Prefix(opcode, reg, second, base, broadcast);
  const int unit = broadcast ? 4 : 64;
  const int32_t units = offset / unit;
  const bool is_short = offset % unit == 0 && units >= -128 && units < 128;
  Byte((is_short ? 1 : 2) << 6 | (reg & 7) << 3 | base);
  if (is_short)
    Byte(units & 0xff);
  else
    Int32(offset);
}

void Assembler::Int32(int32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    Byte(static_cast<uint32_t>(value) >> shift & 0xff);
}

}  // namespace tfprune
