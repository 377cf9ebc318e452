// Tfprune>CsrMatmul: a matrix times sparse weights.

#include "convolution_op.h"
#include "csr_matmul.h"
#include "kernel_api.h"

namespace tfprune {
namespace {

class CsrMatmulOp {
 public:
  CsrMatmulOp(TF_OpKernelConstruction* context, Status& status)
      : activation_(ActivationOf(context, status)),
        threads_(Threads(context, status)) {}

  void Compute(TF_OpKernelContext* context, Status& status) {
    const Input x = Input::Rows(context, kX, "x", status);
    if (!status.ok()) return;
    const Weights weights(context, x.width(), status);
    if (!status.ok()) return;
    const ConvShape shape = MatmulShape(weights.View(), x.rows());
    const Input bias =
        Input::Optional(context, kBias, "bias", {shape.filters}, status);
    if (!status.ok()) return;
    Epilogue epilogue;
    epilogue.bias = bias.floats();
    epilogue.activation = activation_;
    const auto pack = [&](const Csr& csr) {
      return CsrMatmul::Pack(csr, x.rows(), threads_);
    };
    const auto packed = FindOrPack(cache_, weights, shape, Check, pack, status);
    if (!status.ok()) return;
    std::vector<int64_t> sizes = x.shape();
    sizes.back() = shape.filters;
    Run(context, *packed, x, epilogue, sizes, status);
  }

 private:
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
    if (!TF_ShapeInferenceContextRankKnown(context, x))
      return TF_ShapeInferenceContextSetUnknownShape(context, status);
    TF_ShapeInferenceContextWithRankAtLeast(context, x, 1, x, status);
    if (TF_GetCode(status) != TF_OK) return;
    TF_ShapeInferenceContextGetInput(context, kWeights + 2, offsets, status);
    TF_ShapeInferenceContextWithRank(context, offsets, 1, offsets, status);
    if (TF_GetCode(status) != TF_OK) return;
    TF_ShapeInferenceContextDim(context, offsets, 0, rows);
    if (!TF_DimensionHandleValueKnown(rows) ||
        TF_DimensionHandleValue(rows) < 1)
      return TF_ShapeInferenceContextSetUnknownShape(context, status);
    TF_ShapeInferenceContextSubshape(context, x, 0, -1, y, status);
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
  TF_OpDefinitionBuilder* builder = NewOp("Tfprune>CsrMatmul");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, InferShape);
  RegisterOp(builder);
  Register<CsrMatmulOp>("Tfprune>CsrMatmul");
  return true;
}();

}  // namespace
}  // namespace tfprune
