import { ADD, DIV, ENV, ENV_PROTECTED_16, ENV_PROTECTED_32, ENV_REAL_16, ENV_REAL_32, M64, MUL, STATE, X87, x87LayoutAt } from './index.js';

const layout = x87LayoutAt(0);

function newUnit(): { unit: X87; view: DataView } {
  const view = new DataView(new ArrayBuffer(1024));
  const unit = new X87(view, layout);
  unit.finit();
  return { unit, view };
}

function fld(view: DataView, unit: X87, value: number): void {
  view.setFloat64(layout.operand, value, true);
  unit.fldMemory(M64);
}

function st(view: DataView, unit: X87, i: number): string {
  const at = ((unit.top + i) & 7) * 16;
  const se = view
    .getUint16(at + 8, true)
    .toString(16)
    .padStart(4, '0');
  return `${se}:${view.getBigUint64(at, true).toString(16).padStart(16, '0')}`;
}

/** A decimal fraction rounded to nearest as an extended number: the reference for functions. */
function extended(decimal: string): string {
  const [whole, fraction] = decimal.replace('-', '').split('.') as [string, string];
  const denominator = 10n ** BigInt(fraction.length);
  const scaled = (BigInt(whole + fraction) << 256n) / denominator;
  const length = scaled.toString(2).length;
  const sig = ((scaled >> BigInt(length - 65)) + 1n) >> 1n;
  const se = (decimal.startsWith('-') ? 0x8000 : 0) + 16383 + length - 257;
  return `${se.toString(16).padStart(4, '0')}:${sig.toString(16).padStart(16, '0')}`;
}

describe('x87 state', () => {
  it('FINIT sets FCW 037F, FSW 0 and all tags empty', () => {
    const { unit } = newUnit();
    expect([unit.fcw, unit.fsw, unit.ftw, unit.top, unit.pending]).toEqual([0x037f, 0, 0xffff, 0, false]);
  });

  it('a push decrements TOP and marks one register', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1);
    expect([unit.top, unit.ftw, unit.abridgedTags, st(view, unit, 0)]).toEqual([7, 0x3fff, 0x80, '3fff:8000000000000000']);
  });

  it('FLDCW keeps bit 6 set and drops reserved bits', () => {
    const { unit } = newUnit();
    unit.loadControl(0xffff);
    expect(unit.fcw).toBe(0x1f7f);
    unit.loadControl(0);
    expect(unit.fcw).toBe(0x0040);
  });

  it('unmasking a flag that is set makes it pending, masking it ends that', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1);
    fld(view, unit, 0);
    unit.arithSti(DIV, 1, false);
    expect(unit.fsw & 0x80ff).toBe(0x0004);
    unit.loadControl(0x037b);
    expect([unit.pending, unit.fsw & 0x8080]).toEqual([true, 0x8080]);
    unit.loadControl(0x037f);
    expect([unit.pending, unit.fsw & 0x8080]).toEqual([false, 0]);
  });

  it('the full tag word tells valid, zero, special and empty', () => {
    const { unit, view } = newUnit();
    fld(view, unit, Number.NaN);
    fld(view, unit, 0);
    fld(view, unit, 1);
    expect(unit.fullTagWord()).toBe(0b10_01_00_11_11_11_11_11);
    unit.loadTags(unit.fullTagWord());
    expect(unit.ftw).toBe(0x03ff);
  });
});

describe('x87 exceptions', () => {
  it('an unmasked division by zero leaves the operand and the stack alone', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 0);
    fld(view, unit, 1);
    unit.loadControl(0x037b);
    unit.arithSt0(DIV, 1);
    expect([st(view, unit, 0), unit.pending, unit.fsw & 0x80ff]).toEqual(['3fff:8000000000000000', true, 0x8084]);
  });

  it('an unmasked overflow delivers the result with its exponent reduced by 24576', () => {
    const { unit, view } = newUnit();
    view.setBigUint64(layout.operand, 0x8000_0000_0000_0000n, true);
    view.setUint16(layout.operand + 8, 0x7ffe, true);
    unit.fld80();
    unit.loadControl(0x0377);
    unit.arithSt0(MUL, 0);
    expect([st(view, unit, 0), unit.fsw & 0x3f]).toEqual([`${(2 * 0x7ffe - 16383 - 24576).toString(16)}:8000000000000000`, 0x08]);
  });

  it('an unmasked overflow of FSTP m32 stores nothing and does not pop', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1e300);
    unit.loadControl(0x0377);
    expect([unit.memory(0xd9, 3, 0), unit.top, unit.fsw & 0x3f]).toEqual([0, 7, 0x08]);
  });

  it('the ninth push overflows the stack with C1 set and delivers the default NaN', () => {
    const { unit, view } = newUnit();
    for (let n = 0; n < 9; n++) fld(view, unit, n);
    expect([unit.fsw & 0x027f, st(view, unit, 0)]).toEqual([0x0241, 'ffff:c000000000000000']);
  });

  it('using an empty register underflows the stack with C1 clear', () => {
    const { unit, view } = newUnit();
    unit.arithSt0(ADD, 1);
    expect([unit.fsw & 0x027f, st(view, unit, 0)]).toEqual([0x0041, 'ffff:c000000000000000']);
  });
});

describe('x87 responses that only real processors show', () => {
  const load80 = (view: DataView, unit: X87, se: number, sig: bigint) => {
    view.setBigUint64(layout.operand, sig, true);
    view.setUint16(layout.operand + 8, se, true);
    unit.fld80();
  };
  const one = 0x8000_0000_0000_0000n;

  it('FLD m64 of a denormal loads it although DE is unmasked', () => {
    const { unit, view } = newUnit();
    unit.loadControl(0x037d);
    fld(view, unit, 2 ** -1074);
    expect([st(view, unit, 0), unit.fsw & 0x80ff, unit.top]).toEqual(['3bcd:8000000000000000', 0x8082, 7]);
  });

  it('a comparison with an unmasked invalid operand sets the codes and does not pop', () => {
    const { unit, view } = newUnit();
    fld(view, unit, Number.NaN);
    unit.loadControl(0x037e);
    unit.fcom(0, false, 1);
    expect([unit.fsw & 0x4500, unit.top, unit.pending]).toEqual([0x4500, 7, true]);
  });

  it('FSCALE with unmasked overflow beyond the adjusted range delivers infinity with PE and C1', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1e10);
    fld(view, unit, 1);
    unit.loadControl(0x0377);
    unit.fscale();
    expect([st(view, unit, 0), unit.fsw & 0x023f]).toEqual(['7fff:8000000000000000', 0x0228]);
  });

  it('FSCALE with unmasked underflow beyond the adjusted range delivers zero with PE', () => {
    const { unit, view } = newUnit();
    fld(view, unit, -1e10);
    fld(view, unit, -1);
    unit.loadControl(0x036f);
    unit.fscale();
    expect([st(view, unit, 0), unit.fsw & 0x3f]).toEqual(['8000:0000000000000000', 0x30]);
  });

  it('FPREM of a denormal by infinity underflows if that is unmasked', () => {
    const { unit, view } = newUnit();
    load80(view, unit, 0x7fff, one);
    load80(view, unit, 0, 2n);
    unit.loadControl(0x036f);
    unit.fprem(false);
    expect([st(view, unit, 0), unit.fsw & 0x3f]).toEqual(['5fc3:8000000000000000', 0x12]);
  });

  it('D9 D8+i does not check the stack: an empty ST(0) is popped without a copy', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1);
    unit.rotate(-1);
    unit.register(0xd9, 0xd9, 0);
    expect([unit.fsw & 0x7f, unit.top, st(view, unit, 0)]).toEqual([0, 7, '3fff:8000000000000000']);
  });
});

describe('x87 constants', () => {
  const values = ['1.0', '3.3219280948873623478703194294893901758648', '1.4426950408889634073599246810018921374266'];
  const more = ['3.1415926535897932384626433832795028841972', '0.3010299956639811952137388947244930267682'];
  const all = [...values, ...more, '0.6931471805599453094172321214581765680755'];

  it.each(all.map((v, i) => [v, i] as const))('constant %s is rounded to nearest', (value, index) => {
    const { unit, view } = newUnit();
    unit.register(0xd9, 0xe8 + index, 0);
    expect(st(view, unit, 0)).toBe(extended(value));
  });

  it('FLDPI rounded down is one unit less', () => {
    const { unit, view } = newUnit();
    unit.loadControl(0x077f);
    unit.register(0xd9, 0xeb, 0);
    expect(st(view, unit, 0)).toBe('4000:c90fdaa22168c234');
  });
});

describe('x87 functions', () => {
  const one: readonly (readonly [name: string, modrm: number, x: number, result: string, at: number])[] = [
    ['FSIN', 0xfe, 1, '0.841470984807896506652502321630298999622563060798371', 0],
    ['FCOS', 0xff, 1, '0.540302305868139717400936607442976603732310420617922', 0],
    ['FPTAN', 0xf2, 1, '1.557407724654902230506974807458360173087250772381520', 1],
    ['F2XM1', 0xf0, 0.5, '0.414213562373095048801688724209698078569671875376948', 0],
    ['F2XM1', 0xf0, -0.5, '-0.292893218813452475599155637895150960715164062311525', 0],
  ];
  it.each(one)('%s %#: the result is the nearest extended number', (_name, modrm, x, result, at) => {
    const { unit, view } = newUnit();
    fld(view, unit, x);
    unit.register(0xd9, modrm, 0);
    expect(st(view, unit, at)).toBe(extended(result));
  });

  const two: readonly (readonly [name: string, modrm: number, y: number, x: number, result: string])[] = [
    ['FPATAN', 0xf3, 1, 2, '0.463647609000806116214256231461214402028537054286120'],
    ['FPATAN', 0xf3, 1, -1, '2.356194490192344928846982537459627163147877049531329'],
    ['FYL2X', 0xf1, 1, 3, '1.584962500721156181453738943947816508759814407692481'],
    ['FYL2X', 0xf1, -1, 10, '-3.321928094887362347870319429489390175864831393024580'],
    ['FYL2XP1', 0xf9, 1, 0.25, '0.321928094887362347870319429489390175864831393024580'],
  ];
  it.each(two)('%s %#: the result is the nearest extended number', (_name, modrm, y, x, result) => {
    const { unit, view } = newUnit();
    fld(view, unit, y);
    fld(view, unit, x);
    unit.register(0xd9, modrm, 0);
    expect([unit.top, st(view, unit, 0)]).toEqual([7, extended(result)]);
  });

  it('FYL2X of a power of two is exact, although PE is raised', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 3);
    fld(view, unit, 2 ** -40);
    unit.fyl2x();
    expect([st(view, unit, 0), unit.fsw & 0x3f]).toEqual(['c005:f000000000000000', 0x20]);
  });

  it('FSIN beyond 2^63 sets C2 and leaves the operand', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 2 ** 63);
    unit.fsin();
    expect([unit.fsw & 0x0400, st(view, unit, 0)]).toEqual([0x0400, '403e:8000000000000000']);
  });

  it('FPREM delivers the quotient bits in C0, C3, C1', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 3);
    fld(view, unit, 17);
    unit.fprem(false);
    expect([st(view, unit, 0), unit.fsw & 0x4700]).toEqual(['4000:8000000000000000', 0x0300]);
  });
});

describe('x87 images', () => {
  const filled = (): { unit: X87; view: DataView } => {
    const made = newUnit();
    made.view.setUint32(layout.fip, 0x0012_3456, true);
    made.view.setUint32(layout.fdp, 0x0045_6789, true);
    made.view.setUint16(layout.fcs, 0x33, true);
    made.view.setUint16(layout.fds, 0x2b, true);
    made.view.setUint16(layout.fop, 0x1c1, true);
    return made;
  };
  const words = (view: DataView, n: number) => Array.from({ length: n }, (_, i) => view.getUint16(layout.operand + 2 * i, true));

  it('FSTENV in the 16-bit protected layout', () => {
    const { unit, view } = filled();
    expect(unit.fnstenv(ENV_PROTECTED_16)).toBe(14);
    expect(words(view, 7)).toEqual([0x037f, 0, 0xffff, 0x3456, 0x33, 0x6789, 0x2b]);
  });

  it('FSTENV in the 32-bit protected layout', () => {
    const { unit, view } = filled();
    expect(unit.fnstenv(ENV_PROTECTED_32)).toBe(28);
    const wanted = [0x037f, 0xffff, 0, 0xffff, 0xffff, 0xffff, 0x3456, 0x12, 0x33, 0x1c1, 0x6789, 0x45, 0x2b, 0xffff];
    expect(words(view, 14)).toEqual(wanted);
  });

  it.each([
    [ENV_REAL_16, [0x037f, 0, 0xffff, 0x3456, 0x21c1, 0x6789, 0x5000]],
    [ENV_REAL_32, [0x037f, 0xffff, 0, 0xffff, 0xffff, 0xffff, 0x3456, 0xffff, 0x21c1, 0x0001, 0x6789, 0xffff, 0x5000, 0x0004]],
  ])('FSTENV in real layout %d puts linear addresses in pieces', (form, wanted) => {
    const { unit, view } = filled();
    unit.fnstenv(form);
    expect(words(view, wanted.length)).toEqual(wanted);
  });

  it.each([
    [ENV_PROTECTED_16, 0x3456],
    [ENV_PROTECTED_32, 0x0012_3456],
    [ENV_REAL_16, 0x2_3456],
    [ENV_REAL_32, 0x0012_3456],
  ])('FSAVE then FRSTOR in layout %d keeps all that fits the image', (form, pointer) => {
    const { unit, view } = filled();
    fld(view, unit, 1.5);
    fld(view, unit, -2.25);
    const before = [unit.fcw, unit.fsw, unit.ftw, st(view, unit, 0), st(view, unit, 1)];
    expect(unit.fnsave(form)).toBe(form & 1 ? 108 : 94);
    expect(unit.ftw).toBe(0xffff);
    unit.frstor(form);
    expect([unit.fcw, unit.fsw, unit.ftw, st(view, unit, 0), st(view, unit, 1)]).toEqual(before);
    expect(view.getUint32(layout.fip, true)).toBe(pointer);
  });

  it('FXSAVE then FXRSTOR is the identity, registers from ST(0) on', () => {
    const { unit, view } = filled();
    fld(view, unit, 1.5);
    unit.fxsave(512, true);
    expect([view.getUint8(516), view.getUint16(512 + 40, true), view.getUint16(518, true)]).toEqual([0x80, 0x3fff, 0x1c1]);
    unit.finit();
    unit.fxrstor(512, true);
    expect([unit.top, unit.abridgedTags, st(view, unit, 0), view.getUint32(layout.fip, true)]).toEqual([
      7,
      0x80,
      '3fff:c000000000000000',
      0x0012_3456,
    ]);
  });

  it('MMX use resets TOP and tags, writes set the exponent, EMMS empties', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1);
    unit.enterMmx();
    unit.mmxWritten(3);
    expect([unit.top, unit.ftw, view.getUint16(3 * 16 + 8, true)]).toEqual([0, 0, 0xffff]);
    unit.emms();
    expect(unit.ftw).toBe(0xffff);
  });
});

describe('x87 decoding', () => {
  it('knows operand sizes and undefined encodings', () => {
    const sizes = [X87.loadBytes(0xd8, 0), X87.loadBytes(0xdb, 5), X87.loadBytes(0xd9, 4), X87.loadBytes(0xdd, 4), X87.storeBytes(0xdf, 6)];
    expect(sizes).toEqual([4, 10, ENV, STATE, 10]);
    const undefinedForms = Array.from({ length: 64 }, (_, n) => n).filter(
      (n) => X87.loadBytes(n >> 3, n) === 0 && X87.storeBytes(n >> 3, n) === 0,
    );
    expect(undefinedForms.map((n) => `${(0xd8 + (n >> 3)).toString(16)}/${n & 7}`)).toEqual(['d9/1', 'db/4', 'db/6', 'dd/5']);
  });

  it('reports undefined register forms and executes the rest', () => {
    const { unit } = newUnit();
    const bad: string[] = [];
    for (let op = 0xd8; op <= 0xdf; op++)
      for (let m = 0xc0; m <= 0xff; m++) if (unit.register(op, m, 0) < 0) bad.push(`${op.toString(16)}${m.toString(16)}`);
    const count = (prefix: string) => bad.filter((x) => x.startsWith(prefix)).length;
    expect(['d8', 'd9', 'da', 'db', 'dc', 'dd', 'de', 'df'].map(count)).toEqual([0, 12, 31, 11, 0, 16, 7, 15]);
  });

  it('only the six no-wait instructions ignore a pending exception', () => {
    const noWait: string[] = [];
    for (let op = 0xd8; op <= 0xdf; op++)
      for (const m of [0x30, 0x38, 0xe0, 0xe2, 0xe3]) if (!X87.waits(op, m)) noWait.push(`${op.toString(16)}${m.toString(16)}`);
    expect(noWait).toEqual(['d930', 'd938', 'dbe0', 'dbe2', 'dbe3', 'dd30', 'dd38', 'dfe0']);
  });

  it('sees the state through a new view after the memory moved', () => {
    const { unit, view } = newUnit();
    fld(view, unit, 1);
    const moved = new Uint8Array(2048);
    moved.set(new Uint8Array(view.buffer));
    const next = new DataView(moved.buffer);
    unit.rebind(next);
    fld(next, unit, 2);
    expect([unit.top, st(next, unit, 0), st(next, unit, 1)]).toEqual([6, '4000:8000000000000000', '3fff:8000000000000000']);
  });
});
