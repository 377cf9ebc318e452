#include "winograd_conv.h"

#include <algorithm>
#include <limits>
#include <new>

#include "rounding.h"
#include "scratch.h"
#include "winograd_matrices.h"

namespace tfprune {
namespace {

// The most tiles that share one load of the coefficients, provided that the
// transformed inputs of all threads stay in the L3 cache.
constexpr int64_t kMostTiles = 112;
constexpr int64_t kL3Floats = (8 << 20) / sizeof(float);
// Cost of loading the coefficients, in multiply-adds of a vector.
constexpr double kFetchingCost = 0.5;
// The most filters that share one load of the transformed inputs.
constexpr int64_t kMostFilters = 256;
constexpr int64_t kLineFloats = 64 / sizeof(float);

// The coefficients of one position.
struct Position {
  std::vector<float> values;
  std::vector<int32_t> column_indices, row_offsets = {0};

  Csr View(int64_t columns) const {
    Csr csr;
    csr.rows = row_offsets.size() - 1;
    csr.columns = columns;
    csr.nonzeros = values.size();
    csr.values = values.data();
    csr.column_indices = column_indices.data();
    csr.row_offsets = row_offsets.data();
    return csr;
  }
};

std::vector<Position> Split(const Csr& coefficients, int64_t positions,
                            int64_t in) {
  std::vector<Position> split(positions);
  for (int64_t row = 0; row < coefficients.rows; ++row) {
    for (int64_t i = coefficients.row_offsets[row];
         i < coefficients.row_offsets[row + 1]; ++i) {
      const int32_t column = coefficients.column_indices[i];
      Position& position = split[column / in];
      position.values.push_back(ValueAt(coefficients, i));
      position.column_indices.push_back(static_cast<int32_t>(column % in));
    }
    for (Position& position : split)
      position.row_offsets.push_back(
          static_cast<int32_t>(position.values.size()));
  }
  return split;
}

int64_t Tiles(int64_t pixels) { return DivideUp(pixels, kWinogradTile); }

// Each tile is a pixel of the product of one position.
ConvShape ProductShape(const ConvShape& s) {
  ConvShape product;
  product.width = product.out_width =
      s.batch * Tiles(s.out_height) * Tiles(s.out_width);
  product.channels = s.channels;
  product.filters = s.filters;
  product.groups = s.groups;
  return product;
}

// Returns the vectors of tiles of a chunk: little padding of the last chunk,
// few loads of the coefficients, and a chunk for every thread.
int64_t Vectors(const ConvShape& product, int64_t positions, int threads,
                const LaneKernels& kernels) {
  const int64_t needed = DivideUp(product.width, kernels.lanes);
  const int64_t vector =
      std::max<int64_t>(product.channels, 1) * positions * kernels.lanes;
  const int64_t most = std::min<int64_t>(
      {kernels.most_vectors, kMostTiles / kernels.lanes,
       kL3Floats / (vector * threads), DivideUp(needed, threads)});
  const auto cost = [&](int64_t vectors) {
    return DivideUp(needed, vectors) * (vectors + kFetchingCost);
  };
  int64_t best = 1;
  for (int64_t vectors = 2; vectors <= most; ++vectors)
    if (cost(vectors) <= cost(best)) best = vectors;
  return best;
}

}  // namespace

std::string CheckWinograd(const ConvShape& s, const Csr& coefficients) {
  const auto received = [](int64_t value) {
    return ". Received: " + std::to_string(value);
  };
  for (int64_t size : {s.kernel_height, s.kernel_width})
    if (size != s.kernel_height || (size != 3 && size != 5))
      return "kernel size must be 3 or 5" + received(size);
  for (int64_t size :
       {s.stride_height, s.stride_width, s.dilation_height, s.dilation_width})
    if (size != 1) return "strides and dilations must be 1" + received(size);
  const int64_t size = s.kernel_height + 3;
  const int64_t in = s.groups > 0 ? s.channels / s.groups : 0;
  if (in < 0 || in >> 24 || coefficients.columns != size * size * in)
    return "columns of the coefficients must be " + std::to_string(size) +
           " * " + std::to_string(size) + " * channels / groups" +
           received(coefficients.columns);
  Csr weights = coefficients;
  weights.columns = s.kernel_height * s.kernel_width * in;
  return Check(s, weights);
}

struct WinogradConv::Job {
  const float* input;
  const Epilogue& epilogue;
  float* output;
};

std::unique_ptr<const WinogradConv> WinogradConv::Pack(const Csr& coefficients,
                                                       const ConvShape& shape,
                                                       int threads) {
  return Pack(coefficients, shape, threads,
              BestLaneKernels(ProductShape(shape), coefficients.nonzeros));
}

std::unique_ptr<const WinogradConv> WinogradConv::Pack(
    const Csr& coefficients, const ConvShape& shape, int threads,
    const LaneKernels& kernels, const Tuning& tuning) {
  try {
    std::unique_ptr<WinogradConv> conv(
        new WinogradConv(coefficients, shape, threads, kernels, tuning));
    // Entries have addresses of 32 bits.
    const double bytes = (shape.channels + 1.0) * conv->plane_ * sizeof(float);
    if (bytes > std::numeric_limits<int32_t>::max()) return nullptr;
    if (conv->chunks_) conv->PackPositions(coefficients);
    return conv;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

WinogradConv::WinogradConv(const Csr& coefficients, const ConvShape& shape,
                           int threads, const LaneKernels& kernels,
                           const Tuning& tuning)
    : shape_(shape),
      size_(shape.kernel_height + 3),
      rows_(Tiles(shape.out_height)),
      columns_(Tiles(shape.out_width)),
      product_(ProductShape(shape)),
      kernels_(kernels),
      transforms_(shape.kernel_height == 3 ? kernels.winograd3
                                           : kernels.winograd5),
      threads_(UsefulThreads(product_, coefficients.nonzeros, threads)) {
  if (product_.width * product_.filters == 0) return;
  Tuning wanted = tuning;
  wanted.images = wanted.tiles = 1;
  if (!wanted.vectors)
    wanted.vectors = Vectors(product_, Positions(), threads_, kernels);
  if (!wanted.filter_block)
    wanted.filter_block = FilterBlock(product_, threads_, kMostFilters);
  tuning_ = Tune(product_, coefficients.nonzeros / Positions(), threads_,
                 kernels, wanted);
  chunks_ = DivideUp(product_.width, Step());
  // An odd number of cache lines, so that planes do not map to the same sets of
  // the cache.
  plane_ = RoundUp(Positions() * Step(), 2 * kLineFloats) + kLineFloats;
  zeros_.resize(shape_.channels);
  no_bias_.resize(shape_.filters);
}

void WinogradConv::PackPositions(const Csr& coefficients) {
  const int64_t in = shape_.channels / shape_.groups;
  const Addresses addresses = {{0}, plane_};
  for (const Position& position : Split(coefficients, Positions(), in))
    weights_.push_back(PackedWeights::Make(position.View(in), product_,
                                           kernels_, tuning_, addresses));
}

// Filters are divided only where there are fewer chunks of tiles than threads.
bool WinogradConv::Run(const float* input, const Epilogue& epilogue,
                       float* output, const ParallelFor& parallel_for) const {
  if (chunks_ == 0) return true;
  const int64_t wanted = std::min(DivideUp(threads_, chunks_), Blocks());
  const int64_t blocks = DivideUp(Blocks(), wanted);
  const int64_t parts = DivideUp(Blocks(), blocks);
  const int threads =
      static_cast<int>(std::min<int64_t>(threads_, chunks_ * parts));
  float* scratch = Scratch(threads * ScratchFloats());
  if (!scratch) return false;
  const Job job = {input, epilogue, output};
  parallel_for(chunks_ * parts, threads, [&](int64_t item, int slot) {
    const int64_t begin = item % parts * blocks;
    RunChunk(job,
             {item / parts * Step(), begin, std::min(begin + blocks, Blocks())},
             scratch + slot * ScratchFloats());
  });
  return true;
}

void WinogradConv::RunChunk(const Job& job, const Chunk& chunk,
                            float* scratch) const {
  float* inputs = scratch;
  float* sums = inputs + InputsFloats();
  int32_t* pixels =
      reinterpret_cast<int32_t*>(sums + Positions() * SumsFloats());
  TransformInputs(job, chunk.first_tile, inputs, pixels);
  FindPixels(chunk.first_tile, kWinogradTile, 0, shape_.out_height,
             shape_.out_width, tuning_.vectors, Step(), pixels);
  for (int64_t block = chunk.block_begin; block < chunk.block_end; ++block) {
    Multiply(block, inputs, sums);
    Store(job, block, sums, pixels);
  }
}

void WinogradConv::TransformInputs(const Job& job, int64_t first_tile,
                                   float* inputs, int32_t* pixels) const {
  const int64_t vectors = tuning_.vectors;
  FindPixels(first_tile, size_, shape_.pad_top, shape_.height, shape_.width,
             Positions() * vectors, vectors, pixels);
  PackArgs args;
  args.from = job.input;
  args.channels = shape_.channels;
  args.pixels = pixels;
  args.strip = args.positions = Positions() * vectors;
  args.limit = shape_.InputPixels();
  args.zeros = zeros_.data();
  args.to = inputs;
  args.plane = plane_;
  kernels_.pack(args);
  for (int64_t v = 0; v < vectors; ++v)
    transforms_.inputs(inputs + v * kernels_.lanes, Step(), shape_.channels,
                       plane_);
  std::fill_n(inputs + shape_.channels * plane_, plane_, 0.0f);
}

// Computes the sums of all positions, and writes the output tiles in place of
// the first 16.
void WinogradConv::Multiply(int64_t block, const float* inputs,
                            float* sums) const {
  for (int64_t p = 0; p < Positions(); ++p)
    weights_[p]->Multiply(block, inputs + p * Step(), sums + p * SumsFloats());
  transforms_.outputs(sums, SumsFloats(), Filters(block) * tuning_.vectors,
                      kernels_.lanes);
}

void WinogradConv::Store(const Job& job, int64_t block, const float* sums,
                         const int32_t* pixels) const {
  const int64_t filter = block * tuning_.filter_block;
  const Epilogue& e = job.epilogue;
  StoreArgs args;
  args.positions = args.strip = tuning_.vectors;
  args.filters = Filters(block);
  args.limit = shape_.OutputPixels();
  args.bias = (e.bias ? e.bias : no_bias_.data()) + filter;
  args.activation = e.activation;
  args.to = job.output + filter;
  args.pitch = shape_.filters;
  for (int64_t i = 0; i < kWinogradTile * kWinogradTile; ++i) {
    args.sums = sums + i * SumsFloats();
    args.pixels = pixels + i * Step();
    kernels_.store(args);
  }
}

// The pixels of tiles of `side` x `side`, the first `before` ones above and
// left of the image; -1 for those outside. Lane l takes tile `first_tile` + l
// of the first vector. Pixel i of vector v is at
// pixels[l * strip + i * pitch + v].
void WinogradConv::FindPixels(int64_t first_tile, int64_t side, int64_t before,
                              int64_t height, int64_t width, int64_t strip,
                              int64_t pitch, int32_t* pixels) const {
  for (int64_t n = 0; n < Step(); ++n) {
    const int64_t tile = first_tile + n;
    const int64_t row = tile / columns_, image = row / rows_;
    const int64_t top = row % rows_ * kWinogradTile - before;
    const int64_t left = tile % columns_ * kWinogradTile - before;
    int32_t* to = pixels + n % kernels_.lanes * strip + n / kernels_.lanes;
    for (int64_t i = 0; i < side * side; ++i) {
      const int64_t y = top + i / side, x = left + i % side;
      const bool inside =
          image < shape_.batch && y >= 0 && y < height && x >= 0 && x < width;
      to[i * pitch] =
          inside ? static_cast<int32_t>((image * height + y) * width + x) : -1;
    }
  }
}

int64_t WinogradConv::Blocks() const {
  return DivideUp(shape_.filters, tuning_.filter_block);
}

int64_t WinogradConv::Filters(int64_t block) const {
  const int64_t begin = block * tuning_.filter_block;
  return std::min(tuning_.filter_block, shape_.filters - begin);
}

// An odd number of cache lines, as for planes.
int64_t WinogradConv::SumsFloats() const {
  const int64_t filters = std::min(tuning_.filter_block, shape_.filters);
  return RoundUp(RoundUp(filters, kernels_.lanes) * Step(), 2 * kLineFloats) +
         kLineFloats;
}

// All channels, and one channel of zeros.
int64_t WinogradConv::InputsFloats() const {
  return (shape_.channels + 1) * plane_;
}

// Transformed inputs, sums, and where pixels are.
int64_t WinogradConv::ScratchFloats() const {
  return RoundUp(InputsFloats() + Positions() * (SumsFloats() + Step()),
                 kLineFloats);
}

}  // namespace tfprune
