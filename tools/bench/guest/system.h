/* What the benchmark programs use of Linux: system calls without a C library, for i386 and amd64. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long word;

#define NOINLINE __attribute__((noinline, noclone))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
/* Makes the compiler believe that the value may have changed. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

enum call {
#ifdef __x86_64__
  SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_LSEEK = 8, SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_RT_SIGACTION = 13,
  SYS_IOCTL = 16, SYS_PIPE = 22, SYS_GETPID = 39, SYS_SOCKET = 41, SYS_RECVFROM = 45, SYS_BIND = 49, SYS_CLONE = 56, SYS_FORK = 57,
  SYS_EXECVE = 59, SYS_EXIT = 60, SYS_WAIT4 = 61, SYS_KILL = 62, SYS_UNLINK = 87, SYS_GETPPID = 110, SYS_IOPL = 172, SYS_FUTEX = 202,
#else
  SYS_READ = 3, SYS_WRITE = 4, SYS_OPEN = 5, SYS_CLOSE = 6, SYS_LSEEK = 19, SYS_MMAP = 192, SYS_MUNMAP = 91, SYS_RT_SIGACTION = 174,
  SYS_IOCTL = 54, SYS_PIPE = 42, SYS_GETPID = 20, SYS_SOCKET = 359, SYS_RECVFROM = 371, SYS_BIND = 361, SYS_CLONE = 120, SYS_FORK = 2,
  SYS_EXECVE = 11, SYS_EXIT = 1, SYS_WAIT4 = 114, SYS_KILL = 37, SYS_UNLINK = 10, SYS_GETPPID = 64, SYS_IOPL = 110, SYS_FUTEX = 240,
#endif
};

/* The kernel's entry for system calls, from the auxiliary vector; i386 only. */
extern word system_entry;

static inline long system_call(enum call number, word a, word b, word c, word d, word e) {
#ifdef __x86_64__
  long result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = 0;
  __asm__ volatile("syscall" : "=a"(result) : "a"((word)number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#else
  long result;
  /* the sixth argument, in ebp, is 0: the offset of mmap2 */
  __asm__ volatile("push %%ebp; xor %%ebp, %%ebp; call *%[entry]; pop %%ebp"
                   : "=a"(result)
                   : "a"((word)number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [entry] "m"(system_entry)
                   : "memory");
  return result;
#endif
}

#define CALL0(number) system_call(number, 0, 0, 0, 0, 0)
#define CALL1(number, a) system_call(number, (word)(a), 0, 0, 0, 0)
#define CALL2(number, a, b) system_call(number, (word)(a), (word)(b), 0, 0, 0)
#define CALL3(number, a, b, c) system_call(number, (word)(a), (word)(b), (word)(c), 0, 0)
#define CALL4(number, a, b, c, d) system_call(number, (word)(a), (word)(b), (word)(c), (word)(d), 0)
#define CALL5(number, a, b, c, d, e) system_call(number, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e))

enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };

/* Fresh zeroed pages; never returns on failure. */
void *pages(word bytes, int protection);
void release(void *start, word bytes);
__attribute__((noreturn)) void quit(int status);
/* Ends the program with a message when the condition does not hold. */
void require(int condition, const char *what);

void *memcpy(void *to, const void *from, word bytes);
void *memset(void *to, int value, word bytes);
int same(const char *a, const char *b);

void print(const char *text);
void print_hex(u32 value);
/* Waits until the console has sent everything. */
void drain(void);

static inline u32 rotate(u32 value, int by) { return value << by | value >> (32 - by); }
/* The next number of a xorshift generator; the state must not be 0. */
static inline u32 next(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}
/* A checksum goes on with one more value. */
static inline u32 mix(u32 sum, u32 value) { return rotate(sum ^ value, 5) * 0x9e3779b1u; }
