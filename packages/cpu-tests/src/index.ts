export { type ClassCounts, type ConformanceResults, conformancePage, type GuestRun } from './conformance-page.js';
export { DIFFERENCES, type Difference } from './differences.js';
export { differencesPage } from './differences-page.js';
export { isaPage, type VectorCounts } from './isa-page.js';
export { ROM_NAMES, type RomName, testRom } from './roms.js';
export { linesByName, type RomRun, runRom } from './run-rom.js';
