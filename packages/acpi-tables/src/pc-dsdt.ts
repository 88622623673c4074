// The namespace of a PC with i440FX host bridge, PIIX3 ISA bridge and PIIX4 power management.
import {
  and,
  arg,
  call,
  createDWordField,
  device,
  eisaId,
  field,
  iff,
  local,
  method,
  name,
  operationRegion,
  or,
  pkg,
  returns,
  scope,
  store,
  type Term,
  terms,
  text,
} from './aml.js';
import { BITMAP_BYTES, bitmapHotplug, type PossibleCpu } from './cpu-hotplug-bitmap.js';
import { selectorHotplug, selectorPorts } from './cpu-hotplug-selector.js';
import { fixedMemory, ioPorts, isaIrqs, type Resource, resourceTemplate, sharedInterrupts, window } from './resources.js';
import { definitionBlock } from './tables.js';

/** First and last address, both included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** A device on the ISA bus that the operating system finds by its identifier. */
export interface IsaDevice {
  /** name in the namespace, at most four characters */
  readonly name: string;
  /** EISA identifier such as PNP0501 */
  readonly id: string;
  /** number among devices of the same identifier */
  readonly uid?: number;
  readonly ports?: readonly { readonly first: number; readonly count: number }[];
  readonly irqs?: readonly number[];
}

/** What the DSDT of a PC depends on. */
export interface PcNamespace {
  readonly pmBase: number;
  readonly gpe0: number;
  readonly gpe0Bytes: number;
  readonly cpuHotplug: { readonly kind: 'bitmap' | 'selector'; readonly port: number };
  readonly cpus: readonly PossibleCpu[];
  /** memory that PCI devices can be given, below 4 GiB */
  readonly pciMemory: AddressRange;
  /** the same above 4 GiB */
  readonly pciMemoryHigh?: AddressRange;
  readonly isaDevices: readonly IsaDevice[];
  /** address of the HPET, when there is one */
  readonly hpetAddress?: number;
}

/** The devices that every PC has, before serial ports and the like are added. */
export const PC_ISA_DEVICES: readonly IsaDevice[] = [
  { name: 'PIC', id: 'PNP0000', ports: [{ first: 0x20, count: 2 }, { first: 0xa0, count: 2 }, { first: 0x4d0, count: 2 }], irqs: [2] },
  { name: 'TMR', id: 'PNP0100', ports: [{ first: 0x40, count: 4 }], irqs: [0] },
  { name: 'RTC', id: 'PNP0B00', ports: [{ first: 0x70, count: 2 }], irqs: [8] },
  { name: 'SPKR', id: 'PNP0800', ports: [{ first: 0x61, count: 1 }] },
  { name: 'MATH', id: 'PNP0C04', ports: [{ first: 0xf0, count: 16 }], irqs: [13] },
]; // biome-ignore format: one device per line

/** Keyboard controller: keyboard and mouse. */
export const I8042_ISA_DEVICES: readonly IsaDevice[] = [
  { name: 'KBD', id: 'PNP0303', ports: [{ first: 0x60, count: 1 }, { first: 0x64, count: 1 }], irqs: [1] },
  { name: 'MOU', id: 'PNP0F13', irqs: [12] },
]; // biome-ignore format: one device per line

/** A 16550 serial port, COM1 being number 1. */
export const serialPort = (number: number, port: number, irq: number): IsaDevice => ({
  name: `COM${number}`,
  id: 'PNP0501',
  uid: number,
  ports: [{ first: port, count: 8 }],
  irqs: [irq],
});

/** SLP_TYP values of PM1_CNT as PIIX4 boards wire them: 0 off, 1 suspend to RAM, 2 suspend to disk. */
const SLEEP_TYPES = { _S3: 1, _S4: 2, _S5: 0 } as const;

/** Differentiated System Description Table of the PC. */
export function pcDsdt(machine: PcNamespace): Uint8Array {
  return definitionBlock('DSDT', [
    scope('\\_SB', hostBridge(machine), interruptLinks()),
    cpuTerms(machine),
    scope('\\_GPE', name('_HID', text('ACPI0006')), method('_E02', {}, call(scanOf(machine)))),
    ...Object.entries(SLEEP_TYPES).map(([state, type]) => name(`\\${state}`, pkg(type, type, 0, 0))),
  ]);
}

const scanOf = ({ cpuHotplug }: PcNamespace): string => (cpuHotplug.kind === 'bitmap' ? '\\_SB.PRSC' : '\\_SB.CPUS.CSCN');
const cpuTerms = ({ cpuHotplug, cpus }: PcNamespace): Term =>
  cpuHotplug.kind === 'bitmap' ? bitmapHotplug(cpuHotplug.port, cpus) : selectorHotplug(cpus);

// ---- PCI ------------------------------------------------------------------------------------------------------------

const address = (slot: number, func: number): number => slot * 0x1_0000 + func;

function hostBridge(machine: PcNamespace): Term {
  return device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', 0),
    name('_CRS', hostWindows(machine)),
    name('_PRT', interruptRouting()),
    isaBridge(machine),
    device('PM', name('_ADR', address(1, 3))),
    boardResources(machine),
    cpuPorts(machine),
  );
}

function hostWindows({ pciMemory, pciMemoryHigh }: PcNamespace): Term {
  return resourceTemplate(
    window('bus', 0, 0xff),
    window('io', 0, 0x0cf7),
    ioPorts(0x0cf8, 8),
    window('io', 0x0d00, 0xffff),
    window('cacheableMemory', 0xa_0000, 0xb_ffff),
    window('memory', pciMemory.first, pciMemory.last),
    ...(pciMemoryHigh === undefined ? [] : [window('memory', pciMemoryHigh.first, pciMemoryHigh.last)]),
  );
}

const SLOTS = 32;
const PINS = 4;
const LINKS = ['LNKA', 'LNKB', 'LNKC', 'LNKD'] as const;
/** Power management takes INTA of slot 1 for the SCI, which no link routes. */
const SCI_LINK = 'LNKS';

/** The PC's swizzle: slot 1 pin A is link A, each further slot or pin one link on. */
function interruptRouting(): Term {
  const entries = Array.from({ length: SLOTS * PINS }, (_, n) => {
    const [slot, pin] = [Math.floor(n / PINS), n % PINS];
    const link = slot === 1 && pin === 0 ? SCI_LINK : LINKS[(slot + pin + PINS - 1) % PINS]!;
    return pkg(slot * 0x1_0000 + 0xffff, pin, `\\_SB.${link}`, 0);
  });
  return pkg(...entries);
}

/** ISA interrupts that PCI may use on this board. */
const PCI_IRQS = [5, 10, 11] as const;
/** PIRQRC: bit 7 set = the link is not routed. PIIX3 datasheet (290550), PIRQRC[A:D]. */
const NOT_ROUTED = 0x80;
const PIRQ_REGISTERS = 0x60;
const SCI_GSI = 9;
/** Offset of the interrupt number in a template of one extended interrupt descriptor. */
const INTERRUPT_AT = 5;

function interruptLinks(): Term {
  const sci = device(
    SCI_LINK,
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', 4),
    name('_PRS', resourceTemplate(sharedInterrupts(SCI_GSI))),
    method('_STA', {}, returns(0x0b)),
    method('_DIS', {}),
    method('_CRS', {}, returns('_PRS')),
    method('_SRS', { args: 1 }),
  );
  return terms(
    field('PCI0.ISA.PIRQ', { access: 'byte' }, ['PRQ0', 8], ['PRQ1', 8], ['PRQ2', 8], ['PRQ3', 8]),
    ...LINKS.map(interruptLink),
    sci,
  );
}

function interruptLink(link: string, index: number): Term {
  const register = `PRQ${index}`;
  const current = method(
    '_CRS',
    { serialized: true },
    name('PRR0', resourceTemplate(sharedInterrupts(0))),
    createDWordField('PRR0', INTERRUPT_AT, 'PRRI'),
    and(register, 0x0f, 'PRRI'),
    returns('PRR0'),
  );
  const set = method('_SRS', { args: 1, serialized: true }, createDWordField(arg(0), INTERRUPT_AT, 'PRRI'), store('PRRI', register));
  return device(
    link,
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', index),
    name('_PRS', resourceTemplate(sharedInterrupts(...PCI_IRQS))),
    method('_STA', {}, store(0x0b, local(0)), iff(and(register, NOT_ROUTED), store(0x09, local(0))), returns(local(0))),
    method('_DIS', {}, or(register, NOT_ROUTED, register)),
    current,
    set,
  );
}

// ---- ISA bus and the board -----------------------------------------------------------------------------------------------

function isaBridge({ isaDevices }: PcNamespace): Term {
  return device('ISA', name('_ADR', address(1, 0)), operationRegion('PIRQ', 'pciConfig', PIRQ_REGISTERS, 4), ...isaDevices.map(isaDevice));
}

function isaDevice({ name: path, id, uid, ports = [], irqs = [] }: IsaDevice): Term {
  const resources: Resource[] = ports.map(({ first, count }) => ioPorts(first, count));
  if (irqs.length > 0) resources.push(isaIrqs(...irqs));
  const number = uid === undefined ? [] : [name('_UID', uid)];
  return device(path, name('_HID', eisaId(id)), ...number, name('_CRS', resourceTemplate(...resources)));
}

const PM_BLOCK_BYTES = 0x40;
const SMBUS_AT = 0x100;
const SMBUS_BYTES = 0x10;

/** Ports and memory of the board that no other device names: nothing else may be put there. */
function boardResources({ pmBase, gpe0, gpe0Bytes, hpetAddress }: PcNamespace): Term {
  const used = resourceTemplate(
    ioPorts(0x80, 1),
    ioPorts(0x92, 1),
    ioPorts(0xb2, 2),
    ioPorts(pmBase, PM_BLOCK_BYTES),
    ioPorts(pmBase + SMBUS_AT, SMBUS_BYTES),
    ioPorts(gpe0, gpe0Bytes),
    ...(hpetAddress === undefined ? [] : [fixedMemory(hpetAddress, 0x400, false)]),
  );
  return device('MRES', name('_HID', eisaId('PNP0C02')), name('_UID', 1), name('_CRS', used));
}

function cpuPorts({ cpuHotplug }: PcNamespace): Term {
  if (cpuHotplug.kind === 'selector') return selectorPorts(cpuHotplug.port);
  return device(
    'PRES',
    name('_HID', eisaId('PNP0C02')),
    name('_UID', 2),
    name('_CRS', resourceTemplate(ioPorts(cpuHotplug.port, BITMAP_BYTES))),
  );
}
