/**
 * Runs one guest twice, interpreted and translated, and compares the CPUs' state after every slice.
 *
 *   node tools/lockstep/tiers.mjs [--instructions N] [--kernel FILE] [--initrd FILE] [--append TEXT] [--firmware FILE]
 *                                 [--send TEXT] [--after TEXT]
 *
 * `--send` types a line on the serial port once the guest has printed the text of `--after`.
 * Prints the first slice after which the two differ, with the registers that do; the exit status is 1 then.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { demoGuestRom } from '../../packages/demo-guest/dist/index.js';
import { Pc } from '../../packages/machine-pc/dist/index.js';

const { values } = parseArgs({
  options: {
    instructions: { type: 'string', default: '50000000' },
    kernel: { type: 'string' },
    initrd: { type: 'string' },
    append: { type: 'string', default: 'console=ttyS0 cryptomgr.notests nokaslr' },
    firmware: { type: 'string' },
    send: { type: 'string', default: '' },
    after: { type: 'string', default: '# ' },
  },
});

/** A host on which nothing takes long, so that turns are not cut into pieces. */
function calmHost() {
  let now = 0;
  return { now: () => (now += 0.001), turn: async () => {}, sleep: () => ({ done: Promise.resolve(), wake: () => {} }) };
}

function makePc(translates) {
  const firmware = values.firmware ? readFileSync(values.firmware) : demoGuestRom();
  const direct = values.kernel ? { kernel: readFileSync(values.kernel), append: values.append } : {};
  const initrd = values.initrd ? { initrd: readFileSync(values.initrd) } : {};
  const board = { cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 512 * 2 ** 20, firmware, host: calmHost() };
  const pc = new Pc({ ...board, ...direct, ...initrd });
  pc.board.core.translates = translates;
  return pc;
}

/** Types the line when its time has come; to be called after every slice, so that both guests get it at the same instruction. */
function typist(pc) {
  let printed = '';
  let rest = Buffer.from(`${values.send}\n`);
  const type = () => {
    rest = rest.subarray(pc.board.com1.receive(rest));
  };
  pc.board.com1.transmitted = (byte) => {
    printed = (printed + String.fromCharCode(byte)).slice(-values.after.length);
  };
  return () => {
    if (values.send === '' || printed !== values.after || rest.length === 0) return;
    pc.board.com1.writable = type;
    type();
  };
}

/** Registers of all CPUs after each slice, as text. */
function* slices(pc) {
  const { executor } = pc.board;
  const slice = executor.slice.bind(executor);
  const seen = [];
  const afterSlice = typist(pc);
  executor.slice = (cpu, budget) => {
    const executed = slice(cpu, budget);
    afterSlice();
    const registers = pc.registers(cpu.index).flatMap((group) => group.registers.map(({ name, value }) => `${name}=${value.toString(16)}`));
    seen.push({ instructions: pc.instructions, text: `cpu=${cpu.index} ran=${executed} ${registers.join(' ')}` });
    return executed;
  };
  pc.cont();
  for (;;) {
    pc.runFor(1_000_000);
    if (seen.length === 0) return;
    yield* seen.splice(0);
  }
}

function differences(a, b) {
  const [left, right] = [a.text.split(' '), b.text.split(' ')];
  return left.flatMap((field, index) => (field === right[index] ? [] : [`  ${field}   ${right[index]}`]));
}

const most = Number(values.instructions);
const [interpreted, translated] = [slices(makePc(false)), slices(makePc(true))];
for (let count = 0; ; count++) {
  const [a, b] = [interpreted.next().value, translated.next().value];
  if (!a || !b || a.instructions >= most) {
    console.log(`${count} slices agree, ${a?.instructions ?? 0} instructions`);
    process.exit(0);
  }
  if (a.text !== b.text) {
    console.log(`slice ${count} differs after ${a.instructions} and ${b.instructions} instructions (interpreted, translated):`);
    console.log(differences(a, b).join('\n'));
    process.exit(1);
  }
}
