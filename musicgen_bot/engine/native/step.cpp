// One step of MusicGen's decoder on a CPU: the same sums as decoder.py, at the speed of the memory.
//
// A step reads every weight once and multiplies it with a handful of rows, so all that counts is to
// read without ever waiting. PyTorch's operators cannot: between two of six hundred of them the
// memory is idle. Here the step is one function on threads that stay (team.h).
//
// It is compiled once for each kind of processor (build.py), MUSICGEN_TARGET being the kind's name,
// and called by decoder.py of this package. Shapes are as in the other decoder.py: R rows, of which
// the first P have a prompt, C hidden, H heads, D head_dim.
//
// Rows may also be successive positions of the same clip: their keys and values are all written
// before any of them attends, and each looks back from its own position.

#include "attention.h"
#include "interface.h"
#include "lstm.h"
#include "products.h"
#include "team.h"

namespace {

constexpr int HEADS_AT_ONCE = 4;

struct Decoder {
    Team team;
    Rows narrow, wide;      // what is multiplied: [R, C] and [R, 4 C]
    Buffer<float> queries;  // [R, 3 C]: queries, keys and values
    LstmRoom lstm;

    explicit Decoder(int threads) : team(threads) {}
    static void *operator new(size_t size) noexcept { return malloc(size); }
    static void operator delete(void *decoder) { free(decoder); }
};

size_t max(size_t a, size_t b) { return a > b ? a : b; }

// Makes room for all that a step needs; returns false where there is no memory.
bool reserve(Decoder &decoder, const Step &s) {
    const Layer &layer = s.layer[0];
    const int positions = s.room > s.prompt_room ? s.room : s.prompt_room;
    const int head_dim = s.hidden / s.heads;
    size_t memory = max(s.hidden + Rows::memory_for(layer.up.out),
                        HEADS_AT_ONCE * head_dim + attention_memory(positions));
    size_t portions = s.rows * s.heads;
    const Matrix *const matrices[] = {&layer.query_key_value, &layer.self_out, &layer.up,
                                      &layer.down, &s.heads_matrix};  // cross-attention's are small
    for (const Matrix *m : matrices) {
        memory = max(memory, memory_for(*m, s.rows));
        portions = max(portions, m->out / LANES);
    }
    return decoder.team.reserve(portions, memory) && decoder.narrow.reserve(s.rows, s.hidden) &&
           decoder.wide.reserve(s.rows, layer.up.out) &&
           decoder.queries.reserve((size_t)s.rows * 3 * s.hidden);
}

void normalise(const float *x, const Norm &norm, float epsilon, int width, float *to) {
    Floats total{};
    for (int i = 0; i < width; i += LANES) total = total + load<Floats>(x + i);
    const Floats mean = floats(sum(total) / width);
    Floats squares{};
    for (int i = 0; i < width; i += LANES) {
        const Floats centred = load<Floats>(x + i) - mean;
        squares = fma(centred, centred, squares);
    }
    const Floats scale = floats(1 / __builtin_sqrtf(sum(squares) / width + epsilon));
    for (int i = 0; i < width; i += LANES) {
        const Floats centred = load<Floats>(x + i) - mean;
        const Floats bias = load<Floats>(norm.bias + i);
        store(to + i, fma(centred * scale, load<Floats>(norm.weight + i), bias));
    }
}

// The phases of a step, as each thread goes through them.
template <class Cells>
class Phases {
   public:
    Phases(Member &me, const Decoder &decoder, const Step &s)
        : me(me), narrow(decoder.narrow), wide(decoder.wide), queries(decoder.queries), s(s) {}

    void run() const {
        const auto to_queries = [&](int r, int o, Floats y) { store(query(r, o), y); };
        const auto add = [&](int r, int o, Floats y) {
            store(s.x + r * C + o, load<Floats>(s.x + r * C + o) + y);
        };
        for (int number = 0; number < s.layers; number++) {
            const Layer &layer = s.layer[number];
            normed(layer.self_norm, s.rows, layer.query_key_value);
            multiply(me, layer.query_key_value, narrow, s.rows, as_it_is, to_queries);
            attend_to_clip(layer);
            prepared(narrow, s.rows, layer.self_out);
            multiply(me, layer.self_out, narrow, s.rows, as_it_is, add);

            normed(layer.cross_norm, s.prompted, layer.cross_query);
            multiply(me, layer.cross_query, narrow, s.prompted, as_it_is, to_queries);
            attend_to_prompt(layer);
            prepared(narrow, s.prompted, layer.cross_out);
            multiply(me, layer.cross_out, narrow, s.prompted, as_it_is, add);

            normed(layer.ffn_norm, s.rows, layer.up);
            multiply(me, layer.up, narrow, s.rows, [](Floats y) { return gelu(y); },
                     [&](int r, int o, Floats y) { store(wide.row(r) + o, y); });
            prepared(wide, s.rows, layer.down);
            multiply(me, layer.down, wide, s.rows, as_it_is, add);
        }
        if (!s.logits) return;
        normed(s.final_norm, s.rows, s.heads_matrix);
        multiply(me, s.heads_matrix, narrow, s.rows, as_it_is, [&](int r, int o, Floats y) {
            store(s.logits + (size_t)r * s.heads_matrix.out + o, y);
        });
    }

   private:
    typedef typename Cells::Cell Cell;

    float *query(int r, int o) const { return &queries[(size_t)r * 3 * C + o]; }

    // Where the keys or values of a row's head begin.
    Cell *cells(void *layer, int r, int head) const {
        return (Cell *)layer + ((size_t)s.cache_rows[r] * H + head) * s.room * Cells::cells(D);
    }

    void normed(const Norm &norm, int rows, const Matrix &next) const {
        float *result = &me.memory[0], *bytes = result + C;
        me.share(
            rows, 1,
            [&](int r, int) {
                normalise(s.x + r * C, norm, s.epsilon, C, result);
                if (next.bits < 16) narrow.make(result, bytes);
            },
            [&](int r, int) {
                if (next.bits < 16) narrow.set(r, bytes);
                else memcpy(narrow.row(r), result, C * sizeof(float));
            });
    }

    void prepared(const Rows &rows, int count, const Matrix &next) const {
        if (next.bits == 16) return;
        float *bytes = &me.memory[0];
        me.share(
            count, 1, [&](int r, int) { rows.make(rows.row(r), bytes); },
            [&](int r, int) { rows.set(r, bytes); });
    }

    void attend_to_clip(const Layer &layer) const {
        const auto nothing = [](int, int) {};
        me.share(s.rows * H, H, nothing, [&](int i, int) {
            const int r = i / H, head = i % H;
            Cells::write(cells(layer.keys, r, head), cells(layer.values, r, head),
                         (int)s.positions[r], query(r, C + head * D), query(r, 2 * C + head * D), D);
        });
        attend(s.rows, [&](int r, int head, float *memory, float *result) {
            Cells::attend(query(r, head * D), cells(layer.keys, r, head),
                          cells(layer.values, r, head), (int)s.positions[r] + 1, D, memory, result);
        });
    }

    void attend_to_prompt(const Layer &layer) const {
        attend(s.prompted, [&](int r, int head, float *memory, float *result) {
            const size_t row = s.cache_rows[r], start = (row * H + head) * s.prompt_room * D;
            Halves::attend(query(r, head * D), layer.prompt_keys + start,
                           layer.prompt_values + start, (int)s.prompt_lengths[row], D, memory,
                           result);
        });
    }

    // A phase: calls head_of(r, head, memory, result) for each row and head.
    template <class Head>
    void attend(int rows, const Head &head_of) const {
        float *results = &me.memory[0], *memory = results + HEADS_AT_ONCE * D;
        me.share(
            rows * H, HEADS_AT_ONCE,
            [&](int i, int place) { head_of(i / H, i % H, memory, results + place * D); },
            [&](int i, int place) {
                memcpy(narrow.row(i / H) + i % H * D, results + place * D, D * sizeof(float));
            });
    }

    Member &me;
    const Rows &narrow, &wide;
    const Buffer<float> &queries;
    const Step &s;
    const int C = s.hidden, H = s.heads, D = C / H;
};

}  // namespace

// ---- What Python calls ----

EXPORTED void *NAME(musicgen_decoder)(int threads) { return new Decoder(threads); }

EXPORTED void NAME(musicgen_close)(void *decoder) { delete static_cast<Decoder *>(decoder); }

EXPORTED int NAME(musicgen_step)(void *with, const Step *s) {
    Decoder &decoder = *static_cast<Decoder *>(with);
    if (!reserve(decoder, *s)) return 1;
    decoder.team.run(s->threads, [&](Member &me) {
        if (s->cell_bits == 8) Phases<Bytes>(me, decoder, *s).run();
        else Phases<Halves>(me, decoder, *s).run();
    });
    return 0;
}

EXPORTED int NAME(musicgen_multiply)(void *with, const Product *p) {
    Decoder &decoder = *static_cast<Decoder *>(with);
    const Matrix &m = p->matrix;
    const Rows &rows = decoder.narrow;
    const size_t memory = max(memory_for(m, p->rows), Rows::memory_for(m.in));
    if (!decoder.team.reserve(max(m.out / LANES, p->rows), memory) ||
        !decoder.narrow.reserve(p->rows, m.in))
        return 1;
    decoder.team.run(p->threads, [&](Member &me) {
        me.share(
            p->rows, 1,
            [&](int r, int) {
                if (m.bits < 16) rows.make(p->x + (size_t)r * m.in, &me.memory[0]);
            },
            [&](int r, int) {
                if (m.bits < 16) rows.set(r, &me.memory[0]);
                else memcpy(rows.row(r), p->x + (size_t)r * m.in, m.in * sizeof(float));
            });
        multiply(
            me, m, rows, p->rows, as_it_is,
            [&](int r, int o, Floats y) { store(p->y + (size_t)r * m.out + o, y); });
    });
    return 0;
}

EXPORTED int NAME(musicgen_lstm)(void *with, const Lstm *s) {
    Decoder &decoder = *static_cast<Decoder *>(with);
    int frames = 0;
    for (int r = 0; r < s->rows; r++) frames += (int)s->lengths[r];
    if (!decoder.lstm.reserve(decoder.team, *s, frames)) return 1;
    decoder.team.run(s->threads,
                     [&](Member &me) { LstmPhases(me, decoder.lstm, *s, frames).run(); });
    return 0;
}

EXPORTED uint32_t NAME(musicgen_read)(void *with, const uint8_t *from, int64_t bytes, int threads) {
    constexpr int PORTION = 1 << 16;
    Team &team = static_cast<Decoder *>(with)->team;
    const int portions = (int)(bytes / PORTION);
    uint32_t result = 0;
    if (!team.reserve(portions, LANES)) return 0;
    team.run(threads, [&](Member &me) {
        int32_t *read = (int32_t *)&me.memory[0];
        me.share(
            portions, 1,
            [&](int part, int) {
                Ints all[4] = {};
                for (int i = 0; i < PORTION; i += 256)
                    UNROLLED for (int n = 0; n < 4; n++)
                        all[n] = all[n] | load<Ints>(from + (size_t)part * PORTION + i + n * 64);
                store(read, (all[0] | all[1]) | (all[2] | all[3]));
            },
            [&](int, int) { __atomic_or_fetch(&result, (uint32_t)read[0], __ATOMIC_RELAXED); });
    });
    return result;
}
