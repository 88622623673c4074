/**
 * A board of one's own, without a PC around it: CPUs, local APICs, I/O APIC, serial port and power management, and no PCI, no 8259, no
 * timer chip, no CMOS. It runs the demo guest, which finds nothing that describes the board and takes the usual addresses.
 */
import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { CoreMemory, DEFAULT_CPU_MODEL, ExecutionCore, Executor, X86Cpus } from '@hotsocket/cpu-x86';
import { demoGuestRom } from '@hotsocket/demo-guest';
import { APIC_SPACE_BASE, APIC_SPACE_PRIORITY, IccBridge, IccBus, IO_APIC_BASE } from '@hotsocket/icc-bus';
import { IoApic } from '@hotsocket/ioapic';
import { defaultScheduler, GuestTime, RunLoop } from '@hotsocket/machine';
import { Uart16550 } from '@hotsocket/uart-16550';
import { VirtualClock } from '@hotsocket/virtual-clock';

const MiB = 2 ** 20;
const ROM_TOP = 2 ** 32;
const topology = { cores: 1, threads: 1 };

/** What a program needs of the board. */
export interface HeadlessBoard {
  readonly cpus: X86Cpus;
  readonly com1: Uart16550;
  readonly pm: AcpiPiix4;
  readonly loop: RunLoop;
}

/** Builds the board; `loop.start()` runs it. */
export function headlessBoard(maxCpus: number, ramBytes: number = 16 * MiB): HeadlessBoard {
  const rom = demoGuestRom();
  // Services
  const executed = { count: () => 0 };
  const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32 }, () => executed.count());
  const clock = new VirtualClock(() => time.now());
  const [io, mem, memory] = [new IoSpace(), new MemorySpace(), new CoreMemory(ramBytes + rom.length)];
  // Parts
  const bus = new IccBus();
  const bridge = new IccBridge({ bus });
  const ioapic = new IoApic({ bus });
  const com1 = new Uart16550({ clock }, { name: 'com1' });
  const pm = new AcpiPiix4({ clock }, { presentCpus: [0] });
  const core = makeCore({ io, mem, memory, clock, apic: (block) => cpus.list.find((cpu) => cpu.block === block)?.apic });
  const executor = new Executor(core, bus);
  executed.count = () => executor.executed;
  const cpus = new X86Cpus({ core, bus, clock }, { topology, maxCpus, typeName: 'headless-cpu', tscHz: 1e9 });
  // Map
  mem.map(0, storage('ram', 'ram', memory.allocate(ramBytes)));
  const romBytes = memory.allocate(rom.length);
  romBytes.set(rom);
  mem.map(ROM_TOP - rom.length, storage('rom', 'rom', romBytes));
  mem.map(0xf_0000, storage('rom', 'rom', romBytes), { priority: 1 });
  mem.map(APIC_SPACE_BASE, bridge.apicContainer, { priority: APIC_SPACE_PRIORITY });
  mem.map(IO_APIC_BASE, bridge.ioApicContainer, { priority: APIC_SPACE_PRIORITY });
  io.map(0x3f8, com1.io);
  io.map(0x600, pm.pm);
  io.map(0xb2, pm.apm);
  io.map(0xafe0, pm.gpe0);
  io.map(0xaf00, pm.cpuHotplug);
  // Nets
  com1.irq.connect(ioapic.pin(4));
  pm.sci.connect(ioapic.pin(9));
  // Notices
  cpus.notify(pm.cpuAdded);
  cpus.add(0).onWake(() => loop.wake());
  cpus.complete();
  cpus.added$.subscribe(() => loop.wake());
  const loop = new RunLoop({ executor, clock, time, host: defaultScheduler(), cpus: () => cpus.list, betweenSlices: () => {} });
  return { cpus, com1, pm, loop };
}

interface CoreParts {
  readonly io: IoSpace;
  readonly mem: MemorySpace;
  readonly memory: CoreMemory;
  readonly clock: VirtualClock;
  apic(block: number): X86Cpus['list'][number]['apic'] | undefined;
}

/** The execution core with what it asks of the local APICs. */
function makeCore({ io, mem, memory, clock, apic }: CoreParts): ExecutionCore {
  return new ExecutionCore({
    memory,
    space: mem,
    io,
    model: DEFAULT_CPU_MODEL.with(topology),
    readTsc: (into) => Object.assign(into, { low: clock.now() >>> 0, high: Math.floor(clock.now() / 2 ** 32) }),
    apicId: (block) => apic(block)?.slot ?? 0,
    readApicBase: (block, into) => Object.assign(into, { low: apic(block)?.apicBase.lo ?? 0, high: apic(block)?.apicBase.hi ?? 0 }),
    writeApicBase: (block, low, high) => apic(block)?.writeApicBase(high, low) ?? false,
    readTpr: (block) => apic(block)?.tpr ?? 0,
    writeTpr: (block, value) => void (apic(block)!.tpr = value),
  });
}
