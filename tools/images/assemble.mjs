// Assembles the guest code of our own with NASM and writes the bytes as TypeScript, so that users need no assembler.
//   node tools/images/assemble.mjs            writes the modules
//   node tools/images/assemble.mjs --check    exit status 1 when one differs from what its source gives, 3 without NASM
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
const LINE = 120;
/** Zeros in a row that are worth leaving out. */
const GAP = 64;

/** Makes the bytes from `start` on, `length` of them, sum to 0 modulo 256 by setting the byte at `at`. */
const fixSum = (rom, { at, start, length }) => {
  rom[at] = 0;
  const sum = rom.subarray(start, start + length).reduce((total, byte) => total + byte, 0);
  rom[at] = -sum & 0xff;
};

/** Offset of the $PnP header in an option ROM, from the word at 1Ah, and its length in 16-byte units at +5. */
const fixOptionRom = (rom) => {
  const pnp = rom.readUInt16LE(0x1a);
  fixSum(rom, { at: pnp + 9, start: pnp, length: rom[pnp + 5] * 16 });
  fixSum(rom, { at: 6, start: 0, length: rom.length });
};

const TARGETS = [
  {
    source: 'packages/linux-loader/rom/linuxboot.asm',
    module: 'packages/linux-loader/src/generated/linuxboot-rom.ts',
    name: 'LINUXBOOT_ROM',
    finish: fixOptionRom,
  },
  {
    source: 'packages/linux-loader/rom/multiboot.asm',
    module: 'packages/linux-loader/src/generated/multiboot-setup.ts',
    name: 'MULTIBOOT_SETUP',
    finish: () => {},
  },
  {
    source: 'packages/demo-guest/guest/demo-guest.asm',
    module: 'packages/demo-guest/src/generated/demo-guest-rom.ts',
    name: 'DEMO_GUEST_ROM',
    finish: () => {},
  },
  {
    source: 'packages/cpu-tests/guest/multiboot.asm',
    module: 'packages/cpu-tests/src/generated/multiboot-guest.ts',
    name: 'MULTIBOOT_GUEST',
    finish: () => {},
  },
  {
    source: 'packages/cpu-tests/guest/interrupts.asm',
    module: 'packages/cpu-tests/src/generated/interrupts-rom.ts',
    name: 'INTERRUPTS_ROM',
    finish: () => {},
  },
  ...['segments', 'tasks', 'paging', 'long', 'events', 'system'].map((rom) => ({
    source: `packages/cpu-tests/guest/${rom}.asm`,
    module: `packages/cpu-tests/src/generated/${rom}-rom.ts`,
    name: `${rom.toUpperCase()}_ROM`,
    finish: () => {},
  })),
].filter(({ source }) => existsSync(join(repository, source)));

function assemble(source) {
  const folder = mkdtempSync(join(tmpdir(), 'assemble-'));
  const output = join(folder, 'out.bin');
  const path = join(repository, source);
  const { status, error } = spawnSync('nasm', ['-f', 'bin', '-Werror', '-i', `${dirname(path)}/`, '-o', output, path], {
    stdio: ['ignore', 2, 2],
  });
  const bytes = status === 0 ? readFileSync(output) : undefined;
  rmSync(folder, { recursive: true });
  if (error?.code === 'ENOENT') throw Object.assign(new Error('NASM is not installed'), { status: 3 });
  if (bytes === undefined) throw Object.assign(new Error(`${source} does not assemble`), { status: 1 });
  return bytes;
}

/** The stretches of an image, without the zeros between them: offset and bytes of each. */
function partsOf(bytes) {
  const parts = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at = start) {
    const gap = bytes.indexOf(Buffer.alloc(GAP), at);
    const end = gap < 0 ? bytes.length : gap;
    if (end > at) parts.push([at, bytes.subarray(at, end)]);
    start = end;
    while (start < bytes.length && bytes[start] === 0) start++;
  }
  return parts;
}

const literal = (bytes) =>
  bytes
    .toString('base64')
    .match(new RegExp(`.{1,${LINE}}`, 'g'))
    .map((line) => `      '${line}'`)
    .join(' +\n');

function moduleText({ source, name }, bytes) {
  const parts = partsOf(bytes).map(([at, part]) => `    [\n      0x${at.toString(16)},\n${literal(part)},\n    ],\n`);
  const type = '{ readonly length: number; readonly parts: readonly (readonly [at: number, base64: string])[] }';
  return `// Made by tools/images/assemble.mjs from ${source}; do not edit.

/** The image: its length in bytes and its parts, zeros between them. */
export const ${name}: ${type} = {
  length: ${bytes.length},
  parts: [
${parts.join('')}  ],
};
`;
}

function update(target, check) {
  const bytes = assemble(target.source);
  target.finish(bytes);
  const text = moduleText(target, bytes);
  const path = join(repository, target.module);
  const same = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (check && !same) throw Object.assign(new Error(`${target.module} is not what ${target.source} gives`), { status: 1 });
  if (check || same) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const args = process.argv.slice(2);
try {
  const check = args.includes('--check');
  const only = args.filter((arg) => arg !== '--check');
  for (const target of TARGETS) if (only.length === 0 || only.includes(target.name)) update(target, check);
} catch (error) {
  console.error(error.message);
  process.exitCode = error.status ?? 1;
}
