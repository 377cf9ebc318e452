// Layer normalization: every row by its own mean and variance.

#ifndef TFPRUNE_KERNELS_NORMALIZATION_H_
#define TFPRUNE_KERNELS_NORMALIZATION_H_

#include "lane_kernels.h"
#include "parallel.h"

namespace tfprune {

void NormalizeRows(const NormalizeArgs& args, int threads,
                   const ParallelFor& parallel);
void NormalizeRows(const NormalizeArgs& args, int threads,
                   const ParallelFor& parallel, const LaneKernels& kernels);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_NORMALIZATION_H_
