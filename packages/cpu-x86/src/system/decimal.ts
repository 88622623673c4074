import type { Cpu, HelperFunction } from '../cpu.js';
import { DE } from '../fault.js';
import { FLAG_AUX, FLAG_CARRY, FLAG_SIGN, FLAG_ZERO, RAX } from '../layout.js';
import { FLAG_AF, FLAG_CF } from './state.js';

const AL = RAX;
const AH: number = RAX + 1;

/** ZF SF PF of an 8-bit result. */
function setResult(cpu: Cpu, value: number): void {
  const wide = (value << 24) >> 24;
  cpu.setHalves(FLAG_ZERO, wide, wide >> 31);
  cpu.setHalves(FLAG_SIGN, wide, wide >> 31);
}

/** CF and AF; OF (undefined after all of these) is cleared. */
function setCarries(cpu: Cpu, carry: boolean, aux: boolean): void {
  cpu.setHalves(FLAG_CARRY, 0, carry ? 0xc000_0000 : 0);
  cpu.set32(FLAG_AUX, aux ? FLAG_AF : 0);
}

/** DAA and DAS: AL corrected by 6 in each digit that went over 9. */
const decimalAdjust =
  (sign: 1 | -1): HelperFunction =>
  (cpu) => {
    const flags = cpu.flags();
    const old = cpu.get8(AL);
    const aux = (old & 15) > 9 || (flags & FLAG_AF) !== 0;
    const carry = old > 0x99 || (flags & FLAG_CF) !== 0;
    const borrow = sign < 0 && aux && old < 6;
    const result = (old + sign * ((aux ? 6 : 0) + (carry ? 0x60 : 0))) & 0xff;
    cpu.set8(AL, result);
    setResult(cpu, result);
    setCarries(cpu, carry || borrow, aux);
    return undefined;
  };

/** AAA and AAS: one unpacked digit, carry into AH. */
const asciiAdjust =
  (sign: 1 | -1): HelperFunction =>
  (cpu) => {
    const adjust = (cpu.get8(AL) & 15) > 9 || (cpu.flags() & FLAG_AF) !== 0;
    if (adjust) cpu.set16(AL, cpu.get16(AL) + sign * 0x106);
    cpu.set8(AL, cpu.get8(AL) & 15);
    setResult(cpu, cpu.get8(AL));
    setCarries(cpu, adjust, adjust);
    return undefined;
  };

/** AAM: AH := AL / base, AL := remainder. */
function asciiAdjustMultiply(cpu: Cpu, record: number): undefined {
  const base = cpu.immediate(record) & 0xff;
  if (base === 0) cpu.fault(DE);
  const value = cpu.get8(AL);
  cpu.set8(AH, Math.floor(value / base));
  cpu.set8(AL, value % base);
  setResult(cpu, value % base);
  setCarries(cpu, false, false);
}

/** AAD: AL := AL + AH * base, AH := 0. */
function asciiAdjustDivide(cpu: Cpu, record: number): undefined {
  const result = (cpu.get8(AL) + cpu.get8(AH) * (cpu.immediate(record) & 0xff)) & 0xff;
  cpu.set16(AL, result);
  setResult(cpu, result);
  setCarries(cpu, false, false);
}

export const DECIMAL_HELPERS: Readonly<Record<string, HelperFunction>> = {
  decimalAdjustAdd: decimalAdjust(1),
  decimalAdjustSubtract: decimalAdjust(-1),
  asciiAdjustAdd: asciiAdjust(1),
  asciiAdjustSubtract: asciiAdjust(-1),
  asciiAdjustMultiply,
  asciiAdjustDivide,
};
