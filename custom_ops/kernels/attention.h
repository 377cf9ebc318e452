// Attention: every query's mean of the values, weighted by a softmax of its
// products with the keys.

#ifndef TFPRUNE_KERNELS_ATTENTION_H_
#define TFPRUNE_KERNELS_ATTENTION_H_

#include <cstdint>
#include <string>

#include "lane_kernels.h"
#include "parallel.h"

namespace tfprune {

// Tensors are (batch, length, heads, depth), as the projections of attention
// leave them; a head of keys serves as many heads of queries one after another.
// Where there are no keys, the mean of the values is 0.
struct Attention {
  int64_t batch = 0;
  int64_t queries = 0;
  int64_t heads = 0;
  int64_t depth = 0;
  int64_t keys = 0;
  int64_t key_heads = 0;
  int64_t value_depth = 0;
  const float* query = nullptr;
  const float* key = nullptr;
  const float* value = nullptr;
  // Which keys are seen, (batch, heads, queries, keys) or 1 of any; null: all.
  const uint8_t* mask = nullptr;
  int64_t mask_sizes[4] = {1, 1, 1, 1};
  bool causal = false;  // a query sees keys up to its own number only
  float scale = 1;      // of the products
  float* to = nullptr;  // (batch, queries, heads, value_depth)

  // Returns what is wrong with the sizes, or "".
  std::string Check() const;

  // False when memory does not suffice.
  bool Run(int threads, const ParallelFor& parallel) const;
  bool Run(int threads, const ParallelFor& parallel,
           const LaneKernels& kernels) const;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_ATTENTION_H_
