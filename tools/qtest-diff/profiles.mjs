// What is accessed, one profile a device, and which differences are known: docs/decisions/device-differences.md explains each.

const hex = (value) => `0x${(value >>> 0).toString(16)}`;

/** Seeded numbers (xorshift32, Marsaglia 2003). */
export function randomFrom(seed) {
  let state = seed >>> 0 || 0x9e37_79b9;
  const below = (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return {
    below,
    pick: (choices) => choices[below(choices.length)],
    byte: () => below(256),
    dword: () => below(0x1_0000) * 0x1_0000 + below(0x1_0000),
  };
}

const inb = (port) => `inb ${hex(port)}`;
const outb = (port, value) => `outb ${hex(port)} ${hex(value)}`;
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** A naturally aligned access to one of `length` ports from `first` on. */
function aligned(random, first, length) {
  const [letter, size, limit] = random.pick([
    ['b', 1, 0x100],
    ['w', 2, 0x1_0000],
    ['l', 4, 0x1_0000_0000],
  ]);
  const port = first + random.below(length / size) * size;
  return [random.below(2) === 0 ? `in${letter} ${hex(port)}` : `out${letter} ${hex(port)} ${hex(random.dword() % limit)}`];
}

/** An access of any width, half of them reads. */
function anyWidth(random, ports) {
  const [letter, limit] = random.pick([
    ['b', 0x100],
    ['b', 0x100],
    ['w', 0x1_0000],
    ['l', 0x1_0000_0000],
  ]);
  const port = random.pick(ports);
  return random.below(2) === 0 ? [`in${letter} ${hex(port)}`] : [`out${letter} ${hex(port)} ${hex(random.dword() % limit)}`];
}

function bytes(random, ports, values = []) {
  const port = random.pick(ports);
  const value = values.length > 0 && random.below(2) === 0 ? random.pick(values) : random.byte();
  return [random.below(2) === 0 ? inb(port) : outb(port, value)];
}

/** Registers of a function that differ on purpose: SMRAM, and base addresses and APM enable of power management. */
const UNCOMPARED = new Map([
  [0x00, [0x70]],
  [0x0b, [0x40, 0x58, 0x80, 0x90, 0xd0]],
]);

/** An access to PCI configuration space of one of `functions` (device * 8 + function). */
function configAccess(random, functions) {
  const [fn, register] = [random.pick(functions), random.below(64) * 4];
  if (UNCOMPARED.get(fn)?.includes(register)) return configAccess(random, functions);
  const address = 0x8000_0000 + fn * 0x100 + register;
  const [letter, offset, limit] = random.pick([
    ['b', random.below(4), 0x100],
    ['w', random.below(2) * 2, 0x1_0000],
    ['l', 0, 0x1_0000_0000],
  ]);
  const data = 0xcfc + offset;
  const access = random.below(2) === 0 ? `in${letter} ${hex(data)}` : `out${letter} ${hex(data)} ${hex(random.dword() % limit)}`;
  return [`outl 0xcf8 ${hex(address)}`, access];
}

const writeConfig = (fn, register, value) => [`outl 0xcf8 ${hex(0x8000_0000 + fn * 0x100 + register)}`, `outl 0xcfc ${hex(value)}`];

/** Power management at 600h, as firmware maps it. */
const PM_MAPPED = [...writeConfig(0x0b, 0x40, 0x0601), `outl 0xcf8 ${hex(0x8000_0b80)}`, 'outb 0xcfc 0x1'];

/** name: { setup, next(random) -> commands, known: [{ command, reason, mask }] }. `mask` are the bits of the reply that are compared. */
export const PROFILES = {
  // Not: the bytes of the date (QEMU's arithmetic wraps in 2038), and the century's alias.
  rtc: { next: (random) => (random.below(3) === 0 ? [anyIndex(random)] : [anyIndex(random), ...bytes(random, [0x71])]) },
  // Not: counts, OUT and the null count bit of the status, reads of the control word, and the refresh bit of port 61h.
  pit: {
    setup: ['outb 0x43 0x36', 'outb 0x43 0x74', 'outb 0x43 0xb6', ...[0x40, 0x40, 0x41, 0x41, 0x42, 0x42].map((port) => outb(port, 0))],
    known: [
      { command: /^inb 0x61$/, mask: 0xcf },
      { command: /^inb 0x4.$/, mask: 0x3f },
    ],
    next: (random) => pitAccess(random),
  },
  // Not: level triggered mode of ICW1.
  pic: { next: (random) => picAccess(random) },
  // Not: OUT2 after a reset, the delta bits that loopback sets with their interrupt, and an empty receiver.
  uart: {
    setup: ['outb 0x3fc 0'],
    known: [{ command: /^inb 0x3fe$/, mask: 0xf0 }, { command: /^inb 0x3f8$/ }],
    next: (random) =>
      uartAccess(
        random,
        range(0x3f8, 0x3ff).filter((port) => port !== 0x3fa),
      ),
  },
  // Not, besides: FIFO control without the enable bit.
  'uart-fifo': {
    setup: ['outb 0x3fc 0'],
    known: [{ command: /^inb 0x3fe$/, mask: 0xf0 }, { command: /^inb 0x3f8$/ }],
    next: (random) => uartAccess(random, range(0x3f8, 0x3ff)),
  },
  gpe: { next: (random) => anyWidth(random, range(0xafe0, 0xafe3)) },
  'cpu-hotplug': { next: (random) => bytes(random, range(0xaf00, 0xaf1f)) },
  // Not: other than aligned dwords, and what came later at ae10h.
  'pci-hotplug': {
    next: (random) => [
      random.below(2) === 0
        ? `inl ${hex(0xae00 + 4 * random.below(4))}`
        : `outl ${hex(0xae00 + 4 * random.below(4))} ${hex(random.dword())}`,
    ],
  },
  // Not: TMR_STS after a reset, unaligned and byte accesses, and bits of PM1_EN and PM1_CNT that are reserved or end the machine.
  pm: { setup: [...PM_MAPPED, 'outw 0x600 0x1'], next: (random) => pmAccess(random) },
  apm: { next: (random) => bytes(random, [0xb2, 0xb3]) },
  'fw-cfg': {
    next: (random) =>
      random.below(3) === 0
        ? [`outw 0x510 ${hex(random.pick([0, 1, 2, 3, 4, 5, 7, 0xd, 0xe, 0xf, 0x1234, 0x8000]))}`]
        : [
            random.pick([
              inb(0x511),
              inb(0x511),
              inb(0x510),
              'inw 0x510',
              'inl 0x514',
              'inl 0x518',
              'inb 0x516',
              outb(0x511, random.byte()),
            ]),
          ],
  },
  // Not: reserved bits of the base addresses, the SMBus registers and the APM enable of the power management function.
  'pci-config': { next: (random) => configAccess(random, [0x00, 0x08, 0x0b, 0x0c, 0x20, 0xf8]) },
  // Not: bytes and words at cf8h.
  'pci-ports': {
    next: (random) =>
      random.below(2) === 0
        ? anyWidth(random, range(0xcfc, 0xcff))
        : [random.below(2) === 0 ? 'inl 0xcf8' : `outl 0xcf8 ${hex(random.dword())}`],
  },
  // Not: the keyboard and the mouse themselves, and two bits of the status.
  keyboard: {
    known: [{ command: /^inb 0x64$/, mask: 0xf3 }],
    next: (random) =>
      random.pick([
        [inb(0x64)],
        ['outb 0x64 0xad'],
        ['outb 0x64 0xa7', 'outb 0x64 0xa9', inb(0x60)],
        ['outb 0x64 0xaa', inb(0x60)],
        ['outb 0x64 0x20', inb(0x60)],
        ['outb 0x64 0x60', outb(0x60, random.byte() & 0x77), 'outb 0x64 0x20', inb(0x60)],
        ['outb 0x64 0xab', inb(0x60)],
      ]),
  },
  // Not: offsets other than 0 and 10h, reserved bits, and the polarity.
  ioapic: { next: (random) => ioApicAccess(random) },
};

function pmAccess(random) {
  const [access] = aligned(random, 0x600, 0x40);
  if (/^(in|out)b /.test(access) && Number(access.split(' ')[1]) < 0x606) return pmAccess(random);
  const [name, port, value] = access.split(' ');
  const defined = { 1536: 0x0721_ffff, 1538: 0x0721, 1540: 0x1c03 }[Number(port)] ?? 0xffff_ffff;
  return [value === undefined ? access : `${name} ${port} ${hex(Number(value) & defined)}`];
}

function ioApicAccess(random) {
  if (random.below(4) === 0) return ['readl 0xfec00000'];
  const index = random.below(0x50);
  const defined = index === 0 ? 0x0f00_0000 : index < 0x10 ? 0 : index % 2 === 0 ? 0x1_8fff : 0xff00_0000;
  const access = random.below(2) === 0 ? 'readl 0xfec00010' : `writel 0xfec00010 ${hex(random.dword() & defined)}`;
  return [`writel 0xfec00000 ${hex(index)}`, access];
}

function uartAccess(random, ports) {
  const [access] = bytes(random, ports, [0x80, 0x03, 0x00, 0x01, 0x0f, 0xc7, 0x10]);
  const [name, port, value] = access.split(' ');
  if (value === undefined) return [access];
  const sent = { '0x3f9': Number(value) & 0xf7, '0x3fa': Number(value) | 0x01 }[port] ?? Number(value);
  return [`${name} ${port} ${hex(sent)}`];
}

/** A counter is programmed in one go, or asked for its status; time stands, so counts never load and are not read. */
function pitAccess(random) {
  const counter = random.below(3);
  const access = random.below(3) + 1;
  const count = Array.from({ length: access === 3 ? 2 : 1 }, () => outb(0x40 + counter, random.byte()));
  const program = [outb(0x43, (counter << 6) | (access << 4) | (random.below(6) << 1) | random.below(2)), ...count];
  const status = [outb(0x43, 0xe0 | (2 << counter)), inb(0x40 + counter)];
  return random.pick([program, status, [inb(0x61)], [outb(0x61, random.below(4))]]);
}

function picAccess(random) {
  const port = random.pick([0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1]);
  const value = random.pick([0x11, 0x20, 0x0a, 0x0b, 0x0c, 0x04, 0x02, 0x01, 0x68, 0xff, 0x00, random.byte()]);
  const levelMode = (port & 0x7f) === 0x20 && (value & 0x18) === 0x18;
  return [random.below(2) === 0 ? inb(port) : outb(port, levelMode ? value & ~8 : value)];
}

function anyIndex(random) {
  return outb(0x70, random.below(4) === 0 ? 0x38 + random.below(0x48) : random.pick([1, 3, 5, ...range(0x0a, 0x0f), 0x5f, 0x7f, 0x8a]));
}
