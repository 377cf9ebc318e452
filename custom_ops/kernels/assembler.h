// An assembler of the few AVX-512 instructions that sums of products take.

#ifndef TFPRUNE_KERNELS_ASSEMBLER_H_
#define TFPRUNE_KERNELS_ASSEMBLER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tfprune {

class Assembler {
 public:
  // Those that hold the first arguments of a function, by their numbers.
  enum Register { kThird = 2, kSecond = 6, kFirst = 7 };

  // Vectors (zmm registers) are numbered from 0 to 31. Memory is at `base` plus
  // `offset` bytes, and aligned.
  void Zero(int vector);                                  // v = 0
  void Load(int vector, Register base, int32_t offset);   // v = memory
  void Store(int vector, Register base, int32_t offset);  // memory = v
  // sum += x * one float of memory
  void MultiplyAdd(int sum, int x, Register base, int32_t offset);

  void Advance(Register which, int32_t bytes);
  void Return();

  // Where the next instruction will be.
  size_t position() const { return code_.size(); }
  const std::vector<uint8_t>& code() const { return code_; }

 private:
  struct Opcode {
    int map, prefix, code;
  };
  // The unit of 8-bit offsets (EVEX disp8*N): a vector, or one float.
  enum class Operand { kVector, kBroadcast };

  void Prefix(Opcode opcode, int reg, int second, int last, bool broadcast);
  void WithMemory(Opcode opcode, int reg, int second, Register base,
                  int32_t offset, Operand operand);
  void Byte(int byte) { code_.push_back(static_cast<uint8_t>(byte)); }
  void Int32(int32_t value);

  std::vector<uint8_t> code_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_ASSEMBLER_H_
