// One step of MusicGen's decoder on a CPU: the same sums as decoder.py, at the speed of the memory.
//
// A step reads every weight once and multiplies it with a handful of rows, so all that counts is to
// read without ever waiting. PyTorch's operators cannot: between two of six hundred of them the
// memory is idle. Here the step is one function on threads that stay, and meet at barriers.
//
// Weights are packed in blocks of 16 outputs, so that one vector holds what one input, or four
// small ones, adds to 16 outputs. A row's arithmetic never depends on how many other rows there are.
//
// It is built by build.py with whatever compiler the machine has, for exactly that machine, and
// called by decoder.py of this package. Shapes are as in the other decoder.py: R rows, of which the
// first P have a prompt, C hidden, H heads, D head_dim.
//
// Rows may also be successive positions of the same clip: their keys and values are all written
// before any of them attends, and each looks back from its own position.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

// ---- What Python passes in; the fields are those of the structures in decoder.py ----

struct Norm {
    const float *weight, *bias;
};

struct Matrix {
    const void *weights;  // blocks of 16 outputs, see multiply_*_bits
    const void *scales;
    int32_t bits, out, in;
};

struct Layer {
    Norm self_norm, cross_norm, ffn_norm;
    Matrix query_key_value, self_out, cross_query, cross_out, up, down;
    void *keys, *values;                           // [R, H, room] cells, see Cell
    const uint16_t *prompt_keys, *prompt_values;   // bfloat16 [P, H, prompt_room, D]
};

struct Step {
    int32_t rows, prompted, layers, hidden, heads, room, prompt_room, cell_bits;
    float epsilon;
    const Layer *layer;
    Norm final_norm;
    Matrix heads_matrix;
    const int64_t *positions;       // [R]: where each row is, from 0
    const int64_t *cache_rows;      // [R]: whose keys and values it reads, and adds its own to
    const int64_t *prompt_lengths;  // of the prompts of all cache rows that have one
    float *x;                       // [R, C]: the embeddings; overwritten
    float *logits;                  // [R, codebooks * vocabulary], or null where none are wanted
};

namespace {

// ---- Vectors: 64 bytes each, whatever the machine's own are ----

constexpr int LANES = 16;
typedef float Floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t Ints __attribute__((vector_size(64), aligned(4)));
typedef uint32_t Words __attribute__((vector_size(64), aligned(4)));
typedef uint8_t Bytes __attribute__((vector_size(64), aligned(1)));
typedef int8_t SmallInts __attribute__((vector_size(16), aligned(1)));
typedef int16_t MiddleInts __attribute__((vector_size(32), aligned(2)));
typedef uint16_t Halves __attribute__((vector_size(32), aligned(2)));

template <class V, class T>
inline V load(const T *from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class V, class T>
inline void store(T *to, V v) {
    std::memcpy(to, &v, sizeof v);
}

inline Floats to_floats(Ints v) { return __builtin_convertvector(v, Floats); }

// By way of 16 bits, because compilers do badly at once.
inline Ints widened(SmallInts v) {
#if defined(__AVX512F__)
    return (Ints)_mm512_cvtepi8_epi32((__m128i)v);
#else
    return __builtin_convertvector(__builtin_convertvector(v, MiddleInts), Ints);
#endif
}

inline SmallInts narrowed(Ints v) {
    return __builtin_convertvector(__builtin_convertvector(v, MiddleInts), SmallInts);
}

inline Floats from_bfloat16(Halves v) {
#if defined(__AVX512F__)
    return (Floats)((Words)_mm512_cvtepu16_epi32((__m256i)v) << 16);
#else
    return (Floats)(__builtin_convertvector(v, Words) << 16);
#endif
}

inline Halves to_bfloat16(Floats v) {  // to the nearest, ties to even
    Words bits = (Words)v;
    return __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, Halves);
}

template <class V>
inline auto folded(V v) {
    typedef float Half __attribute__((vector_size(sizeof(V) / 2), aligned(4)));
    Half parts[2];
    std::memcpy(parts, &v, sizeof v);
    return parts[0] + parts[1];
}

inline float sum(Floats v) {
    auto two = folded(folded(folded(v)));
    return two[0] + two[1];
}

inline float largest(Floats v) {
    float result = v[0];
    for (int lane = 1; lane < LANES; lane++) result = std::max(result, v[lane]);
    return result;
}

inline Floats maximum(Floats a, Floats b) { return a > b ? a : b; }

inline Floats exponential(Floats x) {
    // 2^n * e^r with |r| <= ln(2) / 2, and e^r by its Taylor series.
    x = maximum(x, Floats{} - 87.0f);
    Ints n = __builtin_convertvector(x * 1.44269504f + 126.5f, Ints) - 126;
    Floats whole = to_floats(n);
    Floats r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    Floats e = r * (1 / 5040.0f) + 1 / 720.0f;
    e = (e * r + 1 / 120.0f) * r + 1 / 24.0f;
    e = ((e * r + 1 / 6.0f) * r + 0.5f) * r + 1.0f;
    return (e * r + 1.0f) * (Floats)((n + 127) << 23);
}

inline Floats gelu(Floats x) {
    // x * Phi(x), with erf by formula 7.1.26 of Abramowitz and Stegun, 1964: within 1.5e-7.
    Floats z = x * 0.70710678f;
    z = z < 0 ? -z : z;
    Floats t = 1.0f / (1.0f + 0.3275911f * z);
    Floats p = (t * 1.061405429f - 1.453152027f) * t + 1.421413741f;
    p = ((p * t - 0.284496736f) * t + 0.254829592f) * t;
    Floats erf = 1.0f - p * exponential(-z * z);
    return 0.5f * x * (1.0f + (x < 0 ? -erf : erf));
}

// Adds to 16 sums the products of four unsigned and four signed bytes each. Exact everywhere.
inline Ints dot(Ints sums, Bytes a, Ints b) {
#if defined(__AVX512VNNI__)
    return (Ints)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    __m256i s[2], u[2], v[2];
    std::memcpy(s, &sums, sizeof s), std::memcpy(u, &a, sizeof u), std::memcpy(v, &b, sizeof v);
    const __m256i even = _mm256_set1_epi16(255);
    for (int half = 0; half < 2; half++) {
#if defined(__AVXVNNI__)
        s[half] = _mm256_dpbusd_avx_epi32(s[half], u[half], v[half]);
#else
        // The products of bytes 0 and 2, then of bytes 1 and 3, as 16-bit numbers.
        __m256i low = _mm256_srai_epi16(_mm256_slli_epi16(v[half], 8), 8);
        __m256i high = _mm256_srai_epi16(v[half], 8);
        s[half] = _mm256_add_epi32(s[half], _mm256_madd_epi16(_mm256_and_si256(u[half], even), low));
        s[half] = _mm256_add_epi32(s[half], _mm256_madd_epi16(_mm256_srli_epi16(u[half], 8), high));
#endif
    }
    std::memcpy(&sums, s, sizeof s);
    return sums;
#else
    Words u = (Words)a;
    for (int byte = 0; byte < 4; byte++)
        sums += (Ints)((u >> (8 * byte)) & 255) * ((b << (24 - 8 * byte)) >> 24);
    return sums;
#endif
}

inline Ints four_bytes(const int8_t *from) {
    int32_t word;
    std::memcpy(&word, from, 4);
    return Ints{} + word;
}

// ---- Threads that stay ----

class Team {
   public:
    explicit Team(int size) : size_(size) {
        for (int number = 1; number < size; number++) threads_.emplace_back([this] { serve(); });
    }

    ~Team() {
        start(nullptr, nullptr);
        for (std::thread &thread : threads_) thread.join();
    }

    // Runs `work` on every thread, this one included, and returns when none is in it any more:
    // `work` and all it refers to are the caller's.
    template <class Work>
    void run(const Work &work) {
        start([](const void *what) { (*static_cast<const Work *>(what))(); }, &work);
        work();
        meet();
    }

    // Within `run`, and there by all threads: shares out 0 to count - 1 in portions, and returns
    // when all of it is done. Whoever is free takes the next portion, so a thread that the system
    // interrupts holds nobody up for long.
    template <class Part>
    void share(int count, int portion, const Part &part) {
        for (int first; (first = next_.fetch_add(portion)) < count;)
            for (int each = first; each < std::min(first + portion, count); each++) part(each);
        meet();
    }

   private:
    static constexpr int SPINS = 5000;
    typedef void (*Call)(const void *);

    // Returns when all threads are here.
    void meet() {
        const int stage = stage_.load();
        if (arrived_.fetch_add(1) + 1 == size_) {
            next_ = 0, arrived_ = 0;
            stage_ = stage + 1;
        }
        for (int spins = 0; stage_.load(std::memory_order_acquire) == stage; spins++)
            if (spins > SPINS) std::this_thread::yield();
    }

    void start(Call call, const void *work) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            call_ = call, work_ = work, round_++;
        }
        wake_.notify_all();
    }

    void serve() {
        for (long seen = 0;;) {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return round_ != seen; });
            seen = round_;
            const Call call = call_;
            const void *work = work_;
            lock.unlock();
            if (!call) return;
            call(work);
            meet();
        }
    }

    const int size_;
    std::atomic<int> next_{0}, arrived_{0}, stage_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
    Call call_ = nullptr;
    const void *work_ = nullptr;
    long round_ = 0;
    std::vector<std::thread> threads_;
};

// ---- Matrices ----

constexpr int GROUP = 32;    // inputs that share a scale in 4 bits
constexpr int AHEAD = 2048;  // bytes by which weights are fetched early: many rows fill the pipeline

// What numbers are divided by to become bytes.
inline float byte_scale(const float *numbers, int count) {
    Floats most{};
    for (int i = 0; i < count; i += LANES) {
        const Floats v = load<Floats>(numbers + i);
        most = maximum(most, v < 0 ? -v : v);
    }
    return std::max(largest(most), 1e-12f) / 127;
}

inline Ints rounded(Floats v) { return __builtin_convertvector(v + 128.5f, Ints) - 128; }

// The rows that matrices are multiplied with, as numbers and as bytes with a scale for each row.
// They lie a little more than a power of two apart, which would put all of them into the same few
// lines of the cache.
struct Rows {
    int width = 0, stride = 0;
    std::vector<float> values, scales;      // [R, stride] and [R]
    std::vector<int8_t> bytes;              // [R, stride]
    std::vector<int32_t> sums, group_sums;  // of the bytes, [R] and [R, width / GROUP]

    void resize(int count, int new_width) {
        width = new_width, stride = width + 64;
        values.resize(count * stride), scales.resize(count), bytes.resize(count * stride);
        sums.resize(count), group_sums.resize(count * width / GROUP);
    }

    float *row(int number) { return &values[number * stride]; }

    void make_bytes(int number) {
        const float *from = row(number);
        int8_t *to = &bytes[number * stride];
        int32_t *totals = &group_sums[number * width / GROUP];
        scales[number] = byte_scale(from, width);
        const float inverse = 1 / scales[number];
        sums[number] = 0;
        for (int group = 0; group < width / GROUP; group++) {
            Ints total{};
            for (int i = group * GROUP; i < (group + 1) * GROUP; i += LANES) {
                const Ints integers = rounded(load<Floats>(from + i) * inverse);
                store(to + i, narrowed(integers));
                total += integers;
            }
            totals[group] = (int32_t)sum(to_floats(total));
            sums[number] += totals[group];
        }
    }
};

// Pointers to every fourth of T rows: what the others are away from those fits into registers.
template <class T, int ROWS>
struct Quads {
    const T *starts[(ROWS + 3) / 4];
    const int stride;
    Quads(const std::vector<T> &rows, int stride, int first) : stride(stride) {
        for (int q = 0; q < (ROWS + 3) / 4; q++) starts[q] = &rows[(first + 4 * q) * stride];
    }
    const T *at(int r, int i) const { return starts[r / 4] + (r % 4) * stride + i; }
};

// Each of these multiplies one block of 16 outputs with the T rows from `first` on.

template <int T>
void multiply_8_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // Bytes [in / 4][16 outputs][4 inputs], 128 is zero; a scale for each output.
    const uint8_t *weights = (const uint8_t *)m.weights + (size_t)block * LANES * m.in;
    const Quads<int8_t, T> x(rows.bytes, rows.stride, first);
    Ints sums[T] = {};
    for (int i = 0; i < m.in; i += 4) {
        __builtin_prefetch(weights + i * LANES + AHEAD);
        const Bytes w = load<Bytes>(weights + i * LANES);
        for (int r = 0; r < T; r++) sums[r] = dot(sums[r], w, four_bytes(x.at(r, i)));
    }
    const Floats scales = load<Floats>((const float *)m.scales + block * LANES);
    for (int r = 0; r < T; r++)
        y[r] = to_floats(sums[r] - 128 * rows.sums[first + r]) * (scales * rows.scales[first + r]);
}

template <int T>
void multiply_4_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // Nibbles [in / 8][16 outputs][4 inputs], the next four inputs in the upper ones, 8 is zero;
    // scales bfloat16 [in / GROUP][16 outputs].
    const int groups = m.in / GROUP;
    const uint8_t *weights = (const uint8_t *)m.weights + (size_t)block * LANES * m.in / 2;
    const uint16_t *scales = (const uint16_t *)m.scales + (size_t)block * LANES * groups;
    const Quads<int8_t, T> x(rows.bytes, rows.stride, first);
    for (int r = 0; r < T; r++) y[r] = Floats{};
    for (int group = 0; group < groups; group++) {
        Ints sums[T] = {};
        for (int i = group * GROUP; i < (group + 1) * GROUP; i += 8) {
            __builtin_prefetch(weights + i / 2 * LANES + AHEAD);
            const Bytes both = load<Bytes>(weights + i / 2 * LANES);
            const Bytes low = both & 15, high = both >> 4;
            for (int r = 0; r < T; r++) {
                sums[r] = dot(sums[r], low, four_bytes(x.at(r, i)));
                sums[r] = dot(sums[r], high, four_bytes(x.at(r, i + 4)));
            }
        }
        const Floats scale = from_bfloat16(load<Halves>(scales + group * LANES));
        for (int r = 0; r < T; r++)
            y[r] += to_floats(sums[r] - 8 * rows.group_sums[(first + r) * groups + group]) * scale;
    }
    for (int r = 0; r < T; r++) y[r] *= rows.scales[first + r];
}

template <int T>
void multiply_16_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // bfloat16 [in][16 outputs].
    const uint16_t *weights = (const uint16_t *)m.weights + (size_t)block * LANES * m.in;
    const Quads<float, T> x(rows.values, rows.stride, first);
    Floats sums[T] = {};
    for (int i = 0; i < m.in; i++) {
        if (i % 2 == 0) __builtin_prefetch(weights + i * LANES + AHEAD / 2);
        const Floats w = from_bfloat16(load<Halves>(weights + i * LANES));
        for (int r = 0; r < T; r++) sums[r] += w * *x.at(r, i);
    }
    for (int r = 0; r < T; r++) y[r] = sums[r];
}

template <int T>
void multiply_tile(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    if (m.bits == 8) multiply_8_bits<T>(m, block, rows, first, y);
    if (m.bits == 4) multiply_4_bits<T>(m, block, rows, first, y);
    if (m.bits == 16) multiply_16_bits<T>(m, block, rows, first, y);
}

// As many rows at once as leave room for their sums in the registers.
#if defined(__AVX512F__)
constexpr int TILE = 16, TILE_4_BITS = 8;
#else
constexpr int TILE = 4, TILE_4_BITS = 2;
#endif

// Multiplies all rows, and calls finish(row, output, y) for each row and 16 outputs.
template <class Finish>
void multiply(Team &team, const Matrix &m, const Rows &rows, int count, const Finish &finish) {
    const int most = m.bits == 4 ? TILE_4_BITS : TILE;
    const int portion = std::max(1, (1 << 18) / (m.in * m.bits));
    team.share(m.out / LANES, portion, [&](int block) {
        Floats y[TILE];
        for (int first = 0, taken; first < count; first += taken) {
            const int left = std::min(count - first, most);
            if (TILE >= 16 && left >= 16) multiply_tile<TILE>(m, block, rows, first, y), taken = 16;
            else if (TILE >= 8 && left >= 8) multiply_tile<std::min(8, TILE)>(m, block, rows, first, y), taken = 8;
            else if (left >= 4) multiply_tile<4>(m, block, rows, first, y), taken = 4;
            else if (left >= 2) multiply_tile<2>(m, block, rows, first, y), taken = 2;
            else multiply_tile<1>(m, block, rows, first, y), taken = 1;
            for (int r = 0; r < taken; r++) finish(first + r, block * LANES, y[r]);
        }
    });
}

// ---- Norms and attention ----

void normalise(const float *x, const Norm &norm, float epsilon, int width, float *to) {
    Floats total{};
    for (int i = 0; i < width; i += LANES) total += load<Floats>(x + i);
    const float mean = sum(total) / width;
    Floats squares{};
    for (int i = 0; i < width; i += LANES) {
        const Floats centred = load<Floats>(x + i) - mean;
        squares += centred * centred;
    }
    const float scale = 1 / std::sqrt(sum(squares) / width + epsilon);
    for (int i = 0; i < width; i += LANES) {
        const Floats centred = load<Floats>(x + i) - mean;
        store(to + i, centred * scale * load<Floats>(norm.weight + i) + load<Floats>(norm.bias + i));
    }
}

// What a cache keeps of a head's key or value at one position: D bfloat16 numbers, or D bytes and
// the number they are scaled with.
template <class T>
struct Cell {
    static constexpr bool SCALED = sizeof(T) == 1;
    static int size(int head_dim) { return head_dim + (SCALED ? (int)sizeof(float) : 0); }

    static Floats read(const T *cell, int i) {
        if constexpr (SCALED) return to_floats(widened(load<SmallInts>(cell + i)));
        else return from_bfloat16(load<Halves>(cell + i));
    }

    static float scale(const T *cell, int head_dim) {
        float scale = 1;
        if constexpr (SCALED) std::memcpy(&scale, cell + head_dim, sizeof scale);
        return scale;
    }

    static void write(T *cell, const float *from, int head_dim) {
        if constexpr (SCALED) {
            const float scale = byte_scale(from, head_dim), inverse = 1 / scale;
            for (int i = 0; i < head_dim; i += LANES)
                store(cell + i, narrowed(rounded(load<Floats>(from + i) * inverse)));
            std::memcpy(cell + head_dim, &scale, sizeof scale);
        } else {
            for (int i = 0; i < head_dim; i += LANES)
                store(cell + i, to_bfloat16(load<Floats>(from + i)));
        }
    }
};

// One head of one row: softmax(query . keys) . values over `length` positions; D = V * 16.
template <class T, int V>
void attend(const float *query, const T *keys, const T *values, int length, float *to) {
    constexpr int D = V * LANES;
    const int size = Cell<T>::size(D);
    thread_local std::vector<float> memory;
    memory.resize(length + LANES);
    float *scores = memory.data();
    Floats q[V], attended[V] = {};
    for (int v = 0; v < V; v++) q[v] = load<Floats>(query + v * LANES) / std::sqrt((float)D);
    for (int position = 0; position < length; position++) {
        const T *key = keys + position * size;
        Floats products = q[0] * Cell<T>::read(key, 0);
        for (int v = 1; v < V; v++) products += q[v] * Cell<T>::read(key, v * LANES);
        scores[position] = sum(products) * Cell<T>::scale(key, D);
    }
    std::fill(scores + length, scores + length + LANES, -1e30f);
    Floats most = load<Floats>(scores), total{};
    for (int i = 0; i < length; i += LANES) most = maximum(most, load<Floats>(scores + i));
    const float highest = largest(most);
    for (int i = 0; i < length; i += LANES) {
        const Floats weights = exponential(load<Floats>(scores + i) - highest);
        store(scores + i, weights);
        total += weights;
    }
    for (int position = 0; position < length; position++) {
        const T *value = values + position * size;
        const float weight = scores[position] * Cell<T>::scale(value, D);
        for (int v = 0; v < V; v++) attended[v] += weight * Cell<T>::read(value, v * LANES);
    }
    const float scale = 1 / sum(total);
    for (int v = 0; v < V; v++) store(to + v * LANES, attended[v] * scale);
}

template <class T>
void attend(int head_dim, const float *query, const void *keys, const void *values, size_t start,
            int length, float *to) {
    const T *k = (const T *)keys + start * Cell<T>::size(head_dim);
    const T *v = (const T *)values + start * Cell<T>::size(head_dim);
    if (head_dim == 16) attend<T, 1>(query, k, v, length, to);
    if (head_dim == 32) attend<T, 2>(query, k, v, length, to);
    if (head_dim == 64) attend<T, 4>(query, k, v, length, to);
    if (head_dim == 128) attend<T, 8>(query, k, v, length, to);
}

// ---- The step ----

struct Decoder {
    Team team;
    Rows narrow, wide;           // what is multiplied: [R, C] and [R, 4 C]
    std::vector<float> queries;  // [R, 3 C]: queries, keys and values
    explicit Decoder(int threads) : team(threads) {}
};

template <class T>
void step(Decoder &decoder, const Step &s) {
    Team &team = decoder.team;
    Rows &narrow = decoder.narrow, &wide = decoder.wide;
    const int C = s.hidden, H = s.heads, D = C / H;
    narrow.resize(s.rows, C);
    wide.resize(s.rows, s.layer[0].up.out);
    decoder.queries.resize(s.rows * 3 * C);
    const auto query = [&](int r, int o) { return &decoder.queries[r * 3 * C + o]; };

    const auto normed = [&](const Norm &norm, int rows, const Matrix &next) {
        team.share(rows, 1, [&](int r) {
            normalise(s.x + r * C, norm, s.epsilon, C, narrow.row(r));
            if (next.bits < 16) narrow.make_bytes(r);
        });
    };
    const auto prepared = [&](Rows &rows, int count, const Matrix &next) {
        if (next.bits < 16) team.share(count, 1, [&](int r) { rows.make_bytes(r); });
    };
    const auto add = [&](int r, int o, Floats y) {
        store(s.x + r * C + o, load<Floats>(s.x + r * C + o) + y);
    };

    team.run([&] {
        for (int number = 0; number < s.layers; number++) {
            const Layer &layer = s.layer[number];

            normed(layer.self_norm, s.rows, layer.query_key_value);
            multiply(team, layer.query_key_value, narrow, s.rows,
                     [&](int r, int o, Floats y) { store(query(r, o), y); });
            team.share(s.rows * H, H, [&](int i) {
                const int r = i / H, head = i % H;
                const size_t place = ((size_t)s.cache_rows[r] * H + head) * s.room + s.positions[r];
                const size_t start = place * Cell<T>::size(D);
                Cell<T>::write((T *)layer.keys + start, query(r, C + head * D), D);
                Cell<T>::write((T *)layer.values + start, query(r, 2 * C + head * D), D);
            });
            team.share(s.rows * H, 1, [&](int i) {
                const int r = i / H, head = i % H;
                const size_t start = ((size_t)s.cache_rows[r] * H + head) * s.room;
                attend<T>(D, query(r, head * D), layer.keys, layer.values, start,
                          s.positions[r] + 1, narrow.row(r) + head * D);
            });
            prepared(narrow, s.rows, layer.self_out);
            multiply(team, layer.self_out, narrow, s.rows, add);

            if (s.prompted) {
                normed(layer.cross_norm, s.prompted, layer.cross_query);
                multiply(team, layer.cross_query, narrow, s.prompted,
                         [&](int r, int o, Floats y) { store(query(r, o), y); });
                team.share(s.prompted * H, 1, [&](int i) {
                    const int r = i / H, head = i % H;
                    const size_t start = ((size_t)s.cache_rows[r] * H + head) * s.prompt_room;
                    attend<uint16_t>(D, query(r, head * D), layer.prompt_keys, layer.prompt_values,
                                     start, s.prompt_lengths[s.cache_rows[r]],
                                     narrow.row(r) + head * D);
                });
                prepared(narrow, s.prompted, layer.cross_out);
                multiply(team, layer.cross_out, narrow, s.prompted, add);
            }

            normed(layer.ffn_norm, s.rows, layer.up);
            multiply(team, layer.up, narrow, s.rows,
                     [&](int r, int o, Floats y) { store(wide.row(r) + o, gelu(y)); });
            prepared(wide, s.rows, layer.down);
            multiply(team, layer.down, wide, s.rows, add);
        }
        if (!s.logits) return;
        normed(s.final_norm, s.rows, s.heads_matrix);
        multiply(team, s.heads_matrix, narrow, s.rows, [&](int r, int o, Floats y) {
            store(s.logits + (size_t)r * s.heads_matrix.out + o, y);
        });
    });
}

}  // namespace

// Each target has functions of its own: musicgen_step_avx2 and so on.
#define JOINED(name, target) name##_##target
#define FOR_TARGET(name, target) JOINED(name, target)
#define EXPORTED(name) FOR_TARGET(name, MUSICGEN_TARGET)
#pragma GCC visibility push(default)

extern "C" {

// Reads so many bytes, a multiple of 64 KiB, on all threads, as fast as can be; to measure.
uint32_t EXPORTED(musicgen_read)(void *decoder, const uint8_t *from, int64_t bytes) {
    constexpr int PORTION = 1 << 16;
    Team &team = static_cast<Decoder *>(decoder)->team;
    std::atomic<uint32_t> result{0};
    team.run([&] {
        team.share((int)(bytes / PORTION), 1, [&](int part) {
            Ints all[4] = {};
            for (int i = 0; i < PORTION; i += 256)
                for (int n = 0; n < 4; n++)
                    all[n] |= load<Ints>(from + (size_t)part * PORTION + i + n * 64);
            result |= (uint32_t)(all[0] | all[1] | all[2] | all[3])[0];
        });
    });
    return result;
}

void *EXPORTED(musicgen_decoder)(int threads) { return new Decoder(threads); }

void EXPORTED(musicgen_close)(void *decoder) { delete static_cast<Decoder *>(decoder); }

void EXPORTED(musicgen_step)(void *decoder, const Step *s) {
    (s->cell_bits == 8 ? step<int8_t> : step<uint16_t>)(*static_cast<Decoder *>(decoder), *s);
}
}
