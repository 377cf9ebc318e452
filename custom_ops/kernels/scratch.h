// Memory for the time of a call.

#ifndef TFPRUNE_KERNELS_SCRATCH_H_
#define TFPRUNE_KERNELS_SCRATCH_H_

#include <cstdint>

namespace tfprune {

// Returns memory of the calling thread, on a cache line, that is kept from one
// call to the next; or null. The next call takes it back.
float* Scratch(int64_t floats);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_SCRATCH_H_
