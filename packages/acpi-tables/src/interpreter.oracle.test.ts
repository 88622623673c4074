/** Random expressions, evaluated here and by ACPICA's acpiexec. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@hotsocket/testbench';
import fc from 'fast-check';
import { aml, type Term, tables } from './index.js';
import { AmlInterpreter, AmlRuntimeError, type AmlValue } from './interpreter.js';

const missing = spawnSync('acpiexec', ['-v']).error === undefined ? undefined : 'acpiexec is not installed';
/** Expressions of each revision; more with AML_EXPRESSIONS. */
const METHODS = Number(process.env.AML_EXPRESSIONS ?? 150);

/** acpiexec prints no more of a string. */
const PRINTED_CHARACTERS = 256;

/** An operator of one operand and no target, by opcode. */
const unary = (opcode: number, targets = 1): ((operand: Term) => Term) => {
  return (operand) => ({ aml: Uint8Array.from([opcode, ...operand.aml, ...new Array<number>(targets).fill(0)]), names: [] });
};
const pick = <T>(...choices: T[]): fc.Arbitrary<T> => fc.constantFrom(...choices);

const { integer, text, buffer, value } = fc.letrec<Record<'integer' | 'text' | 'buffer' | 'value', Term>>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, tie('integer'), tie('text'), tie('buffer')),
  integer: fc.oneof(
    { maxDepth: 4 },
    pick(0, 1, 2, 7, 31, 32, 63, 64, 0x80, 0xffff, 0x7fff_ffff, 0xffff_ffff).map(aml.integer),
    fc.bigInt(0n, 2n ** 32n - 1n).map(aml.integer),
    fc
      .tuple(pick(aml.add, aml.subtract, aml.multiply, aml.and, aml.or, aml.xor, aml.nand, aml.nor, aml.mod), tie('value'), tie('value'))
      .map(([operator, left, right]) => operator(left, right)),
    fc.tuple(pick(aml.shiftLeft, aml.shiftRight), tie('integer'), fc.nat(70)).map(([operator, left, right]) => operator(left, right)),
    fc.tuple(tie('value'), tie('value')).map(([left, right]) => aml.divide(left, right)),
    fc.tuple(pick(aml.lequal, aml.lgreater, aml.lless), tie('value'), tie('value')).map(([operator, left, right]) => operator(left, right)),
    fc.tuple(pick(aml.land, aml.lor), tie('integer'), tie('integer')).map(([operator, left, right]) => operator(left, right)),
    fc.tuple(pick(unary(0x80), unary(0x81), unary(0x82), unary(0x92, 0)), tie('integer')).map(([operator, operand]) => operator(operand)),
    fc.tuple(tie('buffer'), fc.nat(4)).map(([bytes, at]) => aml.derefOf(aml.index(bytes, at))),
    fc.tuple(tie('value')).map(([operand]) => unary(0x99)(operand)),
  ),
  text: fc.oneof(
    { maxDepth: 4 },
    pick('', '1f', '0x1F', '12', 'no', 'ZZ9', 'abc').map(aml.text),
    fc.tuple(tie('text'), tie('value')).map(([left, right]) => aml.concatenate(left, right)),
    fc.tuple(pick(unary(0x97), unary(0x98)), tie('value')).map(([operator, operand]) => operator(operand)),
  ),
  buffer: fc.oneof(
    { maxDepth: 4 },
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => aml.buffer(bytes)),
    fc.tuple(tie('buffer'), tie('value')).map(([left, right]) => aml.concatenate(left, right)),
    fc.tuple(tie('integer'), tie('value')).map(([left, right]) => aml.concatenate(left, right)),
    tie('value').map(unary(0x96)),
  ),
}));

const nameOf = (at: number): string => `T${at.toString(16).toUpperCase().padStart(3, '0')}`;

/** What acpiexec prints of a value, read back. */
function readBack(printed: string): AmlValue | 'failed' {
  if (/failed with status/.test(printed)) return 'failed';
  const [, number] = /\[Integer\] = ([0-9A-F]+)/.exec(printed) ?? [];
  if (number !== undefined) return BigInt(`0x${number}`);
  const [, characters] = /\[String\] Length [0-9A-F]+ = "(.*)"(?:\.\.\.)?\n/.exec(printed) ?? [];
  if (characters !== undefined) return characters;
  const lines = [...printed.matchAll(/^.*?[0-9A-F]{4}: ((?:[0-9A-F]{2} )+)/gm)].flatMap(([, bytes]) => bytes!.trim().split(' '));
  if (/\[Buffer\]/.test(printed)) return Uint8Array.from(lines, (byte) => Number.parseInt(byte, 16));
  throw new Error(`acpiexec printed ${printed}`);
}

function evaluate(acpi: AmlInterpreter, path: string): AmlValue | 'failed' {
  try {
    const value = acpi.evaluate(path);
    return typeof value === 'string' ? value.slice(0, PRINTED_CHARACTERS) : value;
  } catch (error) {
    if (error instanceof AmlRuntimeError) return 'failed';
    throw error;
  }
}

describeWith(missing, 'acpiexec', () => {
  it.each([1, 2] as const)(
    'evaluates expressions of a table of revision %i as we do',
    (revision) => {
      const folder = mkdtempSync(join(tmpdir(), 'hotsocket-aml-'));
      const bodies = fc.sample(fc.oneof(integer, text, buffer, value), { numRuns: METHODS, seed: 20_261_123 + revision });
      const table = tables.definitionBlock(
        'DSDT',
        bodies.map((body, at) => aml.method(nameOf(at), {}, aml.returns(body))),
        revision,
      );
      try {
        writeFileSync(join(folder, 'dsdt.aml'), table);
        const input = `${bodies.map((_, at) => `evaluate ${nameOf(at)}\n`).join('')}quit\n`;
        const { stdout } = spawnSync('acpiexec', [join(folder, 'dsdt.aml')], { input, encoding: 'latin1', maxBuffer: 2 ** 26 });
        const printed = new Map(
          stdout
            .split(/^Evaluating \\/m)
            .slice(1)
            .map((part) => [part.slice(0, 4), part]),
        );
        const acpi = new AmlInterpreter();
        acpi.load(table);
        const theirs = bodies.map((_, at) => [nameOf(at), readBack(printed.get(nameOf(at)) ?? 'nothing')]);
        const ours = bodies.map((_, at) => [nameOf(at), evaluate(acpi, `\\${nameOf(at)}`)]);
        expect(ours).toEqual(theirs);
        expect(theirs.filter(([, result]) => result !== 'failed').length).toBeGreaterThan(METHODS / 3);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    60_000,
  );
});
