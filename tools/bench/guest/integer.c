/* Rows that live in registers and the first-level cache. */
#include "rows.h"

static NOINLINE u32 gcd(u32 a, u32 b) {
  while (b) {
    u32 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static NOINLINE void sort(u32 *first, u32 *last) {
  while (first < last) {
    u32 pivot = first[(last - first) / 2], *left = first, *right = last;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left > right) break;
      u32 swapped = *left;
      *left++ = *right;
      *right-- = swapped;
    }
    sort(first, right);
    first = left;
  }
}

static NOINLINE u32 count_primes(u8 *sieve, u32 limit) {
  u32 count = 0;
  for (u32 at = 0; at < limit; at++) sieve[at] = 1;
  for (u32 prime = 2; prime < limit; prime++) {
    if (!sieve[prime]) continue;
    count++;
    for (u32 multiple = prime * 2; multiple < limit; multiple += prime) sieve[multiple] = 0;
  }
  return count;
}

static NOINLINE u32 scramble(u32 value, u32 rounds) {
  for (u32 round = 0; round < rounds; round++) {
    value += rotate(value, 7) ^ round;
    value ^= value >> 3;
    value = value * 5 + (value & 0xff);
    if (value & 1) value -= round << 2;
  }
  return value;
}

u32 row_integer(void) {
  enum { COUNT = 4096, LIMIT = 32768 };
  static u32 numbers[COUNT];
  static u8 sieve[LIMIT];
  u32 sum = 0, state = 0x12345678;
  for (u32 round = 0; round < 200; round++) {
    for (u32 at = 0; at < COUNT; at++) numbers[at] = next(&state);
    for (u32 at = 1; at < COUNT; at += 4) sum += gcd(numbers[at], numbers[at - 1] | 1);
    sort(numbers, numbers + COUNT - 1);
    for (u32 at = 0; at < COUNT; at += 64) sum = mix(sum, numbers[at]);
    sum = mix(sum, count_primes(sieve, LIMIT));
    sum = mix(sum, scramble(sum, 150000));
  }
  return sum;
}

/* The primes' cube roots, first 32 bits of the fraction: FIPS 180-4, 4.2.2. */
static const u32 SHA_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static NOINLINE void sha256_block(u32 hash[8], const u8 *block) {
  u32 schedule[64], work[8];
  for (int at = 0; at < 16; at++) schedule[at] = __builtin_bswap32(((const u32 *)block)[at]);
  for (int at = 16; at < 64; at++) {
    u32 a = schedule[at - 15], b = schedule[at - 2];
    schedule[at] = schedule[at - 16] + schedule[at - 7] + (rotate(a, 25) ^ rotate(a, 14) ^ a >> 3) + (rotate(b, 15) ^ rotate(b, 13) ^ b >> 10);
  }
  for (int at = 0; at < 8; at++) work[at] = hash[at];
  for (int at = 0; at < 64; at++) {
    u32 e = work[4], a = work[0];
    u32 first = work[7] + (rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7)) + ((e & work[5]) ^ (~e & work[6])) + SHA_CONSTANTS[at] + schedule[at];
    u32 second = (rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10)) + ((a & work[1]) ^ (a & work[2]) ^ (work[1] & work[2]));
    for (int to = 7; to > 0; to--) work[to] = work[to - 1];
    work[4] += first;
    work[0] = first + second;
  }
  for (int at = 0; at < 8; at++) hash[at] += work[at];
}

static NOINLINE u32 crc32(const u32 table[256], const u8 *bytes, u32 length) {
  u32 crc = ~0u;
  for (u32 at = 0; at < length; at++) crc = crc >> 8 ^ table[(crc ^ bytes[at]) & 0xff];
  return ~crc;
}

u32 row_hash(void) {
  enum { BYTES = 1 << 16 };
  static u8 data[BYTES];
  static u32 table[256];
  u32 hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  u32 state = 1, sum = 0;
  for (u32 at = 0; at < 256; at++) {
    u32 value = at;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[at] = value;
  }
  for (u32 at = 0; at < BYTES; at++) data[at] = (u8)next(&state);
  for (u32 round = 0; round < 100; round++) {
    for (u32 at = 0; at < BYTES; at += 64) sha256_block(hash, data + at);
    sum = mix(sum, crc32(table, data, BYTES));
    data[round] ^= (u8)sum;
  }
  return mix(sum, hash[0] ^ hash[7]);
}

static NOINLINE u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static NOINLINE u32 takeuchi(u32 x, u32 y, u32 z) {
  return y >= x ? z : takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

u32 row_recursion(void) { return mix(fibonacci(36), takeuchi(18, 12, 6) + takeuchi(17, 11, 5)); }

/* A stack machine; its program counts Collatz steps. */
enum operation { PUSH, LOAD, STORE, ADD, MULTIPLY, HALVE, IS_ODD, IS_ONE, JUMP, JUMP_IF, DECREMENT, DUPLICATE, HALT };

static NOINLINE u32 interpret(const u8 *code, u32 *variables) {
  u32 stack[16], *top = stack;
  for (const u8 *at = code;;) {
    switch ((enum operation)*at++) {
    case PUSH: *++top = *at++; break;
    case LOAD: *++top = variables[*at++]; break;
    case STORE: variables[*at++] = *top--; break;
    case ADD: top--, *top += top[1]; break;
    case MULTIPLY: top--, *top *= top[1]; break;
    case HALVE: *top >>= 1; break;
    case IS_ODD: *top &= 1; break;
    case IS_ONE: *top = *top == 1; break;
    case JUMP: at = code + *at; break;
    case JUMP_IF: at = *top-- ? code + *at : at + 1; break;
    case DECREMENT: --*top; break;
    case DUPLICATE: top++, *top = top[-1]; break;
    case HALT: return variables[0];
    }
  }
}

u32 row_interpreter(void) {
  enum { STEPS, NUMBER, LEFT };
  static const u8 program[] = {
      /* 0 */ LOAD, LEFT, STORE, NUMBER,
      /* 4 */ LOAD, NUMBER, IS_ONE, JUMP_IF, 38,
      /* 9 */ LOAD, STEPS, PUSH, 1, ADD, STORE, STEPS,
      /* 16 */ LOAD, NUMBER, IS_ODD, JUMP_IF, 28,
      /* 21 */ LOAD, NUMBER, HALVE, STORE, NUMBER, JUMP, 4,
      /* 28 */ LOAD, NUMBER, PUSH, 3, MULTIPLY, PUSH, 1, ADD, JUMP, 47,
      /* 38 */ LOAD, LEFT, DECREMENT, DUPLICATE, STORE, LEFT, JUMP_IF, 0,
      /* 46 */ HALT,
      /* 47 */ STORE, NUMBER, JUMP, 4};
  u32 variables[3] = {0, 0, 20000};
  return interpret(program, variables);
}
