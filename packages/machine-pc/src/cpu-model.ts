import { CPU_MODELS, type CpuModel, DEFAULT_CPU_MODEL, featureName, type Topology, UnknownFeatureError } from '@hotsocket/cpu-x86';
import { PcOptionsError } from './options.js';

/** A model by its text, `name,+feature,-feature,feature=on`, for CPUs of a topology. Throws PcOptionsError naming what is unknown. */
export function cpuModel(text: string | undefined, topology: Topology): CpuModel {
  const [name = '', ...words] = (text ?? DEFAULT_CPU_MODEL.name).split(',');
  const model = CPU_MODELS[name];
  if (!model) throw new PcOptionsError([`unknown CPU model '${name}' (known: ${Object.keys(CPU_MODELS).join(', ')})`]);
  return model.with({ features: Object.fromEntries(words.map(featureChange)), cores: topology.cores, threads: topology.threads });
}

function featureChange(word: string): [string, boolean] {
  const [, sign, plain, assigned, value] = /^(?:([+-])(.+)|(.+)=(on|off))$/.exec(word) ?? [];
  const name = plain ?? assigned;
  if (name === undefined) throw new PcOptionsError([`CPU feature '${word}': write +${word}, -${word} or ${word}=on`]);
  try {
    return [featureName(name), sign === '+' || value === 'on'];
  } catch (error) {
    if (error instanceof UnknownFeatureError) throw new PcOptionsError([`unknown CPU feature '${name}'`]);
    throw error;
  }
}
