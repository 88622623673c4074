import { AmlRuntimeError } from './aml-runtime-error.js';
import { type AmlName, nameText } from './cursor.js';
import type { NamedObject } from './objects.js';

/** A place in the ACPI namespace. */
export class Node {
  readonly kind = 'node';
  readonly segment: string;
  readonly parent: Node | undefined;
  readonly children: Map<string, Node> = new Map();
  object: NamedObject;

  constructor(segment: string, parent: Node | undefined, object: NamedObject) {
    this.segment = segment;
    this.parent = parent;
    this.object = object;
  }

  /** `\_SB_.PCI0` without the padding of its segments: `\_SB.PCI0`. */
  get path(): string {
    if (!this.parent) return '\\';
    const above = this.parent.path;
    return `${above}${above === '\\' ? '' : '.'}${this.segment.replace(/_+$/, '') || '_'}`;
  }

  get root(): Node {
    return this.parent?.root ?? this;
  }

  /** Looks a name up from here; a single segment is searched in this scope and all above it. ACPI 5.3. */
  find(name: AmlName): Node | undefined {
    const { absolute, up, segments } = name;
    if (!absolute && up === 0 && segments.length === 1) return this.#search(segments[0] as string);
    const start = absolute ? this.root : this.#above(up, name);
    return segments.reduce<Node | undefined>((node, segment) => node?.children.get(segment), start);
  }

  /** Puts an object under a name, seen from here. Throws `EXISTS` when the name is taken, `NOT_FOUND` when its scope is not there. */
  add(name: AmlName, object: NamedObject): Node {
    const last = name.segments.at(-1);
    const scope = this.#scopeOf(name);
    if (last === undefined || !scope) throw new AmlRuntimeError('NOT_FOUND', `there is no scope for ${nameText(name)}`);
    if (scope.children.has(last)) throw new AmlRuntimeError('EXISTS', `${scope.children.get(last)?.path} is there already`);
    const node = new Node(last, scope, object);
    scope.children.set(last, node);
    return node;
  }

  /** The scope in which the last segment of a name stands; names with several segments are not searched. */
  #scopeOf({ absolute, up, segments }: AmlName): Node | undefined {
    const start = absolute ? this.root : this.#above(up, { absolute, up, segments });
    return segments.slice(0, -1).reduce<Node | undefined>((node, segment) => node?.children.get(segment), start);
  }

  remove(): void {
    this.parent?.children.delete(this.segment);
  }

  #search(segment: string): Node | undefined {
    for (let node: Node | undefined = this; node; node = node.parent) {
      const found = node.children.get(segment);
      if (found) return found;
    }
    return undefined;
  }

  #above(up: number, name: AmlName): Node {
    let node: Node = this;
    for (let at = 0; at < up; at++) {
      if (!node.parent) throw new AmlRuntimeError('NOT_FOUND', `${nameText(name)} leads above the root`);
      node = node.parent;
    }
    return node;
  }
}
