// Direct sparse convolution, and products with sparse matrices as its case of
// 1x1 pixels.

#ifndef TFPRUNE_KERNELS_SPARSE_CONV_H_
#define TFPRUNE_KERNELS_SPARSE_CONV_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "conv_shape.h"
#include "convolution.h"
#include "csr.h"
#include "lane_kernels.h"
#include "layout.h"
#include "packed_weights.h"
#include "parallel.h"
#include "tuning.h"

namespace tfprune {

// Packing copies the weights; it is done once.
class SparseConv : public Convolution {
 public:
  // `weights` and `shape` must have passed Check. `threads` is the most that
  // one run will use. Returns null when memory does not suffice.
  static std::unique_ptr<const SparseConv> Pack(const Csr& weights,
                                                const ConvShape& shape,
                                                int threads);
  // The same with kernels and tuning of the caller's choice.
  static std::unique_ptr<const SparseConv> Pack(const Csr& weights,
                                                const ConvShape& shape,
                                                int threads,
                                                const LaneKernels& kernels,
                                                const Tuning& tuning = {});

  bool Run(const float* input, const Epilogue& epilogue, float* output,
           const ParallelFor& parallel_for) const override;

  const Tuning& tuning() const { return tuning_; }

 private:
  // The work of one item of the parallel loop: a range of tiles of one group of
  // images, by a range of blocks of filters.
  struct Chunk {
    int64_t group, tile_begin, tile_end, block_begin, block_end;
  };
  // How the work is partitioned: groups by pieces of them by parts of filters.
  struct Grid {
    int64_t groups, pieces, parts, tiles, blocks;
    int64_t size() const { return groups * pieces * parts; }
  };
  struct Job;

  SparseConv(const Csr& weights, const ConvShape& shape, int threads,
             const LaneKernels& kernels, const Tuning& tuning);
  Addresses LayOut();
  bool Streams(const float* output) const;
  Grid MakeGrid(bool whole_strips) const;
  Chunk ChunkAt(const Grid& grid, int64_t index) const;
  void RunChunk(const Job& job, const Chunk& chunk, float* scratch) const;
  void Pack(const Job& job, int64_t group, int64_t tile, float* packed) const;
  StoreArgs ArgsOfTile(const Epilogue& epilogue, int64_t block,
                       const float* sums) const;
  void Store(const Job& job, int64_t group, int64_t tile, int64_t block,
             const float* sums) const;
  void StorePooled(const Job& job, int64_t group, int64_t tile, int64_t block,
                   const float* sums, float* pixels) const;
  void ClearPooled(const Job& job, const Chunk& chunk) const;

  int64_t Ahead(int64_t pixels, int64_t pitch) const;
  int64_t Blocks() const;  // of filters
  int64_t Filters(int64_t block) const;
  int64_t TileFloats() const;  // of the sums of a block of filters
  int64_t PackedFloats() const;
  int64_t ScratchFloats() const;
  int64_t InputPixelsFrom(int64_t group) const;
  int64_t OutputPixelsFrom(int64_t group) const;

  const ConvShape original_;
  const ConvShape shape_;  // the original one, flattened if it is pointwise
  const LaneKernels& kernels_;
  const int awake_;  // threads that it is worth if they are awake, or 1
  const int threads_;
  Tuning tuning_;
  std::unique_ptr<const Layout> layout_;
  int64_t tiles_ = 0;  // of a strip
  int64_t plane_ = 0;  // floats of a packed channel
  int64_t phase_ = 0;  // floats of a phase of it
  std::vector<std::vector<int32_t>> input_pixels_;  // by phase
  std::vector<int32_t> output_pixels_;
  std::vector<int32_t> tile_pixels_;  // of a tile by itself
  std::vector<float> zeros_;          // a pixel of the input
  std::vector<float> no_bias_;
  std::unique_ptr<const PackedWeights> weights_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_SPARSE_CONV_H_
