import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { acpiPiix4Module } from '@hotsocket/acpi-piix4/module';
import { IoSpace, type Mapping, MemorySpace, mmio, type Storage, storage } from '@hotsocket/address-space';
import type { LocalApic } from '@hotsocket/apic';
import { apicIdOf, CoreMemory, type CpuModel, ExecutionCore, Executor, X86Cpus } from '@hotsocket/cpu-x86';
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
import { APIC_SPACE_BASE, IccBridge, IccBus, IO_APIC_BASE } from '@hotsocket/icc-bus';
import { iccBusModule } from '@hotsocket/icc-bus/module';
import { IoApic } from '@hotsocket/ioapic';
import { ioApicModule } from '@hotsocket/ioapic/module';
import type { IrqLine } from '@hotsocket/irq-line';
import { GuestTime } from '@hotsocket/machine';
import { PciBus } from '@hotsocket/pci-bus';
import { Piix3 } from '@hotsocket/piix3';
import { piix3Module } from '@hotsocket/piix3/module';
import { RtcCmos } from '@hotsocket/rtc-cmos';
import { rtcCmosModule } from '@hotsocket/rtc-cmos/module';
import type { SavedState } from '@hotsocket/saved-state';
import { Trace } from '@hotsocket/trace';
import { Uart16550 } from '@hotsocket/uart-16550';
import { uart16550Module } from '@hotsocket/uart-16550/module';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { Container, type ContainerModule } from 'inversify';
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
  OPTION_ROMS,
  OVERLAY_PRIORITY,
  PCI,
  PORT,
  TSC_HZ,
  VGA_MEMORY,
  VGA_MEMORY_BYTES,
} from './layout.js';
import { type PcOptions, PcOptionsError } from './options.js';
import { TracedIoSpace } from './traced-io.js';

const ISA_IRQS = 16;
/** 2000-01-01T00:00:00Z. */
const FIXED_DATE = Date.UTC(2000, 0, 1);

/** The parts of a PC, wired. What a machine does with them (run, reset, hot-add) is in `pc.ts`. */
export interface PcBoard {
  readonly container: Container;
  readonly trace: Trace;
  readonly clock: VirtualClock;
  readonly time: GuestTime;
  readonly io: IoSpace;
  readonly mem: MemorySpace;
  readonly memory: CoreMemory;
  readonly core: ExecutionCore;
  readonly executor: Executor;
  readonly cpus: X86Cpus;
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
  readonly debugExit: DebugExit | undefined;
  readonly testdev: PcTestdev | undefined;
}

/**
 * Builds the i440FX/PIIX PC. The four blocks below are its schematic. `modules` are loaded last: they may rebind a part's token to swap
 * the part. `prepare` runs before the first CPU is made.
 */
export function buildBoard(options: PcOptions, modules: readonly ContainerModule[], prepare: (board: PcBoard) => void): PcBoard {
  const services = makeServices(options);
  const container = makeContainer(options, services, modules);
  const board = { ...services, container, ...getParts(container, options, services) };
  mapMemory(board, options);
  mapPorts(board);
  connectNets(board);
  connectNotices(board);
  prepare(board);
  for (let index = 0; index < options.cpus; index++) board.cpus.add(index);
  fillCmos(board.rtc, options.ramBytes, options.cpus);
  const { boot = {} } = options;
  setBootOrder(board.rtc, boot.once ?? boot.order ?? BOOT_ORDER.standard, boot);
  fillFirmwareConfig(board.fwCfg, options, board.cpus, board.pm.systemStates);
  return board;
}

// ------------------------------------------------------------------ services

type Services = Pick<PcBoard, 'trace' | 'clock' | 'time' | 'io' | 'mem' | 'memory'> & {
  readonly executed: { count: () => number; shared: () => boolean };
};

function makeServices(options: PcOptions): Services {
  const trace = options.trace ?? new Trace();
  const executed = { count: () => 0, shared: () => false };
  const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32, ...options.time }, () => executed.count());
  const clock = new VirtualClock(() => time.now());
  const memory = new CoreMemory(options.ramBytes + options.firmware.length + ISA_BIOS - OPTION_ROMS);
  return { trace, time, clock, io: new TracedIoSpace(trace), mem: new MemorySpace(), memory, executed };
}

function makeContainer(options: PcOptions, { trace, clock, io, mem }: Services, modules: readonly ContainerModule[]): Container {
  const container = new Container({ defaultScope: 'Singleton' });
  container.bind(Trace).toConstantValue(trace);
  container.bind(VirtualClock).toConstantValue(clock);
  container.bind(IoSpace).toConstantValue(io);
  container.bind(MemorySpace).toConstantValue(mem);
  container.bind(PciBus).toConstantValue(new PciBus({ io, mem, trace }));
  container.load(...partModules(options), ...modules);
  return container;
}

function partModules(options: PcOptions): ContainerModule[] {
  const startDate = options.startDate ?? (options.time?.drive === 'realtime' ? Date.now() : FIXED_DATE);
  return [
    iccBusModule,
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
  ];
}

// ------------------------------------------------------------------ parts

type Parts = Omit<PcBoard, keyof Services | 'container'>;

/** Every CPU and both APIC windows hang on one bus. */
function theIccBus(container: Container): IccBus {
  const buses = container.isBound(IccBus) ? container.getAll(IccBus) : [];
  const [bus] = buses;
  if (!bus || buses.length > 1)
    throw new PcOptionsError([`Invalid icc-bus value: the machine has ${buses.length} ICC buses, it needs one`]);
  return bus;
}

function getParts(container: Container, options: PcOptions, services: Services): Parts {
  const bus = theIccBus(container);
  const { topology, maxCpus } = options;
  const model = cpuModel(options.cpuModel, topology);
  const present: { find: (block: number) => LocalApic | undefined } = { find: () => undefined };
  const core = makeCore(services, model, (block) => present.find(block));
  const executor = new Executor(core, bus);
  services.executed.count = () => executor.executed;
  services.executed.shared = () => executor.shared;
  const typeName = `${model.name}-x86_64-cpu`;
  const cpus = new X86Cpus({ core, bus, clock: services.clock, trace: services.trace }, { topology, maxCpus, typeName, tscHz: TSC_HZ });
  present.find = (block) => cpus.list.find((cpu) => cpu.block === block)?.apic;
  return {
    bus,
    core,
    executor,
    cpus,
    bridge: container.get(IccBridge),
    pci: container.get(PciBus),
    hostBridge: container.get(I440fx),
    isaBridge: container.get(Piix3),
    pm: container.get(AcpiPiix4),
    pic: container.get(I8259Pair),
    pit: container.get(I8254),
    portB: container.get(PortB),
    ioapic: container.get(IoApic),
    rtc: container.get(RtcCmos),
    keyboard: container.get(I8042),
    com1: container.get(Uart16550),
    fwCfg: container.get(FwCfg),
    debugConsole: container.get(DebugConsole),
    e9Console: new DebugConsole({ readback: 0xe9 }),
    postCode: container.get(PostCode),
    debugExit: options.debugExit ? container.get(DebugExit) : undefined,
    testdev: options.testdev ? container.get(PcTestdev) : undefined,
  };
}

function makeCore(
  { memory, mem, io, clock, executed }: Services,
  model: CpuModel,
  apicOf: (block: number) => LocalApic | undefined,
): ExecutionCore {
  return new ExecutionCore({
    memory,
    space: mem,
    io,
    model,
    readTsc: (into) => split(clock.now(), into),
    sharesTime: () => executed.shared(),
    apicId: (block) => apicOf(block)?.slot ?? 0,
    readApicBase: (block, into) => {
      const base = apicOf(block)?.apicBase;
      into.low = base?.lo ?? 0;
      into.high = base?.hi ?? 0;
    },
    writeApicBase: (block, low, high) => apicOf(block)?.writeApicBase(high, low) ?? false,
    readTpr: (block) => apicOf(block)?.tpr ?? 0,
    writeTpr: (block, value) => {
      const apic = apicOf(block);
      if (apic) apic.tpr = value;
    },
  });
}

function split(value: number, into: { low: number; high: number }): void {
  into.low = value >>> 0;
  into.high = Math.floor(value / 2 ** 32);
}

// ------------------------------------------------------------------ map

function mapMemory(board: PcBoard, options: PcOptions): void {
  const { mem, memory, bridge } = board;
  const ram = storage('ram', 'pc.ram', memory.allocate(options.ramBytes));
  const firmwareBytes = memory.allocate(options.firmware.length);
  firmwareBytes.set(options.firmware);
  const firmware = storage('rom', 'pc.bios', firmwareBytes);
  mem.map(0, ram);
  mem.map(FIRMWARE_TOP - firmware.length, firmware);
  const optionRoms = storage('rom', 'pc.rom', memory.allocate(ISA_BIOS - OPTION_ROMS));
  mem.map(APIC_SPACE_BASE, bridge.apicContainer, { priority: APIC_PRIORITY });
  mem.map(IO_APIC_BASE, bridge.ioApicContainer, { priority: APIC_PRIORITY });
  board.hostBridge.attachSmram([mem.map(VGA_MEMORY, nothing('vga-window', VGA_MEMORY_BYTES), { priority: OVERLAY_PRIORITY })]);
  for (const [index, { gpa, length }] of PAM_SEGMENTS.entries())
    board.hostBridge.attachPam(index, [mapPciSide(board, gpa < ISA_BIOS ? optionRoms : firmware, gpa, length)]);
}

/** What lies on the PCI side of a PAM segment: the end of the firmware from e0000h on, below it the empty ROM sockets of adapters. */
function mapPciSide({ mem }: PcBoard, rom: Storage, base: number, length: number): Mapping {
  const end = base < ISA_BIOS ? ISA_BIOS : ISA_BIOS + ISA_BIOS_BYTES;
  const inRom = base - end + rom.length;
  const region = inRom >= 0 ? rom : nothing('pci-hole', length);
  return mem.map(base, region, { priority: OVERLAY_PRIORITY, offset: Math.max(inRom, 0), length });
}

const nothing = (name: string, length: number): ReturnType<typeof mmio> => mmio(name, length, { read: () => 0xffff_ffff, write: () => {} });

function mapPorts(board: PcBoard): void {
  const { io, pic, pit, portB, keyboard, rtc, com1, pm, fwCfg, hostBridge, isaBridge } = board;
  io.map(PORT.pic1, pic.masterIo);
  io.map(PORT.pic2, pic.slaveIo);
  io.map(PORT.pit, pit.io);
  io.map(PORT.portB, portB.io);
  io.map(PORT.keyboardData, keyboard.data);
  io.map(PORT.keyboardCommand, keyboard.command);
  io.map(PORT.systemControl, keyboard.systemControl);
  io.map(PORT.rtc, rtc.io);
  io.map(PORT.com1, com1.io);
  io.map(PORT.apm, pm.apm);
  io.map(PORT.gpe0, pm.gpe0);
  io.map(PORT.cpuHotplug, pm.cpuHotplug);
  io.map(PORT.pciHotplug, pm.pciHotplug);
  io.map(PORT.fwCfg, fwCfg.io);
  io.map(PORT.fwCfgDma, fwCfg.dmaIo);
  io.map(PORT.elcr, isaBridge.elcr);
  io.map(PORT.pciAddress, hostBridge.configAddress);
  io.map(PORT.pciData, hostBridge.configData);
  hostBridge.attachNarrow(1, isaBridge.resetControl);
  io.map(SEABIOS_CONSOLE_PORT, board.debugConsole.io);
  io.map(E9_CONSOLE_PORT, board.e9Console.io);
  io.map(POST_CODE_PORT, board.postCode.io);
  if (board.debugExit) io.map(board.debugExit.iobase, board.debugExit.io);
  if (board.testdev) mapTestdev(board, board.testdev);
  board.pci.plug(...PCI.hostBridge, hostBridge.pci);
  board.pci.plug(...PCI.isaBridge, isaBridge.pci);
  board.pci.plug(...PCI.powerManagement, pm.pci);
}

function mapTestdev({ io, mem }: PcBoard, testdev: PcTestdev): void {
  io.map(TESTDEV_PORT, testdev.io);
  io.map(TESTDEV_IRQ_PORT, testdev.irqIo);
  mem.map(TESTDEV_MEMORY, testdev.memory);
}

// ------------------------------------------------------------------ nets

function connectNets(board: PcBoard): void {
  const { pic, ioapic, pit, keyboard, rtc, com1, pm, pci, isaBridge, bus } = board;
  const isa = (line: IrqLine, irq: number): void => {
    line.connect(pic.ir(irq));
    line.connect(ioapic.pin(irq === IRQ.timer ? IO_APIC_TIMER_PIN : irq));
  };
  isa(pit.out0, IRQ.timer);
  isa(keyboard.keyboardIrq, IRQ.keyboard);
  isa(com1.irq, IRQ.com1);
  isa(rtc.irq, IRQ.rtc);
  isa(pm.sci, IRQ.sci);
  isa(keyboard.mouseIrq, IRQ.mouse);
  for (const [index, line] of pci.pirq.entries()) line.connect(isaBridge.pirq[index]!);
  for (let irq = 3; irq < ISA_IRQS; irq++) isa(isaBridge.irq[irq]!, irq);
  for (const [gsi, line] of board.testdev?.irq.entries() ?? []) {
    if (gsi < ISA_IRQS) isa(line, gsi);
    else line.connect(ioapic.pin(gsi));
  }
  pic.intr.connect(bus.lint0);
  bus.extInt = () => pic.acknowledge();
}

// ------------------------------------------------------------------ notices

function connectNotices(board: PcBoard): void {
  const { cpus, pm, rtc, isaBridge, pic } = board;
  cpus.notify(pm.cpuAdded, remember(pm));
  cpus.notify(rtc.cpuAdded, remember(rtc));
  isaBridge.elcrChanged = (mask) => pic.setLevelTriggered(mask);
}

/** Notes a device's state now; what it returns puts it back. */
const remember = (device: { save(): SavedState; restore(saved: SavedState): void }) => (): (() => void) => {
  const saved = device.save();
  return () => device.restore(saved);
};

/** APIC id of every slot. */
const slotIds = ({ maxCpus, topology }: PcOptions): number[] => Array.from({ length: maxCpus }, (_, index) => apicIdOf(topology, index));
