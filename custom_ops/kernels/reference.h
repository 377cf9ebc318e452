// The obvious loops, in double precision, to compare everything with.

#ifndef TFPRUNE_KERNELS_REFERENCE_H_
#define TFPRUNE_KERNELS_REFERENCE_H_

#include "conv_shape.h"
#include "csr.h"

namespace tfprune {

// output = pool(activation(convolution + bias + residual))
void ReferenceConv(const Csr& weights, const ConvShape& shape,
                   const float* input, const Epilogue& epilogue, float* output);

// output = activation(convolution + bias), of filters given as coefficients.
void ReferenceWinograd(const Csr& coefficients, const ConvShape& shape,
                       const float* input, const Epilogue& epilogue,
                       float* output);

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_REFERENCE_H_
