// Winograd convolutions with sparse coefficients.
//
// Each lane of a vector is a tile of the output. For a number of tiles at a
// time the input is transformed, each position of it multiplied by the
// coefficients of that position (a 1x1 convolution), and the products
// transformed back.
//
// Reference: Li, Park, Tang. Enabling Sparse Winograd Convolution by Native
// Pruning. 2017.

#ifndef TFPRUNE_KERNELS_WINOGRAD_CONV_H_
#define TFPRUNE_KERNELS_WINOGRAD_CONV_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "lane_kernels.h"
#include "packed_weights.h"
#include "parallel.h"
#include "tuning.h"

namespace tfprune {

// Returns what is wrong with the shape, or with the coefficients for it, or "".
// The kernel's size is that of the filters that coefficients stand for; columns
// run over (M, M, channels / groups), M = kernel size + 3.
std::string CheckWinograd(const ConvShape& shape, const Csr& coefficients);

// Coefficients packed for one shape, as SparseConv has weights.
class WinogradConv {
 public:
  // As SparseConv::Pack; `coefficients` and `shape` must have passed Check and
  // CheckWinograd.
  static std::unique_ptr<const WinogradConv> Pack(const Csr& coefficients,
                                                  const ConvShape& shape,
                                                  int threads);
  // The same with kernels and tuning of the caller's choice. Of the tuning,
  // `vectors` (of tiles), `channel_block` and `filter_block` are used.
  static std::unique_ptr<const WinogradConv> Pack(const Csr& coefficients,
                                                  const ConvShape& shape,
                                                  int threads,
                                                  const LaneKernels& kernels,
                                                  const Tuning& tuning = {});

  // output = activation(convolution + bias), as SparseConv::Run; the epilogue
  // must have no residual and no pool.
  bool Run(const float* input, const Epilogue& epilogue, float* output,
           const ParallelFor& parallel_for) const;

 private:
  // The work of one item of the parallel loop: a range of tiles by a range of
  // blocks of filters.
  struct Chunk {
    int64_t first_tile, block_begin, block_end;
  };
  struct Job;

  WinogradConv(const Csr& coefficients, const ConvShape& shape, int threads,
               const LaneKernels& kernels, const Tuning& tuning);
  void PackPositions(const Csr& coefficients);
  void RunChunk(const Job& job, const Chunk& chunk, float* scratch) const;
  void TransformInputs(const Job& job, int64_t first_tile, float* inputs,
                       int32_t* pixels) const;
  void Multiply(int64_t block, const float* inputs, float* sums) const;
  void Store(const Job& job, int64_t block, const float* sums,
             const int32_t* pixels) const;
  void FindPixels(int64_t first_tile, int64_t side, int64_t before,
                  int64_t height, int64_t width, int64_t strip, int64_t pitch,
                  int32_t* pixels) const;

  int64_t Positions() const { return size_ * size_; }
  int64_t Step() const { return tuning_.vectors * kernels_.lanes; }
  int64_t Blocks() const;  // of filters
  int64_t Filters(int64_t block) const;
  int64_t SumsFloats() const;  // of a position of a block of filters
  int64_t InputsFloats() const;
  int64_t ScratchFloats() const;

  const ConvShape shape_;
  const int64_t size_;            // M
  const int64_t rows_, columns_;  // of tiles in an image
  const ConvShape product_;       // of one position
  const LaneKernels& kernels_;
  const WinogradTransforms transforms_;
  const int threads_;
  Tuning tuning_;
  int64_t chunks_ = 0;        // of tiles
  int64_t plane_ = 0;         // floats of a transformed channel
  std::vector<float> zeros_;  // a pixel of the input
  std::vector<float> no_bias_;
  std::vector<std::unique_ptr<const PackedWeights>> weights_;  // by position
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_WINOGRAD_CONV_H_
