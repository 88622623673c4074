import { type Observable, Subject } from 'rxjs';
import {
  ControlError,
  type CpuInfo,
  type CpuSlot,
  type MachineControl,
  type MachineEvent,
  type QomNode,
  type QomPropertyInfo,
  type QomTree,
  type QomTypeInfo,
  type ResetReason,
  type RunState,
  type ShutdownReason,
} from './control.js';

const NO_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * The machine type `none`: no CPU, no memory, no device. It can be controlled and asked like any machine; clients build it to learn what a
 * program offers. `types` are the object types that the program knows.
 */
export class EmptyMachine implements MachineControl {
  readonly name: string | undefined;
  readonly uuid: string;
  readonly events$: Observable<MachineEvent>;
  readonly cpus: readonly CpuInfo[] = [];
  readonly cpuSlots: readonly CpuSlot[] = [];
  readonly qom: QomTree;
  /** Called when the machine has ended. */
  ended: (reason: ShutdownReason) => void = () => {};
  readonly #events = new Subject<MachineEvent>();
  #runState: RunState = 'prelaunch';

  constructor({ name, uuid = NO_UUID, types = [] }: { name?: string; uuid?: string; types?: readonly QomTypeInfo[] } = {}) {
    this.name = name;
    this.uuid = uuid;
    this.events$ = this.#events.asObservable();
    this.qom = { resolve: (path) => OBJECTS.find((object) => object.path === path), types: () => types };
  }

  get runState(): RunState {
    return this.#runState;
  }

  stop(): void {
    if (this.#runState !== 'running') return;
    this.#runState = 'paused';
    this.#events.next({ name: 'STOP' });
  }

  cont(): void {
    if (this.#runState === 'running') return;
    if (this.#runState === 'shutdown') throw new ControlError('reset-required', 'Resetting the Virtual Machine is required');
    this.#runState = 'running';
    this.#events.next({ name: 'RESUME' });
  }

  reset(reason: ResetReason): void {
    this.#events.next({ name: 'RESET', guest: false, reason });
  }

  powerdown(): void {
    this.#events.next({ name: 'POWERDOWN' });
  }

  quit(reason: ShutdownReason): void {
    if (this.#runState === 'shutdown') return;
    this.#runState = 'shutdown';
    this.#events.next({ name: 'SHUTDOWN', guest: false, reason });
    this.#events.complete();
    this.ended(reason);
  }

  wakeup(): void {}

  nmi(): void {}

  registers(cpuIndex: number): never {
    throw new ControlError('no-such-cpu', `there is no CPU ${cpuIndex}`);
  }

  readVirtual(cpuIndex: number): never {
    return this.registers(cpuIndex);
  }

  readPhysical(_address: bigint, length: number): Uint8Array {
    return new Uint8Array(length).fill(0xff);
  }

  readPort(_port: number, size: 1 | 2 | 4): number {
    return 2 ** (8 * size) - 1;
  }

  writePort(): void {}

  infoText(): undefined {
    return undefined;
  }
}

function object(path: string, type: string, children: readonly QomPropertyInfo[] = []): QomNode {
  return {
    type,
    path,
    list: () => [{ name: 'type', type: 'string' }, ...children],
    get: (property) => (property === 'type' ? type : undefined),
    set(property) {
      throw new ControlError('read-only', `Property '${type}.${property}' cannot be set`);
    },
  };
}

const MACHINE_TYPE = 'none-machine';
const OBJECTS: readonly QomNode[] = [
  object('/', 'container', [{ name: 'machine', type: `child<${MACHINE_TYPE}>` }]),
  object('/machine', MACHINE_TYPE),
];
