/* Rows that ask the kernel for something. */
#include "rows.h"

enum { SIGCHLD = 17, SIGUSR1 = 10 };

u32 row_syscall(void) {
  u32 sum = 0, parent = (u32)CALL0(SYS_GETPPID);
  for (u32 count = 0; count < 300000; count++) sum += (u32)CALL0(SYS_GETPPID) == parent;
  return sum;
}

/* Each page is touched once, then the range is given back. */
u32 row_faults(void) {
  enum { BYTES = 8 << 20, PAGE = 4096 };
  u32 sum = 0;
  for (u32 round = 0; round < 6; round++) {
    u8 *start = pages(BYTES, PROT_READ | PROT_WRITE);
    for (u32 at = 0; at < BYTES; at += PAGE) sum += start[at], start[at] = (u8)(round + at / PAGE);
    for (u32 at = 0; at < BYTES; at += PAGE) sum = sum * 3 + start[at];
    release(start, BYTES);
  }
  return sum;
}

static u32 status_of(long child) {
  u32 status = 0;
  require(child > 0, "fork");
  require(CALL4(SYS_WAIT4, child, &status, 0, 0) == child, "wait4");
  return status >> 8 & 0xff;
}

u32 row_fork(void) {
  u32 sum = 0;
  for (u32 count = 0; count < 200; count++) {
    long child = CALL0(SYS_FORK);
    if (child == 0) quit((int)(count & 0x7f));
    sum = mix(sum, status_of(child));
  }
  return sum;
}

u32 row_exec(void) {
  u32 sum = 0;
  for (u32 count = 0; count < 80; count++) {
    long child = CALL0(SYS_FORK);
    const char *words[] = {own_path, "--exit", 0}, *environment[] = {0};
    if (child == 0) {
      CALL3(SYS_EXECVE, own_path, words, environment);
      quit(1);
    }
    sum = mix(sum, status_of(child));
  }
  return sum;
}

static u32 echo_until_closed(const int *in, const int *out) {
  u32 value;
  CALL1(SYS_CLOSE, in[1]);
  while (CALL3(SYS_READ, in[0], &value, 4) == 4) {
    value = value * 3 + 1;
    CALL3(SYS_WRITE, out[1], &value, 4);
  }
  return value & 0x7f;
}

/* A word goes to another process and comes back. */
u32 row_pipe(void) {
  int there[2], back[2];
  u32 sum = 1;
  require(CALL1(SYS_PIPE, there) == 0 && CALL1(SYS_PIPE, back) == 0, "pipe");
  long child = CALL0(SYS_FORK);
  if (child == 0) quit((int)echo_until_closed(there, back));
  for (u32 count = 0; count < 6000; count++) {
    CALL3(SYS_WRITE, there[1], &sum, 4);
    require(CALL3(SYS_READ, back[0], &sum, 4) == 4, "read");
  }
  for (int end = 0; end < 2; end++) CALL1(SYS_CLOSE, there[end]);
  u32 status = status_of(child);
  for (int end = 0; end < 2; end++) CALL1(SYS_CLOSE, back[end]);
  return mix(sum, status);
}

static void futex(volatile u32 *at, int operation, u32 value) { CALL4(SYS_FUTEX, at, operation, value, 0); }

enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129, TURNS = 8000 };
static volatile u32 turn, turns_taken;

/* Takes every other turn: waits until `turn` is `mine`, hands it to the other. */
static void take_turns(u32 mine) {
  for (u32 count = 0; count < TURNS; count++) {
    while (turn != mine) futex(&turn, FUTEX_WAIT_PRIVATE, !mine);
    turns_taken = mix(turns_taken, mine + count);
    turn = !mine;
    futex(&turn, FUTEX_WAKE_PRIVATE, 1);
  }
}

static void second_thread(void) {
  take_turns(1);
  quit(0);
}

/* Starts a thread in the same address space on a stack of its own; the parent gets its number. */
static long start_thread(void (*entry)(void), void *stack_end) {
  enum { CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800 };
  word flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD;
  long result;
#ifdef __x86_64__
  __asm__ volatile("syscall; test %%rax, %%rax; jnz 1f; xor %%ebp, %%ebp; call *%[entry]; 1:"
                   : "=a"(result)
                   : "a"((word)SYS_CLONE), "D"(flags), "S"((word)stack_end & ~15ul), "d"(0), [entry] "r"(entry)
                   : "rcx", "r11", "memory");
#else
  __asm__ volatile("int $0x80; test %%eax, %%eax; jnz 1f; call *%[entry]; 1:"
                   : "=a"(result)
                   : "a"((word)SYS_CLONE), "b"(flags), "c"((word)stack_end & ~15ul), "d"(0), [entry] "S"(entry)
                   : "memory");
#endif
  return result;
}

u32 row_futex(void) {
  enum { STACK = 65536 };
  u8 *stack = pages(STACK, PROT_READ | PROT_WRITE);
  turn = turns_taken = 0;
  long thread = start_thread(second_thread, stack + STACK - 64);
  require(thread > 0, "clone");
  take_turns(0);
  u32 status = status_of(thread);
  release(stack, STACK);
  return mix(turns_taken, status);
}

/* struct sigaction as the kernel has it. */
struct action {
  void (*handler)(int);
  word flags;
  void (*restorer)(void);
  u64 mask;
};

#ifdef __x86_64__
__asm__("signal_return: mov $15, %eax; syscall");
#else
__asm__("signal_return: mov $173, %eax; int $0x80");
#endif
void signal_return(void);

static volatile u32 signals_seen;
static void count_signal(int number) { signals_seen = mix(signals_seen, (u32)number); }

u32 row_signals(void) {
  enum { SA_SIGINFO = 4, SA_RESTORER = 0x04000000 };
  struct action action = {count_signal, SA_SIGINFO | SA_RESTORER, signal_return, 0};
  long self = CALL0(SYS_GETPID);
  signals_seen = 0;
  require(CALL4(SYS_RT_SIGACTION, SIGUSR1, &action, 0, 8) == 0, "rt_sigaction");
  for (u32 count = 0; count < 15000; count++) CALL2(SYS_KILL, self, SIGUSR1);
  return signals_seen;
}

/* Files in memory are written in pieces, read again and removed. */
u32 row_files(void) {
  enum { O_RDWR = 2, O_CREAT = 0x40, O_TRUNC = 0x200, CHUNK = 1000, CHUNKS = 200 };
  static u8 data[CHUNK];
  u32 sum = 0, state = 17;
  for (u32 round = 0; round < 40; round++) {
    long file = CALL3(SYS_OPEN, "/tmp/bench.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    require(file >= 0, "open /tmp/bench.data");
    for (u32 at = 0; at < CHUNK; at++) data[at] = (u8)next(&state);
    for (u32 chunk = 0; chunk < CHUNKS; chunk++) {
      data[chunk] ^= (u8)chunk;
      require(CALL3(SYS_WRITE, file, data, CHUNK) == CHUNK, "write");
    }
    CALL3(SYS_LSEEK, file, 0, 0);
    while (CALL3(SYS_READ, file, data, CHUNK) == CHUNK) sum = mix(sum, data[sum % CHUNK]);
    CALL1(SYS_CLOSE, file);
    CALL1(SYS_UNLINK, "/tmp/bench.data");
  }
  return sum;
}

u32 row_atomics(void) {
  static volatile u32 counter, lock;
  static volatile u64 wide;
  u32 sum = 0;
  counter = lock = 0, wide = 1;
  for (u32 count = 0; count < 6000000; count++) {
    sum += __sync_fetch_and_add(&counter, count);
    while (__sync_lock_test_and_set(&lock, 1)) continue;
    if ((count & 7) == 0) __sync_bool_compare_and_swap(&wide, wide, wide * 5 + count);
    __sync_fetch_and_or(&counter, 1);
    __sync_lock_release(&lock);
  }
  return mix(sum, (u32)(wide >> 32) ^ (u32)wide);
}

/* The same work with a byte put out now and then: to the POST port, or to the serial port, which sends it to the host. */
static u32 put_out(u16 port) {
  u32 sum = 1;
  require(CALL1(SYS_IOPL, 3) == 0, "iopl");
  drain();
  for (u32 count = 0; count < 500000; count++) {
    for (u32 step = 0; step < 120; step++) sum = mix(sum, step);
    u8 byte = count % 80 == 79 ? '\n' : '.';
    __asm__ volatile("outb %0, %1" ::"a"(byte), "Nd"(port));
  }
  return sum;
}

u32 row_post(void) { return put_out(0x80); }
u32 row_serial(void) { return put_out(0x3f8); }
