import { describeWith } from '@hotsocket/testbench';
import { Guest } from './guest.js';
import { FIRMWARE, readImages } from './images.js';

const images = await readImages([FIRMWARE]);
const RAM_BYTES = 32 << 20;
const MADT_ENTRIES = 44;
const LOCAL_APIC = 0;
const ENABLED = 1;

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);

/** The MADT (ACPI 5.2.12) that firmware left in guest memory; undefined as long as none is whole. */
function madt(guest: Guest): DataView | undefined {
  const memory = Buffer.alloc(RAM_BYTES);
  guest.pc.board.mem.readBytes(0, memory);
  for (let at = memory.lastIndexOf('APIC'); at > 0; at = memory.lastIndexOf('APIC', at - 1)) {
    const length = memory.readUInt32LE(at + 4);
    const table = memory.subarray(at, at + length);
    if (length > MADT_ENTRIES && table.length === length && sum(table) === 0) return new DataView(table.buffer, table.byteOffset, length);
  }
  return undefined;
}

/** APIC ids of the CPUs that the firmware's MADT calls enabled. */
function enabled(guest: Guest): number[] {
  const table = madt(guest);
  const ids: number[] = [];
  if (table === undefined) return ids;
  for (let at = MADT_ENTRIES; at < table.byteLength; at += table.getUint8(at + 1)) {
    if (table.getUint8(at) === LOCAL_APIC && (table.getUint32(at + 4, true) & ENABLED) !== 0) ids.push(table.getUint8(at + 3));
  }
  return ids;
}

describeWith(images ? undefined : 'its image is not there', "SeaBIOS's view of CPUs that were hot-added", () => {
  it.each(['firmware', 'machine'] as const)('after a reset they are enabled in the MADT, by the tables of the %s', async (acpi) => {
    const firmware = images![FIRMWARE]!;
    const guest = await Guest.create({ firmware, acpi, cpus: 3, maxCpus: 6, topology: { cores: 3, threads: 1 }, ramBytes: RAM_BYTES });
    const bootsWith = (ids: readonly number[]): void => {
      for (let tenths = 0; tenths < 50 && enabled(guest).join() !== ids.join(); tenths++) guest.run(100);
      expect(enabled(guest)).toEqual(ids);
    };
    guest.pc.cont();
    bootsWith([0, 1, 2]);
    for (const index of [4, 3]) await guest.cpuAdd(index);
    await guest.qmp.execute('system_reset');
    bootsWith([0, 1, 2, 4, 5]);
    await guest.dispose();
  });
});
