// Weights as machine code: sums of some filters stay in registers, a vector of
// input is loaded once for all of them, and each nonzero is one instruction.
//
// The weights themselves are data that the code reads; only where they stand is
// in the code. Against lists this saves two loads of three where sums are many,
// and sums need not go to memory before all of a block is done.

#ifndef TFPRUNE_KERNELS_WEIGHT_CODE_H_
#define TFPRUNE_KERNELS_WEIGHT_CODE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "executable_memory.h"
#include "packed_weights.h"

namespace tfprune {

// One function for some filters, a block of channels and one position.
class WeightCode : public PackedWeights {
 public:
  WeightCode(const Csr& weights, const ConvShape& shape, const Tuning& tuning,
             const Addresses& addresses);

  void Multiply(int64_t filter_block, const float* x,
                float* sums) const override;

 private:
  using Code = void (*)(const float* x, const float* weights, float* sums);
  struct Function {
    size_t begin, end;  // of its code
    int64_t weights, sums;
  };
  class Compiler;
  void Run(const Function& function, const float* x, float* sums) const;

  const int64_t vectors_;
  std::vector<float> weights_;
  std::vector<std::vector<Function>> functions_;  // by block of filters
  std::unique_ptr<const ExecutableMemory> code_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_WEIGHT_CODE_H_
