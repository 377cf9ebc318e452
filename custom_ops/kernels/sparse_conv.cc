#include "sparse_conv.h"

#include <algorithm>
#include <limits>
#include <new>

#include "pooling.h"
#include "rounding.h"
#include "scratch.h"

namespace tfprune {
namespace {

// Outputs of at least this size do not stay in caches and are streamed.
constexpr int64_t kManyFloats = (32 << 20) / sizeof(float);
// Inputs and residuals of at least this size come from memory: prefetched.
constexpr int64_t kFetchedFloats = (8 << 20) / sizeof(float);

ConvShape Flattened(ConvShape s) {
  if (!IsPointwise(s)) return s;
  s.width = s.out_width = s.InputPixels();
  s.batch = s.height = s.out_height = 1;
  return s;
}

// Assigns positions to lanes round-robin instead of in strips, so that
// neighbours in memory are read and written together. Only for layouts without
// a halo.
std::vector<int32_t> Interleaved(const std::vector<int32_t>& pixels,
                                 int64_t lanes) {
  const int64_t strip = pixels.size() / lanes;
  std::vector<int32_t> found(pixels.size());
  for (int64_t lane = 0; lane < lanes; ++lane)
    for (int64_t i = 0; i < strip; ++i)
      found[lane * strip + i] = pixels[i * lanes + lane];
  return found;
}

}  // namespace

struct SparseConv::Job {
  const float* input;
  const Epilogue& epilogue;
  float* output;
  bool stream;
};

std::unique_ptr<const SparseConv> SparseConv::Pack(const Csr& weights,
                                                   const ConvShape& shape,
                                                   int threads) {
  return Pack(weights, shape, threads,
              BestLaneKernels(shape, weights.nonzeros));
}

std::unique_ptr<const SparseConv> SparseConv::Pack(const Csr& weights,
                                                   const ConvShape& shape,
                                                   int threads,
                                                   const LaneKernels& kernels,
                                                   const Tuning& tuning) {
  try {
    std::unique_ptr<SparseConv> conv(
        new SparseConv(weights, shape, threads, kernels, tuning));
    if (conv->shape_.OutputPixels() * shape.filters == 0) return conv;
    // Entries have addresses of 32 bits.
    const double bytes = (shape.channels + 1.0) * conv->plane_ * sizeof(float);
    if (bytes > std::numeric_limits<int32_t>::max()) return nullptr;
    conv->weights_ = PackedWeights::Make(weights, conv->shape_, kernels,
                                         conv->tuning_, conv->LayOut());
    return conv;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

SparseConv::SparseConv(const Csr& weights, const ConvShape& shape, int threads,
                       const LaneKernels& kernels, const Tuning& tuning)
    : original_(shape),
      shape_(Flattened(shape)),
      kernels_(kernels),
      awake_(ThreadsAwake(shape, weights.nonzeros, threads)),
      threads_(
          std::max(awake_, UsefulThreads(shape, weights.nonzeros, threads))) {
  if (shape_.OutputPixels() * shape.filters == 0) return;
  tuning_ = Tune(shape_, weights.nonzeros, threads_, kernels, tuning);
  layout_ = std::make_unique<Layout>(shape_, tuning_.images, kernels.lanes);
  tiles_ = TilesOfStrip(*layout_, tuning_);
  const int64_t piece = tuning_.tiles * tuning_.vectors + layout_->halo();
  phase_ = RoundUp(piece * kernels.lanes, 16);
  plane_ = layout_->phases() * phase_;
  // An odd number of cache lines, so that planes do not map to the same sets of
  // the cache.
  if (plane_ % 32 == 0) plane_ += 16;
}

Addresses SparseConv::LayOut() {
  const int lanes = kernels_.lanes;
  const int64_t strip = tiles_ * tuning_.vectors;
  for (int64_t phase = 0; phase < layout_->phases(); ++phase)
    input_pixels_.push_back(
        layout_->InputPixels(phase, strip + layout_->halo()));
  output_pixels_ = layout_->OutputPixels(strip);
  if (layout_->halo() == 0) {
    output_pixels_ = Interleaved(output_pixels_, lanes);
    for (auto& pixels : input_pixels_) pixels = Interleaved(pixels, lanes);
  }
  for (int64_t i = 0; i < tuning_.vectors * lanes; ++i)
    tile_pixels_.push_back(static_cast<int32_t>(i));
  zeros_.resize(shape_.channels);
  no_bias_.resize(shape_.filters);
  Addresses addresses = {{}, plane_};
  for (int64_t y = 0; y < shape_.kernel_height; ++y)
    for (int64_t x = 0; x < shape_.kernel_width; ++x)
      addresses.taps.push_back(layout_->PhaseOf(y, x) * phase_ +
                               layout_->ShiftOf(y, x) * lanes);
  return addresses;
}

bool SparseConv::Run(const float* input, const Epilogue& epilogue,
                     float* output, const ParallelFor& parallel_for) const {
  if (!layout_) return true;
  const Grid grid = MakeGrid(epilogue.pool.height > 0);
  const int threads =
      static_cast<int>(std::min<int64_t>(threads_, grid.size()));
  float* scratch = Scratch(threads * ScratchFloats());
  if (!scratch) return false;
  const bool in_place = epilogue.residual == output;
  const Job job = {input, epilogue, output, !in_place && Streams(output)};
  const auto run = [&](int64_t item, int slot) {
    RunChunk(job, ChunkAt(grid, item), scratch + slot * ScratchFloats());
  };
  if (awake_ > 1)
    SmallFor(parallel_for, grid.size(), threads, run);
  else
    parallel_for(grid.size(), threads, run);
  return true;
}

bool SparseConv::Streams(const float* output) const {
  const int64_t line = 64 / sizeof(float);
  return shape_.OutputPixels() * shape_.filters >= kManyFloats &&
         reinterpret_cast<uintptr_t>(output) % 64 == 0 &&
         shape_.filters % line == 0 && tuning_.filter_block % line == 0;
}

// Filters are divided only where there are fewer pieces than threads. With
// pooling, strips stay whole, since one thread must write a pooled pixel alone.
SparseConv::Grid SparseConv::MakeGrid(bool whole_strips) const {
  Grid grid;
  grid.tiles = whole_strips ? tiles_ : tuning_.tiles;
  grid.groups = layout_->groups();
  grid.pieces = DivideUp(tiles_, grid.tiles);
  const int64_t parts = DivideUp(threads_, grid.groups * grid.pieces);
  grid.blocks = DivideUp(Blocks(), std::min(parts, Blocks()));
  grid.parts = DivideUp(Blocks(), grid.blocks);
  return grid;
}

SparseConv::Chunk SparseConv::ChunkAt(const Grid& grid, int64_t index) const {
  const int64_t tile = index / grid.parts % grid.pieces * grid.tiles;
  const int64_t block = index % grid.parts * grid.blocks;
  return {index / grid.parts / grid.pieces, tile,
          std::min(tile + grid.tiles, tiles_), block,
          std::min(block + grid.blocks, Blocks())};
}

void SparseConv::RunChunk(const Job& job, const Chunk& chunk,
                          float* scratch) const {
  float* packed = scratch;
  float* sums = packed + PackedFloats();
  const bool pools = job.epilogue.pool.height > 0;
  if (pools) ClearPooled(job, chunk);
  const int64_t step = tuning_.vectors * kernels_.lanes;
  for (int64_t tile = chunk.tile_begin; tile < chunk.tile_end; ++tile) {
    const int64_t in_piece = (tile - chunk.tile_begin) % tuning_.tiles;
    if (in_piece == 0) Pack(job, chunk.group, tile, packed);
    for (int64_t block = chunk.block_begin; block < chunk.block_end; ++block) {
      weights_->Multiply(block, packed + in_piece * step, sums);
      if (pools)
        StorePooled(job, chunk.group, tile, block, sums, sums + TileFloats());
      else
        Store(job, chunk.group, tile, block, sums);
    }
  }
}

// Packs the piece whose first tile is `tile`.
void SparseConv::Pack(const Job& job, int64_t group, int64_t tile,
                      float* packed) const {
  const int64_t first = tile * tuning_.vectors;
  const int64_t end = std::min(first + tuning_.tiles * tuning_.vectors,
                               tiles_ * tuning_.vectors);
  PackArgs args;
  args.from = job.input + InputPixelsFrom(group) * shape_.channels;
  args.channels = shape_.channels;
  args.strip = tiles_ * tuning_.vectors + layout_->halo();
  args.positions = end - first + layout_->halo();
  args.limit = shape_.InputPixels() - InputPixelsFrom(group);
  args.zeros = zeros_.data();
  args.plane = plane_;
  args.ahead = Ahead(shape_.InputPixels(), shape_.channels);
  for (int64_t phase = 0; phase < layout_->phases(); ++phase) {
    args.pixels = input_pixels_[phase].data() + first;
    args.to = packed + phase * phase_;
    kernels_.pack(args);
  }
  std::fill_n(packed + shape_.channels * plane_, plane_, 0.0f);
}

// Returns the distance in floats at which pixels are prefetched: two vectors,
// if neighbouring pixels are read in order and come from memory; otherwise 0.
int64_t SparseConv::Ahead(int64_t pixels, int64_t pitch) const {
  const bool fetches = layout_->halo() == 0 && pixels * pitch >= kFetchedFloats;
  return fetches ? 2 * kernels_.lanes * pitch : 0;
}

// The arguments that all ways to store the sums of a tile have in common.
StoreArgs SparseConv::ArgsOfTile(const Epilogue& epilogue, int64_t block,
                                 const float* sums) const {
  const float* bias = epilogue.bias ? epilogue.bias : no_bias_.data();
  StoreArgs args;
  args.sums = sums;
  args.positions = tuning_.vectors;
  args.filters = Filters(block);
  args.bias = bias + block * tuning_.filter_block;
  args.activation = epilogue.activation;
  return args;
}

void SparseConv::Store(const Job& job, int64_t group, int64_t tile,
                       int64_t block, const float* sums) const {
  const int64_t from = OutputPixelsFrom(group);
  const int64_t at = from * shape_.filters + block * tuning_.filter_block;
  StoreArgs args = ArgsOfTile(job.epilogue, block, sums);
  args.pixels = output_pixels_.data() + tile * tuning_.vectors;
  args.strip = tiles_ * tuning_.vectors;
  args.limit = shape_.OutputPixels() - from;
  args.to = job.output + at;
  args.pitch = shape_.filters;
  args.stream = job.stream;
  if (job.epilogue.residual) {
    args.residual = job.epilogue.residual + at;
    args.ahead = Ahead(shape_.OutputPixels(), shape_.filters);
  }
  kernels_.store(args);
}

void SparseConv::ClearPooled(const Job& job, const Chunk& chunk) const {
  const PoolShape& pool = job.epilogue.pool;
  const int64_t image = pool.out_height * pool.out_width;
  const int64_t pixels = original_.out_height * original_.out_width;
  const int64_t from = OutputPixelsFrom(chunk.group) / pixels;
  const int64_t to =
      std::min(OutputPixelsFrom(chunk.group + 1) / pixels, original_.batch);
  const int64_t begin = chunk.block_begin * tuning_.filter_block;
  const int64_t end =
      std::min(chunk.block_end * tuning_.filter_block, shape_.filters);
  for (int64_t pixel = from * image; pixel < to * image; ++pixel)
    std::fill(job.output + pixel * shape_.filters + begin,
              job.output + pixel * shape_.filters + end,
              -std::numeric_limits<float>::infinity());
}

// Finishes the pixels of the tile in `pixels`, then adds each to the maximum of
// the windows that it is in.
void SparseConv::StorePooled(const Job& job, int64_t group, int64_t tile,
                             int64_t block, const float* sums,
                             float* pixels) const {
  const int64_t filter = block * tuning_.filter_block;
  const int64_t filters = Filters(block);
  StoreArgs args = ArgsOfTile(job.epilogue, block, sums);
  args.pixels = tile_pixels_.data();
  args.strip = tuning_.vectors;
  args.limit = tuning_.vectors * kernels_.lanes;
  args.to = pixels;
  args.pitch = filters;
  kernels_.store(args);
  const int64_t strip = tiles_ * tuning_.vectors;
  for (int64_t lane = 0; lane < kernels_.lanes; ++lane) {
    for (int64_t i = 0; i < tuning_.vectors; ++i) {
      const int64_t pixel =
          output_pixels_[lane * strip + tile * tuning_.vectors + i];
      const int64_t from = OutputPixelsFrom(group);
      if (pixel < 0 || pixel >= shape_.OutputPixels() - from) continue;
      Pool(job.epilogue.pool, original_, from + pixel,
           pixels + (lane * tuning_.vectors + i) * filters, filters,
           job.output + filter);
    }
  }
}

int64_t SparseConv::Blocks() const {
  return DivideUp(shape_.filters, tuning_.filter_block);
}

int64_t SparseConv::Filters(int64_t block) const {
  const int64_t begin = block * tuning_.filter_block;
  return std::min(tuning_.filter_block, shape_.filters - begin);
}

int64_t SparseConv::TileFloats() const {
  const int64_t filters = std::min(tuning_.filter_block, shape_.filters);
  return RoundUp(filters, kernels_.lanes) * tuning_.vectors * kernels_.lanes;
}

// All channels, and one channel of zeros.
int64_t SparseConv::PackedFloats() const {
  return (shape_.channels + 1) * plane_;
}

// A packed piece, the sums of a tile and, for pooling, its pixels.
int64_t SparseConv::ScratchFloats() const {
  return RoundUp(PackedFloats() + 2 * TileFloats(), 16);
}

int64_t SparseConv::InputPixelsFrom(int64_t group) const {
  return group * tuning_.images * shape_.height * shape_.width;
}

int64_t SparseConv::OutputPixelsFrom(int64_t group) const {
  return group * tuning_.images * shape_.out_height * shape_.out_width;
}

}  // namespace tfprune
