// Memory that grows: the step has no C++ library, so that a compiler alone can build it.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace {

// Room for numbers, which begins where a line of the cache begins.
template <class T>
class Buffer {
   public:
    Buffer() = default;
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer() { free(block_); }

    // Makes room for `count`, all zero where it had less; returns false where there is no memory.
    bool reserve(size_t count) {
        if (count <= room_) return true;
        free(block_);
        block_ = calloc(count * sizeof(T) + LINE, 1);
        room_ = block_ ? count : 0;
        start_ = (T *)(((uintptr_t)block_ + LINE - 1) / LINE * LINE);
        return block_;
    }

    T &operator[](size_t index) const { return start_[index]; }

   private:
    static constexpr size_t LINE = 64;
    void *block_ = nullptr;
    T *start_ = nullptr;
    size_t room_ = 0;
};

}  // namespace
