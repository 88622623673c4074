import type { RtcCmos } from '@hotsocket/rtc-cmos';
import { KiB, MiB } from './layout.js';
import type { BootOptions } from './options.js';

/** Cells by which the board describes itself to firmware. */
const CELL = {
  floppyTypes: 0x10,
  diskTypes: 0x12,
  equipment: 0x14,
  baseKiB: 0x15,
  extendedKiB: 0x17,
  extendedKiBCopy: 0x30,
  above16MiB: 0x34,
  bootOrderHigh: 0x38,
  bootOrder: 0x3d,
  above4GiB: 0x5b,
  cpus: 0x5f,
} as const;
const EQUIPMENT_FPU = 0x02;
const EQUIPMENT_MOUSE = 0x04;
/** What SeaBIOS calls the devices of a boot order. */
const BOOT_DEVICES: Readonly<Record<string, number>> = { a: 1, c: 2, d: 3, n: 4 };
const NO_FLOPPY_SIGNATURE = 0x01;

/** The letters that a boot order may have, and how many. */
export const BOOT_ORDER: { readonly letters: readonly string[]; readonly most: number; readonly standard: string } = {
  letters: Object.keys(BOOT_DEVICES),
  most: 3,
  standard: 'cad',
};

/** Fills the CMOS cells of a PC with `ramBytes` of RAM (all below 4 GiB) and `cpus` CPUs at power-on. */
export function fillCmos(rtc: RtcCmos, ramBytes: number, cpus: number): void {
  const base = Math.min(ramBytes / KiB, 640);
  const extended = Math.min(Math.max(ramBytes - MiB, 0) / KiB, 0xffff);
  const above = Math.min(Math.max(ramBytes - 16 * MiB, 0) / (64 * KiB), 0xffff);
  setWord(rtc, CELL.baseKiB, base);
  setWord(rtc, CELL.extendedKiB, extended);
  setWord(rtc, CELL.extendedKiBCopy, extended);
  setWord(rtc, CELL.above16MiB, above);
  for (let byte = 0; byte < 3; byte++) rtc.setCell(CELL.above4GiB + byte, 0);
  rtc.setCell(CELL.floppyTypes, 0);
  rtc.setCell(CELL.diskTypes, 0);
  rtc.setCell(CELL.equipment, EQUIPMENT_FPU | EQUIPMENT_MOUSE);
  rtc.setCell(CELL.cpus, cpus - 1);
}

/** Writes a boot order: the third device, the signature check, and the second and first. */
export function setBootOrder(rtc: RtcCmos, order: string, { floppySignatureCheck = true }: BootOptions): void {
  const device = (place: number): number => BOOT_DEVICES[order[place] ?? ''] ?? 0;
  rtc.setCell(CELL.bootOrderHigh, (device(2) << 4) | (floppySignatureCheck ? 0 : NO_FLOPPY_SIGNATURE));
  rtc.setCell(CELL.bootOrder, (device(1) << 4) | device(0));
}

function setWord(rtc: RtcCmos, cell: number, value: number): void {
  rtc.setCell(cell, value & 0xff);
  rtc.setCell(cell + 1, (value >> 8) & 0xff);
}
