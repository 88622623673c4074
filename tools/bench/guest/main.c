/*
 * The benchmark's guest program. Its arguments are names of rows; around each it prints `@begin NAME` and `@end NAME CHECKSUM`,
 * after the last `@done`. `--spin` computes forever, `--watch-cpus` brings CPUs that are plugged in online.
 */
#include "rows.h"

const char *own_path;

static const struct {
  const char *name;
  u32 (*run)(void);
} ROWS[] = {
#define ENTRY(name) {#name, row_##name},
    ROWS_OF_THE_TABLE(ENTRY)};

static void say(const char *what, const char *name) {
  print(what);
  print(name);
  print("\n");
  drain();
}

static int run_row(const char *name) {
  for (word at = 0; at < LENGTH(ROWS); at++) {
    if (!same(ROWS[at].name, name)) continue;
    say("@begin ", name);
    u32 sum = ROWS[at].run();
    print("\n@end ");
    print(name);
    print(" ");
    print_hex(sum);
    print("\n");
    drain();
    return 1;
  }
  return 0;
}

static void spin(void) {
  print("@spinning\n"); /* not drained: a background process may not */
  for (volatile u32 count = 0;; count++) continue;
}

static int run(const char *word) {
  if (same(word, "--exit")) quit(42);
  if (same(word, "--spin")) spin();
  if (same(word, "--watch-cpus")) watch_cpus();
  return run_row(word);
}

/* The end of the environment is followed by the auxiliary vector: pairs of kind and value, ending with kind 0. */
static void find_system_entry(word *auxiliary) {
  enum { AT_NULL = 0, AT_SYSINFO = 32 };
  for (; auxiliary[0] != AT_NULL; auxiliary += 2)
    if (auxiliary[0] == AT_SYSINFO) system_entry = auxiliary[1];
}

__attribute__((used, noreturn)) void start(word *stack) {
  word count = stack[0];
  char **words = (char **)(stack + 1);
  word *after = stack + count + 2;
  while (*after++) continue;
  find_system_entry(after);
  own_path = words[0];
  for (word at = 1; at < count; at++) {
    if (run(words[at])) continue;
    say("@unknown ", words[at]);
    quit(2);
  }
  say("@done", "");
  quit(0);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi; xor %ebp, %ebp; and $-16, %rsp; call start");
#else
__asm__(".globl _start\n_start: mov %esp, %eax; xor %ebp, %ebp; and $-16, %esp; sub $12, %esp; push %eax; call start");
/* for a kernel that names no entry of its own */
__asm__(".globl plain_entry\nplain_entry: int $0x80; ret");
#endif
