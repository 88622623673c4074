import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { acpiPiix4Module } from '@hotsocket/acpi-piix4/module';
import { type Mapping, type Mmio, mmio, type Storage, storage } from '@hotsocket/address-space';
import { apicIdOf, CoreMemory, makeProcessors, type Processors } from '@hotsocket/cpu-x86';
import {
  DebugConsole,
  DebugExit,
  E9_CONSOLE_PORT,
  PcTestdev,
  POST_CODE_PORT,
  PostCode,
  SEABIOS_CONSOLE_PORT,
  TESTDEV_IRQ_PORT,
  TESTDEV_MEMORY,
  TESTDEV_PORT,
} from '@hotsocket/debug-ports';
import { debugConsoleModule, debugExitModule, pcTestdevModule, postCodeModule } from '@hotsocket/debug-ports/module';
import { FwCfg } from '@hotsocket/fw-cfg';
import { fwCfgModule } from '@hotsocket/fw-cfg/module';
import { I440fx, PAM_SEGMENTS } from '@hotsocket/i440fx';
import { i440fxModule } from '@hotsocket/i440fx/module';
import { I8042 } from '@hotsocket/i8042';
import { i8042Module } from '@hotsocket/i8042/module';
import { I8254, PortB } from '@hotsocket/i8254';
import { i8254Module } from '@hotsocket/i8254/module';
import { I8259Pair } from '@hotsocket/i8259';
import { i8259Module } from '@hotsocket/i8259/module';
import { IB700_PORT, Ib700 } from '@hotsocket/ib700';
import { ib700Module } from '@hotsocket/ib700/module';
import { APIC_SPACE_BASE, IccBridge, IccBus, IO_APIC_BASE } from '@hotsocket/icc-bus';
import { iccBusModule } from '@hotsocket/icc-bus/module';
import { IoApic } from '@hotsocket/ioapic';
import { ioApicModule } from '@hotsocket/ioapic/module';
import { type IrqLine, IrqPin } from '@hotsocket/irq-line';
import { GuestTime } from '@hotsocket/machine';
import {
  type Board,
  type BoardServices,
  defineMachine,
  type MachineDefinition,
  type MapBlock,
  type NetsBlock,
  type NoticesBlock,
  type PartsBlock,
} from '@hotsocket/machine/board';
import { PciBus } from '@hotsocket/pci-bus';
import { pciBusModule } from '@hotsocket/pci-bus/module';
import { Piix3 } from '@hotsocket/piix3';
import { piix3Module } from '@hotsocket/piix3/module';
import { Pvpanic } from '@hotsocket/pvpanic';
import { pvpanicModule } from '@hotsocket/pvpanic/module';
import { RtcCmos } from '@hotsocket/rtc-cmos';
import { rtcCmosModule } from '@hotsocket/rtc-cmos/module';
import type { SavedState } from '@hotsocket/saved-state';
import { Trace } from '@hotsocket/trace';
import { Uart16550 } from '@hotsocket/uart-16550';
import { uart16550Module } from '@hotsocket/uart-16550/module';
import { VirtualClock } from '@hotsocket/virtual-clock';
import type { ContainerModule } from 'inversify';
import { BOOT_ORDER, fillCmos, setBootOrder } from './cmos.js';
import { cpuModel } from './cpu-model.js';
import { fillFirmwareConfig } from './firmware-config.js';
import {
  APIC_PRIORITY,
  FIRMWARE_TOP,
  IO_APIC_TIMER_PIN,
  IRQ,
  ISA_BIOS,
  ISA_BIOS_BYTES,
  KiB,
  MiB,
  MOVED_APIC_PRIORITY,
  OPTION_ROMS,
  OVERLAY_PRIORITY,
  PCI,
  PORT,
  TSC_HZ,
  VGA_MEMORY,
  VGA_MEMORY_BYTES,
} from './layout.js';
import type { PcOptions } from './options.js';
import { TracedIoSpace } from './traced-io.js';

const ISA_IRQS = 16;
/** The first interrupt that the ISA bridge can steer a PCI interrupt to (82371SB, PIRQRC). */
const FIRST_STEERABLE = 3;
/** 2000-01-01T00:00:00Z. */
const FIXED_DATE = Date.UTC(2000, 0, 1);

/** A pin of the board itself: the machine hears its level. */
export interface ListeningPin {
  readonly pin: IrqPin;
  changed(high: boolean): void;
}

/** The parts of a PC by name. */
export interface PcParts extends Processors {
  readonly memory: CoreMemory;
  readonly ram: Storage;
  readonly firmware: Storage;
  readonly optionRoms: Storage;
  readonly bus: IccBus;
  readonly bridge: IccBridge;
  readonly pci: PciBus;
  readonly hostBridge: I440fx;
  readonly isaBridge: Piix3;
  readonly pm: AcpiPiix4;
  readonly pic: I8259Pair;
  readonly pit: I8254;
  readonly portB: PortB;
  readonly ioapic: IoApic;
  readonly rtc: RtcCmos;
  readonly keyboard: I8042;
  readonly com1: Uart16550;
  readonly fwCfg: FwCfg;
  readonly debugConsole: DebugConsole;
  readonly e9Console: DebugConsole;
  readonly postCode: PostCode;
  /** Address line 20 of the processors. */
  readonly a20: ListeningPin;
  readonly debugExit: DebugExit | undefined;
  readonly testdev: PcTestdev | undefined;
  readonly pvpanic: Pvpanic | undefined;
  readonly watchdog: Ib700 | undefined;
}

/** The parts of a PC, wired. What a machine does with them (run, reset, hot-add) is in `pc.ts`. */
export interface PcBoard extends PcParts, BoardServices, Pick<Board<PcParts>, 'describe'> {
  readonly time: GuestTime;
}

/** The i440FX/PIIX PC: its schematic is the four blocks that this names. */
export const pcMachine: MachineDefinition<PcOptions, PcParts> = defineMachine<PcOptions, PcParts>({
  name: 'pc',
  defaults: { cpus: 1, maxCpus: 1, topology: { cores: 1, threads: 1 }, ramBytes: 64 * MiB, firmware: new Uint8Array(64 * KiB).fill(0xff) },
  services: makeServices,
  modules: partModules,
  parts: makeParts,
  map: (block, parts) => {
    mapMemory(block, parts);
    mapPorts(block, parts);
  },
  nets: connectNets,
  notices: connectNotices,
});

/**
 * Builds the i440FX/PIIX PC. `modules` are loaded last: they may rebind a part's token to swap the part. `prepare` runs before the first CPU
 * is made. Throws MachineError when the modules do not fit.
 */
export function buildBoard(options: PcOptions, modules: readonly ContainerModule[], prepare: (board: PcBoard) => void): PcBoard {
  const { parts, ...built } = pcMachine.build(options, modules);
  const board = { ...built, ...parts, time: (built.clock as PcClock).time };
  board.bridge.attachWindows((gpa, registers) => board.mem.map(gpa, registers, { priority: MOVED_APIC_PRIORITY }));
  prepare(board);
  for (let index = 0; index < options.cpus; index++) board.cpus.add(index);
  fillCmos(board.rtc, options.ramBytes, options.cpus);
  const { boot = {} } = options;
  setBootOrder(board.rtc, boot.once ?? boot.order ?? BOOT_ORDER.standard, boot);
  fillFirmwareConfig(board.fwCfg, options, board.cpus, board.pm);
  return board;
}

// ------------------------------------------------------------------ services

/** The clock of a machine whose time is what its processors execute. */
class PcClock extends VirtualClock {
  readonly time: GuestTime;

  constructor(time: GuestTime) {
    super(() => time.now());
    this.time = time;
  }
}

function makeServices(options: PcOptions): Partial<BoardServices> {
  const trace = options.trace ?? new Trace();
  const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32, ...options.time });
  return { trace, clock: new PcClock(time), io: new TracedIoSpace(trace) };
}

function partModules(options: PcOptions): ContainerModule[] {
  const startDate = options.startDate ?? (options.time?.drive === 'realtime' ? Date.now() : FIXED_DATE);
  return [
    iccBusModule,
    pciBusModule(),
    ioApicModule,
    i8259Module,
    i8254Module,
    i8042Module(),
    uart16550Module({ name: 'com1' }),
    rtcCmosModule({ startDate }),
    fwCfgModule(),
    i440fxModule({ ramBytes: options.ramBytes }),
    piix3Module,
    acpiPiix4Module({
      serial1: true,
      cpuSlots: slotIds(options),
      presentCpus: slotIds(options).slice(0, options.cpus),
      ...(options.strictLegacy ? { strictLegacy: true } : {}),
    }),
    debugConsoleModule(),
    postCodeModule,
    debugExitModule(options.debugExit),
    pcTestdevModule,
    pvpanicModule(options.pvpanic),
    ib700Module,
  ];
}

// ------------------------------------------------------------------ parts

function makeParts({ get, clock, trace, io, mem }: PartsBlock, options: PcOptions): PcParts {
  const memory = new CoreMemory(options.ramBytes + options.firmware.length + ISA_BIOS - OPTION_ROMS);
  const bus = get(IccBus);
  const { topology, maxCpus } = options;
  const model = cpuModel(options.cpuModel, topology);
  const cpuOptions = { model, topology, maxCpus, typeName: `${model.name}-x86_64-cpu`, tscHz: TSC_HZ };
  const processors = makeProcessors({ memory, mem, io, bus, clock, trace }, cpuOptions);
  (clock as PcClock).time.follow(processors.executor);
  return {
    ...processors,
    ...makeMemories(memory, options),
    bus,
    bridge: get(IccBridge),
    pci: get(PciBus),
    hostBridge: get(I440fx),
    isaBridge: get(Piix3),
    pm: get(AcpiPiix4),
    pic: get(I8259Pair),
    pit: get(I8254),
    portB: get(PortB),
    ioapic: get(IoApic),
    rtc: get(RtcCmos),
    keyboard: get(I8042),
    com1: get(Uart16550),
    fwCfg: get(FwCfg),
    debugConsole: get(DebugConsole),
    e9Console: new DebugConsole({ readback: 0xe9 }),
    postCode: get(PostCode),
    a20: listeningPin('a20'),
    debugExit: options.debugExit ? get(DebugExit) : undefined,
    testdev: options.testdev ? get(PcTestdev) : undefined,
    pvpanic: options.pvpanic ? get(Pvpanic) : undefined,
    watchdog: options.watchdog ? get(Ib700) : undefined,
  };
}

function makeMemories(memory: CoreMemory, { ramBytes, firmware }: PcOptions): Pick<PcParts, 'memory' | 'ram' | 'firmware' | 'optionRoms'> {
  const ram = storage('ram', 'pc.ram', memory.allocate(ramBytes));
  const firmwareBytes = memory.allocate(firmware.length);
  firmwareBytes.set(firmware);
  const optionRoms = storage('rom', 'pc.rom', memory.allocate(ISA_BIOS - OPTION_ROMS));
  return { memory, ram, firmware: storage('rom', 'pc.bios', firmwareBytes), optionRoms };
}

function listeningPin(label: string): ListeningPin {
  const listening: ListeningPin = { pin: new IrqPin(label, (high) => listening.changed(high)), changed: () => {} };
  return listening;
}

// ------------------------------------------------------------------ map

function mapMemory({ mem }: MapBlock, parts: PcParts): void {
  const { ram, firmware, optionRoms, bridge, hostBridge } = parts;
  mem.at(0, ram);
  mem.at(FIRMWARE_TOP - firmware.length, firmware);
  mem.at(APIC_SPACE_BASE, bridge.apicContainer, { priority: APIC_PRIORITY });
  mem.at(IO_APIC_BASE, bridge.ioApicContainer, { priority: APIC_PRIORITY });
  hostBridge.attachSmram([mem.at(VGA_MEMORY, nothing('vga-window', VGA_MEMORY_BYTES), { priority: OVERLAY_PRIORITY })]);
  for (const [index, { gpa, length }] of PAM_SEGMENTS.entries())
    hostBridge.attachPam(index, [mapPciSide(mem, gpa < ISA_BIOS ? optionRoms : firmware, gpa, length)]);
}

/** What lies on the PCI side of a PAM segment: the end of the firmware from e0000h on, below it the empty ROM sockets of adapters. */
function mapPciSide(mem: MapBlock['mem'], rom: Storage, base: number, length: number): Mapping {
  const end = base < ISA_BIOS ? ISA_BIOS : ISA_BIOS + ISA_BIOS_BYTES;
  const inRom = base - end + rom.length;
  const region = inRom >= 0 ? rom : nothing('pci-hole', length);
  return mem.at(base, region, { priority: OVERLAY_PRIORITY, offset: Math.max(inRom, 0), length });
}

const nothing = (name: string, length: number): Mmio => mmio(name, length, { read: () => 0xffff_ffff, write: () => {} });

function mapPorts({ io, mem, pci, unmapped }: MapBlock, parts: PcParts): void {
  const { pic, pit, portB, keyboard, rtc, com1, pm, fwCfg, hostBridge, isaBridge, debugExit, testdev, pvpanic, watchdog } = parts;
  io.at(PORT.pic1, pic.masterIo);
  io.at(PORT.pic2, pic.slaveIo);
  io.at(PORT.pit, pit.io);
  io.at(PORT.portB, portB.io);
  io.at(PORT.keyboardData, keyboard.data);
  io.at(PORT.keyboardCommand, keyboard.command);
  io.at(PORT.systemControl, keyboard.systemControl);
  io.at(PORT.rtc, rtc.io);
  io.at(PORT.com1, com1.io);
  io.at(PORT.apm, pm.apm);
  io.at(PORT.gpe0, pm.gpe0);
  io.at(PORT.cpuHotplug, pm.cpuHotplug);
  io.at(PORT.pciHotplug, pm.pciHotplug);
  io.at(PORT.fwCfg, fwCfg.io);
  io.at(PORT.fwCfgDma, fwCfg.dmaIo);
  io.at(PORT.elcr, isaBridge.elcr);
  io.at(PORT.pciAddress, hostBridge.configAddress);
  io.at(PORT.pciData, hostBridge.configData);
  hostBridge.attachNarrow(1, isaBridge.resetControl);
  io.at(SEABIOS_CONSOLE_PORT, parts.debugConsole.io);
  io.at(POST_CODE_PORT, parts.postCode.io);
  if (debugExit) io.at(debugExit.iobase, debugExit.io);
  if (testdev) mapTestdev(io, mem, testdev);
  if (testdev) unmapped(parts.e9Console.io, 'the test device has its port');
  else io.at(E9_CONSOLE_PORT, parts.e9Console.io);
  if (pvpanic) io.at(pvpanic.ioport, pvpanic.io);
  if (watchdog) io.at(IB700_PORT, watchdog.io);
  pci.at(parts.pci, PCI.hostBridge, hostBridge.pci);
  pci.at(parts.pci, PCI.isaBridge, isaBridge.pci);
  pci.at(parts.pci, PCI.powerManagement, pm.pci);
  unmapped(parts.ioapic.region, 'the ICC bridge shows it');
  unmapped(isaBridge.resetControl, 'the second byte of the PCI address port');
  unmapped(pm.pm, 'PMBA in its PCI configuration space places it');
}

function mapTestdev(io: MapBlock['io'], mem: MapBlock['mem'], testdev: PcTestdev): void {
  io.at(TESTDEV_PORT, testdev.io);
  io.at(TESTDEV_IRQ_PORT, testdev.irqIo);
  mem.at(TESTDEV_MEMORY, testdev.memory);
}

// ------------------------------------------------------------------ nets

function connectNets({ wire, open }: NetsBlock, parts: PcParts): void {
  const { pic, ioapic, pit, keyboard, rtc, com1, pm, pci, isaBridge, bus, a20, testdev } = parts;
  const isa = (line: IrqLine, irq: number): void => wire(line, pic.ir(irq), ioapic.pin(irq === IRQ.timer ? IO_APIC_TIMER_PIN : irq));
  isa(pit.out0, IRQ.timer);
  isa(keyboard.keyboardIrq, IRQ.keyboard);
  isa(com1.irq, IRQ.com1);
  isa(rtc.irq, IRQ.rtc);
  isa(pm.sci, IRQ.sci);
  isa(keyboard.mouseIrq, IRQ.mouse);
  wire(keyboard.a20, a20.pin);
  open(pm.smi, 'the board takes no SMIs, and APMC_EN says so');
  for (const [index, line] of pci.pirq.entries()) wire(line, isaBridge.pirq[index]!);
  for (const line of isaBridge.irq.slice(0, FIRST_STEERABLE)) open(line, 'cannot be steered to');
  for (let irq = FIRST_STEERABLE; irq < ISA_IRQS; irq++) isa(isaBridge.irq[irq]!, irq);
  for (const [gsi, line] of testdev?.irq.entries() ?? []) {
    if (gsi < ISA_IRQS) isa(line, gsi);
    else wire(line, ioapic.pin(gsi));
  }
  wire(pic.intr, bus.lint0);
  bus.extInt = () => pic.acknowledge();
  isaBridge.elcrChanged = (mask) => pic.setLevelTriggered(mask);
}

// ------------------------------------------------------------------ notices

function connectNotices({ notice }: NoticesBlock, { cpus, pm, rtc }: PcParts): void {
  notice(cpus, pm.cpuAdded, remember(pm));
  notice(cpus, rtc.cpuAdded, remember(rtc));
}

/** Notes a device's state now; what it returns puts it back. */
const remember = (device: { save(): SavedState; restore(saved: SavedState): void }) => (): (() => void) => {
  const saved = device.save();
  return () => device.restore(saved);
};

/** APIC id of every slot. */
const slotIds = ({ maxCpus, topology }: PcOptions): number[] => Array.from({ length: maxCpus }, (_, index) => apicIdOf(topology, index));
