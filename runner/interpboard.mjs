#!/usr/bin/env node
/** What `npx interpboard` starts: the command line, by the launcher. */
import { existsSync } from 'node:fs';

const source = existsSync(new URL('./cli.ts', import.meta.url));
process.argv.splice(2, 0, source ? 'runner/cli.ts' : 'runner/cli.js');
await import('./launch.mjs');
