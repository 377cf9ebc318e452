// Weights as generated machine code: the sums of a group of filters stay in
// registers, a vector of input is loaded once for all of them, and each nonzero
// is one instruction.
//
// The values of weights are data that the code reads; their positions are in
// the code. Compared with lists of entries this saves two of three loads where
// a group has many filters, and sums are stored once for a block of channels.

#ifndef TFPRUNE_KERNELS_WEIGHT_CODE_H_
#define TFPRUNE_KERNELS_WEIGHT_CODE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "executable_memory.h"
#include "packed_weights.h"

namespace tfprune {

// One function for each group of filters and block of channels; it computes one
// vector of positions.
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
