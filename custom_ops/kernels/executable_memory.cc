#include "executable_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace tfprune {

ExecutableMemory::ExecutableMemory(const std::vector<uint8_t>& code)
    : size_(std::max<size_t>(code.size(), 1)) {
  void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::copy(code.begin(), code.end(), static_cast<uint8_t*>(memory));
  if (mprotect(memory, size_, PROT_READ | PROT_EXEC) != 0) {
    munmap(memory, size_);
    throw std::bad_alloc();
  }
  data_ = static_cast<uint8_t*>(memory);
}

ExecutableMemory::~ExecutableMemory() { munmap(data_, size_); }

bool ExecutableMemory::IsAllowed() {
  // Asked for by every run of some kernels; each try interrupts all threads.
  static const bool is_allowed = [] {
    try {
      ExecutableMemory memory({0});
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }();
  return is_allowed;
}

}  // namespace tfprune
