import { layout } from '@hotsocket/cpu-x86';
import { Trace, type TraceRecord } from '@hotsocket/trace';
import { Pc } from './pc.js';

const ROM_BYTES = 0x1_0000;

/** Firmware with code at its start, to which the reset vector jumps. */
function rom(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(ROM_BYTES).fill(0xf4);
  image.set(code);
  image.set([0xe9, 0x0d, 0x00], 0xfff0);
  return image;
}

const COUNT_DOWN = rom([
  ...[0xb9, 0x03, 0x00], // 0000 mov cx, 3
  0x49, // 0003 dec cx
  ...[0x75, 0xfd], // 0004 jnz 0003
  0xf4, // 0006 hlt
]);

/** lidt cs:[20h] loads a limit of 0; then ud2. */
const TRIPLE_FAULT = rom([0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x00, 0x0f, 0x0b, ...new Array<number>(0x20).fill(0)]);

function traced(firmware: Uint8Array, ...points: string[]): { pc: Pc; records: TraceRecord[]; trace: Trace } {
  const trace = new Trace();
  const records: TraceRecord[] = [];
  const pc = new Pc({
    cpus: 1,
    maxCpus: 2,
    topology: { cores: 1, threads: 1 },
    ramBytes: 1 << 20,
    firmware,
    trace,
    time: { drive: 'icount', nsPerInstruction: 1 },
  });
  trace.listen((record) => records.push(record));
  for (const point of points) trace.enable(point);
  return { pc, records, trace };
}

/** Runs from power-on and ends there. */
function run({ pc }: { pc: Pc }, instructions: number): void {
  pc.cont();
  pc.runFor(instructions, () => pc.cpus[0]?.halted === true);
  pc.stop();
}

const values = (records: readonly TraceRecord[]): unknown[] => records.map((record) => [record.name, ...record.values]);

describe('the trace points of the CPUs', () => {
  it('show the way to a triple fault, as QEMU does with -d int', () => {
    const bench = traced(TRIPLE_FAULT, 'cpu_interrupt', 'cpu_triple_fault', 'cpu_reset');
    bench.pc.noReboot = true;
    run(bench, 100);
    expect(values(bench.records)).toEqual([
      ['cpu_interrupt', 0, 6, 'none', 'exception', '0xffff0006'],
      ['cpu_interrupt', 0, 13, '0x0', 'exception', '0xffff0006'],
      ['cpu_interrupt', 0, 8, '0x0', 'exception', '0xffff0006'],
      ['cpu_triple_fault', 0, '0xffff0006'],
    ]);
  });

  it('show each reset while the registers are those before it', () => {
    const bench = traced(TRIPLE_FAULT, 'cpu_reset');
    bench.pc.board.core.cpu.setLong(layout.RIP, 0x1234);
    const seen: unknown[] = [];
    bench.trace.listen(({ values: [cpu] }) => seen.push(bench.pc.registers(Number(cpu))[1]?.registers[0]?.value));
    bench.pc.reset('host-ui');
    expect([values(bench.records), seen]).toEqual([[['cpu_reset', 0, 'reset', '0xffff1234']], [0x1234n]]);
  });

  it('show every instruction that executes, however hot its loop', () => {
    const bench = traced(COUNT_DOWN, 'cpu_execute');
    run(bench, 100);
    const addresses = ['0xfffffff0', '0xffff0000', ...['0xffff0003', '0xffff0004', '0xffff0003', '0xffff0004', '0xffff0003', '0xffff0004']];
    expect(values(bench.records)).toEqual([...addresses, '0xffff0006'].map((address) => ['cpu_execute', 0, address]));
  });

  it('change nothing for the guest', () => {
    const [plain, watched] = [traced(COUNT_DOWN), traced(COUNT_DOWN, 'cpu_execute', 'cpu_decode')];
    for (const bench of [plain, watched]) run(bench, 100);
    expect([watched.pc.instructions, watched.pc.registers(0)]).toEqual([plain.pc.instructions, plain.pc.registers(0)]);
    const executed = watched.records.filter(({ name }) => name === 'cpu_execute').length;
    expect(executed).toBe(watched.pc.instructions);
  });

  it('fall silent when they are switched off, and leave breakpoints as they are', () => {
    const bench = traced(COUNT_DOWN, 'cpu_execute');
    bench.pc.debug.setBreakpoints([0xffff_0006n]);
    run(bench, 100);
    const seen = bench.records.length;
    bench.trace.disable('cpu_*');
    bench.pc.reset('host-ui');
    run(bench, 100);
    expect([seen, bench.records.length, bench.pc.cpus[0]?.pc]).toEqual([8, seen, 0xffff_0006n]);
  });

  it('show code when it is first met, disassembled', () => {
    const bench = traced(COUNT_DOWN, 'cpu_decode');
    run(bench, 100);
    expect(values(bench.records)).toEqual([
      ['cpu_decode', 0, '0xfffffff0', 'e90d00', '"jmp 0x0"'],
      ['cpu_decode', 0, '0xffff0000', 'b90300', '"mov cx,0x3"'],
      ['cpu_decode', 0, '0xffff0003', '49', '"dec cx"'],
      ['cpu_decode', 0, '0xffff0004', '75fd', '"jne 0x3"'],
      ['cpu_decode', 0, '0xffff0006', 'f4', '"hlt"'],
    ]);
  });
});

describe('disassemble', () => {
  it('reads in the mode of the CPU, to the end of what is mapped', () => {
    const { pc } = traced(COUNT_DOWN);
    const lines = pc.disassemble(0, 0xffff_0000n, 3, 'virtual');
    expect(lines?.map(({ address, bytes, text }) => [address, bytes.length, text])).toEqual([
      [0xffff_0000n, 3, 'mov cx,0x3'],
      [0xffff_0003n, 1, 'dec cx'],
      [0xffff_0004n, 2, 'jne 0x3'],
    ]);
    expect(pc.disassemble(0, 0xffff_0003n, 1, 'physical')).toEqual(lines?.slice(1, 2));
  });
});
