// Attention of one row and head: softmax(query . keys) . values over the positions so far.
//
// The cache of a head holds D bfloat16 numbers a position, or bytes in blocks of 16 positions:
//   keys    [D / 4][16 positions][4 numbers], then 16 float scales;
//   values  [4][D][4 positions], then 16 float scales.
// So keys and values are multiplied like weights, and sums are exact: the query is rounded to bytes,
// too, and what a value counts for to 14 bits, in two halves of 7.

#pragma once

#include "products.h"

namespace {

constexpr int HALF_BITS = 7;
constexpr float LARGEST_SHARE = (1 << 2 * HALF_BITS) - 1;

inline size_t block_bytes(int head_dim) { return LANES * (head_dim + sizeof(float)); }

// Memory of a thread, in floats, for a head that looks at `room` positions.
inline size_t attention_memory(int room) {
    const int padded = (room + LANES) / LANES * LANES;
    return padded + 2 * padded / sizeof(float);
}

// Where a head's numbers go in the cache, at one position.
struct ByteCells {
    static void write_key(uint8_t *keys, int position, const float *from, int head_dim) {
        write(keys, position, from, head_dim,
              [](int lane, int d) { return d / 4 * 4 * LANES + lane * 4 + d % 4; });
    }

    static void write_value(uint8_t *values, int position, const float *from, int head_dim) {
        write(values, position, from, head_dim,
              [=](int lane, int d) { return (lane / 4 * head_dim + d) * 4 + lane % 4; });
    }

    // place(lane, d) is where in a block the number d of its position `lane` is.
    template <class Place>
    static void write(uint8_t *cells, int position, const float *from, int head_dim,
                      const Place &place) {
        uint8_t *block = cells + position / LANES * block_bytes(head_dim);
        const int lane = position % LANES;
        int8_t bytes[MOST];
        const float scale = rounded_head(from, head_dim, bytes);
        for (int d = 0; d < head_dim; d++) block[place(lane, d)] = (uint8_t)(bytes[d] + OFFSET);
        memcpy(block + LANES * head_dim + lane * sizeof scale, &scale, sizeof scale);
    }

    static constexpr int MOST = 128;

    // D may be less than GROUP, so this is not make_bytes.
    static float rounded_head(const float *from, int head_dim, int8_t *bytes) {
        const float scale = byte_scale(from, head_dim);
        const Floats inverse = floats(1 / scale);
        for (int i = 0; i < head_dim; i += LANES)
            store_bytes(bytes + i, rounded(load<Floats>(from + i) * inverse));
        return scale;
    }
};

// Turns scores into exp(score - the highest), and returns their sum; `scores` is filled up with
// very low ones to a multiple of 16.
inline float exponentials(float *scores, int count) {
    Floats most = floats(-1e30f), total{};
    for (int i = 0; i < count; i += LANES) most = maximum(most, load<Floats>(scores + i));
    const Floats highest = floats(largest(most));
    for (int i = 0; i < count; i += LANES) {
        const Floats weights = exponential(load<Floats>(scores + i) - highest);
        store(scores + i, weights);
        total = total + weights;
    }
    return sum(total);
}

inline void fill_up(float *scores, int length) {
    for (int i = length; i % LANES; i++) scores[i] = -1e30f;
}

template <int V>
void attend_to_bytes(const float *query, const uint8_t *keys, const uint8_t *values, int length,
                     float *memory, float *to) {
    constexpr int D = V * LANES;
    const size_t block_size = block_bytes(D);
    float *scores = memory;
    int8_t *high = (int8_t *)(scores + (length + LANES - 1) / LANES * LANES);
    int8_t *low = high + (length + LANES - 1) / LANES * LANES;

    alignas(64) int8_t q[D];
    const float query_scale = ByteCells::rounded_head(query, D, q) / __builtin_sqrtf((float)D);
    int32_t query_sum = 0;
    for (int d = 0; d < D; d++) query_sum += q[d];
    for (int first = 0; first < length; first += LANES) {
        const uint8_t *block = keys + first / LANES * block_size;
        Ints sums = ints(-OFFSET * query_sum);
        UNROLLED for (int d = 0; d < D; d += 4)
            sums = dot(sums, load_quads(block + d * LANES), four_bytes(q + d));
        const Floats scales = load<Floats>((const float *)(block + LANES * D));
        store(scores + first, to_floats(sums) * (scales * floats(query_scale)));
    }
    fill_up(scores, length);
    const float total = exponentials(scores, length);

    // What each position counts for, with the scale of its value, in 14 bits.
    Floats most{};
    for (int first = 0; first < length; first += LANES) {
        const uint8_t *block = values + first / LANES * block_size;
        const Floats share =
            load<Floats>(scores + first) * load<Floats>((const float *)(block + LANES * D));
        store(scores + first, share);
        most = maximum(most, share);
    }
    const float largest_share = larger(largest(most), 1e-30f);
    const Floats to_integers = floats(LARGEST_SHARE / largest_share);
    Ints high_sums{}, low_sums{};
    for (int first = 0; first < length; first += LANES) {
        const Ints share = rounded(load<Floats>(scores + first) * to_integers);
        const Ints upper = share >> HALF_BITS, lower = share & ints((1 << HALF_BITS) - 1);
        store_bytes(high + first, upper);
        store_bytes(low + first, lower);
        high_sums = high_sums + upper, low_sums = low_sums + lower;
    }
    const Ints high_excess = ints(OFFSET * sum(high_sums));
    const Ints low_excess = ints(OFFSET * sum(low_sums));
    const Floats scale = floats(largest_share / LARGEST_SHARE / total);

    // As many numbers at once as leave room for their sums in the registers.
    constexpr int N = V < 4 / PARTS ? V : (4 / PARTS ? 4 / PARTS : 1);
    for (int v = 0; v < V; v += N) {
        Ints highs[N] = {}, lows[N] = {};
        for (int first = 0; first < length; first += LANES) {
            const uint8_t *block = values + first / LANES * block_size + v * 4 * LANES;
            UNROLLED for (int four = 0; four < LANES; four += 4) {
                const BytePart upper = four_bytes(high + first + four);
                const BytePart lower = four_bytes(low + first + four);
                UNROLLED for (int n = 0; n < N; n++) {
                    const Quads cells = load_quads(block + four * D + n * 4 * LANES);
                    highs[n] = dot(highs[n], cells, upper);
                    lows[n] = dot(lows[n], cells, lower);
                }
            }
        }
        UNROLLED for (int n = 0; n < N; n++) {
            const Floats upper = to_floats(highs[n] - high_excess);
            const Floats lower = to_floats(lows[n] - low_excess);
            store(to + (v + n) * LANES, fma(upper, floats(1 << HALF_BITS), lower) * scale);
        }
    }
}

template <int V>
void attend_to_halves(const float *query, const uint16_t *keys, const uint16_t *values, int length,
                      float *memory, float *to) {
    constexpr int D = V * LANES;
    float *scores = memory;
    const Floats scale = floats(1 / __builtin_sqrtf((float)D));
    Floats q[V], attended[V] = {};
    UNROLLED for (int v = 0; v < V; v++) q[v] = load<Floats>(query + v * LANES) * scale;
    for (int position = 0; position < length; position++) {
        const uint16_t *key = keys + position * D;
        Floats products = q[0] * load_bfloat16(key);
        UNROLLED for (int v = 1; v < V; v++)
            products = fma(q[v], load_bfloat16(key + v * LANES), products);
        scores[position] = sum(products);
    }
    fill_up(scores, length);
    const Floats inverse = floats(1 / exponentials(scores, length));
    for (int position = 0; position < length; position++) {
        const uint16_t *value = values + position * D;
        const Floats weight = floats(scores[position]);
        UNROLLED for (int v = 0; v < V; v++)
            attended[v] = fma(weight, load_bfloat16(value + v * LANES), attended[v]);
    }
    UNROLLED for (int v = 0; v < V; v++) store(to + v * LANES, attended[v] * inverse);
}

// A head's cache for the numbers of one kind; D is 16, 32, 64 or 128.
struct Bytes {
    typedef uint8_t Cell;

    static size_t cells(int head_dim) { return head_dim + sizeof(float); }

    static void write(Cell *keys, Cell *values, int position, const float *key, const float *value,
                      int head_dim) {
        ByteCells::write_key(keys, position, key, head_dim);
        ByteCells::write_value(values, position, value, head_dim);
    }

    static void attend(const float *query, const Cell *keys, const Cell *values, int length,
                       int head_dim, float *memory, float *to) {
        if (head_dim == 16) attend_to_bytes<1>(query, keys, values, length, memory, to);
        if (head_dim == 32) attend_to_bytes<2>(query, keys, values, length, memory, to);
        if (head_dim == 64) attend_to_bytes<4>(query, keys, values, length, memory, to);
        if (head_dim == 128) attend_to_bytes<8>(query, keys, values, length, memory, to);
    }
};

struct Halves {
    typedef uint16_t Cell;

    static size_t cells(int head_dim) { return head_dim; }

    static void write(Cell *keys, Cell *values, int position, const float *key, const float *value,
                      int head_dim) {
        for (int i = 0; i < head_dim; i += LANES) {
            store_bfloat16(keys + position * head_dim + i, load<Floats>(key + i));
            store_bfloat16(values + position * head_dim + i, load<Floats>(value + i));
        }
    }

    static void attend(const float *query, const Cell *keys, const Cell *values, int length,
                       int head_dim, float *memory, float *to) {
        if (head_dim == 16) attend_to_halves<1>(query, keys, values, length, memory, to);
        if (head_dim == 32) attend_to_halves<2>(query, keys, values, length, memory, to);
        if (head_dim == 64) attend_to_halves<4>(query, keys, values, length, memory, to);
        if (head_dim == 128) attend_to_halves<8>(query, keys, values, length, memory, to);
    }
};

}  // namespace
