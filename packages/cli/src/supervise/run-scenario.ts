import type { Pc } from '@hotsocket/machine-pc';
import { type QmpClient, QmpRefusal } from '../qmp-client.js';
import type { TextPattern } from './patterns.js';
import type { Facts, Outcome, Scenario, Step } from './scenario.js';
import type { SerialWatch } from './serial-watch.js';

/** What the steps of a scenario work on. */
export interface ScenarioHost {
  readonly machine: Pc;
  readonly serial: SerialWatch;
  readonly qmp: QmpClient;
  /** A step is done. */
  done(index: number, what: string): void;
}

/** A step did not come about; the message is for the user. */
export class StepError extends Error {
  readonly code = 'SCENARIO_STEP';
}

const SHOWN = 200;

/** Does the steps of a scenario one after the other. Rejects with StepError. */
export async function runScenario({ steps }: Scenario, host: ScenarioHost): Promise<void> {
  for (const [index, step] of steps.entries()) {
    try {
      await ACTIONS[step.kind](step as never, host);
    } catch (error) {
      throw error instanceof StepError ? new StepError(`step ${index + 1} (${textOf(step)}): ${error.message}`) : error;
    }
    host.done(index, textOf(step));
  }
}

function textOf(step: Step): string {
  if (step.kind === 'wait') return `wait ${step.pattern.text}`;
  if (step.kind === 'send') return `send ${JSON.stringify(step.text)}`;
  if (step.kind === 'qmp') return `qmp ${step.command}`;
  return step.kind;
}

type Action<Kind extends Step['kind']> = (step: Extract<Step, { kind: Kind }>, host: ScenarioHost) => Promise<void>;

const ACTIONS: { readonly [Kind in Step['kind']]: Action<Kind> } = {
  wait: ({ pattern, timeoutNs }, host) => waitFor(pattern, timeoutNs, host),
  send: async ({ text }, { serial }) => serial.type(text),
  qmp: ({ command, arguments: args, outcome }, { qmp }) => execute(qmp, command, args, outcome),
  assert: async ({ facts }, host) => check(facts, host),
  delay: ({ ns }, { machine }) =>
    new Promise((resolve) => {
      startTimer(machine, ns, resolve);
    }),
};

function waitFor(pattern: TextPattern, timeoutNs: number | undefined, { machine, serial }: ScenarioHost): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopTimer = (): void => {};
    const look = (): void => {
      if (!serial.match(pattern)) return;
      serial.grown = () => {};
      stopTimer();
      resolve();
    };
    const late = (): void => {
      serial.flush();
      reject(
        new StepError(`not within ${(timeoutNs ?? 0) / 1e9} s of guest time; the last words: ${JSON.stringify(serial.text.slice(-SHOWN))}`),
      );
    };
    if (timeoutNs !== undefined) stopTimer = startTimer(machine, timeoutNs, late);
    serial.grown = look;
    look();
  });
}

/** Calls back after a span of guest time; returns what prevents that. */
export function startTimer({ board: { clock } }: Pc, ns: number, expired: () => void): () => void {
  const timer = clock.timer('scenario', () => {
    clock.remove(timer);
    expired();
  });
  timer.arm(clock.now() + ns);
  return () => clock.remove(timer);
}

async function execute(
  qmp: QmpClient,
  command: string,
  args: Readonly<Record<string, unknown>> | undefined,
  outcome: Outcome,
): Promise<void> {
  try {
    const result = await qmp.execute(command, args);
    if (outcome.error !== undefined) throw new StepError(`expected the error ${outcome.error}, it returned ${JSON.stringify(result)}`);
    if (!contains(result, outcome.returns)) throw new StepError(`it returned ${JSON.stringify(result)}`);
  } catch (error) {
    if (!(error instanceof QmpRefusal)) throw error;
    const expected = outcome.error !== undefined && (error.errorClass === outcome.error || error.message.includes(outcome.error));
    if (!expected) throw new StepError(error.message);
  }
}

/** Every member that is wanted is there; lists have as many items. Nothing is wanted of `undefined`. */
export function contains(value: unknown, wanted: unknown): boolean {
  if (wanted === undefined || value === wanted) return true;
  if (typeof wanted !== 'object' || wanted === null || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(wanted) !== Array.isArray(value)) return false;
  if (Array.isArray(wanted) && wanted.length !== (value as unknown[]).length) return false;
  return Object.entries(wanted).every(
    ([name, member]) => Object.hasOwn(value, name) && contains((value as Record<string, unknown>)[name], member),
  );
}

function check({ state, cpus, printed }: Facts, { machine, serial }: ScenarioHost): void {
  if (state !== undefined && machine.runState !== state) throw new StepError(`the state is ${machine.runState}, not ${state}`);
  if (cpus !== undefined && machine.cpus.length !== cpus) throw new StepError(`there are ${machine.cpus.length} CPUs, not ${cpus}`);
  serial.flush();
  if (printed !== undefined && !printed.matcher.test(serial.text))
    throw new StepError(`'${printed.text}' was not printed; the last words: ${JSON.stringify(serial.text.slice(-SHOWN))}`);
}
