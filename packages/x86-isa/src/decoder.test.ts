import { BASE_RIP, DECODED, Decoded, Decoder, disassemble, INVALID, type Mode, NONE, type Row, TOO_LONG, TRUNCATED } from './index.js';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16));
const decoder = new Decoder();

function decode(hex: string, mode: Mode = 64, using = decoder): Decoded {
  const out = new Decoded();
  const bytes = bytesOf(hex);
  expect(using.decode(bytes, 0, bytes.length, mode, out)).toBe(DECODED);
  return out;
}

function status(hex: string, mode: Mode = 64, using = decoder): number {
  const bytes = bytesOf(hex);
  return using.decode(bytes, 0, bytes.length, mode, new Decoded());
}

describe('ModRM and SIB (SDM volume 2A, tables 2-1 to 2-3)', () => {
  it('mod 0, r/m 5 is relative to RIP in 64-bit mode and absolute in 32-bit mode', () => {
    expect(decode('8B 05 10 00 00 00')).toMatchObject({ base: BASE_RIP, index: NONE, displacement: 16, defaultSegment: 3 });
    expect(decode('8B 05 10 00 00 00', 32)).toMatchObject({ base: NONE, index: NONE, displacement: 16 });
  });

  it('SIB with base 5 and mod 0 has a displacement and no base, whatever REX.B says', () => {
    expect(decode('41 8B 04 25 78 56 34 12')).toMatchObject({ base: NONE, index: NONE, displacement: 0x1234_5678, length: 8 });
  });

  it('index 4 means none, but R12 is an index', () => {
    expect(decode('8B 04 24')).toMatchObject({ base: 4, index: NONE, defaultSegment: 2 });
    expect(decode('42 8B 04 64')).toMatchObject({ base: 4, index: 12, scale: 1 });
  });

  it('R13 as base uses DS, RBP uses SS', () => {
    expect(decode('41 8B 45 F8')).toMatchObject({ base: 13, displacement: -8, defaultSegment: 3 });
    expect(decode('8B 45 F8')).toMatchObject({ base: 5, displacement: -8, defaultSegment: 2 });
  });

  it('16-bit addresses use BX, BP, SI and DI', () => {
    expect(decode('8B 42 FE', 16)).toMatchObject({ base: 5, index: 6, displacement: -2, defaultSegment: 2, addressBytes: 2 });
    expect(decode('8B 06 34 12', 16)).toMatchObject({ base: NONE, index: NONE, displacement: 0x1234, defaultSegment: 3 });
    expect(decode('67 8B 07', 32)).toMatchObject({ base: 3, index: NONE, addressBytes: 2 });
  });

  it('MMX and segment registers ignore REX.R and REX.B', () => {
    expect(decode('45 0F 6F C1')).toMatchObject({ reg: 0, rm: 1 });
    expect(decode('44 8E C0')).toMatchObject({ reg: 0, rm: 0 });
    expect(decode('66 45 0F 6F C1')).toMatchObject({ reg: 8, rm: 9 });
  });
});

describe('prefixes', () => {
  it('REX counts only directly before the opcode', () => {
    expect(decode('48 01 D8')).toMatchObject({ operandBytes: 8, rex: 0x48 });
    expect(decode('48 66 01 D8')).toMatchObject({ operandBytes: 2, rex: 0 });
  });

  it('REX.W wins over 66', () => {
    expect(decode('66 48 01 D8')).toMatchObject({ operandBytes: 8 });
  });

  it('push and pop are 64 bits wide in 64-bit mode, 16 with 66; near branches always 64', () => {
    expect(decode('50')).toMatchObject({ operandBytes: 8 });
    expect(decode('66 50')).toMatchObject({ operandBytes: 2 });
    expect(decode('66 E8 00 00 00 00')).toMatchObject({ operandBytes: 8, length: 6 });
    expect(decode('66 E8 00 00', 32)).toMatchObject({ operandBytes: 2, length: 4 });
  });

  it('only FS and GS override segments in 64-bit mode', () => {
    expect(decode('65 2E 8B 00')).toMatchObject({ segment: 5 });
    expect(decode('65 2E 8B 00', 32)).toMatchObject({ segment: 1 });
  });

  it('F3 beats 66 as mandatory prefix, and the last of F2 and F3 counts', () => {
    expect(decode('66 F3 0F 58 C1').row.text).toBe('ADDSS Vss,Wss');
    expect(decode('F3 F2 0F 58 C1').row.text).toBe('ADDSD Vsd,Wsd');
    expect(decode('66 0F 58 C1').row.text).toBe('ADDPD Vpd,Wpd');
  });

  it('rep is reported for string instructions and not for mandatory prefixes', () => {
    expect(decode('F3 A4')).toMatchObject({ rep: 0xf3 });
    expect(decode('F3 0F B8 C1')).toMatchObject({ rep: 0, operandBytes: 4 });
    expect(decode('66 F3 0F B8 C1')).toMatchObject({ rep: 0, operandBytes: 2 });
  });

  it('a mandatory 66 is no operand size', () => {
    expect(decode('66 0F 6E C0')).toMatchObject({ operandBytes: 4 });
  });

  it('LOCK needs a memory destination of a lockable instruction', () => {
    expect(decode('F0 01 18')).toMatchObject({ lock: true });
    expect(status('F0 01 D8')).toBe(INVALID);
    expect(status('F0 03 18')).toBe(INVALID);
    expect(status('F0 39 18')).toBe(INVALID);
    expect(status('F0 90')).toBe(INVALID);
  });
});

describe('immediates', () => {
  it('83 sign-extends its byte, 80 and shifts do not', () => {
    expect(decode('48 83 C0 80')).toMatchObject({ immLow: -128, immHigh: -1 });
    expect(decode('80 C0 80')).toMatchObject({ immLow: 128, immHigh: 0 });
    expect(decode('C1 E0 FF')).toMatchObject({ immLow: 255, immHigh: 0 });
  });

  it('81 with REX.W sign-extends four bytes, B8 takes eight', () => {
    expect(decode('48 81 C0 FE FF FF FF')).toMatchObject({ immLow: -2, immHigh: -1, length: 7 });
    expect(decode('49 BF 88 77 66 55 44 33 22 11')).toMatchObject({ immLow: 0x5566_7788, immHigh: 0x1122_3344, opcodeReg: 15 });
  });

  it('moffs is as wide as the address', () => {
    expect(decode('A1 EF CD AB 89 67 45 23 81')).toMatchObject({ immLow: 0x89ab_cdef | 0, immHigh: 0x8123_4567 | 0, length: 9 });
    expect(decode('A1 34 F2', 16)).toMatchObject({ immLow: 0xf234, immHigh: 0 });
    expect(decode('67 A1 00 00 00 80')).toMatchObject({ immLow: -0x8000_0000, immHigh: 0 });
  });

  it('ENTER and far pointers use imm2', () => {
    expect(decode('C8 34 12 05')).toMatchObject({ immLow: 0x1234, imm2: 5 });
    expect(decode('EA 5B E0 00 F0', 16)).toMatchObject({ immLow: 0xe05b, imm2: 0xf000 });
  });
});

describe('lengths and errors', () => {
  it('fifteen bytes are accepted, sixteen are #GP', () => {
    expect(decode(`${'66 '.repeat(13)}01 D8`)).toMatchObject({ length: 15 });
    expect(status(`${'66 '.repeat(14)}01 D8`)).toBe(TOO_LONG);
    expect(status('66 '.repeat(20).trim())).toBe(TOO_LONG);
  });

  it('an instruction cut anywhere is truncated', () => {
    const bytes = bytesOf('64 48 81 84 8B 00 01 00 00 78 56 34 12');
    const statuses = Array.from(bytes, (_, end) => decoder.decode(bytes, 0, end, 64, new Decoded()));
    expect(statuses).toEqual(statuses.map(() => TRUNCATED));
    expect(decoder.decode(bytes, 0, bytes.length, 64, new Decoded())).toBe(DECODED);
  });

  it.each([
    ['0F 0A', 'an unassigned opcode'],
    ['0F 01 C1', 'VMCALL'],
    ['8D C0', 'LEA of a register'],
    ['0F 50 00', 'MOVMSKPS from memory'],
    ['8E C8', 'a move to CS'],
    ['8E F0', 'segment register 6'],
    ['0F 22 C8', 'CR1'],
    ['44 0F 23 C0', 'DR8'],
    ['06', 'PUSH ES in 64-bit mode'],
    ['C5 F8 58 C1', 'AVX'],
    ['66 C4 E2 78 F2 C1', 'VEX after 66'],
    ['C4 E2 7C F2 C1', 'ANDN with VEX.L'],
    ['66 0F 77', 'EMMS with 66'],
  ])('%s is #UD: %s', (hex) => {
    expect(status(hex)).toBe(INVALID);
  });

  it('moves to control registers take mod as 3', () => {
    expect(decode('0F 22 1D')).toMatchObject({ mod: 3, reg: 3, rm: 5, length: 3, operandBytes: 8 });
  });

  it('90 is NOP, with REX.B an exchange, with F3 PAUSE', () => {
    expect(decode('90').row.mnemonic).toBe('NOP');
    expect(decode('49 90')).toMatchObject({ opcodeReg: 8, row: { mnemonic: 'XCHG' } });
    expect(decode('F3 90').row.mnemonic).toBe('PAUSE');
    expect(decode('F3 49 90').row.mnemonic).toBe('XCHG');
  });

  it('C4 is LES for memory and VEX otherwise outside 64-bit mode', () => {
    expect(decode('C4 00', 32).row.mnemonic).toBe('LES');
    expect(decode('C4 E2 70 F2 C2', 32)).toMatchObject({ reg: 0, rm: 2, vex: { vvvv: 1, l: 0, w: 0 }, row: { mnemonic: 'ANDN' } });
  });
});

describe('features', () => {
  const without = (feature: string): Decoder => new Decoder({ isInvalid: (row: Row) => row.feature === feature });

  it('TZCNT without BMI1 is BSF and keeps the prefix', () => {
    expect(decode('F3 0F BC C1').row.mnemonic).toBe('TZCNT');
    expect(decode('F3 0F BC C1', 64, without('bmi1'))).toMatchObject({ rep: 0xf3, row: { mnemonic: 'BSF' } });
  });

  it('LZCNT without its feature is BSR', () => {
    expect(decode('F3 0F BD C1', 64, without('lzcnt')).row.mnemonic).toBe('BSR');
  });

  it('POPCNT without its feature is #UD', () => {
    expect(status('F3 0F B8 C1', 64, without('popcnt'))).toBe(INVALID);
  });
});

describe('disassemble', () => {
  it.each<[string, Mode, string]>([
    ['48 8B 44 CD F8', 64, 'mov rax,qword ptr [rbp+rcx*8-0x8]'],
    ['8B 05 10 00 00 00', 64, 'mov eax,dword ptr [rip+0x10]'],
    ['65 48 8B 04 25 28 00 00 00', 64, 'mov rax,qword ptr gs:[0x28]'],
    ['F0 0F B1 0F', 64, 'lock cmpxchg dword ptr [rdi],ecx'],
    ['F3 48 AB', 64, 'rep stosq qword ptr [rdi],rax'],
    ['88 E0', 64, 'mov al,ah'],
    ['40 88 E0', 64, 'mov al,spl'],
    ['48 98', 64, 'cdqe'],
    ['66 98', 64, 'cbw'],
    ['CF', 16, 'iret'],
    ['E3 FE', 32, 'jecxz 0x1000'],
    ['EB FE', 64, 'jmp 0x1000'],
    ['EA 5B E0 00 F0', 16, 'jmpf 0xf000:0xe05b'],
    ['48 83 EC 80', 64, 'sub rsp,0xffffffffffffff80'],
    ['C8 10 00 01', 64, 'enter 0x10,0x1'],
    ['DE C1', 64, 'faddp st(1),st'],
    ['DB 6D F0', 64, 'fld tbyte ptr [rbp-0x10]'],
    ['66 0F 3A 16 C0 01', 64, 'pextrd eax,xmm0,0x1'],
    ['0F 20 C0', 64, 'mov rax,cr0'],
    ['8E D8', 32, 'mov ds,ax'],
    ['C4 E2 F8 F5 D1', 64, 'bzhi rdx,rcx,rax'],
    ['0F 0A', 64, '(bad)'],
  ])('%s in %s-bit mode is %s', (hex, mode, text) => {
    expect(disassemble(bytesOf(hex), mode, 0x1000)).toBe(text);
  });
});
