import type { RtcCmos } from '@hotsocket/rtc-cmos';
import { KiB, MiB } from './layout.js';

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
/** Disk, then CD, then network. */
const BOOT_ORDER = { low: 0x32, high: 0x40 };

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
  rtc.setCell(CELL.bootOrderHigh, BOOT_ORDER.high);
  rtc.setCell(CELL.bootOrder, BOOT_ORDER.low);
  rtc.setCell(CELL.cpus, cpus - 1);
}

function setWord(rtc: RtcCmos, cell: number, value: number): void {
  rtc.setCell(cell, value & 0xff);
  rtc.setCell(cell + 1, (value >> 8) & 0xff);
}
