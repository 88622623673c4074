import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { PciBus } from '@hotsocket/pci-bus';
import { I440fx, PAM_SEGMENTS } from './index.js';

// A recording of QEMU 7.2.22 under its own i440fx-test: port commands and answers, one session after the other.
const RECORDING = new URL('../../../../shared/transcripts/qtest/i440fx-test.txt.gz', import.meta.url);
const recorded = existsSync(RECORDING);
if (!recorded) console.warn(`SKIPPED: no recording at ${RECORDING.pathname}`);

/** Commands and answers of session `index`. */
function session(index: number): { command: string; answer: string }[] {
  const text = gunzipSync(readFileSync(RECORDING)).toString('latin1');
  const lines = text.split('- OPENED\n')[index + 1]!.split('- CLOSED')[0]!.split('\n');
  const pairs = lines.filter((line) => /^[<>] /.test(line)).map((line) => line.slice(2));
  return pairs.flatMap((line, at) => (at % 2 === 0 ? [{ command: line, answer: pairs[at + 1]! }] : []));
}

const uniform = (hex: string): string => (/^0x(..)\1*$/.test(hex) ? hex.slice(2, 4) : 'mixed');

/** Executes qtest commands; memory answers become the one byte they consist of, or 'mixed' (recorded BIOS code). */
class Board {
  readonly #io = new IoSpace();
  readonly #mem = new MemorySpace();

  constructor() {
    const pci = new PciBus({ io: this.#io, mem: this.#mem });
    const host = new I440fx({ pci }, { ramBytes: 128 << 20 });
    pci.plug(0, 0, host.pci);
    this.#io.map(0xcf8, host.configAddress);
    this.#io.map(0xcfc, host.configData);
    this.#mem.map(0, storage('ram', 'ram', new Uint8Array(1 << 20)));
    for (const [index, { gpa, length }] of PAM_SEGMENTS.entries()) {
      const bytes = new Uint8Array(length).map((_, at) => (gpa < 0xe_0000 ? 0 : at));
      host.attachPam(index, [this.#mem.map(gpa, storage('rom', `rom ${index}`, bytes), { priority: 1 })]);
    }
  }

  run(command: string): string {
    const [verb = '', at = '0', value = '0', data = '0x'] = command.split(' ');
    const size = { b: 1, w: 2, l: 4 }[verb.at(-1)!] as 1 | 2 | 4;
    if (verb.startsWith('in')) return `OK 0x${this.#io.read(Number(at), size).toString(16).padStart(4, '0')}`;
    if (verb.startsWith('out')) this.#io.write(Number(at), size, Number(value));
    if (verb === 'write') this.#mem.writeBytes(Number(at), new Uint8Array(Number(value)).fill(Number.parseInt(data.slice(2, 4), 16)));
    return verb === 'read' ? this.#read(Number(at), Number(value)) : 'OK';
  }

  #read(gpa: number, length: number): string {
    const bytes = new Uint8Array(length);
    this.#mem.readBytes(gpa, bytes);
    return uniform(`0x${Buffer.from(bytes).toString('hex')}`);
  }
}

const answersOf = (index: number) =>
  session(index)
    .filter(({ command }) => command !== 'endianness')
    .map(({ command, answer }) => ({
      command: command.slice(0, 40),
      answer: answer.startsWith('OK 0x') && command.startsWith('read') ? uniform(answer.slice(3)) : answer,
      full: command,
    }));

(recorded ? describe : describe.skip)('recorded sessions', () => {
  it.each([
    ['default registers', 0, 50],
    ['PAM', 1, 236],
  ])('%s: every answer is that of QEMU 7.2', (_, index, count) => {
    const board = new Board();
    const expected = answersOf(index);
    const answers = expected.map(({ full }) => board.run(full));
    expect(expected.length).toBe(count);
    expect(answers.map((answer, at) => `${expected[at]!.command} ${answer}`)).toEqual(
      expected.map(({ command, answer }) => `${command} ${answer}`),
    );
  });
});
