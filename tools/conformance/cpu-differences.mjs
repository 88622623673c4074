// Writes docs/decisions/cpu-differences.md from the list in packages/cpu-tests (which must be built).
import { writeFileSync } from 'node:fs';
import { differencesPage } from '../../packages/cpu-tests/dist/index.js';

writeFileSync(new URL('../../docs/decisions/cpu-differences.md', import.meta.url), differencesPage());
