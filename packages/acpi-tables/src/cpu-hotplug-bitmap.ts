// CPU hot-plug through the read-only bitmap: 32 bytes of ports, bit n set while the CPU with APIC id n is there.
import {
  and,
  arg,
  buffer,
  call,
  createByteField,
  derefOf,
  field,
  iff,
  increment,
  index,
  lequal,
  lless,
  lnotequal,
  local,
  loop,
  method,
  name,
  notify,
  operationRegion,
  otherwise,
  pkg,
  processor,
  returns,
  scope,
  shiftRight,
  sizeOf,
  sleep,
  store,
  type Term,
  terms,
} from './aml.js';
import { AmlError } from './aml-names.js';
import { localApicEntry } from './tables.js';

/** A CPU that is there or can be added. */
export interface PossibleCpu {
  readonly apicId: number;
  readonly present: boolean;
}

/** Bytes of the bitmap, one bit for each of 256 APIC ids. */
export const BITMAP_BYTES = 32;
/** An APIC id of 255 is the broadcast, so objects exist for 0 to 254 only. */
const HIGHEST_ID = 254;

const DEVICE_CHECK = 1;
const EJECT_REQUEST = 3;
const PRESENT_AND_WORKING = 0x0f;
/** Offset of the flags in a local APIC entry of the MADT. */
const MAT_FLAGS = 4;

const objectName = (apicId: number): string => `CP${apicId.toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * Terms of a DSDT, for the scope `\_SB`: processors CP00 and on, their state, and the scan PRSC which the handler of the
 * general purpose event calls.
 *
 * Whether a CPU is there is read from the bitmap each time. The package CPON holds what the operating system was told,
 * so that a scan notifies only what has changed since.
 */
export function bitmapHotplug(port: number, cpus: readonly PossibleCpu[]): Term {
  const tooHigh = cpus.find(({ apicId }) => apicId > HIGHEST_ID);
  if (tooHigh !== undefined)
    throw new AmlError(`APIC id ${tooHigh.apicId} has no place in the bitmap interface; the limit is ${HIGHEST_ID}`);
  const ids = Math.max(...cpus.map(({ apicId }) => apicId)) + 1;
  const told = Array.from({ length: ids }, (_, id) => (cpus.some(({ apicId, present }) => apicId === id && present) ? 1 : 0));
  return scope(
    '\\_SB',
    operationRegion('PRST', 'systemIo', port, BITMAP_BYTES),
    field('PRST', { access: 'byte' }, ['PRS', BITMAP_BYTES * 8]),
    name('CPON', pkg(...told)),
    stateMethods(),
    terms(...cpus.map(({ apicId }) => cpuObject(apicId))),
    notifyMethod(cpus),
    scanMethod(),
  );
}

const cpuObject = (apicId: number): Term =>
  processor(
    objectName(apicId),
    apicId,
    0,
    0,
    name('ID', apicId),
    method('_STA', {}, returns(call('CPST', 'ID'))),
    method('_MAT', {}, returns(call('CPMA', 'ID'))),
    method('_EJ0', { args: 1 }, call('CPEJ', 'ID', arg(0))),
  );

/** Bit `id` of a bitmap that was read into a variable. */
const bitOf = (id: Term, bitmap: Term, where?: Term): Term =>
  and(shiftRight(derefOf(index(bitmap, shiftRight(id, 3))), and(id, 7)), 1, where);

function stateMethods(): Term {
  const entry = localApicEntry({ processorId: 0, apicId: 0, enabled: false });
  const present = method('CPPR', { args: 1 }, store('PRS', local(0)), returns(bitOf(arg(0), local(0))));
  const status = method('CPST', { args: 1 }, iff(call('CPPR', arg(0)), returns(PRESENT_AND_WORKING)), returns(0));
  const madtEntry = method(
    'CPMA',
    { args: 1, serialized: true },
    store(buffer(entry), local(0)),
    createByteField(local(0), 2, 'PRID'),
    createByteField(local(0), 3, 'APID'),
    createByteField(local(0), MAT_FLAGS, 'FLAG'),
    store(arg(0), 'PRID'),
    store(arg(0), 'APID'),
    store(call('CPPR', arg(0)), 'FLAG'),
    returns(local(0)),
  );
  // the interface has no register to eject with; the pause lets the machine see the CPU idle
  return terms(present, status, madtEntry, method('CPEJ', { args: 2 }, sleep(200)));
}

/** NTFY(id, event): an object cannot be named by a number, so this compares one by one. */
const notifyMethod = (cpus: readonly PossibleCpu[]): Term =>
  method('NTFY', { args: 2 }, ...cpus.map(({ apicId }) => iff(lequal(arg(0), apicId), notify(objectName(apicId), arg(1)))));

/** PRSC: reads the bitmap once and reports every CPU whose bit is not what the operating system was told. */
const scanMethod = (): Term =>
  method(
    'PRSC',
    { serialized: true },
    store('PRS', local(5)),
    store(0, local(0)),
    loop(
      lless(local(0), sizeOf('CPON')),
      bitOf(local(0), local(5), local(1)),
      iff(
        lnotequal(local(1), derefOf(index('CPON', local(0)))),
        store(local(1), index('CPON', local(0))),
        iff(local(1), call('NTFY', local(0), DEVICE_CHECK)),
        otherwise(call('NTFY', local(0), EJECT_REQUEST)),
      ),
      increment(local(0)),
    ),
  );
