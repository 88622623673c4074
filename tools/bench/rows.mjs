// What is measured. Guest rows are programs of guest/; host rows are timed from outside.

/**
 * A row that runs inside Linux: a fixed piece of work that ends with a checksum, the same on every emulator and architecture.
 *
 * @typedef {{ name: string, title: string, group: string, checksum: string }} GuestRow
 */

/** @type {readonly GuestRow[]} */
export const GUEST_ROWS = [
  ['integer', 'integer', 'af97c7b8', 'sieve, sorting, gcd, shifts'],
  ['hash', 'integer', 'ca143882', 'SHA-256 and CRC-32'],
  ['recursion', 'integer', '282b15a0', 'Fibonacci and Takeuchi functions'],
  ['interpreter', 'integer', '002bb4b7', 'bytecode interpreter'],
  ['atomics', 'integer', '8c7d381a', 'locked add, exchange, compare-exchange'],
  ['sse2', 'vector', '5de2122c', 'SSE2 doubles: orbits, Mandelbrot, matrices'],
  ['x87', 'x87', '5568a622', 'the same with the x87'],
  ['packed', 'vector', '1017a51b', 'packed integers: blend, distance, product'],
  ['copy', 'strings', 'e2b72b2d', 'memcpy and memset as loops'],
  ['strings', 'strings', 'd5cb20fa', 'rep movs, stos, scas, cmps'],
  ['random', 'memory', 'db04bf73', 'random access over 16 MiB'],
  ['code', 'code', 'e85a22ae', '4096 functions, 400 KB of code'],
  ['codegen', 'code', '4bd8a7af', 'code that writes code'],
  ['syscall', 'system', '00061a80', 'system calls'],
  ['faults', 'system', 'd8e23000', 'page faults'],
  ['fork', 'system', '63da9762', 'fork, exit, wait'],
  ['exec', 'system', '1fccc97d', 'fork and exec'],
  ['pipe', 'system', '739673d7', 'two processes over a pipe'],
  ['futex', 'system', '8914a42d', 'two threads over a futex'],
  ['signals', 'system', '8fedaec9', 'signals to oneself'],
  ['files', 'system', '66d77b90', 'files in memory'],
  ['post', 'console', 'ea2b84dc', 'work, and 500 kB to the POST port'],
  ['serial', 'console', 'ea2b84dc', 'the same work, the bytes to the serial port'],
].map(([name, group, checksum, title]) => ({ name, group, title, checksum }));

/** Rows that are timed from outside, with their unit; those in seconds have CPU seconds too. */
export const HOST_ROWS = {
  firmware: { title: 'start to the kernel’s first instruction (SeaBIOS)' },
  'boot-cloud': { title: 'boot to shell, cloud amd64' },
  'boot-full': { title: 'boot to shell, amd64' },
  'boot-pae': { title: 'boot to shell, 686-pae' },
  greeting: { title: 'start to QMP greeting', unit: 'ms' },
  'hot-add': { title: 'hot-add: command to reply, to online', unit: 'ms' },
  qmp: { title: 'QMP command, all CPUs busy', unit: 'ms' },
  idle: { title: 'a halted guest, share of a core', unit: '%' },
  loops: { title: 'a loop without an operating system', unit: 'million instructions per CPU second' },
  memory: { title: 'peak resident memory', unit: 'MiB' },
};

/** Names of all rows. */
export const ROW_NAMES = [...GUEST_ROWS.map(({ name }) => name), ...Object.keys(HOST_ROWS)];
