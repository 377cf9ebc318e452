// Tfprune>Attention: scores, softmax and weighted mean in one pass.

#include "attention.h"
#include "kernel_api.h"

namespace tfprune {
namespace {

enum : int { kQuery, kKey, kValue, kMask };

class AttentionOp {
 public:
  AttentionOp(TF_OpKernelConstruction* context, Status& status)
      : threads_(Threads(context, status)),
        causal_(Int(context, "causal", status) != 0),
        scale_(Float(context, "scale", status)) {}

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input query(context, kQuery, "query", 4, status);
    const Input key(context, kKey, "key", 4, status);
    const Input value(context, kValue, "value", 4, status);
    const Input mask(context, kMask, status);
    if (!status.ok()) return;
    Attention attention;
    SetSizes(query, key, value, attention, status);
    SetMask(mask, attention, status);
    if (!status.ok() || !status.Accept(attention.Check())) return;
    attention.causal = causal_;
    attention.scale = scale_;
    attention.to = Output<float>(context, 0,
                                 {attention.batch, attention.queries,
                                  attention.heads, attention.value_depth},
                                 {}, status);
    if (status.ok() && !attention.Run(threads_, PoolFor))
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory for attention");
  }

 private:
  static void SetSizes(const Input& query, const Input& key, const Input& value,
                       Attention& a, Status& status) {
    a.batch = query.dim(0);
    a.queries = query.dim(1);
    a.heads = query.dim(2);
    a.depth = query.dim(3);
    a.keys = key.dim(1);
    a.key_heads = key.dim(2);
    a.value_depth = value.dim(3);
    a.query = query.data<float>();
    a.key = key.data<float>();
    a.value = value.data<float>();
    if (key.dim(0) != a.batch || key.dim(3) != a.depth)
      status.Set(TF_INVALID_ARGUMENT,
                 "key must have the batch size and the depth of query, " +
                     std::to_string(a.batch) + " and " +
                     std::to_string(a.depth) +
                     ". Received: " + std::to_string(key.dim(0)) + " and " +
                     std::to_string(key.dim(3)));
    for (int axis = 0; axis < 3; ++axis)
      if (value.dim(axis) != key.dim(axis))
        status.Set(TF_INVALID_ARGUMENT,
                   "value must have the batch size, length and heads of key. "
                   "Received: " +
                       std::to_string(value.dim(axis)) + " instead of " +
                       std::to_string(key.dim(axis)) + " along axis " +
                       std::to_string(axis));
  }

  static void SetMask(const Input& mask, Attention& a, Status& status) {
    const std::vector<int64_t> sizes = mask.shape();
    if (sizes == std::vector<int64_t>{0}) return;
    if (sizes.size() != 4)
      return status.Set(TF_INVALID_ARGUMENT,
                        "mask must have rank 4, or shape [0] for none. "
                        "Received: rank " +
                            std::to_string(sizes.size()));
    for (int axis = 0; axis < 4; ++axis) a.mask_sizes[axis] = sizes[axis];
    a.mask = mask.data<uint8_t>();
  }

  const int threads_;
  const bool causal_;
  const float scale_;
};

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder =
      TF_NewOpDefinitionBuilder("Tfprune>Attention");
  for (const char* input :
       {"query: float", "key: float", "value: float", "mask: bool"})
    TF_OpDefinitionBuilderAddInput(builder, input);
  TF_OpDefinitionBuilderAddOutput(builder, "y: float");
  for (const char* attribute :
       {"scale: float", "causal: int = 0", "num_threads: int = 0"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferRank4);
  RegisterOp(builder);
  Register<AttentionOp>("Tfprune>Attention");
  return true;
}();

}  // namespace
}  // namespace tfprune
