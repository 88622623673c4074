import { QomError } from './qom-error.js';
import type { PropertyValue } from './value.js';

/** A property that every object of a type has: set at most until the object is realized, its default otherwise. */
export interface StaticProperty {
  readonly type: string;
  readonly default: PropertyValue;
}

/** A type of objects. */
export interface TypeInfo {
  readonly name: string;
  /** The type it derives from; none for `object` alone. */
  readonly parent?: string;
  /** There are no objects of an abstract type, only of types that derive from it. */
  readonly abstract?: boolean;
  readonly properties?: Readonly<Record<string, StaticProperty>>;
}

const BUILT_IN: readonly TypeInfo[] = [
  { name: 'object', abstract: true },
  { name: 'container', parent: 'object' },
  { name: 'machine', parent: 'object' },
  { name: 'bus', parent: 'object', abstract: true },
  { name: 'device', parent: 'object', abstract: true },
];

/** The types of one machine, with their inheritance. */
export class TypeRegistry {
  readonly #types = new Map<string, TypeInfo>(BUILT_IN.map((type) => [type.name, type]));

  /** Adds a type. Throws QomError when the name is taken or the parent is unknown. */
  register(type: TypeInfo): void {
    if (this.#types.has(type.name)) throw new QomError('duplicate', `type '${type.name}' exists`);
    const parent = type.parent ?? 'object';
    this.get(parent);
    this.#types.set(type.name, { ...type, parent });
  }

  /** Adds a type that derives from `parent` unless it is known. */
  ensure(name: string, parent: string): void {
    if (!this.#types.has(name)) this.register({ name, parent });
  }

  /** Throws QomError when the name is unknown. */
  get(name: string): TypeInfo {
    const type = this.#types.get(name);
    if (!type) throw new QomError('unknown-type', `no type '${name}'`);
    return type;
  }

  has(name: string): boolean {
    return this.#types.has(name);
  }

  /** Whether `name` is `ancestor` or derives from it. */
  isA(name: string, ancestor: string): boolean {
    for (let type = this.#types.get(name); type; type = type.parent === undefined ? undefined : this.#types.get(type.parent)) {
      if (type.name === ancestor) return true;
    }
    return false;
  }

  /** The static properties of a type, its ancestors' included; a type's own win. */
  properties(name: string): Readonly<Record<string, StaticProperty>> {
    const { parent, properties } = this.get(name);
    return { ...(parent === undefined ? {} : this.properties(parent)), ...properties };
  }

  /** All types, by name. */
  all(): readonly TypeInfo[] {
    return [...this.#types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
