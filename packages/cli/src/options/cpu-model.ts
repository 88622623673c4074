import { UsageError } from '../usage-error.js';
import { splitCommas } from './key-values.js';

/** The CPU models and what they are. */
export const CPU_MODELS: Readonly<Record<string, string>> = {
  hotsocket64: 'AMD64 processor with SSE3 (default)',
  qemu64: 'the same',
  max: 'everything that is emulated, SSE4.2, AES, SHA and BMI included',
};

/** Models under their usual names elsewhere. */
const ALIASES: Readonly<Record<string, string>> = { qemu64: 'hotsocket64' };

/** A CPU model with features that were switched on or off. */
export interface CpuChoice {
  readonly model: string;
  readonly features: ReadonlyMap<string, boolean>;
}

/** Reads the value of `-cpu`: `qemu64,+popcnt,-sse42,apic=on`. What features there are, the machine knows. */
export function parseCpu(text: string): CpuChoice {
  const [model = '', ...parts] = splitCommas(text);
  if (!Object.hasOwn(CPU_MODELS, model)) throw new UsageError(`-cpu ${text}: unable to find CPU model '${model}'; -cpu help lists them`);
  return { model, features: new Map(parts.map((part) => parseFeature(text, part))) };
}

function parseFeature(text: string, part: string): [string, boolean] {
  const [, sign, signed, name, value] = /^(?:([+-])([\w.-]+)|([\w.-]+)(?:=(on|off|yes|no|true|false))?)$/.exec(part) ?? [];
  const feature = signed ?? name;
  if (feature === undefined) throw new UsageError(`-cpu ${text}: '${part}' is not of the form +feature, -feature or feature=on`);
  return [feature, sign === undefined ? ['on', 'yes', 'true', undefined].includes(value) : sign === '+'];
}

/** The machine's way to write a choice. */
export const cpuModelText = ({ model, features }: CpuChoice): string =>
  [ALIASES[model] ?? model, ...[...features].map(([name, on]) => `${on ? '+' : '-'}${name}`)].join(',');
