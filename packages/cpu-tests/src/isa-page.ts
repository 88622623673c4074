import { CPU_MODELS, type Execution, executionOfRows } from '@hotsocket/cpu-x86';

/** Vectors by row (`opcode|text`) and class. */
export type VectorCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

const EXECUTION: Readonly<Record<Execution, string>> = {
  inline: 'inline',
  outlined: 'outlined',
  helper: 'helper',
  undefined: '#UD by definition',
  missing: 'no: #UD',
};

type Rows = ReturnType<typeof executionOfRows>;

/** The page docs/isa-coverage.md: every row of the instruction tables, how it is executed, which models have it, and how many vectors. */
export function isaPage(counts: VectorCounts): string {
  const rows = executionOfRows();
  const families = [...new Set(rows.map(({ row }) => row.family))];
  const sections = families.map((family) =>
    section(
      family,
      rows.filter(({ row }) => row.family === family),
      counts,
    ),
  );
  return `${introduction(rows, counts)}\n${sections.join('\n')}`;
}

function introduction(rows: Rows, counts: VectorCounts): string {
  const number = (execution: Execution): number => rows.filter((each) => each.execution === execution).length;
  const tested = rows.filter(({ row }) => counts[`${row.opcode}|${row.text}`] !== undefined).length;
  return `# Instructions

Made by \`tools/isa/isa-coverage.mjs\` from the rows of \`packages/x86-isa\` and the semantics of \`packages/cpu-x86\`; do not edit.

${rows.length} rows: ${number('inline')} inline in the interpreter's main function (at least in one form), ${number('outlined')} generated as functions of their
own, ${number('helper')} performed by TypeScript helpers, ${number('undefined')} defined to be #UD, ${number('missing')} not implemented. The translator takes its code from the
same definitions as the interpreter. Opcodes without a row, rows without semantics and rows whose feature the model lacks raise #UD; the trace
point \`cpu_undefined_opcode\` tells where.

${tested} rows occur in recorded vectors; the last column has how many vectors of which class. Rows of privileged instructions are tested by the
ROMs of \`packages/cpu-tests\`.
`;
}

function section(family: string, rows: Rows, counts: VectorCounts): string {
  const lines = rows.map((each) => line(each, counts));
  return `## ${family}

| Opcode | Instruction | Feature | Executed | Models | Vectors |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}

function line({ row, execution }: Rows[number], counts: VectorCounts): string {
  const models = Object.values(CPU_MODELS)
    .filter((model) => !model.isInvalid(row))
    .map(({ name }) => name);
  const everywhere = models.length === Object.keys(CPU_MODELS).length;
  const vectors = Object.entries(counts[`${row.opcode}|${row.text}`] ?? {}).map(([name, count]) => `${name} ${count}`);
  const cells = [
    `\`${row.opcode}\``,
    `\`${row.text}\``,
    row.feature ?? '',
    EXECUTION[execution],
    everywhere ? 'all' : models.join(', ') || 'none',
    vectors.join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}
