import { DIFFERENCES, type Difference } from './differences.js';

const row = ({ rom, lines, qemu, ours, reference }: Difference): string =>
  `| ${rom}: ${lines.join('; ')} | ${qemu} | ${ours} | ${reference} |`;
/** The page docs/decisions/cpu-differences.md. */
export const differencesPage = (): string => `# Where our CPU differs from QEMU 7.2 on purpose

The test ROMs of \`packages/cpu-tests\` run on our machine and on QEMU (TCG, \`-cpu max\`); a test fails when another line differs than these.
Every difference was decided by the manuals: SDM is Intel's Software Developer's Manual, APM is AMD's Programmer's Manual.

| ROM and lines | QEMU 7.2 | Ours | Reference |
| --- | --- | --- | --- |
${DIFFERENCES.map(row).join('\n')}

Differences between Intel and AMD follow the vendor that the CPU model announces where it matters to software: with an AMD model SYSENTER and
SYSEXIT are #UD in long mode, and PAE's PDPTEs are read at each walk. SYSRET checks RCX before it leaves privilege 0, as Intel's does, because the
fault is then safe.
`;
