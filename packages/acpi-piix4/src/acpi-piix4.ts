/**
 * 82371AB (PIIX4) function 3 with the hot-plug blocks that PC emulators put beside it: PM1, timer, GPE0, SCI, APM ports, CPU and PCI
 * hot-plug. Not emulated: the chip's own general purpose events, throttling, device monitors; its SMBus has no devices.
 */
import type { Mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import { type ConfigWrite, PciFunction, type PciWindow } from '@hotsocket/pci-bus';
import type { Device, Property } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import type { VirtualClock } from '@hotsocket/virtual-clock';
import { type Observable, Subject } from 'rxjs';
import { Apm } from './apm.js';
import { CpuHotplug } from './cpu-hotplug.js';
import { Gpe0 } from './gpe0.js';
import { PciHotplug } from './pci-hotplug.js';
import { Pm1 } from './pm1.js';
import { type AcpiPiix4State, load, save } from './saved-state.js';
import { Smbus } from './smbus.js';
import {
  APM_ACPI_DISABLE,
  APM_ACPI_ENABLE,
  DEVACTB,
  GPE_CPU_HOTPLUG,
  GPE_PCI_HOTPLUG,
  GPE0_LENGTH,
  GPE0_PORT,
  PARALLEL_BYTE,
  PARALLEL_ENABLED,
  PM1_EN,
  PM1_STS,
  PMBA,
  PMREGMISC,
  RESET_BYTES,
  SERIAL_1_ENABLED,
  SERIAL_2_ENABLED,
  SERIAL_BYTE,
  SLP_TYP_OFF,
  SLP_TYP_SUSPEND,
  SMBBA,
  SMBHSTCFG,
  STRICT_GPE_MASK,
} from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

/** What the function is on its board. */
export interface AcpiPiix4Options {
  /** APIC ids of the CPUs that are there already: their bits are set from the start. */
  readonly presentCpus?: readonly number[];
  /** APIC id of every possible CPU by slot; with it the guest may use the register block in place of the bitmap. */
  readonly cpuSlots?: readonly number[];
  /** Behaves as the first release with CPU hot-plug: only GPE bits 1 and 2 reach the SCI, events the guest lost stay lost, no register block. */
  readonly strictLegacy?: boolean;
  /** PCI slots whose device may be ejected, and empty slots, one bit each; all but 0 and 1 by default. */
  readonly removablePciSlots?: number;
  /** Legacy devices of the board, which firmware reads here. */
  readonly parallel?: boolean;
  readonly serial1?: boolean;
  readonly serial2?: boolean;
  /** The board handles SMIs. Without it APMC_EN is set from the start, so that firmware leaves system management mode alone. */
  readonly smm?: boolean;
  /** SMBus base port, 0xb100 by default. */
  readonly smbIoBase?: number;
  /** Suspend to RAM or to disk is not offered to the guest. */
  readonly disableS3?: boolean;
  readonly disableS4?: boolean;
  /** SLP_TYP of suspend to disk, 2 by default. */
  readonly s4Value?: number;
}

/** What the function needs. */
export interface AcpiPiix4Services {
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

/** A CPU has been added; `present` counts all CPUs, it included. */
export interface CpuAdded {
  readonly apicId: number;
  readonly present: number;
}

/** The guest asks the board to sleep: `off` is the end, after `suspend-to-disk` it has saved itself. */
export type SleepRequest = 'off' | 'suspend-to-ram' | 'suspend-to-disk';

/** Why a sleeping machine wakes. */
export type WakeCause = 'rtc' | 'pm-timer' | 'other';

/** What the guest says about a request: the arguments of `_OST`, and the slot's index. */
export interface OstReport {
  readonly slot: number;
  readonly source: number;
  readonly status: number;
}

const WAKE_STATUS: Readonly<Record<WakeCause, number>> = {
  rtc: PM1_STS.RTC.mask,
  'pm-timer': PM1_STS.TMR.mask,
  other: PM1_STS.PWRBTN.mask,
};

/**
 * The power management function. Construct it, map `gpe0`, `cpuHotplug`, `pciHotplug` and `apm` at their ports, plug `pci` into slot 1,
 * function 3 (or map `pm` at a fixed place) and connect `sci` to interrupt 9.
 */
export class AcpiPiix4 implements Device {
  readonly typeName = 'PIIX4_PM';
  readonly #options: AcpiPiix4Options;

  readonly #trace: Points<typeof TRACE_POINTS>;

  /** System control interrupt, level. */
  readonly sci: IrqLine = new IrqLine('acpi-piix4.sci');
  /** System management interrupt: a pulse for each APM command while APMC_EN is set. */
  readonly smi: IrqLine = new IrqLine('acpi-piix4.smi');

  readonly #pm1: Pm1;
  readonly #gpe0: Gpe0;
  readonly #pciHotplug: PciHotplug;
  readonly #cpuHotplug: CpuHotplug;
  readonly #apm: Apm;
  readonly #smbus = new Smbus();
  /** Configuration space; it moves the windows of `pm` and of the SMBus. */
  readonly pci: PciFunction;
  readonly #pmWindow: PciWindow;
  readonly #smbusWindow: PciWindow;

  readonly #sleep = new Subject<SleepRequest>();
  readonly #noticed = new Subject<{ readonly apicId: number }>();
  readonly #cpuEjected = new Subject<{ readonly apicId: number }>();
  readonly #pciEjected = new Subject<{ readonly slot: number }>();
  readonly #ost = new Subject<OstReport>();
  /** The guest has written SLP_EN. */
  readonly sleep$: Observable<SleepRequest> = this.#sleep.asObservable();
  /** The guest has looked at a CPU that was added: it read the CPU's byte of the bitmap, or cleared its insert event. */
  readonly noticed$: Observable<{ readonly apicId: number }> = this.#noticed.asObservable();
  /** The guest has let a CPU go; the board removes it and calls `cpuRemoved`. */
  readonly cpuEjected$: Observable<{ readonly apicId: number }> = this.#cpuEjected.asObservable();
  /** The guest has let the device in a PCI slot go. */
  readonly pciEjected$: Observable<{ readonly slot: number }> = this.#pciEjected.asObservable();
  /** The guest has reported on a CPU. */
  readonly ost$: Observable<OstReport> = this.#ost.asObservable();

  readonly properties: Readonly<Record<string, Property>>;

  /** Throws RangeError when an APIC id among the options has no bit. */
  constructor(services: AcpiPiix4Services, options: AcpiPiix4Options = {}) {
    this.#options = options;
    this.#trace = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.#pm1 = new Pm1(services.clock, { changed: () => this.#updateSci(), sleep: (type) => this.#sleepWritten(type) });
    this.#gpe0 = new Gpe0({ enabled: (events) => this.#gpeEnabled(events), changed: () => this.#updateSci() });
    this.#pciHotplug = new PciHotplug(options.removablePciSlots ?? 0xffff_fffc, (slot) => this.#pciEjected.next({ slot }));
    this.#cpuHotplug = this.#makeCpuHotplug();
    this.#apm = new Apm((command) => this.#apmCommanded(command));
    this.pci = new PciFunction(services, configurationOf(options));
    this.pci.configWritten = (write) => this.#configWritten(write);
    this.#pmWindow = this.pci.ioWindow(this.pm);
    this.#smbusWindow = this.pci.ioWindow(this.#smbus.region);
    this.properties = propertiesOf(
      options,
      () => this.cpuHotplugInterface,
      () => this.pmBase,
    );
    this.#placeWindows();
  }

  /** First port of PM1 and the timer as the guest set PMBA; 0 until it did. */
  get pmBase(): number {
    return this.pci.get(PMBA) & PMBA.BASE.mask;
  }

  /** What the ports of the CPU hot-plug block are: the bitmap, or the selector registers that a guest may switch to, for good. */
  get cpuHotplugInterface(): 'bitmap' | 'selector' {
    return this.#cpuHotplug.state.selectorMode ? 'selector' : 'bitmap';
  }

  /** PM1 and timer, 64 ports, for boards that map them without configuration space. */
  get pm(): Mmio {
    return this.#pm1.region;
  }

  /** GPE0, 4 ports at afe0h. */
  get gpe0(): Mmio {
    return this.#gpe0.region;
  }

  /** PCI hot-plug, 24 ports at ae00h. */
  get pciHotplug(): Mmio {
    return this.#pciHotplug.region;
  }

  /** CPU hot-plug, 32 ports at af00h. */
  get cpuHotplug(): Mmio {
    return this.#cpuHotplug.region;
  }

  /** APM ports b2h and b3h. */
  get apm(): Mmio {
    return this.#apm.region;
  }

  /** Contents of the firmware file `etc/system-states`: SLP_TYP of each sleep state, bit 7 set where it is offered. */
  get systemStates(): Uint8Array {
    const { disableS3, disableS4, s4Value = 2 } = this.#options;
    const offered = (type: number, disabled = false): number => (disabled ? 0 : 0x80) | type;
    return Uint8Array.of(offered(0), 0, 0, offered(SLP_TYP_SUSPEND, disableS3), offered(s4Value, disableS4), offered(0));
  }

  /** All registers as new; the CPUs stay. Devices that were asked to leave their PCI slots leave now. */
  reset(): void {
    for (const block of [this.#pm1, this.#gpe0, this.#cpuHotplug, this.#pciHotplug, this.#apm, this.#smbus]) block.reset();
    this.pci.reset();
    this.#placeWindows();
    this.#updateSci();
  }

  /** Somebody presses the power button; a guest that has not enabled it does not hear it. */
  pressPowerButton(): void {
    if (PM1_EN.PWRBTN.test(this.#pm1.state.en)) this.#pm1.raise(PM1_STS.PWRBTN.mask);
  }

  /** The machine wakes up; the guest reads why. Called after the reset that waking implies. */
  wake(cause: WakeCause): void {
    this.#pm1.raise(PM1_STS.WAK.mask | WAKE_STATUS[cause]);
  }

  /** A device came to a PCI slot, 0 to 31. */
  pciAdded(slot: number): void {
    this.#pciHotplug.added(slot);
    this.#gpe0.raise(GPE_PCI_HOTPLUG);
  }

  /** The guest is asked to let the device in a PCI slot go. */
  requestPciRemoval(slot: number): void {
    this.#pciHotplug.removalRequested(slot);
    this.#gpe0.raise(GPE_PCI_HOTPLUG);
  }

  /** The guest is asked to let a CPU go. Only a guest that uses the register block can; returns false otherwise, and nothing changed. */
  requestCpuRemoval(apicId: number): boolean {
    if (this.cpuHotplugInterface === 'bitmap') return false;
    this.#cpuHotplug.removalRequested(apicId);
    this.#raiseCpuEvent('remove', apicId);
    return true;
  }

  #sleepWritten(type: number): void {
    if (this.#trace.piix4_sleep.on) this.#trace.piix4_sleep.emit(type);
    if (type === SLP_TYP_OFF) this.#sleep.next('off');
    else if (type === SLP_TYP_SUSPEND) this.#sleep.next('suspend-to-ram');
    else if (type === (this.#options.s4Value ?? 2)) this.#sleep.next('suspend-to-disk');
  }

  /** An operating system that clears status while it starts ACPI loses events: one whose CPU it has not looked at since comes again. */
  #gpeEnabled(events: number): void {
    const lost = (events & GPE_CPU_HOTPLUG) !== 0 && this.#cpuHotplug.pending && !this.#options.strictLegacy;
    if (lost) this.#gpe0.raise(GPE_CPU_HOTPLUG);
  }

  #apmCommanded(command: number): void {
    if (this.#trace.piix4_apm.on) this.#trace.piix4_apm.emit(command);
    if (command === APM_ACPI_ENABLE) this.#pm1.sciEnabled = true;
    else if (command === APM_ACPI_DISABLE) this.#pm1.sciEnabled = false;
    else if (DEVACTB.APMC_EN.test(this.pci.get(DEVACTB))) this.smi.pulse();
  }

  #configWritten(write: ConfigWrite): void {
    if ([PMBA, PMREGMISC, SMBBA, SMBHSTCFG].some((register) => write.touches(register))) this.#placeWindows();
  }

  /** A CPU has been added: its bit, its event, the SCI. Hearing it twice changes nothing more. */
  readonly cpuAdded = ({ apicId }: CpuAdded): void => {
    this.#cpuHotplug.added(apicId);
    this.#raiseCpuEvent('insert', apicId);
  };

  /** A CPU has gone: its bit is cleared. */
  readonly cpuRemoved = ({ apicId }: { readonly apicId: number }): void => this.#cpuHotplug.removed(apicId);

  save(): SavedState {
    return save(this.#state());
  }

  restore(saved: SavedState): void {
    const { pm1, gpe0, pciHotplug, cpuHotplug, apm, smbus, pci } = load(saved, this.#state());
    this.pci.restore(pci);
    this.#pm1.state = pm1;
    this.#gpe0.state = gpe0;
    this.#pciHotplug.state = pciHotplug;
    this.#cpuHotplug.state = cpuHotplug;
    this.#apm.state = apm;
    this.#smbus.state = smbus;
    this.#pm1.restored();
    this.#placeWindows();
    this.#updateSci();
  }

  #state(): AcpiPiix4State {
    return {
      pm1: this.#pm1.state,
      gpe0: this.#gpe0.state,
      pciHotplug: this.#pciHotplug.state,
      cpuHotplug: this.#cpuHotplug.state,
      apm: this.#apm.state,
      smbus: this.#smbus.state,
      pci: this.pci.save(),
    };
  }

  #makeCpuHotplug(): CpuHotplug {
    const { cpuSlots = [], presentCpus = [], strictLegacy } = this.#options;
    const block = new CpuHotplug(strictLegacy ? [] : cpuSlots, {
      noticed: (apicId) => this.#cpuNoticed(apicId),
      ejected: (apicId) => this.#cpuEjected.next({ apicId }),
      ost: (report) => this.#ost.next(report),
    });
    for (const apicId of presentCpus) block.setPresent(apicId);
    return block;
  }

  #cpuNoticed(apicId: number): void {
    if (this.#trace.piix4_cpu.on) this.#trace.piix4_cpu.emit('noticed', apicId);
    this.#noticed.next({ apicId });
  }

  #raiseCpuEvent(what: string, apicId: number): void {
    if (this.#trace.piix4_cpu.on) this.#trace.piix4_cpu.emit(what, apicId);
    this.#gpe0.raise(GPE_CPU_HOTPLUG);
  }

  #updateSci(): void {
    const events = this.#gpe0.pending & (this.#options.strictLegacy ? STRICT_GPE_MASK : 0xff);
    const high = this.#pm1.pending || events !== 0;
    if (high !== this.sci.high && this.#trace.piix4_sci.on) this.#trace.piix4_sci.emit(Number(high));
    this.sci.set(high);
  }

  #placeWindows(): void {
    const { pci } = this;
    this.#pmWindow.place(PMREGMISC.PMIOSE.test(pci.get(PMREGMISC)) ? this.pmBase : undefined);
    this.#smbusWindow.place(SMBHSTCFG.SMB_HST_EN.test(pci.get(SMBHSTCFG)) ? pci.get(SMBBA) & SMBBA.BASE.mask : undefined);
  }
}

function configurationOf(options: AcpiPiix4Options): ConstructorParameters<typeof PciFunction>[1] {
  const smbus = (options.smbIoBase ?? 0xb100) & SMBBA.BASE.mask;
  const serial = (options.serial1 ? SERIAL_1_ENABLED : 0) | (options.serial2 ? SERIAL_2_ENABLED : 0);
  const initial = {
    ...RESET_BYTES,
    [PARALLEL_BYTE]: (RESET_BYTES[PARALLEL_BYTE] ?? 0) | (options.parallel ? PARALLEL_ENABLED : 0),
    [SERIAL_BYTE]: serial,
    [DEVACTB.offset + 3]: options.smm ? 0 : DEVACTB.APMC_EN.mask >>> 24,
    [SMBBA.offset]: (smbus & 0xff) | 1,
    [SMBBA.offset + 1]: smbus >>> 8,
  };
  return { ...IDENTITY, registers: [PMBA, DEVACTB, PMREGMISC, SMBBA, SMBHSTCFG], initial };
}

const IDENTITY = {
  name: 'acpi-piix4',
  vendorId: 0x8086,
  deviceId: 0x7113,
  revision: 3,
  classCode: 0x06_8000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  status: 0x0280,
  interruptPin: 1,
} as const;

function propertiesOf(
  options: AcpiPiix4Options,
  cpuHotplugInterface: () => 'bitmap' | 'selector',
  pmBase: () => number,
): Readonly<Record<string, Property>> {
  const fixed = (type: string, value: number): Property => ({ type, get: () => value });
  return {
    disable_s3: fixed('uint8', Number(options.disableS3 ?? false)),
    disable_s4: fixed('uint8', Number(options.disableS4 ?? false)),
    s4_val: fixed('uint8', options.s4Value ?? 2),
    smb_io_base: fixed('uint32', options.smbIoBase ?? 0xb100),
    'cpu-hotplug-legacy': { type: 'bool', get: () => cpuHotplugInterface() === 'bitmap' },
    acpi_enable_cmd: fixed('uint8', APM_ACPI_ENABLE),
    acpi_disable_cmd: fixed('uint8', APM_ACPI_DISABLE),
    gpe0_blk: fixed('uint32', GPE0_PORT),
    gpe0_blk_len: fixed('uint8', GPE0_LENGTH),
    sci_int: fixed('uint16', 9),
    pm_io_base: { type: 'uint32', get: pmBase },
  };
}
