import type { DeviceObject } from './device-object.js';
import { QomError } from './qom-error.js';
import { QomObject } from './qom-object.js';
import type { TypeRegistry } from './type-registry.js';

/** Whether devices may come after the machine was made. */
export interface BusOptions {
  readonly hotplugAllowed?: boolean;
}

/** A bus: the devices on it show as links `child[0]`, `child[1]`, …, numbers that are not used again. */
export class Bus extends QomObject {
  readonly hotplugAllowed: boolean;
  readonly #devices = new Map<string, DeviceObject>();
  #next = 0;

  constructor(types: TypeRegistry, type: string, options: BusOptions = {}) {
    super(types, type);
    this.hotplugAllowed = options.hotplugAllowed ?? false;
  }

  /** The devices on the bus, in the order they came. */
  get devices(): readonly DeviceObject[] {
    return [...this.#devices.values()];
  }

  /** Called by a device while it is realized. Throws QomError `no-hotplug` for a late device on a bus that takes none. */
  attach(device: DeviceObject): void {
    if (device.hotplugged && !this.hotplugAllowed)
      throw new QomError('no-hotplug', `${this.type} '${this.name}' does not take devices while the machine runs`);
    const link = `child[${this.#next++}]`;
    this.#devices.set(link, device);
    this.addLink(link, { type: device.type, get: () => device });
  }

  /** Called by a device that leaves. The number of the last device is given back, so that a failed attempt leaves no trace. */
  detach(device: DeviceObject): void {
    for (const [link, known] of this.#devices) {
      if (known !== device) continue;
      this.#devices.delete(link);
      this.removeProperty(link);
      if (link === `child[${this.#next - 1}]`) this.#next--;
    }
  }
}
