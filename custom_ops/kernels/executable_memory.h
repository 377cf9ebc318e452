// Machine code that was made in this process.

#ifndef TFPRUNE_KERNELS_EXECUTABLE_MEMORY_H_
#define TFPRUNE_KERNELS_EXECUTABLE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tfprune {

// Holds a copy of code that can be run and no longer be written to.
class ExecutableMemory {
 public:
  // Throws std::bad_alloc if the system gives no such memory.
  explicit ExecutableMemory(const std::vector<uint8_t>& code);
  ~ExecutableMemory();
  ExecutableMemory(const ExecutableMemory&) = delete;
  ExecutableMemory& operator=(const ExecutableMemory&) = delete;

  // Whether this system gives such memory; hardened ones may not.
  static bool IsAllowed();

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  uint8_t* data_;
};

}  // namespace tfprune

#endif  // TFPRUNE_KERNELS_EXECUTABLE_MEMORY_H_
