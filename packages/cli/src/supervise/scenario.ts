import { parse, YAMLError } from 'yaml';
import { UsageError } from '../usage-error.js';
import { parsePattern, parseSpan, type TextPattern } from './patterns.js';

/** One step of a scenario. */
export type Step =
  /** Waits until the guest prints something; `timeoutNs` of guest time at most. */
  | { readonly kind: 'wait'; readonly pattern: TextPattern; readonly timeoutNs: number | undefined }
  /** Types on the serial port. */
  | { readonly kind: 'send'; readonly text: string }
  | { readonly kind: 'qmp'; readonly command: string; readonly arguments: Members | undefined; readonly outcome: Outcome }
  | { readonly kind: 'assert'; readonly facts: Facts }
  /** Lets guest time pass. */
  | { readonly kind: 'delay'; readonly ns: number };

type Members = Readonly<Record<string, unknown>>;

/** What a QMP command must give: a result that has these members, or an error whose class or description this is. */
export interface Outcome {
  readonly returns?: unknown;
  readonly error?: string;
}

/** What must be so. */
export interface Facts {
  readonly state?: string;
  readonly cpus?: number;
  readonly printed?: TextPattern;
}

export interface Scenario {
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

const KINDS = ['wait', 'send', 'qmp', 'assert', 'delay'] as const;

/** Reads a scenario. `label` begins every message. Throws UsageError. */
export function parseScenario(label: string, text: string): Scenario {
  const top = object(label, parseYaml(label, text));
  only(label, top, ['name', 'steps']);
  if (!Array.isArray(top.steps) || top.steps.length === 0) throw new UsageError(`${label}: expected a list of steps under 'steps'`);
  return {
    name: top.name === undefined ? undefined : string(`${label}: name`, top.name),
    steps: top.steps.map((step, index) => parseStep(`${label}: step ${index + 1}`, object(`${label}: step ${index + 1}`, step))),
  };
}

function parseYaml(label: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof YAMLError || error instanceof ReferenceError)
      throw new UsageError(`${label}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`);
    throw error;
  }
}

function parseStep(label: string, step: Members): Step {
  const kinds = KINDS.filter((kind) => kind in step);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    throw new UsageError(
      `${label}: ${kind === undefined ? `'${Object.keys(step).join(', ')}' is no step` : `it is ${kinds.join(' and ')}`} (possible: ${KINDS.join(', ')})`,
    );
  return READERS[kind](`${label}: ${kind}`, step);
}

const READERS: Readonly<Record<(typeof KINDS)[number], (label: string, step: Members) => Step>> = {
  wait(label, step) {
    only(label, step, ['wait', 'timeout']);
    const timeoutNs = step.timeout === undefined ? undefined : parseSpan(`${label}: timeout`, scalar(label, step.timeout));
    return { kind: 'wait', pattern: parsePattern(label, string(label, step.wait)), timeoutNs };
  },
  send(label, step) {
    only(label, step, ['send']);
    return { kind: 'send', text: string(label, step.send) };
  },
  qmp(label, step) {
    only(label, step, ['qmp', 'arguments', 'returns', 'error']);
    if (step.returns !== undefined && step.error !== undefined) throw new UsageError(`${label}: either 'returns' or 'error'`);
    return {
      kind: 'qmp',
      command: string(label, step.qmp),
      arguments: step.arguments === undefined ? undefined : object(`${label}: arguments`, step.arguments),
      outcome: step.error === undefined ? { returns: step.returns } : { error: string(`${label}: error`, step.error) },
    };
  },
  assert(label, step) {
    only(label, step, ['assert']);
    return { kind: 'assert', facts: parseFacts(label, object(label, step.assert)) };
  },
  delay(label, step) {
    only(label, step, ['delay']);
    return { kind: 'delay', ns: parseSpan(label, scalar(label, step.delay)) };
  },
};

function parseFacts(label: string, facts: Members): Facts {
  only(label, facts, ['state', 'cpus', 'printed']);
  const { state, cpus, printed } = facts;
  if (cpus !== undefined && !Number.isInteger(cpus)) throw new UsageError(`${label}: cpus: expected a whole number`);
  return {
    ...(state === undefined ? {} : { state: string(`${label}: state`, state) }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(printed === undefined ? {} : { printed: parsePattern(`${label}: printed`, string(`${label}: printed`, printed)) }),
  };
}

function object(label: string, value: unknown): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw new UsageError(`${label}: expected names with values`);
}

function string(label: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new UsageError(`${label}: expected a text`);
}

function scalar(label: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new UsageError(`${label}: expected a time`);
}

function only(label: string, value: Members, names: readonly string[]): void {
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw new UsageError(`${label}: '${other}' is not known (possible: ${names.join(', ')})`);
}
