// Products of bytes, summed exactly: four successive inputs of 16 outputs at a time.
//
// Each kind of processor has its own way. VNNI multiplies unsigned bytes with signed ones and sums
// four products in one instruction; what was added to make the bytes unsigned is taken off in the
// end. AVX2 sums pairs in 16 bits, which hold two products of bytes of -127 to 127 if the sign goes
// to one side: 2 * 127 * 127 < 2^15. So does NEON without its own instruction for four.

#pragma once

#include "vectors.h"

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define HAS_VNNI 1
#else
#define HAS_VNNI 0
#endif

namespace {

// What is added to the bytes of Quads, and so OFFSET times the sum of what they are multiplied with
// to the sums.
constexpr int OFFSET = HAS_VNNI ? 128 : 0;

#if defined(__AVX512F__)
typedef __m512i BytePart;
#elif defined(__AVX2__)
typedef __m256i BytePart;
#else
typedef int8x16_t BytePart;
#endif

// Each part of `from`, by itself, because GCC 12 copies 64 bytes by way of the memory.
INLINE BytePart load_part(const uint8_t *from, int p) {
    BytePart part;
    memcpy(&part, from + p * sizeof part, sizeof part);
    return part;
}

// One side of a product: 64 bytes of -127 to 127, [16 outputs][4 inputs].
struct Quads {
    BytePart part[PARTS];
#if defined(__AVX2__) && !HAS_VNNI
    BytePart magnitude[PARTS];
#endif
};

INLINE Quads signs_apart(Quads q) {
#if defined(__AVX2__) && !HAS_VNNI
    for (int p = 0; p < PARTS; p++) q.magnitude[p] = _mm256_abs_epi8(q.part[p]);
#endif
    return q;
}

// Bytes to which OFFSET was added.
INLINE Quads load_quads(const uint8_t *from) {
    Quads q;
    for (int p = 0; p < PARTS; p++) q.part[p] = load_part(from, p);
    return signs_apart(q);
}

// Bytes to which 128 was added.
INLINE Quads load_weights(const uint8_t *from) {
    Quads q;
    for (int p = 0; p < PARTS; p++) {
        q.part[p] = load_part(from, p);
#if HAS_VNNI
#elif defined(__AVX2__)
        q.part[p] = _mm256_xor_si256(q.part[p], _mm256_set1_epi8(-128));
#else
        q.part[p] = veorq_s8(q.part[p], vdupq_n_s8(-128));
#endif
    }
    return signs_apart(q);
}

// The other side: four bytes of -127 to 127, the same for all outputs.
INLINE BytePart four_bytes(const int8_t *from) {
    int32_t word;
    memcpy(&word, from, sizeof word);
#if defined(__AVX512F__)
    return _mm512_set1_epi32(word);
#elif defined(__AVX2__)
    return _mm256_set1_epi32(word);
#else
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
#endif
}

#if defined(__AVX2__) && !HAS_VNNI
// Adds up pairs of 16-bit numbers.
INLINE IntPart plus_pairs(IntPart sums, __m256i pairs) {
    return (IntPart)_mm256_add_epi32((__m256i)sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#elif defined(__ARM_NEON) && !defined(__ARM_FEATURE_DOTPROD)
INLINE int16x8_t pairs_of_products(int8x16_t a, int8x16_t b) {
    return vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b));
}
#endif

// Adds to each output's sum its four products.
INLINE Ints dot(Ints sums, const Quads &a, BytePart b) {
    return each<Ints>([&](int p) {
#if defined(__AVX512VNNI__)
        return (IntPart)_mm512_dpbusd_epi32((__m512i)sums.part[p], a.part[p], b);
#elif defined(__AVXVNNI__)
        return (IntPart)_mm256_dpbusd_avx_epi32((__m256i)sums.part[p], a.part[p], b);
#elif defined(__AVX2__)
        const __m256i signed_b = _mm256_sign_epi8(b, a.part[p]);
        return plus_pairs(sums.part[p], _mm256_maddubs_epi16(a.magnitude[p], signed_b));
#elif defined(__ARM_FEATURE_DOTPROD)
        return (IntPart)vdotq_s32((int32x4_t)sums.part[p], a.part[p], b);
#else
        return (IntPart)vpadalq_s16((int32x4_t)sums.part[p], pairs_of_products(a.part[p], b));
#endif
    });
}

// ---- Nibbles of 0 to 15, as they are ----

constexpr int NIBBLE_QUADS = 8;  // at most of one NibbleSums: 8 * 2 * 15 * 127 < 2^15

struct Nibbles {
    BytePart low[PARTS], high[PARTS];
};

#if defined(__AVX2__) && !HAS_VNNI
struct NibbleSums {
    __m256i part[PARTS];  // of pairs, in 16 bits
};
#else
typedef Ints NibbleSums;
#endif

INLINE Nibbles load_nibbles(const uint8_t *from) {
    Nibbles n;
    for (int p = 0; p < PARTS; p++) {
        const BytePart both = load_part(from, p);
#if defined(__AVX512F__)
        n.low[p] = _mm512_and_si512(both, _mm512_set1_epi8(15));
        n.high[p] = _mm512_and_si512(_mm512_srli_epi16(both, 4), _mm512_set1_epi8(15));
#elif defined(__AVX2__)
        n.low[p] = _mm256_and_si256(both, _mm256_set1_epi8(15));
        n.high[p] = _mm256_and_si256(_mm256_srli_epi16(both, 4), _mm256_set1_epi8(15));
#else
        const uint8x16_t bytes = vreinterpretq_u8_s8(both);
        n.low[p] = vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));
        n.high[p] = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
#endif
    }
    return n;
}

INLINE NibbleSums dot_nibbles(NibbleSums sums, const BytePart *nibbles, BytePart b) {
#if defined(__AVX2__) && !HAS_VNNI
    for (int p = 0; p < PARTS; p++)
        sums.part[p] = _mm256_add_epi16(sums.part[p], _mm256_maddubs_epi16(nibbles[p], b));
    return sums;
#else
    return each<Ints>([&](int p) {
#if defined(__AVX512VNNI__)
        return (IntPart)_mm512_dpbusd_epi32((__m512i)sums.part[p], nibbles[p], b);
#elif defined(__AVXVNNI__)
        return (IntPart)_mm256_dpbusd_avx_epi32((__m256i)sums.part[p], nibbles[p], b);
#elif defined(__ARM_FEATURE_DOTPROD)
        return (IntPart)vdotq_s32((int32x4_t)sums.part[p], nibbles[p], b);
#else
        return (IntPart)vpadalq_s16((int32x4_t)sums.part[p], pairs_of_products(nibbles[p], b));
#endif
    });
#endif
}

INLINE Ints total(NibbleSums sums) {
#if defined(__AVX2__) && !HAS_VNNI
    return each<Ints>([&](int p) { return plus_pairs(IntPart{}, sums.part[p]); });
#else
    return sums;
#endif
}

}  // namespace
