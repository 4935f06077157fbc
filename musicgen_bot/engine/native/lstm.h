// The LSTM of EnCodec's decoder, for the frames of several clips at once: all of them need the same
// weights, which take longer to read than to multiply. In fp32, and a clip is the same to the bit
// whatever passes beside it.

#pragma once

#include "interface.h"
#include "products.h"
#include "team.h"

namespace {

constexpr int GATES = 4;

INLINE Floats sigmoid(Floats x) {
    const Floats e = exponential(floats(0.0f) - magnitude(x));  // of what cannot overflow
    const Floats small = e / (floats(1.0f) + e);
    return where_negative(x, small, floats(1.0f) - small);
}

INLINE Floats hyperbolic_tangent(Floats x) {
    const Floats e = exponential(magnitude(x) * floats(-2.0f));
    const Floats result = (floats(1.0f) - e) / (floats(1.0f) + e);
    return where_negative(x, floats(0.0f) - result, result);
}

// What an LSTM works with.
struct LstmRoom {
    Rows taken, recurrent[2];  // frames that are multiplied; the hidden states of two frames in turn
    Buffer<float> gates;       // [N, 4 C]

    bool reserve(Team &team, const Lstm &s, int frames) {
        const int chunk = frames < CHUNK ? frames : CHUNK;
        const size_t results = (size_t)s.rows * (GATES + 2) * LANES;
        const size_t products = memory_for(s.layer[0].input, chunk);
        return team.reserve(GATES * s.width, results > products ? results : products) &&
               taken.reserve(chunk, s.width) && recurrent[0].reserve(s.rows, s.width) &&
               recurrent[1].reserve(s.rows, s.width) &&
               gates.reserve((size_t)frames * GATES * s.width);
    }

    static constexpr int CHUNK = 128;  // frames that are multiplied at once with what they bring
};

// The phases of an LSTM, as each thread goes through them.
class LstmPhases {
   public:
    LstmPhases(Member &me, const LstmRoom &room, const Lstm &s, int frames)
        : me(me), room(room), s(s), frames(frames) {}

    void run() const {
        for (int number = 0; number < s.layers; number++) {
            multiply_inputs(s.layer[number]);
            me.share(s.rows, 1, nothing, [&](int r, int) {
                memcpy(room.recurrent[0].row(r), hidden(number, r), C * sizeof(float));
            });
            int rows = s.rows;
            for (int frame = 0; frame < s.lengths[0]; frame++) {
                while (s.lengths[rows - 1] <= frame) rows--;
                pass_frame(number, frame, rows);
            }
        }
    }

   private:
    static void nothing(int, int) {}

    float *hidden(int layer, int r) const { return s.hidden + ((size_t)layer * s.rows + r) * C; }
    float *cells(int layer, int r) const { return s.cells + ((size_t)layer * s.rows + r) * C; }

    // Of all frames, since what they bring is known.
    void multiply_inputs(const LstmLayer &layer) const {
        for (int first = 0; first < frames; first += LstmRoom::CHUNK) {
            const int left = frames - first;
            const int count = left < LstmRoom::CHUNK ? left : LstmRoom::CHUNK;
            me.share(count, 8, nothing, [&](int i, int) {
                memcpy(room.taken.row(i), s.x + (size_t)(first + i) * C, C * sizeof(float));
            });
            multiply(me, layer.input, room.taken, count, as_it_is, [&](int i, int o, Floats y) {
                store(&room.gates[(size_t)(first + i) * GATES * C + o], y + load<Floats>(layer.bias + o));
            });
        }
    }

    // One frame of those rows that have it: they come first.
    void pass_frame(int number, int frame, int rows) const {
        const LstmLayer &layer = s.layer[number];
        const Rows &before = room.recurrent[frame % 2], &after = room.recurrent[(frame + 1) % 2];
        Floats *products = (Floats *)&me.memory[0], *results = products + GATES * rows;
        me.share(
            C / LANES, 1,
            [&](int block, int) {
                for (int gate = 0; gate < GATES; gate++)
                    multiply_from<TILE>(layer.recurrent, block * GATES + gate, before, 0, rows,
                                        products + gate * rows);
                for (int64_t r = 0, start = 0; r < rows; start += s.lengths[r++]) {
                    const float *known =
                        &room.gates[((start + frame) * C + block * LANES) * GATES];
                    Floats gates[GATES];
                    for (int gate = 0; gate < GATES; gate++)
                        gates[gate] = products[gate * rows + r] + load<Floats>(known + gate * LANES);
                    const Floats old = load<Floats>(cells(number, r) + block * LANES);
                    const Floats cell = fma(sigmoid(gates[1]), old,
                                            sigmoid(gates[0]) * hyperbolic_tangent(gates[2]));
                    results[2 * r] = cell;
                    results[2 * r + 1] = sigmoid(gates[3]) * hyperbolic_tangent(cell);
                }
            },
            [&](int block, int) {
                for (int64_t r = 0, start = 0; r < rows; start += s.lengths[r++]) {
                    const int o = block * LANES;
                    store(cells(number, r) + o, results[2 * r]);
                    store(hidden(number, r) + o, results[2 * r + 1]);
                    store(after.row(r) + o, results[2 * r + 1]);
                    store(s.x + (start + frame) * C + o, results[2 * r + 1]);
                }
            });
    }

    Member &me;
    const LstmRoom &room;
    const Lstm &s;
    const int frames, C = s.width;
};

}  // namespace
