// Packed weights of an op, kept from one run to the next.

#ifndef TFPRUNE_TENSORFLOW_PACKING_CACHE_H_
#define TFPRUNE_TENSORFLOW_PACKING_CACHE_H_

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace tfprune {

// Stamp of the weights, number of values, rows, and the sizes of the input.
using PackingKey = std::array<int64_t, 7>;

// The last few packings, by key. A packing is a validated copy of the weights:
// a wrong stamp gives outdated results, but never reads out of bounds.
template <class Packed>
class PackingCache {
 public:
  // Held while packing, so that a concurrent call waits and then finds the
  // packing.
  std::mutex& packing() { return packing_; }

  std::shared_ptr<const Packed> Find(const PackingKey& key) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->key != key) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return it->packed;
    }
    return nullptr;
  }

  void Add(const PackingKey& key, std::shared_ptr<const Packed> packed) {
    std::lock_guard<std::mutex> lock(mutex_);
    // Packings of earlier weights are not used again.
    entries_.remove_if([&](const Entry& e) { return e.key[0] != key[0]; });
    entries_.push_front({key, std::move(packed)});
    if (entries_.size() > kMost) entries_.pop_back();
  }

 private:
  static constexpr size_t kMost = 8;
  struct Entry {
    PackingKey key;
    std::shared_ptr<const Packed> packed;
  };
  std::mutex mutex_, packing_;
  std::list<Entry> entries_;
};

// Returns what `pack()` gives, or gave before for this key. A stamp of 0 is
// for weights that change with every run: they are packed anew.
template <class Packed, class Pack>
std::shared_ptr<const Packed> FindOrPack(PackingCache<Packed>& cache,
                                         const PackingKey& key, Pack pack) {
  if (key[0] == 0) return pack();
  std::shared_ptr<const Packed> packed = cache.Find(key);
  if (packed) return packed;
  std::lock_guard<std::mutex> lock(cache.packing());
  packed = cache.Find(key);
  if (packed) return packed;
  packed = pack();
  if (packed) cache.Add(key, packed);
  return packed;
}

}  // namespace tfprune

#endif  // TFPRUNE_TENSORFLOW_PACKING_CACHE_H_
