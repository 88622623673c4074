import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith } from '@hotsocket/testbench';
import { DEMO_GUEST_KEYS, DEMO_GUEST_LINES, demoGuestRom } from './index.js';

describe('demoGuestRom', () => {
  it('is a 64 KiB ROM whose reset vector jumps to code inside it', () => {
    const rom = demoGuestRom();
    const [opcode, low, high] = rom.subarray(0xfff0, 0xfff3) as unknown as [number, number, number];
    const target = (0xfff3 + (low | (high << 8))) & 0xffff;
    expect([rom.length, opcode, target]).toEqual([0x1_0000, 0xe9, 0xfe00]);
    // cli, cld
    expect([...rom.subarray(target, target + 2)]).toEqual([0xfa, 0xfc]);
  });

  it('gives each caller a copy', () => {
    demoGuestRom().fill(0);
    expect(demoGuestRom()[0xfff0]).toBe(0xe9);
  });

  it('is what its source assembles to', () => {
    const script = fileURLToPath(new URL('../../../tools/images/assemble.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check', 'DEMO_GUEST_ROM'], { encoding: 'utf8' });
    if (status === 3) console.warn('NOT CHECKED against guest/demo-guest.asm: NASM is not installed');
    expect({ status: status === 3 ? 0 : status, stderr: status === 3 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});

const QEMU = 'qemu-system-x86_64';
const noQemu = spawnSync(QEMU, ['--version']).status === 0 ? undefined : `${QEMU} is not installed`;

describeWith(noQemu, 'the guest on another emulator', () => {
  it('starts each CPU that is hot-added, takes keys, and powers off', async () => {
    const guest = new Guest(QEMU);
    try {
      await guest.line(DEMO_GUEST_LINES.ready);
      await guest.plug(2);
      await guest.line(DEMO_GUEST_LINES.cpuOnline(2));
      await guest.plug(1);
      await guest.line(DEMO_GUEST_LINES.cpuOnline(1));
      guest.press(DEMO_GUEST_KEYS.interruptAll);
      await guest.line(/interrupt to all: 2 of 2 CPUs answered/);
      guest.press(DEMO_GUEST_KEYS.status);
      await guest.line(/3 CPUs online, shared counter \d+/);
      guest.press(DEMO_GUEST_KEYS.powerOff);
      expect(await guest.exit).toBe(0);
      expect(guest.output).toMatch(/SCI: GPE0_STS=04\s+bitmap 05\s+INIT -> apic 2\s+SIPI vector 08 -> apic 2\s/);
      expect(guest.output).toMatch(/CPU 1 online, apic id 2.*SCI: GPE0_STS=04\s+bitmap 07.*CPU 2 online, apic id 1/s);
    } finally {
      guest.dispose();
    }
  }, 30_000);
});

/** One run of the ROM on QEMU: COM1 on its standard streams, commands over QMP. */
class Guest {
  readonly exit: Promise<number | null>;
  output = '';
  readonly #folder = mkdtempSync(join(tmpdir(), 'demo-guest-'));
  readonly #process: ChildProcess;
  readonly #qmp: Promise<Socket>;
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(command: string) {
    const [rom, socket] = [join(this.#folder, 'rom.bin'), join(this.#folder, 'qmp')];
    writeFileSync(rom, demoGuestRom());
    const machine = ['-M', 'pc', '-accel', 'tcg', '-m', '32', '-smp', '1,sockets=4,cores=1,threads=1,maxcpus=4', '-bios', rom];
    const wires = ['-nodefaults', '-display', 'none', '-serial', 'stdio', '-qmp', `unix:${socket},server=on,wait=off`];
    this.#process = spawn(command, [...machine, ...wires], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.#wake();
    });
    this.exit = new Promise((done) => this.#process.once('exit', done));
    void this.exit.then(() => {
      this.#ended = true;
      this.#wake();
    });
    this.#qmp = this.line(/demo guest/).then(() => negotiated(connect(socket)));
  }

  /** Resolves when the output has the line; rejects when the guest ends first. */
  async line(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      if (this.#ended) throw new Error(`ended before ${pattern}:\n${this.output}`);
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  press(key: string): void {
    this.#process.stdin!.write(key);
  }

  async plug(socketId: number): Promise<void> {
    const driver = 'qemu64-x86_64-cpu';
    const args = { driver, 'socket-id': socketId, 'core-id': 0, 'thread-id': 0 };
    (await this.#qmp).write(JSON.stringify({ execute: 'device_add', arguments: args }));
  }

  dispose(): void {
    this.#process.kill();
    void this.#qmp.then((socket) => socket.destroy());
    rmSync(this.#folder, { recursive: true });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const negotiated = (socket: Socket): Socket => {
  socket.write('{"execute":"qmp_capabilities"}');
  return socket;
};
