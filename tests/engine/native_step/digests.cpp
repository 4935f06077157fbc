// Prints digests of what the step computes, for each number of bits, size of head and number of
// threads, and of what the LSTM does: all kinds of processors and systems must print the same.
//
// It draws its own weights, and needs nothing but malloc, memcpy and puts, so that it can be linked
// for Windows without the start-up code that would take minutes to compile.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interface.h"

namespace {

constexpr int C = 128, WIDE = 256, LAYERS = 3, VOCABULARY = 4 * 64;
constexpr int CLIPS = 6, PROMPTS = 3, ROOM = 64, PROMPT_ROOM = 16, PREFILLED = 17, STEPS = 12;
constexpr int MOST_ROWS = 3 * PREFILLED;
constexpr int BITS[] = {16, 8, 4}, HEADS[] = {8, 4, 2, 1}, THREADS[] = {1, 3};

// ---- Numbers, the same everywhere ----

uint64_t state;

uint32_t draw() {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

// From -1 to 1.
float draw_number() { return ((int32_t)(draw() >> 8) - (1 << 23)) / (float)(1 << 23); }

uint16_t to_bfloat16(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return (uint16_t)(bits >> 16);
}

// Where no vector would begin: a model's file may have been mapped into memory as it is.
template <class T>
T *room_for(int count) {
    char *room = (char *)calloc(count * sizeof(T) + sizeof(float), 1);
    if (!room) abort();
    return (T *)(room + sizeof(float));
}

template <class T, class Number>
T *filled(int count, const Number &number) {
    T *numbers = room_for<T>(count);
    for (int i = 0; i < count; i++) numbers[i] = number(i);
    return numbers;
}

// FNV-1a.
struct Digest {
    uint64_t value = 0xcbf29ce484222325;

    void take_in(const float *numbers, int count) {
        for (int i = 0; i < count; i++) {
            if (!(numbers[i] - numbers[i] == 0)) abort();  // it is not finite, so it says nothing
            unsigned char bytes[sizeof(float)];
            memcpy(bytes, numbers + i, sizeof bytes);
            for (const unsigned char byte : bytes) value = (value ^ byte) * 0x100000001b3;
        }
    }
};

// ---- A model ----

Matrix matrix(int bits, int out, int in) {
    Matrix m = {nullptr, nullptr, bits, out, in};
    const auto scale = [](int) { return (draw_number() + 2) / 2000; };
    if (bits == 32) {
        m.weights = filled<float>(out * in, [](int) { return draw_number() / 4; });
    } else if (bits == 16) {
        m.weights = filled<uint16_t>(out * in, [](int) { return to_bfloat16(draw_number() / 8); });
    } else if (bits == 8) {
        // Some blocks have nothing but the largest and the smallest bytes.
        m.weights = filled<uint8_t>(out * in, [&](int i) {
            const bool extreme = i / (16 * in) % 3 == 0;
            return (uint8_t)(extreme ? 1 + draw() % 2 * 254 : 1 + draw() % 255);
        });
        m.scales = filled<float>(out, scale);
    } else {
        m.weights = filled<uint8_t>(out * in / 2, [&](int i) {
            const bool extreme = i / (8 * in) % 3 == 0;
            return (uint8_t)(extreme ? draw() % 2 * 255 : draw() % 256);
        });
        m.scales = filled<uint16_t>(out * in / 32, [&](int i) { return to_bfloat16(20 * scale(i)); });
    }
    return m;
}

Norm norm() {
    return {filled<float>(C, [](int) { return 1 + draw_number() / 8; }),
            filled<float>(C, [](int) { return draw_number() / 8; })};
}

// Of what is +-1 it makes the same number, but for the sign: the largest and smallest bytes.
Norm plain_norm() {
    return {filled<float>(C, [](int) { return 1.0f; }), room_for<float>(C)};
}

void *prompt_cells() {
    return filled<uint16_t>(PROMPTS * PROMPT_ROOM * C, [](int) { return to_bfloat16(draw_number()); });
}

Layer layer(int number, int bits, int heads) {
    Layer l;
    l.self_norm = number ? norm() : plain_norm();
    l.cross_norm = norm(), l.ffn_norm = norm();
    l.query_key_value = matrix(bits, 3 * C, C), l.self_out = matrix(bits, C, C);
    l.cross_query = matrix(bits, C, C), l.cross_out = matrix(bits, C, C);
    l.up = matrix(bits, WIDE, C), l.down = matrix(bits, C, WIDE);
    // Bytes with a scale for each head, or bfloat16.
    const int cells = CLIPS * ROOM * (bits == 16 ? 2 * C : C + (int)sizeof(float) * heads);
    l.keys = room_for<uint8_t>(cells), l.values = room_for<uint8_t>(cells);
    l.prompt_keys = (const uint16_t *)prompt_cells();
    l.prompt_values = (const uint16_t *)prompt_cells();
    return l;
}

// ---- Steps with it ----

struct Run {
    Step step = {};
    Layer layers[LAYERS];
    int64_t positions[MOST_ROWS], cache_rows[MOST_ROWS], prompt_lengths[PROMPTS] = {7, 16, 1};
    float *x = room_for<float>(MOST_ROWS * C), *logits = room_for<float>(CLIPS * VOCABULARY);
    void *decoder;
    Digest digest;

    Run(int bits, int heads, int threads) : decoder(NAME(musicgen_decoder)(threads)) {
        state = 0;
        for (int number = 0; number < LAYERS; number++) layers[number] = layer(number, bits, heads);
        step.layers = LAYERS, step.hidden = C, step.heads = heads, step.threads = threads;
        step.room = ROOM, step.prompt_room = PROMPT_ROOM, step.cell_bits = bits == 16 ? 16 : 8;
        step.epsilon = 1e-5f, step.layer = layers, step.final_norm = norm();
        step.heads_matrix = matrix(bits, VOCABULARY, C);
        step.positions = positions, step.cache_rows = cache_rows, step.x = x;
        step.prompt_lengths = prompt_lengths;
    }

    void add(int clip, int64_t position) {
        const int row = step.rows++;
        step.prompted += clip < PROMPTS;
        cache_rows[row] = clip, positions[row] = position;
        for (int i = 0; i < C; i++) x[row * C + i] = draw_number() * (float)(1 << 2 * clip) / 16;
        if (clip == 0)
            for (int i = 0; i < C; i += 2)
                x[row * C + i] = draw() % 2 ? 1.0f : -1.0f, x[row * C + i + 1] = -x[row * C + i];
        if (clip == 5 && position % 4 == 0) memset(x + row * C, 0, C * sizeof(float));
    }

    void perform(bool with_logits) {
        step.logits = with_logits ? logits : nullptr;
        if (!decoder || NAME(musicgen_step)(decoder, &step)) abort();
        digest.take_in(x, step.rows * C);
        if (with_logits) digest.take_in(logits, step.rows * VOCABULARY);
        step.rows = step.prompted = 0;
    }

    void everything() {
        int64_t next[CLIPS] = {};
        for (int clip = 0; clip < CLIPS; clip += 2)
            for (; next[clip] < PREFILLED; next[clip]++) add(clip, next[clip]);
        perform(false);
        for (int number = 0; number < STEPS; number++) {
            for (int clip = 0; clip < CLIPS; clip++)
                if (number % 4 == 0 || (number + clip) % 4 < 1 + number / 4) add(clip, next[clip]++);
            perform(true);
        }
        NAME(musicgen_close)(decoder);
    }
};

// ---- The LSTM ----

uint64_t lstm_digest(int threads) {
    constexpr int WIDTH = 64, LAYERS_OF_IT = 2, CLIPS_OF_IT = 3, FRAMES = 12;
    const int64_t lengths[CLIPS_OF_IT] = {6, 5, 1};
    state = 0;
    LstmLayer layers[LAYERS_OF_IT];
    for (LstmLayer &layer : layers) {
        layer.input = matrix(32, 4 * WIDTH, WIDTH), layer.recurrent = matrix(32, 4 * WIDTH, WIDTH);
        layer.bias = filled<float>(4 * WIDTH, [](int) { return draw_number(); });
    }
    const auto number = [](int) { return 4 * draw_number(); };
    const int states = LAYERS_OF_IT * CLIPS_OF_IT * WIDTH;
    const Lstm lstm = {CLIPS_OF_IT, LAYERS_OF_IT, WIDTH, threads, layers, lengths,
                       filled<float>(FRAMES * WIDTH, number), filled<float>(states, number),
                       filled<float>(states, number)};
    void *decoder = NAME(musicgen_decoder)(threads);
    if (!decoder || NAME(musicgen_lstm)(decoder, &lstm)) abort();
    NAME(musicgen_close)(decoder);
    Digest digest;
    digest.take_in(lstm.x, FRAMES * WIDTH);
    digest.take_in(lstm.hidden, states), digest.take_in(lstm.cells, states);
    return digest.value;
}

// ---- All of it ----

void print(int bits, int head_dim, int threads, uint64_t digest) {
    char line[] = "00 bits, heads of 000, 0 threads: 0000000000000000";
    const auto write = [&](int end, int base, uint64_t number) {
        for (; number; number /= base) line[--end] = "0123456789abcdef"[number % base];
    };
    write(2, 10, bits), write(21, 10, head_dim), write(24, 10, threads);
    write(sizeof line - 1, 16, digest);
    puts(line);
}

int print_all() {
    for (const int threads : THREADS) {
        for (const int bits : BITS)
            for (const int heads : HEADS) {
                Run run(bits, heads, threads);
                run.everything();
                print(bits, C / heads, threads, run.digest.value);
            }
        print(32, 0, threads, lstm_digest(threads));  // it has no heads
    }
    return 0;
}

}  // namespace

#if defined(_WIN32)
extern "C" void begin() { exit(print_all()); }
#else
int main() { return print_all(); }
#endif
