/**
 * A board of one's own, without a PC around it: CPUs, local APICs, I/O APIC, serial port and power management, and no PCI, no 8259, no
 * timer chip, no CMOS. It runs the demo guest, which finds nothing that describes the board and takes the usual addresses.
 */
import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { acpiPiix4Module } from '@hotsocket/acpi-piix4/module';
import { type Storage, storage } from '@hotsocket/address-space';
import { CoreMemory, DEFAULT_CPU_MODEL, makeProcessors, type Processors } from '@hotsocket/cpu-x86';
import { demoGuestRom } from '@hotsocket/demo-guest';
import { APIC_SPACE_BASE, APIC_SPACE_PRIORITY, IccBridge, IccBus, IO_APIC_BASE } from '@hotsocket/icc-bus';
import { iccBusModule } from '@hotsocket/icc-bus/module';
import { IoApic } from '@hotsocket/ioapic';
import { ioApicModule } from '@hotsocket/ioapic/module';
import { defaultScheduler, GuestTime, RunLoop } from '@hotsocket/machine';
import { defineMachine, type MachineDefinition, type PartsBlock } from '@hotsocket/machine/board';
import { Uart16550 } from '@hotsocket/uart-16550';
import { uart16550Module } from '@hotsocket/uart-16550/module';
import { VirtualClock } from '@hotsocket/virtual-clock';

const MiB = 2 ** 20;
const ROM_TOP = 2 ** 32;
const topology = { cores: 1, threads: 1 };

export interface HeadlessOptions {
  readonly maxCpus: number;
  readonly ramBytes: number;
  readonly time: GuestTime;
}

export interface HeadlessParts extends Processors {
  readonly ram: Storage;
  readonly rom: Storage;
  readonly bus: IccBus;
  readonly bridge: IccBridge;
  readonly ioapic: IoApic;
  readonly com1: Uart16550;
  readonly pm: AcpiPiix4;
}

const newTime = (): GuestTime => new GuestTime({ drive: 'icount', nsPerInstruction: 32 });

/** The schematic. */
export const headlessMachine: MachineDefinition<HeadlessOptions, HeadlessParts> = defineMachine<HeadlessOptions, HeadlessParts>({
  name: 'headless',
  defaults: { maxCpus: 4, ramBytes: 16 * MiB, time: newTime() },
  services: ({ time }) => ({ clock: new VirtualClock(() => time.now()) }),
  modules: () => [iccBusModule, ioApicModule, uart16550Module({ name: 'com1' }), acpiPiix4Module({ presentCpus: [0] })],
  parts: makeParts,
  map: ({ io, mem, unmapped }, { ram, rom, bridge, ioapic, com1, pm }) => {
    mem.at(0, ram);
    mem.at(ROM_TOP - rom.length, rom);
    mem.at(0xf_0000, rom, { priority: 1 });
    mem.at(APIC_SPACE_BASE, bridge.apicContainer, { priority: APIC_SPACE_PRIORITY });
    mem.at(IO_APIC_BASE, bridge.ioApicContainer, { priority: APIC_SPACE_PRIORITY });
    io.at(0x3f8, com1.io);
    io.at(0x600, pm.pm);
    io.at(0xb2, pm.apm);
    io.at(0xafe0, pm.gpe0);
    io.at(0xaf00, pm.cpuHotplug);
    unmapped(pm.pciHotplug, 'no PCI');
    unmapped(ioapic.region, 'the ICC bridge shows it');
  },
  nets: ({ wire, open }, { com1, pm, ioapic }) => {
    wire(com1.irq, ioapic.pin(4));
    wire(pm.sci, ioapic.pin(9));
    open(pm.smi, 'no SMM');
  },
  notices: ({ notice }, { cpus, pm }) => {
    notice(cpus, pm.cpuAdded);
  },
});

function makeParts({ get, io, mem, clock, trace }: PartsBlock, { maxCpus, ramBytes, time }: HeadlessOptions): HeadlessParts {
  const image = demoGuestRom();
  const memory = new CoreMemory(ramBytes + image.length);
  const ram = storage('ram', 'ram', memory.allocate(ramBytes));
  const rom = storage('rom', 'rom', memory.allocate(image.length));
  rom.bytes.set(image);
  const bus = get(IccBus);
  const options = { model: DEFAULT_CPU_MODEL.with(topology), topology, maxCpus, typeName: 'headless-cpu', tscHz: 1e9 };
  const processors = makeProcessors({ memory, mem, io, bus, clock, trace }, options);
  time.follow(processors.executor);
  return { ...processors, ram, rom, bus, bridge: get(IccBridge), ioapic: get(IoApic), com1: get(Uart16550), pm: get(AcpiPiix4) };
}

/** What a program needs of the board. */
export interface HeadlessBoard extends Pick<HeadlessParts, 'cpus' | 'com1' | 'pm'> {
  readonly loop: RunLoop;
}

/** Builds the board and its boot CPU; `loop.start()` runs it. */
export function headlessBoard(maxCpus: number): HeadlessBoard {
  const time = newTime();
  const { parts, clock } = headlessMachine.build({ maxCpus, time });
  const { cpus, executor, com1, pm } = parts;
  const loop = new RunLoop({ executor, clock, time, host: defaultScheduler(), cpus: () => cpus.list, betweenSlices: () => {} });
  cpus.add(0).onWake(() => loop.wake());
  cpus.complete();
  cpus.added$.subscribe(() => loop.wake());
  return { cpus, com1, pm, loop };
}
