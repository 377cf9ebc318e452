// What the ops use of TensorFlow's C API for kernels, with owners.
//
// That API is plain C and does not change with TensorFlow's versions: one
// library serves 2.20 and 2.21.

#ifndef TFPRUNE_TENSORFLOW_KERNEL_API_H_
#define TFPRUNE_TENSORFLOW_KERNEL_API_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "conv_shape.h"
#include "csr.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace tfprune {

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  TF_Status* get() const { return status_.get(); }
  bool ok() const { return TF_GetCode(get()) == TF_OK; }
  // The first error stays.
  void Set(TF_Code code, const std::string& message) {
    if (ok()) TF_SetStatus(get(), code, message.c_str());
  }
  // Turns a complaint of the kernels into an error; none leaves it as it is.
  bool Accept(const std::string& problem) {
    if (!problem.empty()) Set(TF_INVALID_ARGUMENT, problem);
    return problem.empty();
  }

 private:
  struct Delete {
    void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
  };
  std::unique_ptr<TF_Status, Delete> status_;
};

// An input of an op. A mistaken rank makes `status` an error; nothing may be
// asked of an input then.
class Input {
 public:
  Input(TF_OpKernelContext* context, int index, const char* name, int rank,
        Status& status);
  // A tensor of any rank.
  Input(TF_OpKernelContext* context, int index, Status& status);
  // A tensor of vectors along its last axis.
  static Input Rows(TF_OpKernelContext* context, int index, const char* name,
                    Status& status);
  // A tensor that may be left out, as one of rank 1 without elements, and must
  // have this shape otherwise.
  static Input Optional(TF_OpKernelContext* context, int index,
                        const char* name, const std::vector<int64_t>& shape,
                        Status& status);

  const TF_Tensor* get() const { return tensor_.get(); }
  int64_t dim(int axis) const { return TF_Dim(tensor_.get(), axis); }
  std::vector<int64_t> shape() const;
  // Of a tensor of vectors: their length, and how many there are.
  int64_t width() const { return dim(TF_NumDims(tensor_.get()) - 1); }
  int64_t rows() const;
  int64_t count() const { return TF_TensorElementCount(tensor_.get()); }
  TF_DataType dtype() const { return TF_TensorType(tensor_.get()); }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(TF_TensorData(tensor_.get()));
  }
  // Null where there are none.
  const float* floats() const { return count() ? data<float>() : nullptr; }

 private:
  struct Delete {
    void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
  };
  std::unique_ptr<TF_Tensor, Delete> tensor_;
};

// Returns output `index`, of elements of `size` bytes, or null with `status` an
// error. Its memory is that of an input in `reusable` of the same shape, if
// nothing else (an `Input` included) refers to that one; otherwise it is new.
void* Output(TF_OpKernelContext* context, int index, int64_t size,
             const std::vector<int64_t>& shape,
             const std::vector<int>& reusable, Status& status);

template <class T>
T* Output(TF_OpKernelContext* context, int index,
          const std::vector<int64_t>& shape, const std::vector<int>& reusable,
          Status& status) {
  return static_cast<T*>(
      Output(context, index, sizeof(T), shape, reusable, status));
}

// Attributes of an op.
std::vector<int64_t> IntList(TF_OpKernelConstruction* context, const char* name,
                             Status& status);
int64_t Int(TF_OpKernelConstruction* context, const char* name, Status& status);
float Float(TF_OpKernelConstruction* context, const char* name, Status& status);
std::string String(TF_OpKernelConstruction* context, const char* name,
                   Status& status);
Activation ActivationOf(TF_OpKernelConstruction* context, Status& status);

// The number of threads that an op runs on: `TFPRUNE_NUM_THREADS`, or its
// attribute `num_threads`, or all cores where that is 0.
int Threads(TF_OpKernelConstruction* context, Status& status);

// The inputs that all ops have, and the first one that is an op's own.
enum : int { kX, kWeights, kBias = kWeights + 4, kOwn };

// The four inputs of sparse weights: values, column_indices, row_offsets and
// stamp.
struct Weights {
  Weights(TF_OpKernelContext* context, int64_t columns, Status& status);
  int64_t rows() const { return row_offsets.dim(0) - 1; }
  Csr View() const;

  int64_t columns;
  Input values, column_indices, row_offsets, stamp_input;
  int64_t stamp = 0;
};

// Returns an op with the inputs, the output and the attributes that all have.
TF_OpDefinitionBuilder* NewOp(const char* name);

// All outputs have the shape of the first input.
template <int kOutputs>
void ShapesOfFirst(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  for (int i = 0; i < kOutputs && TF_GetCode(status) == TF_OK; ++i)
    TF_ShapeInferenceContextSetOutput(context, i, shape, status);
  TF_DeleteShapeHandle(shape);
}

// Checks that the first input has rank 4, and leaves the output's shape
// unknown: the C API gives a shape function no attributes but types, so that
// the Python functions set the shape.
void InferRank4(TF_ShapeInferenceContext* context, TF_Status* status);

// Registers an op, and the kernel that `Kernel` is: `Kernel(construction,
// status)`, `Compute(context, status)`.
void RegisterOp(TF_OpDefinitionBuilder* builder);
void RegisterKernel(const char* op, void* (*create)(TF_OpKernelConstruction*),
                    void (*compute)(void*, TF_OpKernelContext*),
                    void (*destroy)(void*));

template <class Kernel>
void Register(const char* op) {
  RegisterKernel(
      op,
      [](TF_OpKernelConstruction* context) -> void* {
        Status status;
        auto kernel = std::make_unique<Kernel>(context, status);
        if (status.ok()) return kernel.release();
        TF_OpKernelConstruction_Failure(context, status.get());
        return nullptr;
      },
      [](void* kernel, TF_OpKernelContext* context) {
        Status status;
        try {
          static_cast<Kernel*>(kernel)->Compute(context, status);
        } catch (const std::exception& error) {
          status.Set(TF_RESOURCE_EXHAUSTED, error.what());
        }
        if (!status.ok()) TF_OpKernelContext_Failure(context, status.get());
      },
      [](void* kernel) { delete static_cast<Kernel*>(kernel); });
}

}  // namespace tfprune

#endif  // TFPRUNE_TENSORFLOW_KERNEL_API_H_
