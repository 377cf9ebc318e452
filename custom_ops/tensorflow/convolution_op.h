// What the ops have in common: all of them are convolutions with sparse
// weights, products of matrices those of 1x1 pixels.

#ifndef TFPRUNE_TENSORFLOW_CONVOLUTION_OP_H_
#define TFPRUNE_TENSORFLOW_CONVOLUTION_OP_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "kernel_api.h"
#include "packing_cache.h"
#include "parallel.h"

namespace tfprune {

// Returns the product of the sizes that columns of weights run over; -1, which
// no index fits, for more than there can be.
int64_t Columns(std::initializer_list<int64_t> sizes);

// Returns a shape with the sizes that images and weights determine.
ConvShape ShapeOf(const Input& images, int64_t filters, int64_t groups);

// Returns what `pack(csr)` gives of the weights, or gave before, or null with
// `status` an error: where `check` complains, or memory does not suffice.
template <class Packed, class Pack>
std::shared_ptr<const Packed> FindOrPack(
    PackingCache<Packed>& cache, const Weights& weights, const ConvShape& shape,
    std::string (*check)(const ConvShape&, const Csr&), Pack pack,
    Status& status) {
  const Csr csr = weights.View();
  const auto checked = [&]() -> std::shared_ptr<const Packed> {
    if (!status.Accept(check(shape, csr)) || !status.Accept(Check(csr)))
      return nullptr;
    std::shared_ptr<const Packed> packed = pack(csr);
    if (!packed)
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory to pack sparse weights");
    return packed;
  };
  return FindOrPack(cache,
                    {weights.stamp, csr.nonzeros, csr.rows, shape.batch,
                     shape.height, shape.width, shape.channels},
                    checked);
}

// Runs packed weights into an output of this shape, which may be `reusable`
// memory: see `Output`.
template <class Packed>
void Run(TF_OpKernelContext* context, const Packed& packed, const Input& x,
         const Epilogue& epilogue, const std::vector<int64_t>& shape,
         Status& status, const std::vector<int>& reusable = {}) {
  float* y = Output<float>(context, 0, shape, reusable, status);
  if (!status.ok()) return;
  if (!packed.Run(x.data<float>(), epilogue, y, PoolFor))
    status.Set(TF_RESOURCE_EXHAUSTED, "no memory to run with sparse weights");
}

}  // namespace tfprune

#endif  // TFPRUNE_TENSORFLOW_CONVOLUTION_OP_H_
