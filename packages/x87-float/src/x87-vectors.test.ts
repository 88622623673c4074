import { existsSync, readFileSync } from 'node:fs';
import { ENV, STATE, X87, x87LayoutAt } from './index.js';

/** A single-instruction vector as `tools/vector-cases.mjs` extracts it. */
interface X87Case {
  readonly id: number;
  readonly class: string;
  readonly name: string;
  readonly vector: number;
  readonly opcode: number;
  readonly modrm: number;
  readonly wide: boolean;
  readonly fx: string;
  readonly changes: readonly (readonly [at: number, bytes: string])[];
  readonly ignore: readonly (readonly [at: number, length: number])[];
  readonly fswMask: number;
  readonly flags: number;
  readonly flagsAfter: number;
  readonly flagsMask: number;
  readonly ax: number;
  readonly axAfter: number;
  readonly memory?: string;
  readonly memoryAfter?: string;
  readonly memoryIgnored?: readonly (readonly [at: number, length: number])[];
}

interface CaseReader {
  readCases(path: string, classes: readonly string[]): Iterable<X87Case>;
}

const WAIT = 0x9b;
const layout = x87LayoutAt(0);
const bytes = new Uint8Array(512);
const view = new DataView(bytes.buffer);
const unit = new X87(view, layout);

function load(fx: Buffer): void {
  view.setUint16(layout.fcw, fx.readUInt16LE(0), true);
  unit.fsw = fx.readUInt16LE(2);
  unit.abridgedTags = fx[4]!;
  for (let i = 0; i < 8; i++) bytes.set(fx.subarray(32 + 16 * i, 48 + 16 * i), ((unit.top + i) & 7) * 16);
  bytes.fill(0, layout.operand, layout.operand + 108);
}

function image(): Buffer {
  const fx = Buffer.alloc(160);
  fx.writeUInt16LE(unit.fcw, 0);
  fx.writeUInt16LE(unit.fsw, 2);
  fx[4] = unit.abridgedTags;
  for (let i = 0; i < 8; i++) {
    const at = ((unit.top + i) & 7) * 16;
    fx.set(bytes.subarray(at, at + 10), 32 + 16 * i);
  }
  return fx;
}

function patched(hex: string, changes: readonly (readonly [number, string])[]): Buffer {
  const data = Buffer.from(hex, 'hex');
  for (const [at, text] of changes) Buffer.from(text, 'hex').copy(data, at);
  return data;
}

/** Zeroes what a vector says is not to be compared: FTW's reserved byte, FOP to MXCSR, unused register bytes. */
function masked(fx: Buffer, c: X87Case): string {
  const data = Buffer.from(fx);
  data.writeUInt16LE(data.readUInt16LE(2) & c.fswMask, 2);
  data.fill(0, 5, 32);
  for (let i = 0; i < 8; i++) data.fill(0, 42 + 16 * i, 48 + 16 * i);
  for (const [at, length] of c.ignore) data.fill(0, at, at + length);
  return data.toString('hex');
}

function ignored(data: Buffer, c: X87Case): string {
  for (const [at, length] of c.memoryIgnored ?? []) {
    if (at < data.length) data.fill(0, Math.max(at, 0), Math.min(at + length, data.length));
  }
  return data.toString('hex');
}

function loadLength(c: X87Case): number {
  const n = X87.loadBytes(c.opcode, c.modrm >> 3);
  if (n === ENV) return c.wide ? 28 : 14;
  return n === STATE ? (c.wide ? 108 : 94) : n;
}

/** Runs a case; returns memory, EFLAGS and the exception vector it ends with (3 is the normal end). */
function execute(c: X87Case): { memory: Buffer; flags: number; vector: number; ax: number } {
  const memory = Buffer.from(c.memory ?? '', 'hex');
  const end = { memory, flags: c.flags, vector: 3, ax: c.ax };
  if (unit.pending && (c.opcode === WAIT || X87.waits(c.opcode, c.modrm))) return { ...end, vector: 16 };
  if (c.opcode === WAIT) return end;
  if (c.memory === undefined) end.flags = unit.register(c.opcode, c.modrm, c.flags);
  else {
    bytes.set(memory.subarray(0, loadLength(c)), layout.operand);
    const written = unit.memory(c.opcode, (c.modrm >> 3) & 7, c.wide ? 1 : 0);
    memory.set(bytes.subarray(layout.operand, layout.operand + written));
  }
  if (c.opcode === 0xdf && c.modrm === 0xe0) end.ax = unit.fsw;
  return end;
}

function failure(c: X87Case): string | undefined {
  load(Buffer.from(c.fx, 'hex'));
  const end = execute(c);
  const got = { fx: masked(image(), c), memory: ignored(end.memory, c), flags: end.flags & c.flagsMask, vector: end.vector, ax: end.ax };
  const want = {
    fx: masked(patched(c.fx, c.changes), c),
    memory: ignored(Buffer.from(c.memoryAfter ?? c.memory ?? '', 'hex'), c),
    flags: c.flagsAfter & c.flagsMask,
    vector: c.vector,
    ax: c.axAfter,
  };
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  return a === b ? undefined : `#${c.id} ${c.class} ${c.name}: ${a} want ${b}`;
}

describe('x87 against results recorded from a processor', () => {
  const sample = JSON.parse(readFileSync(new URL('./fixtures/x87.json', import.meta.url), 'utf8')) as X87Case[];

  it('a committed sample of every instruction agrees bit for bit', () => {
    expect(sample.length).toBeGreaterThan(300);
    expect(sample.map(failure).filter((x) => x !== undefined)).toEqual([]);
  });

  it('the comparison notices a wrong result', () => {
    const wrong = sample
      .filter((c) => c.name === 'fsqrt' || c.name === 'fild m16')
      .map((c) => ({ ...c, changes: [...c.changes, [2, 'ffff']] as const }));
    expect(wrong.length).toBeGreaterThan(0);
    for (const c of wrong) expect(failure({ ...c, fswMask: 0xffff })).toBeDefined();
  });

  const path = new URL('../../../../shared/vectors/dev.jsonl.gz', import.meta.url).pathname;
  const present = existsSync(path);
  if (!present) console.warn(`x87 vectors are absent (${path}): only the committed sample was run`);
  for (const name of ['x87', 'x87-odd', 'x87-stackf', 'x87-unmask', 'x87-trans', 'x87-env']) {
    const test = present ? it : it.skip;
    test(`all vectors of class ${name} agree${present ? '' : ' SKIPPED: vectors absent'}`, async () => {
      const tool = (await import(new URL('../tools/vector-cases.mjs', import.meta.url).pathname)) as CaseReader;
      const bad: string[] = [];
      let count = 0;
      for (const c of tool.readCases(path, [name])) {
        count++;
        const message = failure(c);
        if (message !== undefined) bad.push(message);
      }
      expect(count).toBeGreaterThan(100);
      expect(bad.slice(0, 10)).toEqual([]);
    }, 120_000);
  }
});
