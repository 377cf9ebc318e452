#include "kernel_api.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace tfprune {
namespace {

std::string ShapeOf(const TF_Tensor* tensor) {
  std::string text = "[";
  for (int i = 0; i < TF_NumDims(tensor); ++i)
    text += (i ? ", " : "") + std::to_string(TF_Dim(tensor, i));
  return text + "]";
}

Dtype DtypeOf(TF_DataType dtype) {
  if (dtype == TF_BFLOAT16) return Dtype::kBfloat16;
  return dtype == TF_HALF ? Dtype::kHalf : Dtype::kFloat;
}

const std::pair<const char*, Activation> kActivations[] = {
    {"relu", Activation::kRelu},
    {"relu6", Activation::kRelu6},
    {"gelu", Activation::kGelu},
    {"gelu_approximate", Activation::kGeluApproximate},
    {"silu", Activation::kSilu}};

// Prints an error, without which a missing op could not be explained.
void Require(const Status& status, const char* what) {
  if (!status.ok())
    std::fprintf(stderr, "tfprune: cannot register %s: %s\n", what,
                 TF_Message(status.get()));
}

}  // namespace

// Every call of the API overwrites the status: after an error there must be
// none.
Input::Input(TF_OpKernelContext* context, int index, Status& status) {
  if (!status.ok()) return;
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status.get());
  tensor_.reset(tensor);
}

Input::Input(TF_OpKernelContext* context, int index, const char* name, int rank,
             Status& status)
    : Input(context, index, status) {
  if (status.ok() && TF_NumDims(tensor_.get()) != rank)
    status.Set(TF_INVALID_ARGUMENT,
               std::string(name) + " must have rank " + std::to_string(rank) +
                   ". Received: shape " + ShapeOf(tensor_.get()));
}

Input Input::Rows(TF_OpKernelContext* context, int index, const char* name,
                  Status& status) {
  Input input(context, index, status);
  if (status.ok() && TF_NumDims(input.get()) < 1)
    status.Set(TF_INVALID_ARGUMENT,
               std::string(name) + " must have rank 1 or more. Received: []");
  return input;
}

int64_t Input::rows() const {
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < TF_NumDims(get()); ++axis) rows *= dim(axis);
  return rows;
}

Input Input::Optional(TF_OpKernelContext* context, int index, const char* name,
                      const std::vector<int64_t>& shape, Status& status) {
  Input input(context, index, status);
  if (!status.ok()) return input;
  const TF_Tensor* tensor = input.tensor_.get();
  const bool left_out = TF_NumDims(tensor) == 1 && TF_Dim(tensor, 0) == 0;
  bool fits = TF_NumDims(tensor) == static_cast<int>(shape.size());
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = TF_Dim(tensor, static_cast<int>(i)) == shape[i];
  if (fits || left_out) return input;
  std::string expected;
  for (int64_t size : shape)
    expected += (expected.empty() ? "" : ", ") + std::to_string(size);
  status.Set(TF_INVALID_ARGUMENT,
             std::string(name) + " must have shape [" + expected +
                 "], or [0] for none. Received: " + ShapeOf(tensor));
  return input;
}

std::vector<int64_t> Input::shape() const {
  std::vector<int64_t> sizes(TF_NumDims(tensor_.get()));
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = dim(static_cast<int>(i));
  return sizes;
}

void* Output(TF_OpKernelContext* context, int index, int64_t size,
             const std::vector<int64_t>& shape,
             const std::vector<int>& reusable, Status& status) {
  if (!status.ok()) return nullptr;
  for (int64_t dim : shape) {
    if (dim && size > INT64_MAX / dim) {
      status.Set(TF_INVALID_ARGUMENT, "the output is too large");
      return nullptr;
    }
    size *= dim;
  }
  TF_Tensor* tensor = TF_ForwardInputOrAllocateOutput(
      context, reusable.data(), static_cast<int>(reusable.size()), index,
      shape.data(), static_cast<int>(shape.size()), nullptr, status.get());
  if (!status.ok()) return nullptr;
  void* data = TF_TensorData(tensor);
  TF_DeleteTensor(tensor);  // The context keeps another reference.
  return data;
}

std::vector<int64_t> IntList(TF_OpKernelConstruction* context, const char* name,
                             Status& status) {
  if (!status.ok()) return {};
  int32_t size = 0, unused = 0;
  TF_OpKernelConstruction_GetAttrSize(context, name, &size, &unused,
                                      status.get());
  std::vector<int64_t> values(status.ok() ? std::max(size, 0) : 0);
  if (!values.empty())
    TF_OpKernelConstruction_GetAttrInt64List(context, name, values.data(), size,
                                             status.get());
  return values;
}

int64_t Int(TF_OpKernelConstruction* context, const char* name,
            Status& status) {
  if (!status.ok()) return 0;
  int64_t value = 0;
  TF_OpKernelConstruction_GetAttrInt64(context, name, &value, status.get());
  return value;
}

float Float(TF_OpKernelConstruction* context, const char* name,
            Status& status) {
  if (!status.ok()) return 0;
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(context, name, &value, status.get());
  return value;
}

std::string String(TF_OpKernelConstruction* context, const char* name,
                   Status& status) {
  if (!status.ok()) return "";
  int32_t unused = 0, size = 0;
  TF_OpKernelConstruction_GetAttrSize(context, name, &unused, &size,
                                      status.get());
  std::string value(status.ok() ? std::max(size, 0) : 0, '\0');
  if (!value.empty())
    TF_OpKernelConstruction_GetAttrString(context, name, value.data(),
                                          value.size(), status.get());
  return value;
}

Activation ActivationOf(TF_OpKernelConstruction* context, Status& status) {
  const std::string name = String(context, "activation", status);
  for (const auto& [known, activation] : kActivations)
    if (name == known) return activation;
  return Activation::kNone;
}

int Threads(TF_OpKernelConstruction* context, Status& status) {
  int64_t threads = Int(context, "num_threads", status);
  if (const char* text = std::getenv("TFPRUNE_NUM_THREADS")) {
    char* end = nullptr;
    const int64_t wanted = std::strtoll(text, &end, 10);
    if (end == text || *end || wanted < 1)
      status.Set(TF_INVALID_ARGUMENT,
                 "TFPRUNE_NUM_THREADS must be a number from 1 on. Received: " +
                     std::string(text));
    threads = wanted;
  }
  const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  return static_cast<int>(threads < 1 ? cores : std::min(threads, cores));
}

Weights::Weights(TF_OpKernelContext* context, int64_t columns, Status& status)
    : columns(columns),
      values(context, kWeights, "values", 1, status),
      column_indices(context, kWeights + 1, "column_indices", 1, status),
      row_offsets(context, kWeights + 2, "row_offsets", 1, status),
      stamp_input(context, kWeights + 3, "stamp", 0, status) {
  if (!status.ok()) return;
  stamp = *stamp_input.data<int64_t>();
  if (values.dim(0) != column_indices.dim(0))
    status.Set(TF_INVALID_ARGUMENT,
               "values and column_indices must have one length. Received: " +
                   std::to_string(values.dim(0)) + " and " +
                   std::to_string(column_indices.dim(0)));
  else if (row_offsets.dim(0) < 1)
    status.Set(TF_INVALID_ARGUMENT,
               "row_offsets must have one element more than there are rows. "
               "Received: none");
}

Csr Weights::View() const {
  Csr csr;
  csr.rows = rows();
  csr.columns = columns;
  csr.nonzeros = values.dim(0);
  csr.dtype = DtypeOf(values.dtype());
  csr.values = values.data<void>();
  csr.column_indices = column_indices.data<int32_t>();
  csr.row_offsets = row_offsets.data<int32_t>();
  return csr;
}

TF_OpDefinitionBuilder* NewOp(const char* name) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name);
  for (const char* input :
       {"x: float", "values: T", "column_indices: int32", "row_offsets: int32",
        "stamp: int64", "bias: float"})
    TF_OpDefinitionBuilderAddInput(builder, input);
  TF_OpDefinitionBuilderAddOutput(builder, "y: float");
  for (const char* attribute :
       {"T: {float, bfloat16, half} = DT_FLOAT",
        "activation: {'none', 'relu', 'relu6', 'gelu', 'gelu_approximate', "
        "'silu'} = 'none'",
        "num_threads: int = 0"})
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  return builder;
}

void InferRank4(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* x = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, x, status);
  TF_ShapeInferenceContextWithRank(context, x, 4, x, status);
  if (TF_GetCode(status) == TF_OK)
    TF_ShapeInferenceContextSetUnknownShape(context, status);
  TF_DeleteShapeHandle(x);
}

void RegisterOp(TF_OpDefinitionBuilder* builder) {
  Status status;
  TF_RegisterOpDefinition(builder, status.get());
  Require(status, "an op");
}

void RegisterKernel(const char* op, void* (*create)(TF_OpKernelConstruction*),
                    void (*compute)(void*, TF_OpKernelContext*),
                    void (*destroy)(void*)) {
  Status status;
  TF_KernelBuilder* builder =
      TF_NewKernelBuilder(op, "CPU", create, compute, destroy);
  TF_RegisterKernelBuilder(op, builder, status.get());
  Require(status, op);
}

}  // namespace tfprune
