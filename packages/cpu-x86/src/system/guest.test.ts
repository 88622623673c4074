import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IoSpace, MemorySpace, mmio, storage } from '@hotsocket/address-space';
import { CoreMemory } from '../core-memory.js';
import type { CpuServices } from '../cpu.js';
import { ExecutionCore } from '../execution-core.js';
import { ACTIVITY, ACTIVITY_HALTED, EVENT_INTERRUPT, EVENT_NMI, EVENTS, GPR, RIP } from '../layout.js';
import { type InterruptPort, runSlice } from './events.js';
import { resetCpu } from './reset.js';

const RAM_BYTES = 0x40_0000;
/** Ports of the test guest: writes are recorded, reads give the port number. */
const FIRST_PORT = 0x80;
const PORTS = 0x100;

/** Assembles NASM source of a flat binary. */
function assembled(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'guest-'));
  try {
    writeFileSync(join(folder, 'a.asm'), source);
    execFileSync('nasm', ['-f', 'bin', '-o', join(folder, 'a.bin'), join(folder, 'a.asm')]);
    return new Uint8Array(readFileSync(join(folder, 'a.bin')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
