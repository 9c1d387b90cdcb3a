import { fileURLToPath } from 'node:url';

/** The embedded language model, in the ordinary Hugging Face layout. */
export const demoModelFolder: string = fileURLToPath(new URL('./model', import.meta.url));
