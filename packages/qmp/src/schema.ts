import type { Command } from './command.js';
import type { EventSpec } from './events.js';
import type { JsonOutput } from './json-value.js';
import type { Members, QapiType } from './qapi-types.js';

type Entry = { readonly [member: string]: JsonOutput };

const EMPTY = 'q_empty';

/** The answer of `query-qmp-schema`: commands, events and every type they use, made from the tables that run them. */
export function qmpSchema(commands: readonly Command[], events: readonly EventSpec[]): readonly Entry[] {
  const types = new Map<string, Entry>();
  const commandEntries = commands.map(({ name, args, returns }) => ({
    name,
    'meta-type': 'command',
    'arg-type': addMembers(types, `q_obj_${name}-arg`, args),
    'ret-type': returns === undefined ? addMembers(types, EMPTY, {}) : addType(types, returns),
  }));
  const eventEntries = events.map(({ name, data = {} }) => ({
    name,
    'meta-type': 'event',
    'arg-type': addMembers(types, `q_obj_${name}-arg`, data),
  }));
  return [...commandEntries, ...eventEntries, ...types.values()];
}

/** Adds an object type and what it is made of; returns its name. */
function addMembers(types: Map<string, Entry>, name: string, members: Members): string {
  const entries = Object.entries(members);
  const own = entries.length === 0 ? EMPTY : name;
  if (types.has(own)) return own;
  const described = entries.map(([member, type]) => {
    const entry = { name: member, type: addType(types, type) };
    return type.optional ? { ...entry, default: null } : entry;
  });
  types.set(own, { name: own, 'meta-type': 'object', members: described });
  return own;
}

function addType(types: Map<string, Entry>, { shape }: QapiType<unknown>): string {
  switch (shape.kind) {
    case 'builtin':
      types.set(shape.name, { name: shape.name, 'meta-type': 'builtin', 'json-type': shape.json });
      return shape.name;
    case 'enum':
      types.set(shape.name, { name: shape.name, 'meta-type': 'enum', values: shape.values });
      return shape.name;
    case 'array': {
      const element = addType(types, shape.element);
      types.set(`[${element}]`, { name: `[${element}]`, 'meta-type': 'array', 'element-type': element });
      return `[${element}]`;
    }
    case 'struct':
      return addMembers(types, shape.name, shape.members);
  }
}
