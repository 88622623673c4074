import { assemble, DECODED, Decoded, Decoder, ROWS, type Row } from './index.js';
import { compile } from './opcode-map.js';
import { insn } from './row.js';

function roundTrip(row: Row): string[] {
  const { bytes, mode } = assemble(row);
  const out = new Decoded();
  const status = new Decoder().decode(bytes, 0, bytes.length, mode, out);
  if (status === DECODED && out.row.id === row.id && out.length === bytes.length) return [];
  return [`${row.opcode} ${row.text}: status ${status}, ${out.row.text}, ${out.length} of ${bytes.length} bytes`];
}

const numbered = (drafts: readonly ReturnType<typeof insn>[]): Row[] =>
  drafts.map((draft, id) => ({ ...draft, id, family: 'test', fallback: undefined }));

describe('rows', () => {
  it('every row is reached by its own encoding', () => {
    expect(ROWS.flatMap(roundTrip)).toEqual([]);
  });

  it('ids are indices', () => {
    expect(ROWS.filter((row, index) => row.id !== index)).toEqual([]);
  });

  it('fallbacks need no feature', () => {
    const fallbacks = ROWS.flatMap((row) => row.fallback ?? []);
    expect(fallbacks.length).toBeGreaterThanOrEqual(6);
    expect(fallbacks.filter((row) => row.feature !== undefined)).toEqual([]);
  });
});

describe('compile', () => {
  it('refuses two rows with the same encoding', () => {
    const rows = numbered([insn('00 /r', 'ADD Eb,Gb'), insn('00 /r', 'OR Eb,Gb')]);
    expect(() => compile(rows)).toThrow(/same encoding/);
  });

  it('refuses overlapping register ranges', () => {
    const rows = numbered([insn('50+r', 'PUSH Zv'), insn('50+r', 'POP Zv')]);
    expect(() => compile(rows)).toThrow(/same encoding/);
  });

  it('accepts a memory and a register row of one opcode', () => {
    const rows = numbered([insn('0F 12 /r', 'MOVLPS Vq,Mq'), insn('0F 12 /r', 'MOVHLPS Vq,Uq')]);
    expect(() => compile(rows)).not.toThrow();
  });

  it('refuses an opcode that has ModRM in one row only', () => {
    expect(() => compile(numbered([insn('00 /r', 'ADD Eb,Gb'), insn('66 00', 'NOP')]))).toThrow(/ModRM/);
  });

  it('refuses immediates that the operands do not have', () => {
    expect(() => compile(numbered([insn('04', 'ADD AL,Ib')]))).toThrow(/immediates/);
    expect(() => compile(numbered([insn('04 iz', 'ADD AL,Ib')]))).toThrow(/immediates/);
  });

  it('refuses operands and attributes that do not exist', () => {
    expect(() => insn('04 ib', 'ADD AL,Kb')).toThrow(/operand/);
    expect(() => insn('04 ib', 'ADD AL,Ib', 'loock')).toThrow(/attribute/);
  });
});
