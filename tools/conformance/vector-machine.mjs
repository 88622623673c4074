/** A machine that holds one CPU in the environment of recorded vectors: long mode, CPL 3, a few pages of memory. */
import { codeAddress, hex64, REGISTERS } from './vector-file.mjs';

const PAGE = 4096;
/** Instructions at a time. */
const SLICE = 10_000;
/** Tables and system pages; the windows follow. */
const SYSTEM_BYTES = 2 * 1024 * 1024;
const CR0_VALUE = 0x8005_0033;
/** PSE PAE MCE PGE OSFXSR OSXMMEXCPT FSGSBASE. */
const CR4_VALUE = 0x1_06f0;
/** SCE LME LMA NXE. */
const EFER_VALUE = 0xd01;

/** System pages, below everything the vectors use: tables, the stack of CPL 0, and a HLT for each vector. */
const SYSTEM = -(2 ** 47);
const GDT = SYSTEM;
const LDT = SYSTEM + PAGE;
const IDT = SYSTEM + 2 * PAGE;
const TSS = SYSTEM + 3 * PAGE;
const STACK_TOP = SYSTEM + 5 * PAGE;
const HANDLERS = SYSTEM + 5 * PAGE;
const SYSTEM_PAGES = 6;
const HANDLER_BYTES = 16;
const HLT = 0xf4;

const DATA3 = 0xc0f300;
const CODE32 = 0xc0fb00;
const CODE64 = 0xa0fb00;
const CODE16 = 0x00fb00;
const TSS_BUSY = 0x008b00;
const LDT_TYPE = 0x008200;
/** Descriptors by selector; null elsewhere. */
const DESCRIPTORS = {
  16: [0, 0xf_ffff, 0xa09b00],
  24: [0, 0xf_ffff, 0xc09300],
  32: [0, 0xf_ffff, CODE32],
  40: [0, 0xf_ffff, DATA3],
  48: [0, 0xf_ffff, CODE64],
};
/** No local APIC. */
const NO_INTERRUPTS = { bootstrap: true, acknowledge: () => -1 };
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);

/**
 * Builds the machine from the modules under test, so that the tool can run on the build and a unit test on the sources.
 * @param {object} modules `cpu` (@hotsocket/cpu-x86) and `space` (@hotsocket/address-space)
 * @param {object} header of the vector file
 * @param {object} [model] the CPU; without one every instruction is valid
 */
export class VectorMachine {
  constructor({ cpu, space }, header, model) {
    this.header = header;
    this.layout = cpu.layout;
    this.modules = cpu;
    const bytes = header.windows.reduce((sum, { length }) => sum + length, SYSTEM_BYTES);
    const memory = new cpu.CoreMemory(bytes);
    this.ram = memory.allocate(bytes);
    const mem = new space.MemorySpace();
    mem.map(0, space.storage('ram', 'ram', this.ram));
    this.core = new cpu.ExecutionCore({ memory, space: mem, io: new space.IoSpace(), readTsc: (into) => this.#tsc(into), model });
    this.core.addCpu();
    this.core.select(0);
    this.core.onFault = (vector, error) => this.#fault(vector, error);
    this.longs = new BigUint64Array(memory.memory.buffer, 0, cpu.layout.GUEST >> 3);
    this.#next = 0x1000;
    this.#cr3 = this.#page();
    this.#place();
    this.#writeSystem();
    this.dirty = false;
  }

  #next;
  #cr3;
  #outcome;

  #tsc(into) {
    into.low = 0;
    into.high = 0;
  }

  #fault(vector, error) {
    this.#outcome = { vector, error: error < 0 ? 0 : error };
    return true;
  }

  // ---------------------------------------------------------------- memory

  #page() {
    const gpa = this.#next;
    this.#next += PAGE;
    return gpa;
  }

  /** Maps a linear page and gives its physical address. */
  #map(linear, bits, gpa = this.#page()) {
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    let table = this.#cr3;
    for (let level = 3; level > 0; level--) {
      const at = table + 8 * Number((BigInt(linear) >> BigInt(12 + 9 * level)) & 0x1ffn);
      if (view.getUint32(at, true) === 0) view.setUint32(at, this.#page() | 0x27, true);
      table = view.getUint32(at, true) & ~0xfff;
    }
    const entry = table + 8 * Number((BigInt(linear) >> 12n) & 0x1ffn);
    view.setUint32(entry, gpa | bits | 0x61, true);
    view.setUint32(entry + 4, bits & 0x1000_0000 ? 0x8000_0000 : 0, true);
    return gpa;
  }

  #place() {
    for (let n = 0; n < SYSTEM_PAGES; n++) this.#map(SYSTEM + n * PAGE, 2, 0x10_0000 + n * PAGE);
    this.#next = Math.max(this.#next, 0x1000);
    let gpa = SYSTEM_BYTES;
    for (const window of this.header.windows) {
      window.gpa = gpa;
      for (let offset = 0; offset < window.length; offset += PAGE, gpa += PAGE) this.#mapUser(window, offset, gpa);
    }
    this.#hot = this.header.hot.map((range) => ({ ...range, gpa: this.#gpa(range.linear), image: this.#imageAt(range) }));
    this.restoreAll();
  }

  #hot;

  #mapUser(window, offset, gpa) {
    const bits = 4 | (window.prot & 2);
    this.#map(window.linear + offset, bits, gpa);
    if (window.prot & 4) return;
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    view.setUint32(this.#entry(window.linear + offset) + 4, 0x8000_0000, true);
  }

  #entry(linear) {
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    let table = this.#cr3;
    for (let level = 3; level > 0; level--)
      table = view.getUint32(table + 8 * Number((BigInt(linear) >> BigInt(12 + 9 * level)) & 0x1ffn), true) & ~0xfff;
    return table + 8 * Number((BigInt(linear) >> 12n) & 0x1ffn);
  }

  #windowOf(linear) {
    const window = this.header.windows.find(({ linear: start, length }) => linear >= start && linear < start + length);
    if (!window) throw new RangeError(`${linear.toString(16)} is in no window`);
    return window;
  }

  #gpa(linear) {
    const window = this.#windowOf(linear);
    return window.gpa + (linear - window.linear);
  }

  #imageAt({ linear, length }) {
    const window = this.#windowOf(linear);
    return window.image.subarray(linear - window.linear, linear - window.linear + length);
  }

  #poke(linear, bytes) {
    const gpa = this.#gpa(linear);
    this.ram.set(bytes, gpa);
    this.core.code.writtenRange(gpa, bytes.length);
  }

  /** Every window as the header has it. */
  restoreAll() {
    for (const { linear, image } of this.header.windows) this.#poke(linear, image);
  }

  /** What vectors may have changed, as the header has it. */
  #restoreHot() {
    for (const { gpa, length, image } of this.#hot) {
      if (Buffer.compare(this.ram.subarray(gpa, gpa + length), image) === 0) continue;
      this.ram.set(image, gpa);
      this.core.code.writtenRange(gpa, length);
    }
  }

  // ---------------------------------------------------------------- system structures

  #writeSystem() {
    for (const [selector, fields] of Object.entries(DESCRIPTORS)) this.#descriptor(0x10_0000 + Number(selector), fields);
    const { cs16Base, gsBase } = this.header;
    this.#descriptor(0x10_0000 + PAGE, [cs16Base, 0xffff, CODE16]);
    this.#descriptor(0x10_0000 + PAGE + 8, [gsBase, 0xf_ffff, DATA3]);
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    const tss = 0x10_0000 + 3 * PAGE;
    view.setBigInt64(tss + 4, BigInt(STACK_TOP), true);
    view.setUint16(tss + 0x66, 0x68, true);
    for (let vector = 0; vector < 256; vector++) this.#gate(view, vector);
  }

  #descriptor(gpa, [base, limit, attributes]) {
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    view.setUint32(gpa, ((base & 0xffff) << 16) | (limit & 0xffff), true);
    view.setUint32(gpa + 4, (base & 0xff00_0000) | ((base >>> 16) & 0xff) | (limit & 0xf_0000) | attributes, true);
  }

  #gate(view, vector) {
    const handler = BigInt(HANDLERS + HANDLER_BYTES * vector);
    const gpa = 0x10_0000 + 2 * PAGE + 16 * vector;
    const user = vector === 3 || vector === 4;
    view.setUint32(gpa, (0x10 << 16) | Number(handler & 0xffffn), true);
    view.setUint32(gpa + 4, (Number((handler >> 16n) & 0xffffn) << 16) | (user ? 0xee00 : 0x8e00), true);
    view.setUint32(gpa + 8, Number((handler >> 32n) & 0xffff_ffffn), true);
    this.ram[0x10_0000 + 5 * PAGE + HANDLER_BYTES * vector] = HLT;
  }

  // ---------------------------------------------------------------- state

  #segment(index, selector, base, limit, attributes) {
    const { layout, core } = this;
    const at = layout.segment(index);
    core.cpu.setLong(at + layout.SEG_BASE, base);
    core.cpu.set32(at + layout.SEG_LIMIT, limit);
    core.cpu.set32(at + layout.SEG_ATTR, attributes);
    core.cpu.set16(at + layout.SEG_SELECTOR, selector);
  }

  #segments(mode) {
    const { layout, header } = this;
    const { cs, ss, ds, es, fs, gs } = header.selectors[mode];
    const all = 0xffff_ffff;
    const code = mode === 64 ? CODE64 : mode === 32 ? CODE32 : CODE16;
    this.#segment(layout.CS, cs, mode === 16 ? header.cs16Base : 0, mode === 16 ? 0xffff : all, code);
    for (const [index, selector] of [
      [layout.SS, ss],
      [layout.DS, ds],
      [layout.ES, es],
    ])
      this.#segment(index, selector, 0, all, DATA3);
    this.#segment(layout.FS, fs, 0, 0, 0);
    this.#segment(layout.GS, gs, header.gsBase, mode === 64 ? 0 : all, mode === 64 ? 0 : DATA3);
    this.#segment(layout.LDTR, 0x50, LDT, 15, LDT_TYPE);
    this.#segment(layout.TR, 0x40, TSS, 0x67, TSS_BUSY);
  }

  #control(mode) {
    const { layout: at, core } = this;
    const { cpu } = core;
    cpu.set32(at.CR0, CR0_VALUE);
    cpu.set32(at.CR4, CR4_VALUE);
    cpu.setLong(at.CR3, this.#cr3);
    cpu.setLong(at.CR2, 0);
    cpu.set32(at.EFER, EFER_VALUE);
    cpu.setLong(at.GDTR_BASE, GDT);
    cpu.set32(at.GDTR_LIMIT, 0x3f);
    cpu.setLong(at.IDTR_BASE, IDT);
    cpu.set32(at.IDTR_LIMIT, 0xfff);
    cpu.set32(at.CPL, 3);
    cpu.set32(at.ACTIVITY, at.ACTIVITY_RUNNING);
    cpu.set32(at.SHADOW, 0);
    cpu.set32(at.EVENTS, 0);
    cpu.set32(at.EXIT_REQUEST, 0);
    for (let n = 0; n < 8; n++) cpu.setLong(at.DR + 8 * n, n === 6 ? 0xffff_0ff0 : n === 7 ? 0x400 : 0);
    this.#segments(mode);
    this.modules.refreshMode(cpu);
    this.modules.refreshFpuTraps(cpu);
    core.mmu.selectTlb(0);
  }

  #loadFx(fx) {
    const { layout: at, core } = this;
    const { u8 } = core.memory;
    const { cpu } = core;
    cpu.set16(at.FCW, fx.readUInt16LE(0));
    cpu.set16(at.FSW, fx.readUInt16LE(2));
    const top = (fx.readUInt16LE(2) >> 11) & 7;
    let tags = 0;
    for (let n = 0; n < 8; n++) if (((fx[4] >> n) & 1) === 0) tags |= 3 << (2 * n);
    cpu.set16(at.FTW, tags);
    for (const field of [at.FOP, at.FCS, at.FDS]) cpu.set16(field, 0);
    for (const field of [at.FIP, at.FDP]) cpu.setLong(field, 0);
    cpu.set32(at.MXCSR, fx.readUInt32LE(24));
    for (let n = 0; n < 8; n++) u8.set(fx.subarray(32 + 16 * n, 48 + 16 * n), at.X87 + 16 * ((top + n) & 7));
    u8.set(fx.subarray(160, 416), at.XMM);
  }

  #saveFx() {
    const { layout: at, core } = this;
    const { u8 } = core.memory;
    const { cpu } = core;
    const fx = Buffer.alloc(416);
    const fsw = cpu.get16(at.FSW);
    fx.writeUInt16LE(cpu.get16(at.FCW), 0);
    fx.writeUInt16LE(fsw, 2);
    const tags = cpu.get16(at.FTW);
    for (let n = 0; n < 8; n++) if (((tags >> (2 * n)) & 3) !== 3) fx[4] |= 1 << n;
    fx.writeUInt32LE(cpu.get32(at.MXCSR), 24);
    for (let n = 0; n < 8; n++) {
      const from = at.X87 + 16 * (((fsw >> 11) + n) & 7);
      fx.set(u8.subarray(from, from + 16), 32 + 16 * n);
    }
    fx.set(u8.subarray(at.XMM, at.XMM + 256), 160);
    return fx;
  }

  /** Puts the machine into the state before a vector. */
  load(vector) {
    const { layout: at, core, header } = this;
    const base = header.bases[vector.b];
    // what was decoded before would make runs of code short, as in pages that change all the time
    core.code.evictAll();
    if (this.dirty) this.restoreAll();
    this.#restoreHot();
    for (const [address, text] of vector.mem ?? []) this.#poke(Number.parseInt(address, 16), Buffer.from(text, 'hex'));
    this.#poke(codeAddress(header, vector), Buffer.from(vector.x, 'hex'));
    this.#control(vector.s);
    const gpr = startRegisters(base, vector);
    for (let n = 0; n < 16; n++) this.longs[(at.GPR >> 3) + n] = gpr[n];
    core.cpu.setFlags(Number.parseInt(vector.fl, 16) | 2);
    core.cpu.setLong(at.RIP, Number.parseInt(vector.ip, 16));
    this.#loadFx(patched(base.fx, vector.fx));
  }

  /** Runs to the first exception, at most about `budget` instructions; gives what the judge compares. */
  run(vector, budget = 1_000_000) {
    this.#outcome = undefined;
    this.load(vector);
    const { core } = this;
    const end = core.retired + budget;
    while (!this.#outcome && core.retired < end) {
      const reason = this.modules.runSlice(core, NO_INTERRUPTS, SLICE);
      if (!this.#outcome && core.cpu.cpl === 0) this.#outcome = this.#delivered();
      else if (!this.#outcome && reason === this.modules.RUN_STOPPED) break;
    }
    return this.#state();
  }

  /** The CPU has gone to a handler by itself: the frame says what happened. */
  #delivered() {
    const { layout: at, core } = this;
    const vector = Math.floor((core.cpu.getLong(at.RIP) - HANDLERS) / HANDLER_BYTES);
    const view = new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
    const top = 0x10_0000 + 5 * PAGE;
    const field = (n) => Number(view.getBigInt64(top - 8 * n, true));
    const error = WITH_ERROR.has(vector) ? field(6) : 0;
    const rip = field(5);
    const frame = { rip, flags: field(3), cs: field(4) & 0xffff, ss: field(1) & 0xffff, rsp: view.getBigUint64(top - 16, true) };
    return { vector, error, frame };
  }

  #state() {
    const { layout: at, core } = this;
    const { vector, error, frame } = this.#outcome ?? { vector: -1, error: 0 };
    const gpr = Array.from(this.longs.subarray(at.GPR >> 3, (at.GPR >> 3) + 16));
    if (frame) gpr[4] = frame.rsp;
    const selectors = { cs: at.CS, ss: at.SS, ds: at.DS, es: at.ES, fs: at.FS, gs: at.GS };
    const sel = Object.fromEntries(Object.entries(selectors).map(([name, index]) => [name, core.cpu.selector(index)]));
    if (frame) Object.assign(sel, { cs: frame.cs, ss: frame.ss });
    const rip = frame ? frame.rip : core.cpu.getLong(at.RIP);
    return {
      vector,
      error,
      rip: vector === 3 ? rip - 1 : rip,
      flags: frame ? frame.flags : core.cpu.flags(),
      cr2: core.cpu.getLong(at.CR2),
      gpr,
      sel,
      fx: this.#saveFx(),
      hot: this.#hot.map(({ linear, gpa, length }) => ({ linear, bytes: this.ram.subarray(gpa, gpa + length) })),
    };
  }
}

/** General registers before a vector. */
export function startRegisters(base, vector) {
  const gpr = base.gpr.map((value, n) => (vector.s === 64 ? value : n < 8 ? value & 0xffff_ffffn : 0n));
  for (const [name, text] of Object.entries(vector.r ?? {})) gpr[REGISTERS.indexOf(name)] = hex64(text);
  return gpr;
}

/** A copy of an FXSAVE image with `[offset, hex]` changes. */
export function patched(image, changes) {
  const copy = Buffer.from(image);
  for (const [offset, text] of changes ?? []) Buffer.from(text, 'hex').copy(copy, offset);
  return copy;
}
