/** The worker that answers judge.ts. */
import { answering, type Question } from './answering.ts';

const answer = answering();
addEventListener('message', ({ data }: MessageEvent<Question>) => postMessage(answer(data)));
