// Puts the figures into docs/performance.md and the plot beside it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { plot } from './plot.mjs';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const PLOT = fileURLToPath(new URL('../../docs/performance.svg', import.meta.url));
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->'];

/** Replaces what stands between the marks of the page, and the plot. */
export function writePage({ about, tables, samples, view }) {
  const [before, rest] = readFileSync(PAGE, 'utf8').split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${PAGE} has no '${BEGIN}' and '${END}'`);
  const image = '![Time of QEMU and of v86 over that of Hotsocket, row by row](performance.svg)';
  writeFileSync(PAGE, `${before}${BEGIN}\n${[about, image, ...tables].join('\n\n')}\n${END}${after}`);
  writeFileSync(PLOT, plot(samples, view));
}
