#include "reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "winograd_matrices.h"

namespace tfprune {
namespace {

double Sum(const Csr& weights, const ConvShape& s, const float* image,
           int64_t y, int64_t x, int64_t filter) {
  const int64_t in = s.channels / s.groups;
  const int64_t first = filter / (s.filters / s.groups) * in;
  double sum = 0;
  for (int64_t i = weights.row_offsets[filter];
       i < weights.row_offsets[filter + 1]; ++i) {
    const int64_t column = weights.column_indices[i], tap = column / in;
    const int64_t row = y * s.stride_height +
                        tap / s.kernel_width * s.dilation_height - s.pad_top;
    const int64_t at = x * s.stride_width +
                       tap % s.kernel_width * s.dilation_width - s.pad_left;
    if (row < 0 || row >= s.height || at < 0 || at >= s.width) continue;
    const int64_t pixel = row * s.width + at;
    sum += static_cast<double>(ValueAt(weights, i)) *
           image[pixel * s.channels + first + column % in];
  }
  return sum;
}

double Activate(double x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kRelu6:
      return x < 0 ? 0 : std::min(x, 6.0);
    case Activation::kGelu:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Activation::kGeluApproximate:
      return x *
             (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) /
             2;
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

float Maximum(const PoolShape& p, const ConvShape& s, const float* image,
              int64_t y, int64_t x) {
  float most = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < p.height; ++i) {
    for (int64_t j = 0; j < p.width; ++j) {
      const int64_t row = y * p.stride_height + i - p.pad_top;
      const int64_t at = x * p.stride_width + j - p.pad_left;
      if (row < 0 || row >= s.out_height || at < 0 || at >= s.out_width)
        continue;
      most = std::max(most, image[(row * s.out_width + at) * s.filters]);
    }
  }
  return most;
}

void ReferencePool(const PoolShape& p, const ConvShape& s, const float* input,
                   float* output) {
  const int64_t image = s.out_height * s.out_width * s.filters;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t y = 0; y < p.out_height; ++y)
      for (int64_t x = 0; x < p.out_width; ++x)
        for (int64_t f = 0; f < s.filters; ++f)
          *output++ = Maximum(p, s, input + n * image + f, y, x);
}

// B^T d B of the tile whose first output pixel is (y, x): [M][M][channels].
template <class Inputs>
std::vector<double> InputTile(const ConvShape& s, const float* image, int64_t y,
                              int64_t x) {
  constexpr int kSize = Inputs::kRows;
  std::vector<double> tile(kSize * kSize * s.channels);
  for (int64_t at = 0; at < kSize * kSize; ++at) {
    const int64_t row = y - s.pad_top + at / kSize;
    const int64_t column = x - s.pad_left + at % kSize;
    if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
    const float* pixel = image + (row * s.width + column) * s.channels;
    for (int64_t p = 0; p < kSize * kSize; ++p) {
      const double factor = Inputs::kMatrix[at / kSize][p / kSize] *
                            Inputs::kMatrix[at % kSize][p % kSize];
      for (int64_t c = 0; c < s.channels; ++c)
        tile[p * s.channels + c] += factor * pixel[c];
    }
  }
  return tile;
}

// Z of a filter: [M][M].
std::vector<double> Products(const Csr& coefficients, const ConvShape& s,
                             const std::vector<double>& tile, int64_t positions,
                             int64_t filter) {
  const int64_t in = s.channels / s.groups;
  const int64_t first = filter / (s.filters / s.groups) * in;
  std::vector<double> products(positions);
  for (int64_t i = coefficients.row_offsets[filter];
       i < coefficients.row_offsets[filter + 1]; ++i) {
    const int64_t column = coefficients.column_indices[i];
    products[column / in] +=
        static_cast<double>(ValueAt(coefficients, i)) *
        tile[column / in * s.channels + first + column % in];
  }
  return products;
}

// One entry of A^T Z A.
template <class Outputs>
double OutputPixel(const std::vector<double>& products, int64_t y, int64_t x) {
  constexpr int kSize = Outputs::kRows;
  double sum = 0;
  for (int64_t p = 0; p < kSize * kSize; ++p)
    sum += Outputs::kMatrix[p / kSize][y] * Outputs::kMatrix[p % kSize][x] *
           products[p];
  return sum;
}

// The outputs of one tile, (y, x) on, of one filter.
template <class Outputs>
void StoreTile(const std::vector<double>& products, const ConvShape& s,
               const Epilogue& e, int64_t y, int64_t x, int64_t filter,
               float* image) {
  const int64_t end_y = std::min(y + kWinogradTile, s.out_height);
  const int64_t end_x = std::min(x + kWinogradTile, s.out_width);
  for (int64_t row = y; row < end_y; ++row)
    for (int64_t column = x; column < end_x; ++column) {
      double sum = OutputPixel<Outputs>(products, row - y, column - x);
      if (e.bias) sum += e.bias[filter];
      image[(row * s.out_width + column) * s.filters + filter] =
          static_cast<float>(Activate(sum, e.activation));
    }
}

template <int kKernel>
void ReferenceTiles(const Csr& coefficients, const ConvShape& s,
                    const float* input, const Epilogue& e, float* output) {
  using Inputs = WinogradInputs<kKernel>;
  using Outputs = WinogradOutputs<kKernel>;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t y = 0; y < s.out_height; y += kWinogradTile)
      for (int64_t x = 0; x < s.out_width; x += kWinogradTile) {
        const auto tile = InputTile<Inputs>(
            s, input + n * s.height * s.width * s.channels, y, x);
        for (int64_t f = 0; f < s.filters; ++f)
          StoreTile<Outputs>(
              Products(coefficients, s, tile, Inputs::kRows * Inputs::kRows, f),
              s, e, y, x, f,
              output + n * s.out_height * s.out_width * s.filters);
      }
}

}  // namespace

void ReferenceWinograd(const Csr& coefficients, const ConvShape& shape,
                       const float* input, const Epilogue& epilogue,
                       float* output) {
  auto* run =
      shape.kernel_height == 3 ? &ReferenceTiles<3> : &ReferenceTiles<5>;
  run(coefficients, shape, input, epilogue, output);
}

void ReferenceConv(const Csr& weights, const ConvShape& s, const float* input,
                   const Epilogue& e, float* output) {
  const bool pools = e.pool.height > 0;
  std::vector<float> whole(pools ? s.OutputPixels() * s.filters : 0);
  float* to = pools ? whole.data() : output;
  int64_t i = 0;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t y = 0; y < s.out_height; ++y)
      for (int64_t x = 0; x < s.out_width; ++x)
        for (int64_t f = 0; f < s.filters; ++f, ++i) {
          const float* image = input + n * s.height * s.width * s.channels;
          double sum = Sum(weights, s, image, y, x, f);
          if (e.bias) sum += e.bias[f];
          if (e.residual) sum += e.residual[i];
          to[i] = static_cast<float>(Activate(sum, e.activation));
        }
  if (pools) ReferencePool(e.pool, s, to, output);
}

}  // namespace tfprune
