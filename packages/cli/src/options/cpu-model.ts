import { UsageError } from '../usage-error.js';
import { splitCommas } from './key-values.js';

/** The CPU models and what they are. */
export const CPU_MODELS: Readonly<Record<string, string>> = {
  hotsocket64: 'AMD64 processor with SSE3 (default)',
  qemu64: 'the same, under the name that clients of QEMU use',
  kvm64: 'the least that 64-bit processors have, Intel',
  Opteron_G1: 'AMD Opteron 240',
  Haswell: 'Intel Core of the fourth generation, without AVX and what else is not emulated',
  max: 'everything that is emulated, SSE4.2, AES, SHA and BMI included',
};

/** A CPU model with features that were switched on or off, and other properties. */
export interface CpuChoice {
  readonly model: string;
  readonly features: ReadonlyMap<string, boolean>;
  readonly properties?: ReadonlyMap<string, string>;
}

/** `key=value` where the value is not a switch. */
const PROPERTY = /^(vendor|family|model|stepping|model-id)=(.+)$/s;

/** Reads the value of `-cpu`: `qemu64,+popcnt,-sse42,apic=on,vendor=GenuineIntel`. What features there are, the machine knows. */
export function parseCpu(text: string): CpuChoice {
  const [model = '', ...parts] = splitCommas(text);
  if (!Object.hasOwn(CPU_MODELS, model)) throw new UsageError(`-cpu ${text}: unable to find CPU model '${model}'; -cpu help lists them`);
  const properties = parts.flatMap((part): [string, string][] => {
    const [, key, value] = PROPERTY.exec(part) ?? [];
    return key === undefined ? [] : [[key, value!]];
  });
  const features = parts.filter((part) => !PROPERTY.test(part)).map((part) => parseFeature(text, part));
  return { model, features: new Map(features), ...(properties.length === 0 ? {} : { properties: new Map(properties) }) };
}

function parseFeature(text: string, part: string): [string, boolean] {
  const [, sign, signed, name, value] = /^(?:([+-])([\w.-]+)|([\w.-]+)(?:=(on|off|yes|no|true|false))?)$/.exec(part) ?? [];
  const feature = signed ?? name;
  if (feature === undefined) throw new UsageError(`-cpu ${text}: '${part}' is not of the form +feature, -feature or feature=on`);
  return [feature, sign === undefined ? ['on', 'yes', 'true', undefined].includes(value) : sign === '+'];
}

/** The machine's way to write a choice. */
export const cpuModelText = ({ model, features, properties = new Map() }: CpuChoice): string =>
  [
    model,
    ...[...features].map(([name, on]) => `${on ? '+' : '-'}${name}`),
    ...[...properties].map(([key, value]) => `${key}=${value}`),
  ].join(',');
