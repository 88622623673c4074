/* Rows that move and search memory. */
#include <emmintrin.h>
#include "rows.h"

enum { BLOCK = 1 << 20 };

static u32 sample(const u8 *bytes, u32 length) {
  u32 sum = 0;
  for (u32 at = 0; at + 4 <= length; at += 4096 - 60) sum = mix(sum, *(const u32 *)(bytes + (at & ~3u)));
  return sum;
}

static void fill(u8 *bytes, u32 length) {
  u32 state = 99;
  for (u32 at = 0; at < length; at += 4) *(u32 *)(bytes + at) = next(&state);
}

static NOINLINE void copy_vectors(u8 *to, const u8 *from, word bytes) {
  for (word at = 0; at < bytes; at += 32) {
    __m128i a = _mm_loadu_si128((const __m128i *)(from + at)), b = _mm_loadu_si128((const __m128i *)(from + at + 16));
    _mm_storeu_si128((__m128i *)(to + at), a);
    _mm_storeu_si128((__m128i *)(to + at + 16), b);
  }
}

/* memcpy and memset as loops of words, bytes and vectors. */
u32 row_copy(void) {
  u8 *from = pages(BLOCK, PROT_READ | PROT_WRITE), *to = pages(BLOCK, PROT_READ | PROT_WRITE);
  u32 sum = 0;
  fill(from, BLOCK);
  for (u32 round = 0; round < 100; round++) {
    memcpy(to, from + (round & 7), BLOCK - 64);
    copy_vectors(from + 4096, to + (round & 15), BLOCK - 8192);
    memset(from + round * 64, (int)round, 65536 + round);
    for (u32 size = 1; size < 256; size++) memcpy(to + size * 300, from + size * 290, size);
    sum = mix(sum, sample(from, BLOCK) + sample(to, BLOCK));
  }
  release(from, BLOCK);
  release(to, BLOCK);
  return sum;
}

static inline void rep_movsb(void *to, const void *from, word count) { __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory"); }
static inline void rep_movsl(void *to, const void *from, word count) { __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count)::"memory"); }
static inline void rep_stosb(void *to, u8 value, word count) { __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory"); }
static inline void rep_stosl(void *to, u32 value, word count) { __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory"); }

static inline word find_byte(const void *in, u8 value, word count) {
  __asm__ volatile("repne scasb" : "+D"(in), "+c"(count) : "a"(value) : "memory", "cc");
  return count;
}

static inline word differ(const void *a, const void *b, word count) {
  __asm__ volatile("repe cmpsb" : "+D"(a), "+S"(b), "+c"(count)::"memory", "cc");
  return count;
}

/* rep movs and stos, long and short; repne scas and repe cmps. */
u32 row_strings(void) {
  u8 *from = pages(BLOCK, PROT_READ | PROT_WRITE), *to = pages(BLOCK, PROT_READ | PROT_WRITE);
  u32 sum = 0;
  fill(from, BLOCK);
  for (u32 round = 0; round < 30; round++) {
    rep_movsb(to, from, BLOCK);
    rep_movsl(from + 64, to, BLOCK / 4 - 16);
    rep_stosb(to + round * 128, (u8)round, 70000);
    rep_stosl(from + round * 256, round * 0x01010101, 16384);
    for (u32 at = 0; at < 8000; at++) rep_movsb(to + at * 64, from + at * 70, 24 + (at & 31));
    for (u32 at = 0; at < 200; at++) sum = mix(sum, (u32)find_byte(from + at * 1000, (u8)at, 3000));
    for (u32 at = 0; at < 50; at++) sum = mix(sum, (u32)differ(from + at * 900, to + at * 900, 3000));
    sum = mix(sum, sample(from, BLOCK) + sample(to, BLOCK));
  }
  release(from, BLOCK);
  release(to, BLOCK);
  return sum;
}

/* Reads and writes in no order over 16 MiB; each address depends on the value before. */
u32 row_random(void) {
  enum { BYTES = 16 << 20, MASK = BYTES / 4 - 1 };
  u32 *cells = pages(BYTES, PROT_READ | PROT_WRITE);
  u32 state = 5, at = 0;
  for (u32 cell = 0; cell <= MASK; cell++) cells[cell] = next(&state);
  for (u32 round = 0; round < 2000000; round++) {
    u32 value = cells[at];
    cells[(at ^ value) & MASK] += round;
    at = (value * 0x2545f491u ^ round) & MASK;
  }
  u32 sum = at;
  for (u32 cell = 0; cell <= MASK; cell += 1021) sum = mix(sum, cells[cell]);
  release(cells, BYTES);
  return sum;
}
