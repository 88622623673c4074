#include "system.h"

#ifdef __x86_64__
word system_entry;
#else
void plain_entry(void);
word system_entry = (word)plain_entry;
#endif

void quit(int status) {
  for (;;) CALL1(SYS_EXIT, status);
}

static word length(const char *text) {
  word count = 0;
  while (text[count]) count++;
  return count;
}

int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

void print(const char *text) { CALL3(SYS_WRITE, 1, text, length(text)); }

void print_hex(u32 value) {
  char text[9];
  for (int at = 0; at < 8; at++) text[at] = "0123456789abcdef"[value >> (28 - 4 * at) & 15];
  text[8] = 0;
  print(text);
}

void drain(void) {
  enum { TCSBRK = 0x5409 };
  CALL3(SYS_IOCTL, 1, TCSBRK, 1);
}

void require(int condition, const char *what) {
  if (condition) return;
  print("@failed ");
  print(what);
  print("\n");
  quit(1);
}

void *pages(word bytes, int protection) {
  enum { MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
  long start = CALL5(SYS_MMAP, 0, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  require(start > 0 || start < -4095, "mmap");
  return (void *)start;
}

void release(void *start, word bytes) { require(CALL2(SYS_MUNMAP, start, bytes) == 0, "munmap"); }

/* A copy as compilers and simple libraries make it: words, then bytes. */
void *memcpy(void *to, const void *from, word bytes) {
  word *to_words = to;
  const word *from_words = from;
  for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
    *to_words++ = *from_words++;
    __asm__ volatile("" ::: "memory");
  }
  u8 *to_bytes = (u8 *)to_words;
  const u8 *from_bytes = (const u8 *)from_words;
  while (bytes--) {
    *to_bytes++ = *from_bytes++;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}

void *memset(void *to, int value, word bytes) {
  word pattern = ~(word)0 / 255 * (u8)value;
  word *words = to;
  for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
    *words++ = pattern;
    __asm__ volatile("" ::: "memory");
  }
  u8 *last = (u8 *)words;
  while (bytes--) {
    *last++ = (u8)value;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}
