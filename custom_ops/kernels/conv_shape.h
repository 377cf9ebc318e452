// The sizes of a convolution and of what is fused behind it.

#ifndef TFPRUNE_KERNELS_CONV_SHAPE_H_
#define TFPRUNE_KERNELS_CONV_SHAPE_H_

#include <cstdint>
#include <string>

#include "csr.h"

namespace tfprune {

// A 2-D convolution, NHWC in and out. 1-D ones have a height of 1, products
// of matrices are of 1x1 pixels.
//
// Row f of the weights is filter f; its columns run over (kernel_height,
// kernel_width, channels / groups), as a Keras kernel does.
struct ConvShape {
  int64_t batch = 1;
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  int64_t filters = 1;
  int64_t kernel_height = 1;
  int64_t kernel_width = 1;
  int64_t stride_height = 1;
  int64_t stride_width = 1;
  int64_t dilation_height = 1;
  int64_t dilation_width = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  int64_t out_height = 1;
  int64_t out_width = 1;
  int64_t groups = 1;

  int64_t InputPixels() const { return batch * height * width; }
  int64_t OutputPixels() const { return batch * out_height * out_width; }
};

// Whether pixels have nothing to do with each other.
bool IsPointwise(const ConvShape& shape);

// Returns what is wrong with the shape, or with the weights for it, or "".
std::string Check(const ConvShape& shape, const Csr& weights);

// kGelu is x times the normal distribution's share below x, kGeluApproximate
// the same by tanh, kSilu x times its logistic function.
enum class Activation { kNone, kRelu, kRelu6, kGelu, kGeluApproximate, kSilu };

constexpr bool IsRelu(Activation activation) {
  return activation == Activation::kRelu || activation == Activation::kRelu6;
}

// Max pooling behind the activation. A window of height 0 means none.
struct PoolShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t stride_height = 1;
  int64_t stride_width = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  int64_t out_height = 0;
  int64_t out_width = 0;
};

// Returns what is wrong with the pooling of a convolution's output, or "".
std::string Check(const PoolShape& pool, const ConvShape& shape);

// output = pool(activation(convolution + bias + residual))
struct Epilogue {
  const float* bias = nullptr;      // filters, or null
  const float* residual = nullptr;  // as the output, or null; not with a pool
  Activation activation = Activation::kNone;
  PoolShape pool;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_CONV_SHAPE_H_
