/* Packed integers in XMM registers: blending, distances, dot products, transposing. */
#include <emmintrin.h>
#include "rows.h"

enum { PIXELS = 4096 };

static NOINLINE void blend(u8 *to, const u8 *from, u16 weight) {
  const __m128i zero = _mm_setzero_si128(), mine = _mm_set1_epi16((short)weight), other = _mm_set1_epi16((short)(256 - weight));
  for (u32 at = 0; at < PIXELS * 4; at += 16) {
    __m128i a = _mm_load_si128((const __m128i *)(from + at)), b = _mm_load_si128((const __m128i *)(to + at));
    __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(a, zero), mine), _mm_mullo_epi16(_mm_unpacklo_epi8(b, zero), other));
    __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(a, zero), mine), _mm_mullo_epi16(_mm_unpackhi_epi8(b, zero), other));
    _mm_store_si128((__m128i *)(to + at), _mm_packus_epi16(_mm_srli_epi16(low, 8), _mm_srli_epi16(high, 8)));
  }
}

static NOINLINE u32 distance(const u8 *a, const u8 *b) {
  __m128i total = _mm_setzero_si128();
  for (u32 at = 0; at < PIXELS * 4; at += 16)
    total = _mm_add_epi64(total, _mm_sad_epu8(_mm_load_si128((const __m128i *)(a + at)), _mm_loadu_si128((const __m128i *)(b + at))));
  return (u32)_mm_cvtsi128_si32(_mm_add_epi64(total, _mm_shuffle_epi32(total, _MM_SHUFFLE(1, 0, 3, 2))));
}

static NOINLINE u32 product(const u8 *a, const u8 *b) {
  __m128i total = _mm_setzero_si128();
  for (u32 at = 0; at < PIXELS * 4; at += 16) {
    __m128i x = _mm_load_si128((const __m128i *)(a + at)), y = _mm_load_si128((const __m128i *)(b + at));
    __m128i larger = _mm_cmpgt_epi16(x, y);
    __m128i chosen = _mm_or_si128(_mm_and_si128(larger, x), _mm_andnot_si128(larger, y));
    total = _mm_add_epi32(total, _mm_madd_epi16(chosen, _mm_avg_epu16(x, y)));
  }
  total = _mm_xor_si128(total, _mm_shuffle_epi32(total, _MM_SHUFFLE(2, 3, 0, 1)));
  return (u32)_mm_cvtsi128_si32(_mm_add_epi32(total, _mm_srli_si128(total, 8)));
}

static NOINLINE void transpose(u32 *cells) {
  for (u32 at = 0; at < PIXELS; at += 16) {
    __m128i *rows = (__m128i *)(cells + at);
    __m128i a = _mm_unpacklo_epi32(rows[0], rows[1]), b = _mm_unpacklo_epi32(rows[2], rows[3]);
    __m128i c = _mm_unpackhi_epi32(rows[0], rows[1]), d = _mm_unpackhi_epi32(rows[2], rows[3]);
    rows[0] = _mm_unpacklo_epi64(a, b), rows[1] = _mm_unpackhi_epi64(a, b);
    rows[2] = _mm_unpacklo_epi64(c, d), rows[3] = _mm_unpackhi_epi64(c, d);
  }
}

u32 row_packed(void) {
  static u32 first[PIXELS] __attribute__((aligned(16))), second[PIXELS] __attribute__((aligned(16)));
  u32 state = 7, sum = 0;
  for (u32 at = 0; at < PIXELS; at++) first[at] = next(&state), second[at] = next(&state);
  for (u32 round = 0; round < 2500; round++) {
    blend((u8 *)first, (const u8 *)second, (u16)(round & 255));
    sum = mix(sum, distance((const u8 *)first, (const u8 *)second));
    sum = mix(sum, product((const u8 *)second, (const u8 *)first));
    transpose(second);
    second[round % PIXELS] += sum;
  }
  return sum;
}
