// Vectors of 16 numbers, whatever the processor's own hold, and the instructions that only a kind of
// processor has.
//
// All kinds compute the same to the bit: sums of bytes are exact, and what is rounded is rounded in
// the same order. So nothing here may be left to a compiler that contracts a product and a sum into
// one instruction where it can (-ffp-contract=off): fma() says where that is wanted.

#pragma once

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#else
#error "The step is made for processors with AVX2 or NEON."
#endif

#define INLINE inline __attribute__((always_inline))

namespace {

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX2__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif
constexpr int LANES = 16, PARTS = LANES / WIDTH;

typedef float FloatPart __attribute__((vector_size(WIDTH * 4)));
typedef int32_t IntPart __attribute__((vector_size(WIDTH * 4)));

struct Floats {
    FloatPart part[PARTS];
};

struct Ints {
    IntPart part[PARTS];
};

// Not a loop, because GCC 12 would keep what it goes over in memory instead of registers.
template <class V, class Function>
INLINE V each(const Function &function) {
    if constexpr (PARTS == 1) return {{function(0)}};
    else if constexpr (PARTS == 2) return {{function(0), function(1)}};
    else return {{function(0), function(1), function(2), function(3)}};
}

// From any address: a pointer to a Part would tell clang that it is a multiple of its size.
template <class V>
INLINE V load(const void *from) {
    typedef decltype(V::part[0] + V::part[0]) Part;
    return each<V>([&](int p) {
        Part part;
        memcpy(&part, (const char *)from + p * sizeof part, sizeof part);
        return part;
    });
}

template <class V>
INLINE void store(void *to, V v) {
    memcpy(to, &v, sizeof v);
}

// ---- Arithmetic ----

INLINE Floats floats(float x) {
    return each<Floats>([&](int) { return FloatPart{} + x; });
}
INLINE Ints ints(int32_t x) {
    return each<Ints>([&](int) { return IntPart{} + x; });
}

INLINE Floats operator+(Floats a, Floats b) {
    return each<Floats>([&](int p) { return a.part[p] + b.part[p]; });
}
INLINE Floats operator-(Floats a, Floats b) {
    return each<Floats>([&](int p) { return a.part[p] - b.part[p]; });
}
INLINE Floats operator*(Floats a, Floats b) {
    return each<Floats>([&](int p) { return a.part[p] * b.part[p]; });
}
INLINE Floats operator/(Floats a, Floats b) {
    return each<Floats>([&](int p) { return a.part[p] / b.part[p]; });
}
INLINE Ints operator+(Ints a, Ints b) {
    return each<Ints>([&](int p) { return a.part[p] + b.part[p]; });
}
INLINE Ints operator-(Ints a, Ints b) {
    return each<Ints>([&](int p) { return a.part[p] - b.part[p]; });
}
INLINE Ints operator|(Ints a, Ints b) {
    return each<Ints>([&](int p) { return a.part[p] | b.part[p]; });
}
INLINE Ints operator&(Ints a, Ints b) {
    return each<Ints>([&](int p) { return a.part[p] & b.part[p]; });
}
INLINE Ints operator<<(Ints a, int bits) {
    return each<Ints>([&](int p) { return a.part[p] << bits; });
}
INLINE Ints operator>>(Ints a, int bits) {
    return each<Ints>([&](int p) { return a.part[p] >> bits; });
}

INLINE Floats maximum(Floats a, Floats b) {
    return each<Floats>([&](int p) {
#if defined(__AVX512F__)
        return (FloatPart)_mm512_max_ps((__m512)a.part[p], (__m512)b.part[p]);
#elif defined(__AVX2__)
        return (FloatPart)_mm256_max_ps((__m256)a.part[p], (__m256)b.part[p]);
#else
        return (FloatPart)vmaxq_f32((float32x4_t)a.part[p], (float32x4_t)b.part[p]);
#endif
    });
}

// a * b + c, rounded once.
INLINE Floats fma(Floats a, Floats b, Floats c) {
    return each<Floats>([&](int p) {
#if defined(__AVX512F__)
        return (FloatPart)_mm512_fmadd_ps((__m512)a.part[p], (__m512)b.part[p], (__m512)c.part[p]);
#elif defined(__AVX2__)
        return (FloatPart)_mm256_fmadd_ps((__m256)a.part[p], (__m256)b.part[p], (__m256)c.part[p]);
#else
        return (FloatPart)vfmaq_f32((float32x4_t)c.part[p], (float32x4_t)a.part[p],
                                    (float32x4_t)b.part[p]);
#endif
    });
}

// ---- From one kind of number to another ----

INLINE Ints bits_of(Floats v) {
    return each<Ints>([&](int p) { return (IntPart)v.part[p]; });
}
INLINE Floats floats_of(Ints bits) {
    return each<Floats>([&](int p) { return (FloatPart)bits.part[p]; });
}

INLINE Floats to_floats(Ints v) {
    return each<Floats>([&](int p) { return __builtin_convertvector(v.part[p], FloatPart); });
}

// To the nearest integer, ties to even.
INLINE Ints rounded(Floats v) {
    return each<Ints>([&](int p) {
#if defined(__AVX512F__)
        return (IntPart)_mm512_cvtps_epi32((__m512)v.part[p]);
#elif defined(__AVX2__)
        return (IntPart)_mm256_cvtps_epi32((__m256)v.part[p]);
#else
        return (IntPart)vcvtnq_s32_f32((float32x4_t)v.part[p]);
#endif
    });
}

// Stores 16 integers of -128 to 127 as bytes.
INLINE void store_bytes(void *to, Ints v) {
#if defined(__AVX512F__)
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8((__m512i)v.part[0]));
#elif defined(__AVX2__)
    const __m256i middle = _mm256_packs_epi32((__m256i)v.part[0], (__m256i)v.part[1]);
    const __m256i ordered = _mm256_permute4x64_epi64(middle, 0xd8);
    const __m128i low = _mm256_castsi256_si128(ordered), high = _mm256_extracti128_si256(ordered, 1);
    _mm_storeu_si128((__m128i *)to, _mm_packs_epi16(low, high));
#else
    const int16x8_t low = vcombine_s16(vmovn_s32((int32x4_t)v.part[0]), vmovn_s32((int32x4_t)v.part[1]));
    const int16x8_t high = vcombine_s16(vmovn_s32((int32x4_t)v.part[2]), vmovn_s32((int32x4_t)v.part[3]));
    vst1q_s8((int8_t *)to, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
#endif
}

INLINE Floats load_bfloat16(const uint16_t *from) {
    return each<Floats>([&](int p) {
#if defined(__AVX512F__)
        const __m256i narrow = _mm256_loadu_si256((const __m256i *)from + p);
        const __m512i wide = _mm512_cvtepu16_epi32(narrow);
        return (FloatPart)_mm512_slli_epi32(wide, 16);
#elif defined(__AVX2__)
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from + p));
        return (FloatPart)_mm256_slli_epi32(wide, 16);
#else
        return (FloatPart)vshll_n_u16(vld1_u16(from + p * WIDTH), 16);
#endif
    });
}

// To the nearest, ties to even.
INLINE void store_bfloat16(uint16_t *to, Floats v) {
    const Ints bits = bits_of(v);
    const Ints halves = (bits + ints(0x7fff) + ((bits >> 16) & ints(1))) >> 16;
    int32_t numbers[LANES];
    store(numbers, halves);
    for (int lane = 0; lane < LANES; lane++) to[lane] = (uint16_t)numbers[lane];
}

// ---- Over all 16 numbers, in an order that is the same everywhere ----

typedef float Quarter __attribute__((vector_size(16)));
typedef int32_t IntQuarter __attribute__((vector_size(16)));

INLINE float sum(Floats v) {
    Quarter q[4];
    memcpy(q, &v, sizeof v);
    const Quarter four = (q[0] + q[2]) + (q[1] + q[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE int32_t sum(Ints v) {
    IntQuarter q[4];
    memcpy(q, &v, sizeof v);
    const IntQuarter four = (q[0] + q[2]) + (q[1] + q[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE float larger(float a, float b) { return a > b ? a : b; }

INLINE float largest(Floats v) {
    float numbers[LANES];
    store(numbers, v);
    for (int half = LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++)
            numbers[lane] = larger(numbers[lane], numbers[lane + half]);
    return numbers[0];
}

INLINE Floats magnitude(Floats v) { return floats_of(bits_of(v) & ints(0x7fffffff)); }

// a where x is below 0 or -0, b elsewhere.
INLINE Floats where_negative(Floats x, Floats a, Floats b) {
    return each<Floats>([&](int p) {
        const IntPart negative = (IntPart)x.part[p] >> 31;
        return (FloatPart)(((IntPart)a.part[p] & negative) | ((IntPart)b.part[p] & ~negative));
    });
}

INLINE Floats exponential(Floats x) {
    // 2^n * e^r with |r| <= ln(2) / 2, and e^r by its Taylor series.
    x = maximum(x, floats(-87.0f));
    const Ints n = rounded(x * floats(1.44269504f));
    const Floats whole = to_floats(n);
    const Floats r = fma(whole, floats(2.12194440e-4f), fma(whole, floats(-0.693359375f), x));
    Floats e = fma(r, floats(1 / 5040.0f), floats(1 / 720.0f));
    e = fma(e, r, floats(1 / 120.0f));
    e = fma(e, r, floats(1 / 24.0f));
    e = fma(e, r, floats(1 / 6.0f));
    e = fma(e, r, floats(0.5f));
    e = fma(e, r, floats(1.0f));
    e = fma(e, r, floats(1.0f));
    return e * floats_of((n + ints(127)) << 23);
}

INLINE Floats gelu(Floats x) {
    // x * Phi(x), with erf by formula 7.1.26 of Abramowitz and Stegun, 1964: within 1.5e-7.
    const Floats z = magnitude(x) * floats(0.70710678f);
    const Floats t = floats(1.0f) / fma(floats(0.3275911f), z, floats(1.0f));
    Floats p = fma(t, floats(1.061405429f), floats(-1.453152027f));
    p = fma(p, t, floats(1.421413741f));
    p = fma(p, t, floats(-0.284496736f));
    p = fma(p, t, floats(0.254829592f)) * t;
    const Floats erf = floats(1.0f) - p * exponential(floats(0.0f) - z * z);
    const Ints sign = bits_of(x) & ints(INT32_MIN);
    return floats(0.5f) * x * (floats(1.0f) + floats_of(bits_of(erf) | sign));
}

}  // namespace
