import { Bus, type BusOptions } from './bus.js';
import type { Device } from './device.js';
import { DeviceObject, type DeviceObjectOptions } from './device-object.js';
import { QomError } from './qom-error.js';
import { QomObject } from './qom-object.js';
import { resetObject } from './reset.js';
import { TypeRegistry } from './type-registry.js';

class Root extends QomObject {
  override get isRoot(): boolean {
    return true;
  }
}

/** The composition tree of one machine: `/machine` with its parts, and the containers in which users look for them. */
export class ObjectTree {
  readonly types: TypeRegistry = new TypeRegistry();
  readonly root: QomObject;
  readonly machine: QomObject;
  /** Devices that nobody gave a place: `device[0]`, `device[1]`, … */
  readonly unattached: QomObject;
  /** Devices that a user named. */
  readonly peripheral: QomObject;
  /** Devices that a user added without a name: `device[0]`, … */
  readonly peripheralAnon: QomObject;
  #complete = false;

  /** `machineType` is the type of `/machine`, such as `pc-i440fx-1.4-machine`. */
  constructor(machineType = 'machine') {
    this.types.ensure(machineType, 'machine');
    this.root = new Root(this.types, 'container');
    this.machine = this.#add(this.root, 'machine', machineType);
    this.unattached = this.#add(this.machine, 'unattached', 'container');
    this.peripheral = this.#add(this.machine, 'peripheral', 'container');
    this.peripheralAnon = this.#add(this.machine, 'peripheral-anon', 'container');
  }

  /** Whether the machine has been made: devices from now on are hot-plugged. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** The machine has been made. */
  complete(): void {
    this.#complete = true;
  }

  /** Makes the object of a device, not realized yet. The device's type is added, below `device`, when it is not known. */
  device(device: Device, options: DeviceObjectOptions = {}): DeviceObject {
    this.types.ensure(device.typeName, 'device');
    return new DeviceObject(this, device, options);
  }

  /** Makes a bus, to be added as a child of the device that drives it. The type is added, below `bus`, when it is not known. */
  bus(type: string, options: BusOptions = {}): Bus {
    this.types.ensure(type, 'bus');
    return new Bus(this.types, type, options);
  }

  /** A plain object of a known type. */
  object(type: string): QomObject {
    return new QomObject(this.types, type);
  }

  /**
   * The object at an absolute path, links followed; or at a partial path (its last components), when exactly one object of `type`
   * stands there. Undefined when there is none or more than one.
   */
  resolve(path: string, type = 'object'): QomObject | undefined {
    const found = this.#matches(path, type);
    return found.length === 1 ? found[0] : undefined;
  }

  /** The same; throws QomError `not-found` or `ambiguous`. */
  resolveUnique(path: string, type = 'object'): QomObject {
    const [found, ...more] = this.#matches(path, type);
    if (!found) throw new QomError('not-found', `no object '${path}' of type '${type}'`);
    if (more.length > 0)
      throw new QomError('ambiguous', `'${path}' of type '${type}': ${[found, ...more].map((each) => each.path).join(', ')}`);
    return found;
  }

  /** All devices in the tree with their paths, parents first. */
  devices(): DeviceObject[] {
    return [...this.root.walk()].filter((object) => object instanceof DeviceObject);
  }

  /** Resets everything in three phases. */
  reset(): void {
    resetObject(this.root);
  }

  /** Called by devices without a place. */
  adopt(object: QomObject): void {
    this.unattached.addChild(`device[${this.#free(this.unattached)}]`, object);
  }

  /** Called by devices whose realization failed. */
  disown(object: QomObject): void {
    object.unparent();
  }

  /** Puts a user's device into `peripheral` under its name, or into `peripheralAnon`. Throws QomError when the name is taken. */
  addPeripheral(object: QomObject, name?: string): void {
    if (name !== undefined) this.peripheral.addChild(name, object);
    else this.peripheralAnon.addChild(`device[${this.#free(this.peripheralAnon)}]`, object);
  }

  #add(parent: QomObject, name: string, type: string): QomObject {
    const object = new QomObject(this.types, type);
    parent.addChild(name, object);
    return object;
  }

  /** One more than the highest number in use: a number of a device that is there is never given twice. */
  #free(container: QomObject): number {
    const used = container.list().map(({ name }) => Number(/^device\[(\d+)\]$/.exec(name)?.[1] ?? -1));
    return Math.max(-1, ...used) + 1;
  }

  #matches(path: string, type: string): QomObject[] {
    const names = path.split('/').filter((name) => name !== '');
    const starts = path.startsWith('/') ? [this.root] : names.length === 0 ? [] : [...this.root.walk()];
    const ends = starts.map((start) => names.reduce<QomObject | undefined>((object, name) => object?.follow(name), start));
    return [...new Set(ends)].filter((object) => object !== undefined).filter((object) => this.types.isA(object.type, type));
  }
}
