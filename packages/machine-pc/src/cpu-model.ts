import {
  CPU_MODELS,
  CPU_VENDORS,
  type CpuModel,
  type CpuModelChanges,
  DEFAULT_CPU_MODEL,
  featureName,
  isNotEmulated,
  type Topology,
  UnknownFeatureError,
} from '@hotsocket/cpu-x86';
import { PcOptionsError } from './options.js';

/**
 * A model by its text, `name,+feature,-feature,feature=on,vendor=GenuineIntel`, for CPUs of a topology. Features of real processors that are
 * not emulated are left out. Throws PcOptionsError naming what is unknown.
 */
export function cpuModel(text: string | undefined, topology: Topology): CpuModel {
  const [name = '', ...words] = (text ?? DEFAULT_CPU_MODEL.name).split(',');
  const model = CPU_MODELS[name];
  if (!model) throw new PcOptionsError([`unknown CPU model '${name}' (known: ${Object.keys(CPU_MODELS).join(', ')})`]);
  const changes = words.map((word) => ({ word, key: word.split('=')[0]! }));
  const identity = Object.assign({}, ...changes.filter(isProperty).map(({ word }) => propertyChange(word))) as CpuModelChanges;
  const features = changes.filter((change) => !isProperty(change)).flatMap(({ word }) => featureChange(word));
  return model.with({ ...identity, features: Object.fromEntries(features), cores: topology.cores, threads: topology.threads });
}

/** The features that a model's text asks for, by its name or one by one, and that are not emulated. */
export function missingFeatures(text: string): string[] {
  const [name = '', ...words] = text.split(',');
  const wanted = words.map(parseFeature).flatMap((feature) => (feature?.on && isNotEmulated(feature.name) ? [feature.name] : []));
  return [...(CPU_MODELS[name]?.lacks ?? []), ...wanted];
}

/** Properties that are no features, by their usual names: what each changes. */
const PROPERTIES: Readonly<Record<string, (value: string) => CpuModelChanges | undefined>> = {
  vendor: (value) => {
    const vendor = CPU_VENDORS[value];
    return vendor && { vendor };
  },
  family: (value) => numbered('family', value, 255 + 15),
  model: (value) => numbered('model', value, 255),
  stepping: (value) => numbered('stepping', value, 15),
  'model-id': (value) => (value.length <= 47 ? { brand: value } : undefined),
};

const isProperty = ({ key }: { readonly key: string }): boolean => Object.hasOwn(PROPERTIES, key);

function numbered(key: 'family' | 'model' | 'stepping', text: string, most: number): CpuModelChanges | undefined {
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= 0 && value <= most ? { [key]: value } : undefined;
}

function propertyChange(word: string): CpuModelChanges {
  const [key, value = ''] = word.split(/=(.*)/s) as [string, string?];
  const change = PROPERTIES[key]?.(value);
  if (!change) throw new PcOptionsError([`CPU property '${word}': '${value}' is not possible`]);
  return change;
}

function parseFeature(word: string): { readonly name: string; readonly on: boolean } | undefined {
  const [, sign, plain, assigned, value] = /^(?:([+-])(.+)|(.+)=(on|off))$/.exec(word) ?? [];
  const name = plain ?? assigned;
  return name === undefined ? undefined : { name, on: sign === '+' || value === 'on' };
}

function featureChange(word: string): [string, boolean][] {
  const feature = parseFeature(word);
  if (feature === undefined) throw new PcOptionsError([`CPU feature '${word}': write +${word}, -${word} or ${word}=on`]);
  if (isNotEmulated(feature.name)) return [];
  try {
    return [[featureName(feature.name), feature.on]];
  } catch (error) {
    if (error instanceof UnknownFeatureError) throw new PcOptionsError([`unknown CPU feature '${feature.name}'`]);
    throw error;
  }
}
