import {
  ControlError,
  type QomNode,
  type QomPropertyInfo,
  type QomTree,
  type QomTypeInfo,
  type QomValue,
} from '@hotsocket/machine/control';

interface FakeObject {
  readonly type: string;
  readonly properties: Map<string, { readonly type: string; value: QomValue; readonly writable: boolean }>;
}

const TYPES: readonly QomTypeInfo[] = [
  { name: 'object', abstract: true },
  { name: 'device', parent: 'object', abstract: true },
  { name: 'cpu', parent: 'device', abstract: true },
  { name: 'qemu64-x86_64-cpu', parent: 'cpu' },
  { name: 'Haswell-x86_64-cpu', parent: 'cpu' },
  { name: 'icc-bridge', parent: 'device' },
  { name: 'kvmclock', parent: 'device' },
];

/** A composition tree with the objects that hot-add touches. */
export class FakeQom implements QomTree {
  readonly #objects = new Map<string, FakeObject>();

  constructor() {
    this.#add('/', 'container');
    this.#add('/machine', 'pc-i440fx-1.5-machine');
    this.#add('/machine/icc-bridge', 'icc-bridge');
    this.#add('/machine/icc-bridge/icc', 'icc-bus');
    this.#add('/machine/unattached', 'container');
    this.#add('/machine/peripheral', 'container');
    this.#set('/machine', 'note', 'str', '', true);
    this.#set('/machine', 'phandle', 'uint64', 2n ** 63n, false);
  }

  /** Adds a CPU object. */
  addCpu(path: string, type: string, apicId: number): void {
    this.#add(path, type);
    this.#set(path, 'apic-id', 'uint32', apicId, false);
  }

  /** Takes an object away. */
  remove(path: string): void {
    this.#objects.delete(path);
  }

  resolve(path: string): QomNode | undefined {
    const object = this.#objects.get(path);
    if (object === undefined) return undefined;
    return {
      type: object.type,
      path,
      list: () => this.#list(path, object),
      get: (name) => object.properties.get(name)?.value ?? this.#child(path, name),
      set: (name, value) => this.#write(object, name, value),
    };
  }

  types(): readonly QomTypeInfo[] {
    return TYPES;
  }

  #add(path: string, type: string): void {
    this.#objects.set(path, { type, properties: new Map() });
    this.#set(path, 'type', 'string', type, false);
  }

  #set(path: string, name: string, type: string, value: QomValue, writable: boolean): void {
    this.#objects.get(path)?.properties.set(name, { type, value, writable });
  }

  #list(path: string, object: FakeObject): QomPropertyInfo[] {
    const own = [...object.properties].map(([name, { type }]) => ({ name, type }));
    const children = [...this.#objects].filter(([child]) => child !== '/' && parentOf(child) === path);
    return [...own, ...children.map(([child, { type }]) => ({ name: child.slice(child.lastIndexOf('/') + 1), type: `child<${type}>` }))];
  }

  #child(path: string, name: string): QomValue | undefined {
    const child = path === '/' ? `/${name}` : `${path}/${name}`;
    return this.#objects.has(child) ? child : undefined;
  }

  #write(object: FakeObject, name: string, value: QomValue): void {
    const property = object.properties.get(name);
    if (property === undefined) throw new ControlError('no-such-property', `Property '${object.type}.${name}' not found`);
    if (!property.writable) throw new ControlError('read-only', `Property '${object.type}.${name}' is read-only`);
    property.value = value;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
