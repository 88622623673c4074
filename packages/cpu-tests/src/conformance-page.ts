/** Vectors of one class in one tier. */
export interface ClassCounts {
  readonly run: number;
  readonly failed: number;
  /** Vectors whose feature the model does not announce. */
  readonly skipped: number;
}

/** A run of the vectors inside of a guest. */
export interface GuestRun {
  readonly kernel: string;
  readonly tier: string;
  readonly passed: number;
  readonly failed: number;
  /** Failures that come from the kernel: its user segments have other selectors than the recorded ones. */
  readonly selectors: number;
}

/** Figures of complete conformance runs, as tools/conformance/results.json keeps them. */
export interface ConformanceResults {
  readonly vectors: {
    /** The processor that the vectors were recorded on. */
    readonly processor: string;
    /** The CPU model that ran them. */
    readonly model: string;
    /** Counts by tier and class. */
    readonly tiers: Readonly<Record<string, Readonly<Record<string, ClassCounts>>>>;
  };
  readonly guests: readonly GuestRun[];
}

const percent = (run: number, failed: number): string => {
  if (run === 0) return '-';
  // 100.00 is for all of them
  return failed === 0 ? '100.00' : Math.min((100 * (run - failed)) / run, 99.99).toFixed(2);
};

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const sum = (counts: readonly ClassCounts[]): ClassCounts => ({
  run: counts.reduce((total, { run }) => total + run, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
  skipped: counts.reduce((total, { skipped }) => total + skipped, 0),
});

/** The page docs/conformance.md. */
export function conformancePage({ vectors, guests }: ConformanceResults): string {
  const tiers = Object.keys(vectors.tiers);
  return `# How the CPU compares with a processor

Made by \`npm run conformance -- vectors --write-page\` and \`npm run conformance:guest -- --write-page\`; do not edit.

Instruction vectors recorded on ${vectors.processor}, run by \`-cpu ${vectors.model}\` in each execution tier: \`interpreter\` executes blocks of
decoded instructions, \`steps\` the same one instruction at a time, \`translator\` regions translated to WebAssembly. A vector compares
registers, flags, x87 and SSE state, memory, and the exception with its error code and address.

${row(['Class', 'Vectors', 'Not announced', ...tiers.map((tier) => `${tier}, % that agree`)])}
${row(['---', '---', '---', ...tiers.map(() => '---')])}
${classRows(vectors.tiers).join('\n')}

## Inside of a guest

The same vectors as a process under Linux on this machine, through paging, signals and sigreturn. A 32-bit kernel runs those of 32 and 16-bit
code. Its user segments have other selectors (73h, 7Bh) than the recorded ones (23h, 2Bh), which it does not have at all: vectors that store a
selector differ in its number, and vectors that load a recorded one get #GP with its index, on any processor.

${row(['Kernel', 'Tier', 'Passed', 'Failed', 'of them by selectors'])}
${row(['---', '---', '---', '---', '---'])}
${guests.map(({ kernel, tier, passed, failed, selectors }) => row([kernel, tier, passed, failed, selectors])).join('\n')}
`;
}

function classRows(tiers: ConformanceResults['vectors']['tiers']): string[] {
  const all = Object.values(tiers);
  const names = [...new Set(all.flatMap((classes) => Object.keys(classes)))].sort();
  const line = (name: string, counts: readonly ClassCounts[]): string => {
    const most = (key: 'run' | 'skipped'): number => Math.max(...counts.map((each) => each[key]));
    return row([name, most('run') + most('skipped'), most('skipped') || '', ...counts.map(({ run, failed }) => percent(run, failed))]);
  };
  const nothing: ClassCounts = { run: 0, failed: 0, skipped: 0 };
  return [
    ...names.map((name) =>
      line(
        name,
        all.map((classes) => classes[name] ?? nothing),
      ),
    ),
    line(
      '**all**',
      all.map((classes) => sum(Object.values(classes))),
    ),
  ];
}
