/** What the pages claim about the PC, compared with the PC. */
import { readFileSync } from 'node:fs';
import type { IrqLine } from '@hotsocket/irq-line';
import { createPc } from '@hotsocket/machine-pc';

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
const LIMIT = { timeout: 30_000 };

describe('docs/cpu-hot-plug.md', () => {
  it('shows what the demo guest prints when a CPU is added', async () => {
    const golden = /^```console\n(.*?)^```$/ms.exec(page('cpu-hot-plug'))?.[1]?.trim().split('\n');
    await using pc = createPc({ smp: '1,maxcpus=2' });
    await pc.start();
    await pc.serial(0).expect(/ready: [\s\S]*bitmap 01\r\n/, LIMIT);
    await pc.cpus.add(1);
    const [printed] = await pc.serial(0).expect(/[\s\S]*CPU 1 online[^\r]*/, LIMIT);
    expect(printed.split('\r\n').filter((line) => line !== '')).toEqual(golden);
  }, 60_000);
});

describe('docs/interrupts.md', () => {
  it('says which pins each device reaches', async () => {
    const rows = [...page('interrupts').matchAll(/^\| (\d+) \| [^|]*\| (\d+) \| \**(\d+)/gm)].map((row) => row.slice(1).map(Number));
    await using pc = createPc();
    const { board } = await pc.load();
    const { pic, ioapic, pit, keyboard, com1, rtc, pm } = board;
    const lines: Record<number, IrqLine> = {
      0: pit.out0,
      1: keyboard.keyboardIrq,
      4: com1.irq,
      8: rtc.irq,
      9: pm.sci,
      12: keyboard.mouseIrq,
    };
    const levels = ([irq, input, pin]: number[], high: boolean): boolean[] => {
      lines[irq!]?.set(high);
      return [pic.ir(input!).high, ioapic.pin(pin!).high];
    };
    const reached = rows.map((row) => [levels(row, true), levels(row, false)]);
    expect(rows.map(([irq]) => irq)).toEqual(Object.keys(lines).map(Number));
    expect(reached).toEqual(
      rows.map(() => [
        [true, true],
        [false, false],
      ]),
    );
  });
});

describe('docs/memory-map.md', () => {
  it('says where the windows are', async () => {
    const addresses = [...page('memory-map').matchAll(/^\| ([0-9a-f]{4}_[0-9a-f]{4})\b/gm)].map(([, address]) =>
      Number(`0x${address!.replace('_', '')}`),
    );
    await using pc = createPc();
    const mapped = (await pc.load()).board.mem.mappings().map(({ gpa }) => gpa);
    expect(addresses).toEqual([0, 0xa_0000, 0xc_0000, 0xe_0000, 0xfec0_0000, 0xfee0_0000]);
    expect(addresses.filter((address) => !mapped.includes(address))).toEqual([]);
  });
});
