import { DECODED, Decoded, Decoder, formatInstruction, MAX_LENGTH, type Mode } from '@hotsocket/x86-isa';
import { MODE_CODE16, MODE_CODE32 } from './layout.js';

/** Code to be disassembled: instructions or bytes, whatever ends first. */
export interface DecodedCode {
  readonly address: bigint;
  /** MODE_KEY of the CPU that would execute it. */
  readonly modeKey: number;
  readonly count: number;
  readonly length: number;
}

/** One instruction as text. */
export interface CodeLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Reads bytes of code; undefined where nothing is mapped. */
export type ReadCode = (address: bigint, length: number) => Uint8Array | undefined;

const decoder = new Decoder();
const instruction = new Decoded();

/**
 * Disassembles code in Intel syntax. What is no instruction is shown as one byte, `(bad)`. Ends early, perhaps without a line, where
 * nothing is mapped.
 */
export function disassembleCode({ address, modeKey, count, length }: DecodedCode, read: ReadCode): CodeLine[] {
  const lines: CodeLine[] = [];
  let at = address;
  while (lines.length < count && at < address + BigInt(Math.min(length, Number.MAX_SAFE_INTEGER))) {
    const line = disassembleOne(at, modeOf(modeKey), read);
    if (!line) break;
    lines.push(line);
    at += BigInt(line.bytes.length);
  }
  return lines;
}

/** An instruction may end before the next page, which need not be mapped. */
function disassembleOne(address: bigint, mode: Mode, read: ReadCode): CodeLine | undefined {
  const bytes = read(address, MAX_LENGTH) ?? readPiece(address, read);
  if (bytes.length === 0) return undefined;
  const known = decoder.decode(bytes, 0, bytes.length, mode, instruction) === DECODED;
  const text = known ? formatInstruction(instruction, address) : '(bad)';
  return { address, bytes: bytes.slice(0, known ? instruction.length : 1), text };
}

function readPiece(address: bigint, read: ReadCode): Uint8Array {
  for (let length = MAX_LENGTH - 1; length > 0; length--) {
    const bytes = read(address, length);
    if (bytes) return bytes;
  }
  return new Uint8Array();
}

function modeOf(modeKey: number): Mode {
  const size = modeKey & 3;
  if (size === MODE_CODE16) return 16;
  return size === MODE_CODE32 ? 32 : 64;
}
