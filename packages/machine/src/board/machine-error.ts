/** A machine that cannot be built as it is defined; the message lists every problem, one a line. Nothing of it runs. */
export class MachineError extends Error {
  readonly code = 'MACHINE';
  readonly machine: string;
  readonly problems: readonly string[];

  constructor(machine: string, problems: readonly string[]) {
    super([`the machine '${machine}' cannot be built:`, ...problems].join('\n  '));
    this.name = 'MachineError';
    this.machine = machine;
    this.problems = problems;
  }
}
