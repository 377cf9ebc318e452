// Max pooling, one pixel at a time.

#ifndef TFPRUNE_KERNELS_POOLING_H_
#define TFPRUNE_KERNELS_POOLING_H_

#include <algorithm>
#include <cstdint>

#include "conv_shape.h"
#include "rounding.h"

namespace tfprune {

// Where an axis' windows begin and end that have a pixel in them.
struct Windows {
  Windows(int64_t at, int64_t window, int64_t stride, int64_t pad, int64_t out)
      : begin(at + pad < window ? 0 : (at + pad - window) / stride + 1),
        end(std::min((at + pad) / stride + 1, out)) {}
  int64_t begin, end;
};

// Raises to a pixel's `count` values what is pooled over each of its windows.
// `pixel` counts over the images of the convolution's output; pooled pixels
// are `shape.filters` apart.
inline void Pool(const PoolShape& pool, const ConvShape& shape, int64_t pixel,
                 const float* values, int64_t count, float* pooled) {
  const int64_t row = pixel / shape.out_width, image = row / shape.out_height;
  const Windows ys(row % shape.out_height, pool.height, pool.stride_height,
                   pool.pad_top, pool.out_height);
  const Windows xs(pixel % shape.out_width, pool.width, pool.stride_width,
                   pool.pad_left, pool.out_width);
  for (int64_t y = ys.begin; y < ys.end; ++y) {
    for (int64_t x = xs.begin; x < xs.end; ++x) {
      const int64_t at = (image * pool.out_height + y) * pool.out_width + x;
      float* to = pooled + at * shape.filters;
      for (int64_t i = 0; i < count; ++i) to[i] = std::max(to[i], values[i]);
    }
  }
}

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_POOLING_H_
