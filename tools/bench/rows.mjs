// What is measured. Guest rows are programs of guest/; host rows are timed from outside.

/**
 * A row that runs inside Linux: a fixed piece of work that ends with a checksum, the same on every emulator and architecture.
 *
 * @typedef {{ name: string, title: string, group: string, checksum: string }} GuestRow
 */

/** @type {readonly GuestRow[]} */
export const GUEST_ROWS = [
  ['integer', 'integer', '70ea65b6', 'sieve, sorting, gcd, shifts'],
  ['hash', 'integer', '4927a744', 'SHA-256 and CRC-32'],
  ['recursion', 'integer', '282b15a0', 'Fibonacci and Takeuchi functions'],
  ['interpreter', 'integer', '001bfe8a', 'bytecode interpreter'],
  ['atomics', 'integer', '1791beb0', 'locked add, exchange, compare-exchange'],
  ['sse2', 'vector', '8459c409', 'SSE2 doubles: orbits, Mandelbrot, matrices'],
  ['x87', 'x87', '57ee0598', 'the same with the x87'],
  ['packed', 'vector', 'fd435a8a', 'packed integers: blend, distance, product'],
  ['copy', 'strings', '6cee3f18', 'memcpy and memset as loops'],
  ['strings', 'strings', 'd5cb20fa', 'rep movs, stos, scas, cmps'],
  ['random', 'memory', 'd1e8eed6', 'random access over 16 MiB'],
  ['code', 'code', 'a9bcd329', '4096 functions, 400 KB of code'],
  ['codegen', 'code', 'ec964d92', 'code that writes code'],
  ['syscall', 'system', '000493e0', 'system calls'],
  ['faults', 'system', '95def000', 'page faults'],
  ['fork', 'system', '3bf504ce', 'fork, exit, wait'],
  ['exec', 'system', 'e682781d', 'fork and exec'],
  ['pipe', 'system', '66782d13', 'two processes over a pipe'],
  ['futex', 'system', '02476af1', 'two threads over a futex'],
  ['signals', 'system', 'ecdb8561', 'signals to oneself'],
  ['files', 'system', '77f61798', 'files in memory'],
  ['post', 'console', 'c7171595', 'work, and 500 kB to the POST port'],
  ['serial', 'console', 'c7171595', 'the same work, the bytes to the serial port'],
].map(([name, group, checksum, title]) => ({ name, group, title, checksum }));

/** Rows that are timed from outside, with their unit; those in seconds have CPU seconds too. */
export const HOST_ROWS = {
  firmware: { title: 'start to the kernel’s first instruction (SeaBIOS)' },
  'boot-cloud': { title: 'boot to shell, cloud amd64' },
  'boot-full': { title: 'boot to shell, amd64' },
  'boot-pae': { title: 'boot to shell, 686-pae' },
  greeting: { title: 'start to QMP greeting' },
  'hot-add': { title: 'hot-add: command to reply, to online', unit: 'ms' },
  qmp: { title: 'QMP command, all CPUs busy', unit: 'ms' },
  idle: { title: 'a halted guest, share of a core', unit: '%' },
  loops: { title: 'a loop without an operating system', unit: 'million instructions per CPU second' },
  memory: { title: 'peak resident memory', unit: 'MiB' },
};

/** Names of all rows. */
export const ROW_NAMES = [...GUEST_ROWS.map(({ name }) => name), ...Object.keys(HOST_ROWS)];
