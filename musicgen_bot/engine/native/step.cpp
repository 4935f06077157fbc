// One step of MusicGen's decoder on a CPU: the same sums as decoder.py, at the speed of the memory.
//
// A step reads every weight once and multiplies it with a handful of rows, so all that counts is to
// read without ever waiting. PyTorch's operators cannot: between two of six hundred of them the
// memory is idle. Here the step is one function on threads that stay, and meet at barriers.
//
// Weights are packed in blocks of 16 outputs, so that one vector holds what one input, or four small
// ones, adds to 16 outputs. A row's arithmetic never depends on how many other rows there are.
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
    uint16_t *keys, *values;                       // bfloat16 [R, H, room, D]
    const uint16_t *prompt_keys, *prompt_values;   // bfloat16 [P, H, prompt_room, D]
};

struct Step {
    int32_t rows, prompted, layers, hidden, heads, room, prompt_room;
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

inline Floats from_bfloat16(Halves v) {
    return (Floats)(__builtin_convertvector(v, Words) << 16);
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

    // Runs `work` on every thread, this one included.
    template <class Work>
    void run(const Work &work) {
        start([](const void *what) { (*static_cast<const Work *>(what))(); }, &work);
        work();
    }

    // Within `run`, and there by all threads: shares out 0 to count - 1 in portions, and returns
    // when all of it is done. Whoever is free takes the next portion, so a thread that the system
    // interrupts holds nobody up for long.
    template <class Part>
    void share(int count, int portion, const Part &part) {
        for (int first; (first = next_.fetch_add(portion)) < count;)
            for (int each = first; each < std::min(first + portion, count); each++) part(each);
        const int stage = stage_.load();
        if (arrived_.fetch_add(1) + 1 == size_) {
            next_ = 0, arrived_ = 0;
            stage_ = stage + 1;
        }
        for (int spins = 0; stage_.load(std::memory_order_acquire) == stage; spins++)
            if (spins > SPINS) std::this_thread::yield();
    }

   private:
    static constexpr int SPINS = 5000;
    typedef void (*Call)(const void *);

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

constexpr int GROUP = 32;  // inputs that share a scale in 4 bits

// The rows that matrices are multiplied with. Before that they are interleaved, so that what one
// input, or four small ones, are in all rows lies side by side: as numbers, or as bytes with a scale
// for each row.
struct Rows {
    int count = 0, width = 0;
    std::vector<float> values;                          // [R, width]
    std::vector<float> interleaved, scales;             // [width, R] and [R]
    std::vector<int8_t> bytes;                          // [width / 4, R, 4]
    std::vector<int32_t> sums, group_sums;              // of the bytes, [R] and [width / GROUP, R]

    void resize(int new_count, int new_width) {
        count = new_count, width = new_width;
        values.resize(count * width), interleaved.resize(count * width), scales.resize(count);
        bytes.resize(count * width), sums.resize(count), group_sums.resize(count * width / GROUP);
    }

    float *row(int number) { return &values[number * width]; }

    void prepare(int row, bool as_bytes) {
        const float *from = &values[row * width];
        if (!as_bytes) {
            for (int i = 0; i < width; i++) interleaved[i * count + row] = from[i];
            return;
        }
        Floats most{};
        for (int i = 0; i < width; i += LANES) {
            const Floats v = load<Floats>(from + i);
            most = maximum(most, v < 0 ? -v : v);
        }
        const float scale = std::max(largest(most), 1e-12f) / 127;
        scales[row] = scale;
        sums[row] = 0;
        for (int i = 0; i < width; i += GROUP) {
            int32_t total = 0;
            int8_t rounded[GROUP];
            for (int k = 0; k < GROUP; k++) {
                const int32_t byte = (int32_t)(from[i + k] / scale + 128.5f) - 128;
                rounded[k] = (int8_t)byte;
                total += byte;
            }
            for (int k = 0; k < GROUP; k += 4)
                std::memcpy(&bytes[(i + k) * count + row * 4], rounded + k, 4);
            group_sums[i / GROUP * count + row] = total;
            sums[row] += total;
        }
    }
};

// Each of these multiplies one block of 16 outputs with the T rows from `first` on.

template <int T>
void multiply_8_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // Bytes [in / 4][16 outputs][4 inputs], 128 is zero; a scale for each output.
    const uint8_t *weights = (const uint8_t *)m.weights + (size_t)block * LANES * m.in;
    const int8_t *x = &rows.bytes[first * 4];
    Ints sums[T] = {};
    for (int i = 0; i < m.in; i += 4, x += rows.count * 4) {
        const Bytes w = load<Bytes>(weights + i * LANES);
        for (int r = 0; r < T; r++) sums[r] = dot(sums[r], w, four_bytes(x + r * 4));
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
    const int8_t *x = &rows.bytes[first * 4];
    const int step = rows.count * 4;
    for (int r = 0; r < T; r++) y[r] = Floats{};
    for (int group = 0; group < groups; group++) {
        Ints sums[T] = {};
        for (int i = group * GROUP; i < (group + 1) * GROUP; i += 8, x += 2 * step) {
            const Bytes both = load<Bytes>(weights + i / 2 * LANES);
            const Bytes low = both & 15, high = both >> 4;
            for (int r = 0; r < T; r++) {
                sums[r] = dot(sums[r], low, four_bytes(x + r * 4));
                sums[r] = dot(sums[r], high, four_bytes(x + step + r * 4));
            }
        }
        const Floats scale = from_bfloat16(load<Halves>(scales + group * LANES));
        const int32_t *group_sums = &rows.group_sums[group * rows.count + first];
        for (int r = 0; r < T; r++) y[r] += to_floats(sums[r] - 8 * group_sums[r]) * scale;
    }
    for (int r = 0; r < T; r++) y[r] *= rows.scales[first + r];
}

template <int T>
void multiply_16_bits(const Matrix &m, int block, const Rows &rows, int first, Floats *y) {
    // bfloat16 [in][16 outputs].
    const uint16_t *weights = (const uint16_t *)m.weights + (size_t)block * LANES * m.in;
    const float *x = &rows.interleaved[first];
    Floats sums[T] = {};
    for (int i = 0; i < m.in; i++, x += rows.count) {
        const Floats w = from_bfloat16(load<Halves>(weights + i * LANES));
        for (int r = 0; r < T; r++) sums[r] += w * x[r];
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

// One head of one row: softmax(query . keys) . values over `length` positions; D = V * 16.
template <int V>
void attend(const float *query, const uint16_t *keys, const uint16_t *values, int length,
            float *scores, float *to) {
    constexpr int D = V * LANES;
    Floats q[V], attended[V] = {};
    for (int v = 0; v < V; v++) q[v] = load<Floats>(query + v * LANES) / std::sqrt((float)D);
    for (int position = 0; position < length; position++) {
        Floats products = q[0] * from_bfloat16(load<Halves>(keys + position * D));
        for (int v = 1; v < V; v++)
            products += q[v] * from_bfloat16(load<Halves>(keys + position * D + v * LANES));
        scores[position] = sum(products);
    }
    const int padded = (length + LANES - 1) / LANES * LANES;
    std::fill(scores + length, scores + padded, -1e30f);
    Floats most = load<Floats>(scores);
    for (int i = LANES; i < padded; i += LANES) most = maximum(most, load<Floats>(scores + i));
    const float highest = largest(most);
    Floats total{};
    for (int i = 0; i < padded; i += LANES) {
        const Floats weights = exponential(load<Floats>(scores + i) - highest);
        store(scores + i, weights);
        total += weights;
    }
    for (int position = 0; position < length; position++)
        for (int v = 0; v < V; v++)
            attended[v] +=
                scores[position] * from_bfloat16(load<Halves>(values + position * D + v * LANES));
    const float scale = 1 / sum(total);
    for (int v = 0; v < V; v++) store(to + v * LANES, attended[v] * scale);
}

void attend(int head_dim, const float *query, const uint16_t *keys, const uint16_t *values,
            int length, float *to) {
    thread_local std::vector<float> scores;
    scores.resize(length + LANES);
    if (head_dim == 16) attend<1>(query, keys, values, length, scores.data(), to);
    if (head_dim == 32) attend<2>(query, keys, values, length, scores.data(), to);
    if (head_dim == 64) attend<4>(query, keys, values, length, scores.data(), to);
    if (head_dim == 128) attend<8>(query, keys, values, length, scores.data(), to);
}

// ---- The step ----

struct Decoder {
    Team team;
    Rows narrow, wide;         // what is multiplied: [R, C] and [R, 4 C]
    std::vector<float> query;  // [R, C]
    explicit Decoder(int threads) : team(threads) {}
};

void step(Decoder &decoder, const Step &s) {
    Team &team = decoder.team;
    Rows &narrow = decoder.narrow, &wide = decoder.wide;
    const int C = s.hidden, H = s.heads, D = C / H;
    narrow.resize(s.rows, C);
    wide.resize(s.rows, s.layer[0].up.out);
    decoder.query.resize(s.rows * C);
    float *query = decoder.query.data();

    const auto normed = [&](const Norm &norm, int rows, const Matrix &next) {
        team.share(rows, 1, [&](int r) {
            normalise(s.x + r * C, norm, s.epsilon, C, narrow.row(r));
            narrow.prepare(r, next.bits < 16);
        });
    };
    const auto prepared = [&](Rows &rows, int count, const Matrix &next) {
        team.share(count, 1, [&](int r) { rows.prepare(r, next.bits < 16); });
    };
    const auto add = [&](int r, int o, Floats y) {
        store(s.x + r * C + o, load<Floats>(s.x + r * C + o) + y);
    };

    team.run([&] {
        for (int number = 0; number < s.layers; number++) {
            const Layer &layer = s.layer[number];

            normed(layer.self_norm, s.rows, layer.query_key_value);
            multiply(team, layer.query_key_value, narrow, s.rows, [&](int r, int o, Floats y) {
                if (o < C) return store(query + r * C + o, y);
                const int head = (o % C) / D;
                const size_t place =
                    ((size_t)s.cache_rows[r] * H + head) * s.room + s.positions[r];
                uint16_t *cache = o < 2 * C ? layer.keys : layer.values;
                store(cache + place * D + o % D, to_bfloat16(y));
            });
            team.share(s.rows * H, 1, [&](int i) {
                const int r = i / H, head = i % H;
                const size_t start = ((size_t)s.cache_rows[r] * H + head) * s.room * D;
                attend(D, query + r * C + head * D, layer.keys + start, layer.values + start,
                       s.positions[r] + 1, narrow.row(r) + head * D);
            });
            prepared(narrow, s.rows, layer.self_out);
            multiply(team, layer.self_out, narrow, s.rows, add);

            if (s.prompted) {
                normed(layer.cross_norm, s.prompted, layer.cross_query);
                multiply(team, layer.cross_query, narrow, s.prompted,
                         [&](int r, int o, Floats y) { store(query + r * C + o, y); });
                team.share(s.prompted * H, 1, [&](int i) {
                    const int r = i / H, head = i % H;
                    const size_t start = ((size_t)s.cache_rows[r] * H + head) * s.prompt_room * D;
                    attend(D, query + r * C + head * D, layer.prompt_keys + start,
                           layer.prompt_values + start, s.prompt_lengths[s.cache_rows[r]],
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

extern "C" {

// Reads so many bytes, a multiple of 64 KiB, on all threads, as fast as can be; to measure the memory.
uint32_t musicgen_read(void *decoder, const uint8_t *from, int64_t bytes) {
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

void *musicgen_decoder(int threads) { return new Decoder(threads); }

void musicgen_close(void *decoder) { delete static_cast<Decoder *>(decoder); }

void musicgen_step(void *decoder, const Step *s) { step(*static_cast<Decoder *>(decoder), *s); }
}
