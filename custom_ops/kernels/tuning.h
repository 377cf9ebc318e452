// How the work of a convolution is cut to fit caches, registers and threads.

#ifndef TFPRUNE_KERNELS_TUNING_H_
#define TFPRUNE_KERNELS_TUNING_H_

#include <cstdint>

#include "conv_shape.h"
#include "lane_kernels.h"
#include "layout.h"

namespace tfprune {

// A tile is what one filter sums up in registers: `vectors` positions of each
// lane. A piece is a number of tiles that are packed together. 0 lets the cost
// model choose.
struct Tuning {
  int64_t images = 0;         // that share vectors; a divisor of the lanes
  int64_t vectors = 0;        // of a tile
  int64_t tiles = 0;          // of a piece
  int64_t channel_block = 0;  // multiplied while they are in the L1 cache
  int64_t filter_block = 0;   // summed up before the next tile or position
};

// Returns `threads`, at least 1, or 1 where the work is too small for several.
int UsefulThreads(const ConvShape& shape, int64_t nonzeros, int threads);

// Returns how many threads, of those that are awake, a product is worth that is
// too small for waking any; 1 for all others.
int ThreadsAwake(const ConvShape& shape, int64_t nonzeros, int threads);

// Returns the filters of a block, a multiple of 16 (a cache line): equal shares
// for all threads, each cut into equal blocks of at most `most` filters.
int64_t FilterBlock(const ConvShape& shape, int threads, int64_t most);

// Returns `wanted` with its zeros replaced by the choice of a cost model. The
// shape must have at least one output pixel and one filter.
Tuning Tune(const ConvShape& shape, int64_t nonzeros, int threads,
            const LaneKernels& kernels, const Tuning& wanted);

// Returns the number of tiles in a lane's strip.
int64_t TilesOfStrip(const Layout& layout, const Tuning& tuning);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_TUNING_H_
