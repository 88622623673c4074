import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MachineEvent } from '@hotsocket/machine';
import { describeWith } from '@hotsocket/testbench';
import type { PcOptions } from './options.js';
import { Pc } from './pc.js';

const HALTED = new Uint8Array(0x1_0000).fill(0xf4);
const SELECTOR = 0xaf00;
const FLAGS = 0xaf04;
const COMMAND = 0xaf05;
const DATA = 0xaf08;
const GPE0_STATUS = 0xafe0;

function pcWith(options: Partial<PcOptions> = {}): { pc: Pc; events: MachineEvent[] } {
  const pc = new Pc({ cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20, firmware: HALTED, ...options });
  const events: MachineEvent[] = [];
  pc.events$.subscribe((event) => events.push(event));
  return { pc, events };
}

/** What the tables of the selector interface do in the place of a guest. */
class Methods {
  readonly #pc: Pc;

  constructor(pc: Pc) {
    this.#pc = pc;
    pc.writePort(SELECTOR, 4, 0);
  }

  /** Flags of a slot. */
  flags(slot: number): number {
    this.#pc.writePort(SELECTOR, 4, slot);
    return this.#pc.readPort(FLAGS, 1);
  }

  /** The slot with the next event. */
  next(): number {
    this.#pc.writePort(COMMAND, 1, 0);
    return this.#pc.readPort(DATA, 4);
  }

  control(slot: number, bit: number): void {
    this.#pc.writePort(SELECTOR, 4, slot);
    this.#pc.writePort(FLAGS, 1, bit);
  }

  /** _OST. */
  report(slot: number, source: number, status: number): void {
    this.#pc.writePort(SELECTOR, 4, slot);
    this.#pc.writePort(COMMAND, 1, 1);
    this.#pc.writePort(DATA, 4, source);
    this.#pc.writePort(COMMAND, 1, 2);
    this.#pc.writePort(DATA, 4, status);
  }
}

const CLEAR_INSERT = 2;
const CLEAR_REMOVE = 4;
const EJECT = 8;
const cmosCount = (pc: Pc): number => {
  pc.writePort(0x70, 1, 0x5f);
  return pc.readPort(0x71, 1);
};
const fwCfgCount = (pc: Pc): number => {
  pc.writePort(0x510, 2, 5);
  return pc.readPort(0x511, 1) | (pc.readPort(0x511, 1) << 8);
};

describe('a CPU whose removal is requested', () => {
  it.each([
    ['the boot CPU', 0, 'boot-cpu'],
    ['a CPU while the guest uses the bitmap', 1, 'not-supported'],
    ['a CPU that is not there', 3, 'no-such-cpu'],
  ])('%s is refused and nothing changes', (_name, index, code) => {
    const { pc, events } = pcWith({ cpus: 2 });
    expect(() => pc.requestCpuRemoval(index)).toThrow(expect.objectContaining({ kind: 'control', code }));
    expect([pc.cpus.length, events, pc.readPort(GPE0_STATUS, 1)]).toEqual([2, [], 0]);
  });

  it('stays until the guest ejects it; then it is gone from CMOS, fw_cfg, the object tree and the slots', () => {
    const { pc, events } = pcWith();
    const guest = new Methods(pc);
    pc.hotAddCpu(3, { deviceId: 'three' });
    pc.hotAddCpu(1);
    guest.control(3, CLEAR_INSERT);
    guest.control(1, CLEAR_INSERT);
    pc.writePort(GPE0_STATUS, 1, 4);
    pc.requestCpuRemoval(3);
    pc.requestCpuRemoval(3);
    expect([pc.readPort(GPE0_STATUS, 1), guest.next(), guest.flags(3), cmosCount(pc), fwCfgCount(pc)]).toEqual([4, 3, 5, 2, 3]);
    guest.control(3, CLEAR_REMOVE);
    guest.report(3, 0x103, 0);
    guest.control(3, EJECT);
    guest.report(3, 3, 0);
    expect([guest.flags(3), cmosCount(pc), fwCfgCount(pc), pc.cpus.map(({ index }) => index)]).toEqual([0, 1, 2, [0, 1]]);
    expect(pc.cpuSlots[3]?.qomPath).toBeUndefined();
    expect(pc.qom.resolve('/machine/peripheral/three')).toBeUndefined();
    const info = { slot: 3, slotType: 'CPU' };
    expect(events).toEqual([
      { name: 'ACPI_DEVICE_OST', info: { ...info, device: 'three', source: 0x103, status: 0 } },
      { name: 'DEVICE_DELETED', path: '/machine/peripheral/three/apic' },
      { name: 'DEVICE_DELETED', path: '/machine/peripheral/three', device: 'three' },
      { name: 'ACPI_DEVICE_OST', info: { ...info, source: 3, status: 0 } },
    ]);
    expect(pc.ospmStatus[3]).toEqual({ ...info, source: 3, status: 0 });
  });

  it('gets no interrupt any more: its place on the bus is free', () => {
    const { pc } = pcWith({ cpus: 2 });
    const guest = new Methods(pc);
    const [, cpu] = pc.board.cpus.list;
    guest.control(1, EJECT);
    expect([pc.board.bus.localApic(1), cpu?.runnable, cpu?.stopped, pc.cpus.length]).toEqual([undefined, false, true, 1]);
    cpu?.nmi();
    expect(cpu?.runnable).toBe(false);
  });

  it('is not completed by a reset', () => {
    const { pc } = pcWith({ cpus: 2 });
    const guest = new Methods(pc);
    pc.requestCpuRemoval(1);
    pc.reset('host-qmp-system-reset');
    expect([guest.flags(1) & 5, pc.cpus.length]).toEqual([5, 2]);
  });

  it('can be the one that executes: it is taken out at the end of its slice, and the machine goes on', () => {
    const { pc, events } = pcWith({ cpus: 2, firmware: selfEjecting() });
    const { list } = pc.board.cpus;
    pc.cont();
    list[1]?.init();
    list[1]?.sipi(0xf0);
    pc.runFor(10_000, () => list.length === 1);
    expect([list.length, pc.runState]).toEqual([1, 'running']);
    expect(events.map(({ name }) => name)).toEqual(['RESUME', 'DEVICE_DELETED', 'DEVICE_DELETED']);
    pc.hotAddCpu(1);
    expect(pc.cpus.length).toBe(2);
    pc.quit('none');
  });
});

/** The boot CPU halts; at f0000h a program switches to the selector registers, selects slot 1 and ejects it, then loops. */
function selfEjecting(): Uint8Array {
  const image = HALTED.slice();
  const mov32dx = (port: number): number[] => [0xba, port & 0xff, port >> 8];
  const code = [0x66, 0x31, 0xc0, ...mov32dx(SELECTOR), 0x66, 0xef, 0xb0, 1, 0x66, 0xef, ...mov32dx(FLAGS), 0xb0, EJECT, 0xee, 0xeb, 0xfe];
  image.set(code);
  return image;
}

describe('unplug and plug', () => {
  it('100 times leaves nothing behind', () => {
    const { pc, events } = pcWith();
    const guest = new Methods(pc);
    const objects = (): number =>
      JSON.stringify(pc.infoText('qtree', 0)).length + (pc.qom.resolve('/machine/peripheral')?.list().length ?? 0);
    pc.hotAddCpu(2, { deviceId: 'cpu' });
    const before = [objects(), pc.board.core.cpuCount, pc.board.bus.localApics.length];
    for (let round = 0; round < 100; round++) {
      guest.control(2, CLEAR_INSERT);
      pc.requestCpuRemoval(2);
      expect(guest.next()).toBe(2);
      guest.control(2, CLEAR_REMOVE);
      guest.control(2, EJECT);
      expect([pc.cpus.length, cmosCount(pc), fwCfgCount(pc)]).toEqual([1, 0, 1]);
      pc.hotAddCpu(2, { deviceId: 'cpu' });
    }
    expect([objects(), pc.board.core.cpuCount, pc.board.bus.localApics.length]).toEqual(before);
    expect(events).toHaveLength(200);
    expect(pc.cpus.map(({ apicId, halted }) => [apicId, halted])).toEqual([
      [0, false],
      [2, true],
    ]);
  });
});

const IMAGES = fileURLToPath(new URL('../../../.cache/images/', import.meta.url));
const NEEDED = ['bios-256k.bin', 'vmlinuz-cloud-amd64', 'initramfs-amd64.cpio.gz'];
const hasImages = NEEDED.every((name) => existsSync(IMAGES + name));
const missing = hasImages ? undefined : `${NEEDED.join(', ')} are not in ${IMAGES}`;

describeWith(missing, 'Linux with the selector interface', () => {
  it('brings a CPU online, lets it go and takes it again', () => {
    const image = (name: string): Uint8Array => readFileSync(IMAGES + name);
    const [firmware, kernel, initrd] = NEEDED.map(image) as [Uint8Array, Uint8Array, Uint8Array];
    const append = 'console=ttyS0 cryptomgr.notests';
    const { pc, events } = pcWith({ ramBytes: 512 << 20, firmware, kernel, initrd, append, acpi: 'machine', cpuHotplug: 'selector' });
    const shell = new Shell(pc);
    pc.cont();
    shell.wait(/INIT-READY[\s\S]*# /, 8e9);
    for (let round = 0; round < 3; round++) {
      pc.hotAddCpu(1, { deviceId: 'vcpu1' });
      shell.wait(/CPU1 has been hot-added/);
      expect(shell.run('echo 1 > /sys/devices/system/cpu/cpu1/online; nproc')).toMatch(/^2$/m);
      pc.requestCpuRemoval(1);
      expect(pc.runFor(3e9, () => pc.cpus.length === 1)).toBe(true);
      expect(shell.run('nproc; cat /sys/devices/system/cpu/present')).toMatch(/^1\s+0$/m);
    }
    const told = events.flatMap((event) =>
      event.name === 'ACPI_DEVICE_OST' ? [[event.info.source, event.info.status, event.info.device]] : [],
    );
    const removal = events.filter(({ name }) => name === 'DEVICE_DELETED').map((event) => 'path' in event && event.path);
    expect(told.slice(0, 3)).toEqual([
      [1, 0, 'vcpu1'],
      [3, 132, 'vcpu1'],
      [3, 0, undefined],
    ]);
    expect([told.length, removal.slice(0, 2), removal.length]).toEqual([
      9,
      ['/machine/peripheral/vcpu1/apic', '/machine/peripheral/vcpu1'],
      6,
    ]);
    pc.quit('none');
  }, 120_000);
});

/** The guest's shell on its serial port. */
class Shell {
  readonly #pc: Pc;
  #out = '';
  #from = 0;

  constructor(pc: Pc) {
    this.#pc = pc;
    pc.board.com1.transmitted = (byte) => {
      this.#out += String.fromCharCode(byte);
    };
  }

  /** Runs the guest until it has written a text after the last that was waited for. */
  wait(pattern: RegExp, most = 3e9): string {
    const found = (): boolean => pattern.test(this.#out.slice(this.#from));
    if (!this.#pc.runFor(most, found)) throw new Error(`the guest did not say ${pattern}:\n${this.#out.slice(-2000)}`);
    const text = this.#out.slice(this.#from);
    this.#from = this.#out.length;
    return text;
  }

  run(command: string): string {
    let rest = new TextEncoder().encode(`${command}; echo DO""NE\n`);
    const { com1 } = this.#pc.board;
    com1.writable = () => {
      rest = rest.subarray(com1.receive(rest));
    };
    com1.writable();
    return this.wait(/DONE\r\n[^\n]*# /).replaceAll('\r', '');
  }
}
