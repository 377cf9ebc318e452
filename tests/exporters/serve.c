/* Loads a SavedModel with sparse layers as a C program does, and prints what
 * it answers to ones: serve LIBRARY SAVED_MODEL INPUT OUTPUT DIMENSION...
 */
#include <stdio.h>
#include <stdlib.h>

#include "tensorflow/c/c_api.h"

static void require(TF_Status* status, const char* what) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "%s: %s\n", what, TF_Message(status));
  exit(1);
}

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  TF_Status* status = TF_NewStatus();
  TF_LoadLibrary(argv[1], status);
  require(status, "library");
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(
      options, NULL, argv[2], tags, 1, graph, NULL, status);
  require(status, "saved model");
  int64_t dims[8];
  int rank = argc - 5;
  size_t size = 1;
  for (int i = 0; i < rank; ++i) size *= dims[i] = atoll(argv[5 + i]);
  TF_Tensor* x =
      TF_AllocateTensor(TF_FLOAT, dims, rank, size * sizeof(float));
  for (size_t i = 0; i < size; ++i) ((float*)TF_TensorData(x))[i] = 1;
  TF_Output in = {TF_GraphOperationByName(graph, argv[3]), 0};
  TF_Output out = {TF_GraphOperationByName(graph, argv[4]), 0};
  if (!in.oper || !out.oper) return 3;
  TF_Tensor* y = NULL;
  TF_SessionRun(session, NULL, &in, &x, 1, &out, &y, 1, NULL, 0, NULL, status);
  require(status, "run");
  for (int64_t i = 0; i < TF_TensorElementCount(y); ++i)
    printf("%.9g\n", ((float*)TF_TensorData(y))[i]);
  return 0;
}
