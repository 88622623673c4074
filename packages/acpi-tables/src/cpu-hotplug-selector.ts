// CPU hot-plug through the selector and command registers: 12 bytes of ports, one slot at a time, with removal.
import {
  acquire,
  arg,
  buffer,
  call,
  device,
  eisaId,
  field,
  iff,
  lequal,
  local,
  loop,
  method,
  mutex,
  name,
  notify,
  operationRegion,
  otherwise,
  processor,
  release,
  returns,
  store,
  type Term,
  terms,
  text,
} from './aml.js';
import { AmlError } from './aml-names.js';
import type { PossibleCpu } from './cpu-hotplug-bitmap.js';
import { ioPorts, resourceTemplate } from './resources.js';
import { localApicEntry } from './tables.js';

/** Bytes of the register block. */
export const SELECTOR_BYTES = 12;

const DEVICE_CHECK = 1;
const EJECT_REQUEST = 3;
const PRESENT_AND_WORKING = 0x0f;
const COMMAND = { nextWithEvent: 0, ostEvent: 1, ostStatus: 2 } as const;
/** Processor objects and MADT entries of type 0 reach to this id; above it CPUs are devices with an x2APIC entry. */
const HIGHEST_PROCESSOR_ID = 254;

const objectName = (slot: number): string => `C${slot.toString(16).toUpperCase().padStart(3, '0')}`;

/**
 * The device that owns the ports, for the scope `\_SB.PCI0`: register fields and the lock of the selector.
 *
 * Its _INI writes 0 to the selector, which turns a block that starts as a bitmap into this one.
 */
export const selectorPorts = (port: number): Term =>
  device(
    'PRES',
    name('_HID', eisaId('PNP0A06')),
    name('_UID', text('CPU hot-plug registers')),
    name('_CRS', resourceTemplate(ioPorts(port, SELECTOR_BYTES))),
    mutex('CPLK'),
    operationRegion('PRST', 'systemIo', port, SELECTOR_BYTES),
    // a control bit acts when it is written as 1, so the others must go out as 0
    field(
      'PRST',
      { access: 'byte', update: 'writeAsZeros' },
      { skip: 32 },
      ['CPEN', 1],
      ['CINS', 1],
      ['CRMV', 1],
      ['CEJ0', 1],
      ['CEJF', 1],
      { skip: 3 },
      ['CCMD', 8],
    ),
    field('PRST', { access: 'dword' }, ['CSEL', 32], { skip: 32 }, ['CDAT', 32]),
    method('_INI', {}, store(0, 'CSEL')),
  );

const PORTS = '\\_SB.PCI0.PRES';
const register = (field: string): string => `${PORTS}.${field}`;
const LOCK = register('CPLK');

/** A method that holds the lock from its first term to its last. */
const locked = (path: string, args: number, ...body: readonly Term[]): Term =>
  method(path, { args, serialized: true }, acquire(LOCK), ...body, release(LOCK));

/**
 * The container `\_SB.CPUS` with a processor for each slot, in slot order, and the scan CSCN which the handler of the
 * general purpose event calls.
 *
 * Slot 0 holds the boot processor and cannot be ejected.
 */
export function selectorHotplug(cpus: readonly PossibleCpu[]): Term {
  if (cpus.length > 0x1000) throw new AmlError(`${cpus.length} CPUs are more than the names C000 to CFFF`);
  return device(
    '\\_SB.CPUS',
    name('_HID', text('ACPI0010')),
    name('_CID', eisaId('PNP0A05')),
    slotMethods(),
    notifyMethod(cpus),
    scanMethod(),
    terms(...cpus.map(cpuObject)),
  );
}

function slotMethods(): Term {
  const select = store(arg(0), register('CSEL'));
  const status = method(
    'CSTA',
    { args: 1, serialized: true },
    acquire(LOCK),
    select,
    store(0, local(0)),
    iff(register('CPEN'), store(PRESENT_AND_WORKING, local(0))),
    release(LOCK),
    returns(local(0)),
  );
  const command = (code: number): Term => store(code, register('CCMD'));
  const eject = locked('CEJT', 1, select, store(1, register('CEJ0')));
  const ost = locked(
    'COST',
    3,
    select,
    command(COMMAND.ostEvent),
    store(arg(1), register('CDAT')),
    command(COMMAND.ostStatus),
    store(arg(2), register('CDAT')),
  );
  return terms(status, eject, ost);
}

const notifyMethod = (cpus: readonly PossibleCpu[]): Term =>
  method('CTFY', { args: 2 }, ...cpus.map((_, slot) => iff(lequal(arg(0), slot), notify(objectName(slot), arg(1)))));

/** CSCN: asks for the next slot with an event until there is none; clearing the event is what moves on. */
const scanMethod = (): Term =>
  locked(
    'CSCN',
    0,
    store(0, register('CSEL')),
    store(1, local(0)),
    loop(
      lequal(local(0), 1),
      store(0, local(0)),
      store(COMMAND.nextWithEvent, register('CCMD')),
      store(register('CDAT'), local(1)),
      iff(register('CINS'), ...report(DEVICE_CHECK, 'CINS')),
      otherwise(iff(register('CRMV'), ...report(EJECT_REQUEST, 'CRMV'))),
    ),
  );

const report = (event: number, flag: string): Term[] => [call('CTFY', local(1), event), store(1, register(flag)), store(1, local(0))];

function cpuObject({ apicId }: PossibleCpu, slot: number): Term {
  const body = [
    method('_STA', {}, returns(call('CSTA', slot))),
    // what an operating system reads after the CPU was added, so it is always enabled
    name('_MAT', buffer(localApicEntry({ processorId: slot, apicId, enabled: true }))),
    ...(slot === 0 ? [] : [method('_EJ0', { args: 1 }, call('CEJT', slot))]),
    method('_OST', { args: 3 }, call('COST', slot, arg(0), arg(1))),
  ];
  if (apicId <= HIGHEST_PROCESSOR_ID) return processor(objectName(slot), slot, 0, 0, ...body);
  return device(objectName(slot), name('_HID', text('ACPI0007')), name('_UID', slot), ...body);
}
