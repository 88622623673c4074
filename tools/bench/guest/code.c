/* Rows about code itself: much of it, and code that is written while it runs. */
#include "rows.h"

/* A function of its own for every number: what it does depends on the number's bits. */
#define FUNCTION(n)                                                                                                                        \
  static NOINLINE u32 function_##n(u32 a, u32 *cells) {                                                                                    \
    enum { N = 0x##n };                                                                                                                    \
    u32 b = cells[N * 7 & 63] + N;                                                                                                         \
    if (a & 1u << (N & 15)) b += a * (2 * N + 1); else b ^= rotate(a, 1 + (N & 15));                                                       \
    if (N & 1) a -= b >> 3; else a ^= b << 2;                                                                                              \
    if (N & 2) cells[N * 5 & 63] = a; else cells[N * 3 & 63] += b;                                                                         \
    if (a > b) a = rotate(a + b, 9); else a = a * 33 + N;                                                                                  \
    return a ^ b;                                                                                                                          \
  }
#define NAME(n) function_##n,

#define SIXTEEN(what, n)                                                                                                                   \
  what(n##0) what(n##1) what(n##2) what(n##3) what(n##4) what(n##5) what(n##6) what(n##7) what(n##8) what(n##9) what(n##a) what(n##b)      \
  what(n##c) what(n##d) what(n##e) what(n##f)
#define ALL_256(what, n)                                                                                                                   \
  SIXTEEN(what, n##0) SIXTEEN(what, n##1) SIXTEEN(what, n##2) SIXTEEN(what, n##3) SIXTEEN(what, n##4) SIXTEEN(what, n##5)                  \
  SIXTEEN(what, n##6) SIXTEEN(what, n##7) SIXTEEN(what, n##8) SIXTEEN(what, n##9) SIXTEEN(what, n##a) SIXTEEN(what, n##b)                  \
  SIXTEEN(what, n##c) SIXTEEN(what, n##d) SIXTEEN(what, n##e) SIXTEEN(what, n##f)
#define ALL(what)                                                                                                                          \
  ALL_256(what, 0) ALL_256(what, 1) ALL_256(what, 2) ALL_256(what, 3) ALL_256(what, 4) ALL_256(what, 5) ALL_256(what, 6) ALL_256(what, 7)  \
  ALL_256(what, 8) ALL_256(what, 9) ALL_256(what, a) ALL_256(what, b) ALL_256(what, c) ALL_256(what, d) ALL_256(what, e) ALL_256(what, f)

ALL(FUNCTION)

/* 4096 functions, some 400 KB of code, swept from end to end and in no order. */
u32 row_code(void) {
  static u32 (*const functions[])(u32, u32 *) = {ALL(NAME)};
  static u32 cells[64];
  u32 sum = 1, state = 3;
  for (u32 round = 0; round < 80; round++) {
    for (u32 at = 0; at < LENGTH(functions); at++) sum = functions[at](sum, cells);
    for (u32 at = 0; at < LENGTH(functions); at++) sum = functions[next(&state) % LENGTH(functions)](sum, cells);
  }
  return mix(sum, cells[5]);
}

#ifdef __x86_64__
static const u8 TAKE_ARGUMENT[] = {0x89, 0xf8}; /* mov eax, edi */
#else
static const u8 TAKE_ARGUMENT[] = {0x8b, 0x44, 0x24, 0x04}; /* mov eax, [esp+4] */
#endif

/* Writes a function: takes its argument into eax, then arithmetic on eax with constants, then `ret`; returns the end. */
static u8 *write_function(u8 *at, u32 *state) {
  static const u8 OPERATIONS[] = {0x05 /* add */, 0x35 /* xor */, 0x2d /* sub */, 0x05, 0x35};
  for (u32 count = 0; count < LENGTH(TAKE_ARGUMENT); count++) *at++ = TAKE_ARGUMENT[count];
  for (u32 count = 0; count < 12; count++) {
    *at++ = OPERATIONS[next(state) % LENGTH(OPERATIONS)];
    *(u32 *)at = next(state);
    at += 4;
    *at++ = 0xc1, *at++ = 0xc0, *at++ = (u8)(1 + (*state & 15)); /* rol eax, n */
  }
  *at++ = 0xc3;
  return at;
}

/* Writes 64 functions and calls each some times; then changes one constant of a function before every call. */
u32 row_codegen(void) {
  enum { FUNCTIONS = 64, STRIDE = 192 };
  u8 *code = pages(FUNCTIONS * STRIDE, PROT_READ | PROT_WRITE | PROT_EXEC);
  u32 state = 11, sum = 0;
  for (u32 round = 0; round < 60; round++) {
    for (u32 at = 0; at < FUNCTIONS; at++) write_function(code + at * STRIDE, &state);
    for (u32 call = 0; call < FUNCTIONS * 40; call++) sum = ((u32(*)(u32))(void *)(code + call % FUNCTIONS * STRIDE))(sum);
    for (u32 change = 0; change < 300; change++) {
      u8 *function = code + change % 4 * STRIDE;
      *(u32 *)(function + LENGTH(TAKE_ARGUMENT) + 1) = sum;
      sum = ((u32(*)(u32))(void *)function)(sum ^ change);
    }
  }
  release(code, FUNCTIONS * STRIDE);
  return sum;
}
