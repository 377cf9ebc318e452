// How the work of a convolution is cut to fit caches, registers and threads.

#ifndef TFPRUNE_KERNELS_TUNING_H_
#define TFPRUNE_KERNELS_TUNING_H_

#include <cstdint>

#include "conv_shape.h"
#include "lane_kernels.h"
#include "layout.h"

namespace tfprune {

// A tile is what one filter sums up in registers: `vectors` positions of each
// lane. A piece is some tiles that are packed together. 0 leaves a number to
// the cost model.
struct Tuning {
  int64_t images = 0;         // that share vectors; a divisor of the lanes
  int64_t vectors = 0;        // of a tile
  int64_t tiles = 0;          // of a piece
  int64_t channel_block = 0;  // multiplied while they are in the L1 cache
  int64_t filter_block = 0;   // summed up before the next tile or position
};

// Returns as many of the threads as the work is worth waking.
int UsefulThreads(const ConvShape& shape, int64_t nonzeros, int threads);

// Equal shares of filters for all threads, but at most so many at once, in
// multiples of a cache line.
int64_t FilterBlock(const ConvShape& shape, int threads, int64_t most);

// Returns `wanted` with its zeros filled in, by a model of what a run costs.
// The shape has a pixel of output, and at least one filter.
Tuning Tune(const ConvShape& shape, int64_t nonzeros, int threads,
            const LaneKernels& kernels, const Tuning& wanted);

// Returns the number of tiles in a lane's strip.
int64_t TilesOfStrip(const Layout& layout, const Tuning& tuning);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_TUNING_H_
