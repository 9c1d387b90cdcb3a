import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's own folder, wherever the command is run from. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
