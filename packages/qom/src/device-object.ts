import type { Bus } from './bus.js';
import type { Device } from './device.js';
import type { ObjectTree } from './object-tree.js';
import { QomError } from './qom-error.js';
import { QomObject, type ResetPhases } from './qom-object.js';
import { resetObject } from './reset.js';

/** How a device takes its place. */
export interface DeviceObjectOptions {
  /** The bus it sits on while it is realized. */
  readonly bus?: Bus;
  /** The type of bus it needs, itself or derived. */
  readonly busType?: string;
  /** Takes what it needs from others; may throw, then nothing stays changed. */
  readonly realize?: () => void;
  /** Undoes `realize`. */
  readonly unrealize?: () => void;
  /** Phases of its reset; the device's `reset` in phase `hold` when there are none. */
  readonly reset?: ResetPhases;
}

/** A device in the tree: what the device offers as properties, and when it is there. */
export class DeviceObject extends QomObject {
  readonly device: Device;
  /** The machine was complete when this object was made. */
  readonly hotplugged: boolean;
  readonly #tree: ObjectTree;
  readonly #options: DeviceObjectOptions;
  #realized = false;

  /** Made by `ObjectTree.device`. */
  constructor(tree: ObjectTree, device: Device, options: DeviceObjectOptions) {
    super(tree.types, device.typeName);
    this.device = device;
    this.hotplugged = tree.isComplete;
    this.#tree = tree;
    this.#options = options;
    this.addLink('parent_bus', { type: options.busType ?? 'bus', get: () => options.bus });
    this.addProperty('realized', { type: 'bool', get: () => this.#realized, set: (value) => (value ? this.realize() : this.unrealize()) });
    this.addProperty('hotplugged', { type: 'bool', get: () => this.hotplugged });
    for (const [name, property] of Object.entries(device.properties ?? {})) this.addProperty(name, property);
  }

  get bus(): Bus | undefined {
    return this.#options.bus;
  }

  override get isRealized(): boolean {
    return this.#realized;
  }

  override get resetPhases(): ResetPhases {
    return this.#options.reset ?? { hold: () => this.device.reset() };
  }

  /**
   * Puts the device into the machine: a place in the tree (below `/machine/unattached` if it has none), a place on its bus, its
   * own `realize`, and a reset if the machine is already complete. All or nothing: when a step throws, the steps before it are
   * undone, last first, and the error is passed on.
   */
  realize(): void {
    if (this.#realized) return;
    const undo: (() => void)[] = [];
    try {
      this.#takePlace(undo);
      undo.push(() => this.#unrealizeChildren());
      this.#options.realize?.();
      this.#realized = true;
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
    if (this.hotplugged) resetObject(this);
  }

  /** Takes the device and those below it out of the machine; the object stays in the tree until `unparent`. */
  unrealize(): void {
    if (!this.#realized) return;
    this.#realized = false;
    this.#unrealizeChildren();
    this.#options.unrealize?.();
    this.bus?.detach(this);
  }

  #takePlace(undo: (() => void)[]): void {
    const { bus, busType } = this.#options;
    const fits = busType === undefined || (bus !== undefined && this.types.isA(bus.type, busType));
    if (!fits) throw new QomError('wrong-bus', `${this.type}: needs a bus of type '${busType}'`);
    if (!this.parent) {
      this.#tree.adopt(this);
      undo.push(() => this.#tree.disown(this));
    }
    bus?.attach(this);
    undo.push(() => bus?.detach(this));
  }

  #unrealizeChildren(): void {
    const below = [...this.walk()].slice(1).reverse();
    for (const object of below) if (object instanceof DeviceObject) object.unrealize();
  }
}
