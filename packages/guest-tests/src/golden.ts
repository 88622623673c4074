// What Linux 6.1 (amd64) does on the wire when a CPU is hot-added, with the tables that SeaBIOS 1.16.2 makes: recorded on QEMU 7.2.

const repeat = (count: number, ...lines: readonly string[]): string[] => Array.from({ length: count }, () => lines).flat();

/** Bytes of the CPU bitmap: every one is read, in ascending order. */
const bitmap = (first: string): string[] =>
  Array.from({ length: 32 }, (_, at) => `cpu0 in af${at.toString(16).padStart(2, '0')} b -> ${at === 0 ? first : '0'}`);

/** From the interrupt to the end of the GPE method, CPU 1 added to CPU 0. */
export const SCI_TO_BITMAP: readonly string[] = [
  'cpu0 vector 21',
  // PM1: the timer bit is set and not enabled
  'cpu0 in b000 w -> 1',
  'cpu0 in b002 w -> 20',
  // GPE0: looked for, found, disabled, and cleared before its method runs
  ...repeat(3, 'cpu0 in afe2 b -> ff', 'cpu0 in afe0 b -> 4'),
  'cpu0 in afe2 b -> ff',
  'cpu0 out afe2 b <- fb',
  'cpu0 out afe0 b <- 4',
  ...repeat(5, 'cpu0 in afe2 b -> fb', 'cpu0 in afe0 b -> 0'),
  ...repeat(8, 'cpu0 in afe3 b -> ff', 'cpu0 in afe1 b -> 0'),
  // the end of a level-triggered interrupt
  'cpu0 rd TMR1 -> 2',
  'cpu0 eoi 21',
  ...bitmap('3'),
  'cpu0 in afe2 b -> fb',
  'cpu0 out afe2 b <- ff',
];

/** What the boot CPU does to start APIC id 1: INIT, end of INIT (at once for this family of CPUs), SIPI twice. */
export const START_BY_BOOT_CPU: readonly string[] = [
  'cpu0 out 0070 b <- f',
  'cpu0 out 0071 b <- a',
  ...repeat(2, 'cpu0 wr ESR <- 0', 'cpu0 rd ESR -> 0'),
  'cpu0 wr ICR_HI <- 1000000',
  'cpu0 wr ICR_LO <- c500',
  'cpu0 rd ICR_LO -> c500',
  'cpu0 wr ICR_HI <- 1000000',
  'cpu0 wr ICR_LO <- 8500',
  'cpu0 rd ICR_LO -> 8500',
  'cpu0 wr ESR <- 0',
  'cpu0 rd ESR -> 0',
  'cpu0 wr ICR_HI <- 1000000',
  'cpu0 wr ICR_LO <- 699',
  'cpu0 rd ICR_LO -> 699',
  ...repeat(2, 'cpu0 wr ESR <- 0', 'cpu0 rd ESR -> 0'),
  'cpu0 wr ICR_HI <- 1000000',
  'cpu0 wr ICR_LO <- 699',
  'cpu0 rd ICR_LO -> 699',
  'cpu0 wr ESR <- 0',
  'cpu0 rd ESR -> 0',
];

/** What the new CPU does to its local APIC until it runs. */
export const START_OF_NEW_CPU: readonly string[] = [
  'cpu1 rd SVR -> ff',
  'cpu1 wr SVR <- ff',
  'cpu1 rd ID -> 1000000',
  'cpu1 wr DFR <- ffffffff',
  'cpu1 rd LDR -> 0',
  'cpu1 wr LDR <- 2000000',
  'cpu1 rd TPR -> 0',
  'cpu1 wr TPR <- 10',
  'cpu1 rd SVR -> ff',
  'cpu1 wr SVR <- 1ff',
  'cpu1 rd LINT0 -> 10000',
  'cpu1 wr LINT0 <- 10700',
  'cpu1 wr LINT1 <- 10400',
  'cpu1 wr ESR <- 0',
  'cpu1 rd ESR -> 0',
  'cpu1 wr ERROR <- fe',
  'cpu1 wr ESR <- 0',
  'cpu1 rd ESR -> 0',
  'cpu1 rd ID -> 1000000',
  'cpu1 rd ICR_LO -> 0',
  'cpu1 wr ICR_HI <- 1000000',
  'cpu1 wr ICR_LO <- 8fd',
  'cpu1 rd TIMER -> 10000',
  'cpu1 wr TIMER <- 100ec',
  'cpu1 wr TIMER <- ec',
  'cpu1 rd DIVIDE -> 0',
  'cpu1 wr DIVIDE <- 3',
];
