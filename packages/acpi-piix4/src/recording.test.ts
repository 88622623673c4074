import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AccessSize, IoSpace } from '@hotsocket/address-space';
import { ManualClock } from '@hotsocket/testbench';
import { AcpiPiix4 } from './acpi-piix4.js';

const SIZES: Readonly<Record<string, AccessSize>> = { b: 1, w: 2, l: 4 };

interface Access {
  readonly reads: boolean;
  readonly size: AccessSize;
  readonly port: number;
  readonly value: number;
}

/**
 * Random accesses to QEMU 7.2 (`-machine pc-i440fx-1.4,accel=tcg -S`, 3 of 6 CPUs and one with APIC id 5 added) and what it answered.
 * Left out, because it differs there on purpose: byte writes to the upper halves of PM1_EN and PM1_CNT (it applies them to the lower),
 * reserved bits of PM1_EN (it stores them), PCI buses other than 0. Not exercised: the timer, which stands still, and ejects.
 */
function recording(name: string): Access[] {
  const file = join(dirname(fileURLToPath(import.meta.url)), 'fixtures', name);
  return readFileSync(file, 'utf8').trim().split('\n').map(accessOf);
}

function accessOf(line: string): Access {
  const [operation = '', port = '', value = ''] = line.split(' ');
  return {
    reads: operation.startsWith('in'),
    size: SIZES[operation.slice(-1)] ?? 1,
    port: Number.parseInt(port, 16),
    value: Number.parseInt(value, 16),
  };
}

function board(strictLegacy: boolean): IoSpace {
  const pm = new AcpiPiix4({ clock: new ManualClock() }, { presentCpus: [0, 1, 2], cpuSlots: [0, 1, 2, 4, 5, 6], strictLegacy });
  const io = new IoSpace();
  for (const [port, region] of [
    [0xb000, pm.pm],
    [0xafe0, pm.gpe0],
    [0xaf00, pm.cpuHotplug],
    [0xae00, pm.pciHotplug],
    [0xb2, pm.apm],
  ] as const)
    io.map(port, region);
  pm.cpuAdded({ apicId: 5, present: 4 });
  io.read(0xaf00, 1);
  io.write(0xafe0, 1, 0x04);
  return io;
}

describe('AcpiPiix4 beside a recording of another implementation', () => {
  it.each([
    ['bitmap', 'ports-bitmap.txt', true],
    ['register block', 'ports-registers.txt', false],
  ])('answers random accesses as recorded: %s', (_name, file, strictLegacy) => {
    const io = board(strictLegacy);
    const recorded = recording(file);
    const answered = recorded.map((access) => {
      if (access.reads) return { ...access, value: io.read(access.port, access.size) };
      io.write(access.port, access.size, access.value);
      return access;
    });
    expect(recorded.filter(({ reads }) => reads).length).toBeGreaterThan(600);
    expect(answered).toEqual(recorded);
  });
});
