// What Python calls, and what it passes in: the fields are those of the structures in decoder.py.
// Shapes are R rows, of which the first P have a prompt, C hidden, H heads, D head_dim.

#pragma once

#include <stdint.h>

struct Matrix {
    const void *weights;  // blocks of 16 outputs, see multiply_*
    const void *scales;
    int32_t bits, out, in;
};

struct Norm {
    const float *weight, *bias;
};

struct Layer {
    Norm self_norm, cross_norm, ffn_norm;
    Matrix query_key_value, self_out, cross_query, cross_out, up, down;
    void *keys, *values;                           // [R, H, room] positions, see attention.h
    const uint16_t *prompt_keys, *prompt_values;   // bfloat16 [P, H, prompt_room, D]
};

struct Step {
    int32_t rows, prompted, layers, hidden, heads, room, prompt_room, cell_bits, threads;
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

// A product of its own.
struct Product {
    int32_t rows, threads;
    Matrix matrix;
    const float *x;  // [R, in]
    float *y;        // [R, out]
};

// The LSTM of EnCodec's decoder.

struct LstmLayer {
    Matrix input, recurrent;  // 32 bits, [4 C, C], see lstm.h
    const float *bias;        // [4 C], the sum of both
};

// R rows of C numbers a frame, each with frames of its own, N in all. Of four matrices for the four
// gates, 16 outputs of each stand together: [C / 16][input, forget, cell, output][16].
struct Lstm {
    int32_t rows, layers, width, threads;
    const LstmLayer *layer;
    const int64_t *lengths;  // [R]: frames of each row, the most first
    float *x;                // [N, C], row by row; overwritten by the outputs
    float *hidden, *cells;   // [layers, R, C]: the state before; overwritten by that after
};

// Each function's name ends with the target's, see build.py.
#if defined(_WIN32)
#define EXPORTED extern "C" __declspec(dllexport)
#else
#define EXPORTED extern "C" __attribute__((visibility("default")))
#endif
#define JOINED(name, target) name##_##target
#define NAME_FOR(name, target) JOINED(name, target)
#define NAME(name) NAME_FOR(name, MUSICGEN_TARGET)

// Starts threads for steps; returns null where there is no memory.
EXPORTED void *NAME(musicgen_decoder)(int threads);

EXPORTED void NAME(musicgen_close)(void *decoder);

// Returns 0, or 1 where there is no memory.
EXPORTED int NAME(musicgen_step)(void *decoder, const Step *step);

// Returns 0, or 1 where there is no memory.
EXPORTED int NAME(musicgen_multiply)(void *decoder, const Product *product);

// Returns 0, or 1 where there is no memory.
EXPORTED int NAME(musicgen_lstm)(void *decoder, const Lstm *lstm);

// Reads so many bytes, a multiple of 64 KiB, on so many threads, as fast as can be; to measure.
EXPORTED uint32_t NAME(musicgen_read)(void *decoder, const uint8_t *from, int64_t bytes,
                                      int threads);
