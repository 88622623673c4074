import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { StandardStreams } from './char/stdio.js';
import { readFirmware } from './images.js';
import { firstLineOf } from './usage-error.js';
import { VERSION_TEXT } from './version.js';

/** What one look at the host has found. */
interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'WRONG';
  readonly text: string;
}

const MiB = 2 ** 20;
const NODE_VERSION = [20, 19] as const;
/** An emulator with the default memory, and a kernel beside it. */
const LEAST_MEMORY = 512 * MiB;
/** Programs that tests and developers use; the emulator does not. */
const PROGRAMS = ['gdb', 'qemu-system-x86_64', 'iasl', 'nasm'] as const;

/** `hotsocket doctor`: looks for what the emulator needs. Returns 0 when it can run here. */
export async function doctor({ stdout, stdin }: StandardStreams): Promise<number> {
  const findings = [node(), wasm(), memory(), await sockets(), firmware(), terminal(stdin.isTTY === true), ...PROGRAMS.map(program)];
  stdout.write(`${VERSION_TEXT}\n`);
  for (const { state, what, text } of findings) stdout.write(`${state.padEnd(8)} ${what.padEnd(20)} ${text}\n`);
  return findings.some(({ state }) => state === 'WRONG') ? 1 : 0;
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > NODE_VERSION[0] || (major === NODE_VERSION[0] && minor >= NODE_VERSION[1]);
  return {
    what: 'Node.js',
    state: enough ? 'ok' : 'WRONG',
    text: `${process.versions.node}; ${NODE_VERSION.join('.')} or later is needed`,
  };
}

/** Guest memory and state are one WebAssembly memory, of which all is reserved and only what is touched is used. */
function wasm(): Finding {
  const pages = 0x1_0000;
  try {
    new WebAssembly.Memory({ initial: 1, maximum: pages });
    return { what: 'WebAssembly', state: 'ok', text: 'a memory of 4 GiB can be reserved' };
  } catch (error) {
    return { what: 'WebAssembly', state: 'WRONG', text: firstLineOf(error) };
  }
}

function memory(): Finding {
  const text = `${Math.round(freemem() / MiB)} of ${Math.round(totalmem() / MiB)} MiB are free`;
  return { what: 'memory', state: totalmem() >= LEAST_MEMORY ? 'ok' : 'WRONG', text };
}

async function sockets(): Promise<Finding> {
  const folder = mkdtempSync(join(tmpdir(), 'hotsocket-doctor-'));
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(join(folder, 's'), resolve));
    return { what: 'Unix sockets', state: 'ok', text: `can be made below ${tmpdir()}` };
  } catch (error) {
    return { what: 'Unix sockets', state: 'WRONG', text: firstLineOf(error) };
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function firmware(): Finding {
  try {
    return { what: 'firmware', state: 'ok', text: `SeaBIOS, ${readFirmware(undefined, []).length / 1024} KiB` };
  } catch (error) {
    return { what: 'firmware', state: 'missing', text: `${firstLineOf(error)}; -bios builtin:demo-guest needs none` };
  }
}

const terminal = (isTerminal: boolean): Finding => ({
  what: 'terminal',
  state: isTerminal ? 'ok' : 'missing',
  text: isTerminal ? 'standard input is one' : 'standard input is none: no keys, no Ctrl-A',
});

function program(name: string): Finding {
  try {
    const [text = ''] = execFileSync(name, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5000 }).split(
      '\n',
    );
    return { what: name, state: 'ok', text };
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT';
    return { what: name, state: isThere ? 'ok' : 'missing', text: isThere ? 'is installed' : 'only tests use it' };
  }
}
