/* The rows: each does a fixed piece of work and returns its checksum. */
#pragma once
#include "system.h"

#define ROWS_OF_THE_TABLE(row)                                                                                                             \
  row(integer) row(hash) row(recursion) row(interpreter) row(sse2) row(x87) row(packed) row(copy) row(strings) row(random) row(code)       \
  row(codegen) row(syscall) row(faults) row(fork) row(exec) row(pipe) row(futex) row(signals) row(files) row(atomics) row(post) row(serial)

#define DECLARE(name) u32 row_##name(void);
ROWS_OF_THE_TABLE(DECLARE)

/* The program's own path, for exec. */
extern const char *own_path;
/* Brings CPUs that are plugged in online and tells of each; never returns. */
void watch_cpus(void);
