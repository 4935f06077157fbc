// Matrices, and the rows that they are multiplied with.
//
// Weights are packed in blocks of 16 outputs (packing.py), so that a vector holds what one input, or
// four small ones, adds to 16 outputs. A row's arithmetic never depends on how many others there are.

#pragma once

#include "bytes.h"
#include "interface.h"
#include "team.h"

#define UNROLLED _Pragma("GCC unroll 16")

namespace {

constexpr int GROUP = 32;    // inputs that share a scale in 4 bits
constexpr int AHEAD = 4096;  // bytes by which weights are fetched early: many rows fill the pipeline
static_assert(GROUP == 4 * NIBBLE_QUADS, "a group's sums must fit");

// What numbers are divided by to become bytes.
INLINE float byte_scale(const float *numbers, int count) {
    Floats most{};
    for (int i = 0; i < count; i += LANES) most = maximum(most, magnitude(load<Floats>(numbers + i)));
    return larger(largest(most), 1e-12f) / 127;
}

// Rounds numbers to bytes and returns their scale; `sums` are those of GROUP bytes each.
inline float make_bytes(const float *numbers, int count, int8_t *bytes, int32_t *sums) {
    const float scale = byte_scale(numbers, count);
    const Floats inverse = floats(1 / scale);
    for (int group = 0; group < count / GROUP; group++) {
        const float *from = numbers + group * GROUP;
        const Ints one = rounded(load<Floats>(from) * inverse);
        const Ints other = rounded(load<Floats>(from + LANES) * inverse);
        store_bytes(bytes + group * GROUP, one);
        store_bytes(bytes + group * GROUP + LANES, other);
        sums[group] = sum(one + other);
    }
    return scale;
}

// R rows, as numbers or as bytes. They lie a little more than a power of two apart, which would put
// all of them into the same few lines of the cache.
struct Rows {
    int width = 0, stride = 0;
    Buffer<float> values, scales;      // [R, stride] and [R]
    Buffer<int8_t> bytes;              // [R, stride]
    Buffer<int32_t> sums, group_sums;  // of the bytes, [R] and [R, width / GROUP]

    bool reserve(int count, int new_width) {
        width = new_width, stride = width + 64;
        const size_t numbers = (size_t)count * stride;
        return values.reserve(numbers) && scales.reserve(count) && bytes.reserve(numbers) &&
               sums.reserve(count) && group_sums.reserve((size_t)count * width / GROUP);
    }

    float *row(int number) const { return &values[(size_t)number * stride]; }

    // Bytes of a row, as a thread makes them in its own memory.
    struct Made {
        int8_t *bytes;
        int32_t *sums;
        float *scale;
    };

    static size_t memory_for(int width) { return width / 4 + width / GROUP + 1; }

    Made made_in(float *memory) const {
        int8_t *bytes = (int8_t *)memory;
        int32_t *sums = (int32_t *)(bytes + width);
        return {bytes, sums, (float *)(sums + width / GROUP)};
    }

    void make(const float *numbers, float *memory) const {
        const Made made = made_in(memory);
        *made.scale = make_bytes(numbers, width, made.bytes, made.sums);
    }

    void set(int number, float *memory) const {
        const Made made = made_in(memory);
        const int groups = width / GROUP;
        memcpy(&bytes[(size_t)number * stride], made.bytes, width);
        memcpy(&group_sums[(size_t)number * groups], made.sums, groups * sizeof(int32_t));
        int32_t total = 0;
        for (int group = 0; group < groups; group++) total += made.sums[group];
        sums[number] = total, scales[number] = *made.scale;
    }
};

// Pointers to every fourth of T rows: what the others are away from those fits into registers.
template <class T, int ROWS>
struct RowPointers {
    const T *starts[(ROWS + 3) / 4];
    const int stride;

    RowPointers(const T *rows, int stride, int first) : stride(stride) {
        for (int q = 0; q < (ROWS + 3) / 4; q++) starts[q] = rows + (size_t)(first + 4 * q) * stride;
    }

    INLINE const T *at(int r, int i) const { return starts[r / 4] + (r % 4) * stride + i; }
};

// Each of these multiplies one block of 16 outputs with the T rows from `first` on.

template <int T>
void multiply_8_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // Bytes [in / 4][16 outputs][4 inputs], 128 is zero; a scale for each output.
    const uint8_t *weights = (const uint8_t *)m.weights + (size_t)block * LANES * m.in;
    const RowPointers<int8_t, T> x(&rows.bytes[0], rows.stride, first);
    Ints sums[T] = {};
    for (int i = 0; i < m.in; i += 4) {
        __builtin_prefetch(weights + i * LANES + AHEAD);
        const Quads w = load_weights(weights + i * LANES);
        UNROLLED for (int r = 0; r < T; r++) sums[r] = dot(sums[r], w, four_bytes(x.at(r, i)));
    }
    const Floats scales = load<Floats>((const float *)m.scales + block * LANES);
    UNROLLED for (int r = 0; r < T; r++) {
        const Ints sum = sums[r] - ints(OFFSET * rows.sums[first + r]);
        y[r] = to_floats(sum) * (scales * floats(rows.scales[first + r]));
    }
}

template <int T>
void multiply_4_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // Nibbles [in / 8][16 outputs][4 inputs], the next four inputs in the upper ones, 8 is zero;
    // scales bfloat16 [in / GROUP][16 outputs].
    const int groups = m.in / GROUP;
    const uint8_t *weights = (const uint8_t *)m.weights + (size_t)block * LANES * m.in / 2;
    const uint16_t *scales = (const uint16_t *)m.scales + (size_t)block * LANES * groups;
    const RowPointers<int8_t, T> x(&rows.bytes[0], rows.stride, first);
    Floats results[T] = {};
    for (int group = 0; group < groups; group++) {
        NibbleSums sums[T] = {};
        UNROLLED for (int i = group * GROUP; i < (group + 1) * GROUP; i += 8) {
            __builtin_prefetch(weights + i / 2 * LANES + AHEAD);
            const Nibbles w = load_nibbles(weights + i / 2 * LANES);
            UNROLLED for (int r = 0; r < T; r++) {
                sums[r] = dot_nibbles(sums[r], w.low, four_bytes(x.at(r, i)));
                sums[r] = dot_nibbles(sums[r], w.high, four_bytes(x.at(r, i + 4)));
            }
        }
        const Floats scale = load_bfloat16(scales + group * LANES);
        UNROLLED for (int r = 0; r < T; r++) {
            const int32_t excess = 8 * rows.group_sums[(first + r) * groups + group];
            results[r] = fma(to_floats(total(sums[r]) - ints(excess)), scale, results[r]);
        }
    }
    UNROLLED for (int r = 0; r < T; r++) y[r] = results[r] * floats(rows.scales[first + r]);
}

// bfloat16 or float [in][16 outputs].
INLINE Floats load_numbers(const uint16_t *from) { return load_bfloat16(from); }
INLINE Floats load_numbers(const float *from) { return load<Floats>(from); }

template <int T, class Number>
void multiply_numbers(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    const Number *weights = (const Number *)m.weights + (size_t)block * LANES * m.in;
    const RowPointers<float, T> x(&rows.values[0], rows.stride, first);
    Floats sums[T] = {};
    for (int i = 0; i < m.in; i++) {
        __builtin_prefetch((const char *)(weights + i * LANES) + AHEAD);
        const Floats w = load_numbers(weights + i * LANES);
        UNROLLED for (int r = 0; r < T; r++) sums[r] = fma(w, floats(*x.at(r, i)), sums[r]);
    }
    UNROLLED for (int r = 0; r < T; r++) y[r] = sums[r];
}

// As many rows at once as leave room for their sums in the registers.
constexpr int TILE = PARTS == 1 ? 16 : 4;

template <int T>
void multiply_tile(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    if (m.bits == 8) multiply_8_bits<T>(m, block, rows, first, y);
    if (m.bits == 4) multiply_4_bits<T>(m, block, rows, first, y);
    if (m.bits == 16) multiply_numbers<T, uint16_t>(m, block, rows, first, y);
    if (m.bits == 32) multiply_numbers<T, float>(m, block, rows, first, y);
}

template <int T>
void multiply_from(const Matrix &m, int block, const Rows &rows, int first, int count, Floats *y) {
    for (; first + T <= count; first += T) multiply_tile<T>(m, block, rows, first, y + first);
    if constexpr (T > 1)
        if (first < count) multiply_from<T / 2>(m, block, rows, first, count, y);
}

// Blocks of 16 outputs that are worth being taken at once: of 32 KiB of weights.
inline int portion_of(const Matrix &m, int rows) {
    const int portion = (1 << 18) / (m.in * m.bits) * LANES / (rows > LANES ? rows : LANES);
    return portion > 1 ? portion : 1;
}

inline size_t memory_for(const Matrix &m, int rows) {
    return (size_t)portion_of(m, rows) * rows * LANES;
}

// A transform that leaves a product alone.
INLINE Floats as_it_is(Floats y) { return y; }

// A phase: multiplies all rows, and calls publish(row, output, transform(y)) for each row and 16
// outputs.
template <class Transform, class Publish>
void multiply(Member &me, const Matrix &m, const Rows &rows, int count, const Transform &transform,
              const Publish &publish) {
    Floats *results = (Floats *)&me.memory[0];
    me.share(
        m.out / LANES, portion_of(m, count),
        [&](int block, int place) {
            Floats *y = results + place * count;
            multiply_from<TILE>(m, block, rows, 0, count, y);
            for (int r = 0; r < count; r++) y[r] = transform(y[r]);
        },
        [&](int block, int place) {
            for (int r = 0; r < count; r++) publish(r, block * LANES, results[place * count + r]);
        });
}

}  // namespace
