import { fileURLToPath } from 'node:url';

/** The embedded language model, in the ordinary Hugging Face layout. */
export const demoModelFolder: string = fileURLToPath(new URL('./model', import.meta.url));

/** Its name in configurations, in records and in the files of SAEs that were trained on it. */
export const DEMO_MODEL = 'interpboard/small-world';
