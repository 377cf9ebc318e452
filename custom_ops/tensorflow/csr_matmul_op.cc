// Tfprune>CsrMatmul: a matrix times sparse weights.

#include <memory>

#include "csr_matmul.h"
#include "kernel_api.h"
#include "packing_cache.h"

namespace tfprune {
namespace {

enum : int { kX, kWeights, kBias = kWeights + kWeightInputs };

class CsrMatmulOp {
 public:
  CsrMatmulOp(TF_OpKernelConstruction* context, Status& status)
      : activation_(ActivationOf(context, status)),
        threads_(Threads(context, status)) {}

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input x(context, kX, "x", 2, status);
    if (!status.ok()) return;
    const Weights weights(context, kWeights, x.dim(1), status);
    if (!status.ok()) return;
    const Csr csr = weights.View();
    const Input bias =
        Input::Optional(context, kBias, "bias", {csr.rows}, status);
    if (!status.ok()) return;
    const auto packed = FindOrPack(
        cache_, {weights.stamp, csr.nonzeros, csr.rows, x.dim(0), x.dim(1)},
        [&] { return Pack(csr, x.dim(0), status); });
    if (!status.ok()) return;
    float* y = Output(context, {x.dim(0), csr.rows}, status);
    if (!status.ok()) return;
    Epilogue epilogue;
    epilogue.bias = bias.empty() ? nullptr : bias.data<float>();
    epilogue.activation = activation_;
    if (!packed->Run(x.data<float>(), epilogue, y, PoolFor))
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory for a matrix product");
  }

 private:
  std::shared_ptr<const CsrMatmul> Pack(const Csr& csr, int64_t batch,
                                        Status& status) const {
    if (!status.Accept(Check(csr)) ||
        !status.Accept(Check(MatmulShape(csr, batch), csr)))
      return nullptr;
    auto packed = CsrMatmul::Pack(csr, batch, threads_);
    if (!packed)
      status.Set(TF_RESOURCE_EXHAUSTED, "no memory to pack sparse weights");
    return packed;
  }

  const Activation activation_;
  const int threads_;
  PackingCache<CsrMatmul> cache_;
};

void InferShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* x = TF_NewShapeHandle();
  TF_ShapeHandle* offsets = TF_NewShapeHandle();
  TF_ShapeHandle* y = TF_NewShapeHandle();
  TF_DimensionHandle* rows = TF_NewDimensionHandle();
  const auto infer = [&] {
    TF_ShapeInferenceContextGetInput(context, kX, x, status);
    TF_ShapeInferenceContextWithRank(context, x, 2, x, status);
    if (TF_GetCode(status) != TF_OK) return;
    TF_ShapeInferenceContextGetInput(context, kWeights + 2, offsets, status);
    TF_ShapeInferenceContextWithRank(context, offsets, 1, offsets, status);
    if (TF_GetCode(status) != TF_OK) return;
    TF_ShapeInferenceContextDim(context, offsets, 0, rows);
    if (!TF_DimensionHandleValueKnown(rows) ||
        TF_DimensionHandleValue(rows) < 1)
      return TF_ShapeInferenceContextSetUnknownShape(context, status);
    TF_ShapeInferenceContextSubshape(context, x, 0, 1, y, status);
    if (TF_GetCode(status) != TF_OK) return;
    TF_ShapeHandle* last = TF_ShapeInferenceContextVectorFromSize(
        context, TF_DimensionHandleValue(rows) - 1);
    TF_ShapeInferenceContextConcatenateShapes(context, y, last, y, status);
    if (TF_GetCode(status) == TF_OK)
      TF_ShapeInferenceContextSetOutput(context, 0, y, status);
    TF_DeleteShapeHandle(last);
  };
  infer();
  TF_DeleteShapeHandle(x);
  TF_DeleteShapeHandle(offsets);
  TF_DeleteShapeHandle(y);
  TF_DeleteDimensionHandle(rows);
}

[[maybe_unused]] const bool kRegistered = [] {
  TF_OpDefinitionBuilder* builder =
      TF_NewOpDefinitionBuilder("Tfprune>CsrMatmul");
  TF_OpDefinitionBuilderAddInput(builder, "x: float");
  AddWeights(builder);
  TF_OpDefinitionBuilderAddInput(builder, "bias: float");
  TF_OpDefinitionBuilderAddOutput(builder, "y: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferShape);
  RegisterOp(builder);
  Register<CsrMatmulOp>("Tfprune>CsrMatmul");
  return true;
}();

}  // namespace
}  // namespace tfprune
