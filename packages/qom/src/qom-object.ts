import type { Property } from './device.js';
import { QomError } from './qom-error.js';
import type { TypeRegistry } from './type-registry.js';
import { checkValue, type PropertyValue } from './value.js';

/** One property as `qom-list` shows it. */
export interface PropertyInfo {
  readonly name: string;
  /** `string`, `bool`, `uint32`, … ; `child<TYPE>` and `link<TYPE>` for objects. */
  readonly type: string;
}

/** The object a link points to, or none. */
export interface Link {
  readonly type: string;
  get(): QomObject | undefined;
  set?(target: QomObject | undefined): void;
}

type Entry =
  | { readonly kind: 'child'; readonly object: QomObject }
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'value'; readonly property: Property };

/** Phases of a reset: all objects enter, then all hold, then all exit. An object sees its children's phase before its own. */
export interface ResetPhases {
  /** Takes the reset state; touches no other object. */
  enter?(): void;
  /** Drives wires and everything others see. */
  hold?(): void;
  /** Leaves reset: may start to act. */
  exit?(): void;
}

/** A node of the composition tree: a type, properties, children and links. */
export class QomObject {
  readonly type: string;
  readonly types: TypeRegistry;
  readonly #entries = new Map<string, Entry>();
  #parent: QomObject | undefined;
  #name = '';

  /** Throws QomError when the type is unknown or abstract. */
  constructor(types: TypeRegistry, type: string) {
    if (types.get(type).abstract) throw new QomError('abstract-type', `type '${type}' is abstract`);
    this.types = types;
    this.type = type;
    this.addProperty('type', { type: 'string', get: () => type });
    for (const [name, { type: valueType, default: value }] of Object.entries(types.properties(type)))
      this.#addStatic(name, valueType, value);
  }

  /** What it does at a reset; nothing here. */
  get resetPhases(): ResetPhases {
    return {};
  }

  get parent(): QomObject | undefined {
    return this.#parent;
  }

  /** Its name among its parent's children; empty while it has none. */
  get name(): string {
    return this.#name;
  }

  /** Canonical path. Throws QomError while the object is in no tree. */
  get path(): string {
    if (this.#parent) return this.#parent.path === '/' ? `/${this.#name}` : `${this.#parent.path}/${this.#name}`;
    if (this.isRoot) return '/';
    throw new QomError('not-found', `${this.type}: in no tree`);
  }

  /** Whether a tree holds it. */
  get isPlaced(): boolean {
    return this.isRoot || (this.#parent?.isPlaced ?? false);
  }

  /** Whether the tree starts here. */
  get isRoot(): boolean {
    return false;
  }

  /** Static properties may be set until this is true. */
  get isRealized(): boolean {
    return false;
  }

  /** Children in the order they came. */
  children(): QomObject[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.kind === 'child' ? [entry.object] : []));
  }

  /** This object and all below it, parents first. */
  *walk(): Generator<QomObject> {
    yield this;
    for (const child of this.children()) yield* child.walk();
  }

  /** The child or the linked object of a name. */
  follow(name: string): QomObject | undefined {
    const entry = this.#entries.get(name);
    if (entry?.kind === 'child') return entry.object;
    return entry?.kind === 'link' ? entry.link.get() : undefined;
  }

  /** Makes `object` a child. Throws QomError when the name is taken or the object has a parent or is above. */
  addChild(name: string, object: QomObject): void {
    this.#checkFree(name);
    const above = [...object.walk()].includes(this);
    if (object.#parent || above) throw new QomError('duplicate', `${object.type}: has a parent, or would be its own`);
    this.#entries.set(name, { kind: 'child', object });
    object.#parent = this;
    object.#name = name;
  }

  /** Takes the object out of the tree, with all below it. */
  unparent(): void {
    if (this.#parent) this.#parent.#entries.delete(this.#name);
    this.#parent = undefined;
    this.#name = '';
  }

  addLink(name: string, link: Link): void {
    this.#checkFree(name);
    this.#entries.set(name, { kind: 'link', link });
  }

  /** Adds a property to this object alone. Throws QomError when the name is taken. */
  addProperty(name: string, property: Property): void {
    this.#checkFree(name);
    this.#entries.set(name, { kind: 'value', property });
  }

  /** Removes a property or a link; a child stays. */
  removeProperty(name: string): void {
    if (this.#entries.get(name)?.kind !== 'child') this.#entries.delete(name);
  }

  /** Properties, links and children in the order they came. */
  list(): PropertyInfo[] {
    return [...this.#entries].map(([name, entry]) => ({ name, type: typeOf(entry) }));
  }

  /** The value of a property; the path of a child or link, empty when that is in no tree; undefined when there is no such property. */
  get(name: string): PropertyValue | undefined {
    const entry = this.#entries.get(name);
    if (entry?.kind === 'value') return entry.property.get();
    const object = this.follow(name);
    return object?.isPlaced ? object.path : entry && '';
  }

  /** Sets a property. Throws QomError `no-such-property`, `read-only`, `realized` or `invalid-value`, and whatever its setter throws. */
  set(name: string, value: PropertyValue): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new QomError('no-such-property', `${this.type}: no property '${name}'`);
    if (entry.kind !== 'value' || !entry.property.set) throw new QomError('read-only', `${this.type}.${name}: cannot be set`);
    checkValue(`${this.type}.${name}`, entry.property.type, value);
    entry.property.set(value);
  }

  /** Points a link at an object, or at none. Throws QomError `no-such-property`, `read-only` or `invalid-value`. */
  setLink(name: string, target: QomObject | undefined): void {
    const entry = this.#entries.get(name);
    if (entry?.kind !== 'link') throw new QomError('no-such-property', `${this.type}: no link '${name}'`);
    if (!entry.link.set) throw new QomError('read-only', `${this.type}.${name}: cannot be set`);
    if (target && !this.types.isA(target.type, entry.link.type))
      throw new QomError('invalid-value', `${this.type}.${name}: '${target.type}' is no '${entry.link.type}'`);
    entry.link.set(target);
  }

  #addStatic(name: string, type: string, initial: PropertyValue): void {
    let value = initial;
    const set = (next: PropertyValue): void => {
      if (this.isRealized) throw new QomError('realized', `${this.type}.${name}: cannot be set after the object is realized`);
      value = next;
    };
    this.addProperty(name, { type, get: () => value, set });
  }

  #checkFree(name: string): void {
    if (name === '' || name.includes('/')) throw new QomError('invalid-value', `${this.type}: '${name}' is no name`);
    if (this.#entries.has(name)) throw new QomError('duplicate', `${this.type}: property '${name}' exists`);
  }
}

function typeOf(entry: Entry): string {
  if (entry.kind === 'child') return `child<${entry.object.type}>`;
  return entry.kind === 'link' ? `link<${entry.link.type}>` : entry.property.type;
}
