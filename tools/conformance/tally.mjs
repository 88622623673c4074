/** Counts of vectors by class, and the table of them for several tiers. */

const percent = ({ run, failed }) => {
  if (run === 0) return '-';
  const share = (100 * (run - failed)) / run;
  // 100.00 is for all of them
  return (failed > 0 ? Math.min(share, 99.99) : share).toFixed(2);
};

/** What happened to the vectors of each class in one tier. */
export class Tally {
  #classes = new Map();

  /** Counts one vector as 'passed', 'failed' or 'skipped' (its feature is not announced). */
  count(name, outcome) {
    const counts = this.#classes.get(name) ?? { run: 0, failed: 0, skipped: 0 };
    this.#classes.set(name, counts);
    if (outcome === 'skipped') counts.skipped++;
    else counts.run++;
    if (outcome === 'failed') counts.failed++;
  }

  /** [class, counts], by name. */
  get classes() {
    return [...this.#classes].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  get total() {
    const sum = { run: 0, failed: 0, skipped: 0 };
    for (const counts of this.#classes.values()) for (const key of Object.keys(sum)) sum[key] += counts[key];
    return sum;
  }
}

/** Lines of a table: a class per line; vectors, failures and the share that agrees, for each tier. */
export function tallyTable(tallies) {
  const tiers = Object.keys(tallies);
  const names = [...new Set(Object.values(tallies).flatMap((tally) => tally.classes.map(([name]) => name)))].sort();
  const counts = Object.fromEntries(tiers.map((tier) => [tier, new Map(tallies[tier].classes)]));
  const cells = (of) => tiers.flatMap((tier) => (of[tier] ? [of[tier].run, of[tier].failed, percent(of[tier])] : ['', '', '']));
  const row = (name, of) => [name, Math.max(0, ...tiers.map((tier) => of[tier]?.skipped ?? 0)) || '', ...cells(of)].map(String);
  const rows = names.map((name) => row(name, Object.fromEntries(tiers.map((tier) => [tier, counts[tier].get(name)]))));
  rows.push(row('all', Object.fromEntries(tiers.map((tier) => [tier, tallies[tier].total]))));
  const head = ['class', 'not announced', ...tiers.flatMap((tier) => [tier, 'failed', '%'])];
  const widths = head.map((text, n) => Math.max(text.length, ...rows.map((each) => each[n].length)));
  return [head, ...rows].map((each) => each.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n]))).join('  '));
}
