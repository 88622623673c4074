import { EVENTS_ROM } from './generated/events-rom.js';
import { LONG_ROM } from './generated/long-rom.js';
import { PAGING_ROM } from './generated/paging-rom.js';
import { SEGMENTS_ROM } from './generated/segments-rom.js';
import { SYSTEM_ROM } from './generated/system-rom.js';
import { TASKS_ROM } from './generated/tasks-rom.js';

/** Test ROMs by subject: segments and gates, tasks and virtual-8086 mode, legacy paging, IA-32e mode, events and debugging, what else is privileged. */
export type RomName = 'segments' | 'tasks' | 'paging' | 'long' | 'events' | 'system';

export const ROM_NAMES: readonly RomName[] = ['segments', 'tasks', 'paging', 'long', 'events', 'system'];

const IMAGES: Readonly<Record<RomName, typeof SEGMENTS_ROM>> = {
  segments: SEGMENTS_ROM,
  tasks: TASKS_ROM,
  paging: PAGING_ROM,
  long: LONG_ROM,
  events: EVENTS_ROM,
  system: SYSTEM_ROM,
};

const ROM_BYTES = 0x1_0000;

/** A test ROM as a firmware image: 64 KiB whose end is the program (guest/*.asm). */
export const testRom = (name: RomName): Uint8Array => imageOf(IMAGES[name]);

/** An assembled program as a firmware image of 64 KiB. */
export function imageOf(program: typeof SEGMENTS_ROM): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES);
  for (const [at, base64] of program.parts) {
    rom.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      ROM_BYTES - program.length + at,
    );
  }
  return rom;
}
