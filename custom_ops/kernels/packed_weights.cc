#include "packed_weights.h"

#include "weight_code.h"
#include "weight_lists.h"

namespace tfprune {

std::unique_ptr<const PackedWeights> PackedWeights::Make(
    const Csr& weights, const ConvShape& shape, const LaneKernels& kernels,
    const Tuning& tuning, const Addresses& addresses) {
#if defined(__x86_64__)
  if (kernels.generates_code)
    return std::make_unique<WeightCode>(weights, shape, tuning, addresses);
#endif
  return std::make_unique<WeightLists>(weights, shape, kernels, tuning,
                                       addresses);
}

}  // namespace tfprune
