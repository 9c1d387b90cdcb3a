/**
 * The live page: a text the reader types, which latents fire on each of its tokens, and what changing one does to the next
 * token. The work is done in a worker, which is started when the reader asks for it.
 */
import type { LivePage } from '../../runner/report/live.ts';
import { formatCount, formatNumber } from '../lib/numbers.ts';
import { saveFile } from '../lib/save-file.ts';
import { drawLatents, drawNext, drawTokens } from '../live/draw.ts';
import type { Answer, Ask, Change, Next, Reading } from '../live/messages.ts';
import { valuesOf } from '../live/model.ts';

/** What takes longer is ended: a text of the longest takes a few seconds on a slow machine. */
const PATIENCE = 120_000;

const start = document.querySelector<HTMLElement>('#live-start')!;
const form = document.querySelector<HTMLFormElement>('#live')!;
const text = form.querySelector<HTMLTextAreaElement>('textarea')!;
const status = document.querySelector<HTMLElement>('#live-status')!;
const shown = document.querySelector<HTMLElement>('#live-shown')!;
const tokens = document.querySelector<HTMLElement>('#live-tokens')!;
const latents = document.querySelector<HTMLElement>('#live-latents')!;
const changing = document.querySelector<HTMLFormElement>('#live-change')!;
const chosen = document.querySelector<HTMLElement>('#live-chosen')!;
const next = document.querySelector<HTMLElement>('#live-next')!;

const page = JSON.parse(form.dataset.live!) as LivePage;
const folder = new URL(form.dataset.folder!, location.href).href;
const total = Number(form.dataset.bytes!);
const evidence = form.dataset.evidence ?? null;

let worker: Worker | null = null;
/** What is asked and not answered; the worker answers in order. */
let waiting: { resolve: (answer: Answer) => void; reject: (reason: Error) => void; timer: number }[] = [];
let reading: Reading | null = null;
let effect: Next | null = null;
let position = 0;
let latent: number | null = null;
/** The last request for next tokens: an earlier one's answer is not shown any more. */
let request = 0;

function say(words: string): void {
  status.textContent = words;
}

function fail(reason: unknown): void {
  say(reason instanceof Error ? reason.message : String(reason));
}

function end(message: string): void {
  worker?.terminate();
  worker = null;
  for (const { reject, timer } of waiting) {
    clearTimeout(timer);
    reject(new Error(message));
  }
  waiting = [];
  start.hidden = false;
  form.hidden = true;
  shown.hidden = true;
}

function ask(asked: Ask): Promise<Answer> {
  const at = worker ?? begin();
  return new Promise((resolve, reject) => {
    const ended = (): void => end('The answer took too long, and was given up. Load the model again.');
    // Loading goes by the reader's network; there is progress to see.
    const timer = asked.ask === 'load' ? 0 : window.setTimeout(ended, PATIENCE);
    waiting.push({ resolve, reject, timer });
    at.postMessage(asked);
  });
}

function begin(): Worker {
  worker = new Worker(new URL('../live/worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.answer === 'loading') {
      say(`Loading: ${Math.min(100, Math.floor((100 * data.bytes) / total))} %.`);
      return;
    }
    const asked = waiting.shift();
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    if (data.answer === 'failed') asked.reject(new Error(data.message));
    else asked.resolve(data);
  };
  worker.onerror = ({ message }) => end(`The model could not be run: ${message || 'no worker started'}.`);
  return worker;
}

async function load(): Promise<void> {
  start.hidden = true;
  say('Loading.');
  try {
    const answer = await ask({ ask: 'load', page, folder });
    if (answer.answer !== 'loaded') return;
    say(
      `Loaded in ${formatNumber(answer.milliseconds / 1000, 1)} s. Nothing that you type leaves this page.`,
    );
    form.hidden = false;
    text.focus();
  } catch (error) {
    end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

async function read(): Promise<void> {
  say('Reading.');
  const answer = await ask({ ask: 'read', text: text.value });
  if (answer.answer !== 'read') return;
  reading = answer.reading;
  effect = null;
  position = reading.ids.length - 1;
  latent = null;
  shown.hidden = false;
  say(`${formatCount(reading.ids.length)} tokens. The arrow keys go from token to token.`);
  draw();
  await drawNextTokens();
}

function draw(): void {
  if (reading === null) return;
  tokens.innerHTML = drawTokens(reading, position, latent).text;
  latents.innerHTML = drawLatents(reading, position, latent, evidence).text;
  changing.hidden = latent === null;
  if (latent === null) return;
  const values = valuesOf(reading, latent);
  const firing = values.filter((value) => value > 0);
  chosen.textContent = `Latent ${latent} fires on ${formatCount(firing.length)} of ${formatCount(values.length)} tokens, at most ${formatNumber(
    firing.reduce((a, b) => Math.max(a, b), 0),
    2,
  )}.`;
}

/** What the reader's form asks for; null where nothing is chosen, or no number stands there. */
function change(): Change | null {
  const value = changing.querySelector<HTMLInputElement>('[name="value"]')!.valueAsNumber;
  if (latent === null || !Number.isFinite(value)) return null;
  const how = changing.querySelector<HTMLSelectElement>('[name="how"]')!.value === 'set' ? 'set' : 'times';
  return { latent, how, value };
}

async function drawNextTokens(): Promise<void> {
  const mine = ++request;
  const answer = await ask({ ask: 'next', position, change: change() });
  if (mine !== request || answer.answer !== 'next' || reading === null) return;
  effect = answer.next;
  next.innerHTML = drawNext(reading, effect).text;
}

function choosePosition(to: number): void {
  if (reading === null || to < 0 || to >= reading.ids.length) return;
  position = to;
  draw();
  tokens.querySelector<HTMLElement>(`[data-position="${to}"]`)?.focus();
  drawNextTokens().catch(fail);
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const loadButton = start.querySelector('button')!;
loadButton.addEventListener('click', () => void load().catch(fail));
// A click before this would be lost.
loadButton.disabled = false;
form.addEventListener('submit', (event) => {
  event.preventDefault();
  read().catch(fail);
});
// Ctrl+Enter reads, as a line break is part of the text.
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  read().catch(fail);
});
tokens.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('[data-position]') : null;
  if (button !== null) choosePosition(Number(button.dataset.position));
});
tokens.addEventListener('keydown', (event) => {
  const step = STEPS[event.key];
  const edge = event.key === 'Home' ? 0 : event.key === 'End' ? (reading?.ids.length ?? 0) - 1 : null;
  if (step === undefined && edge === null) return;
  event.preventDefault();
  choosePosition(edge ?? position + step!);
});
latents.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('[data-latent]') : null;
  if (button === null) return;
  const found = Number(button.dataset.latent);
  latent = found === latent ? null : found;
  draw();
  latents.querySelector<HTMLElement>(`[data-latent="${found}"]`)?.focus();
  drawNextTokens().catch(fail);
});
changing.addEventListener('submit', (event) => event.preventDefault());
changing.addEventListener('input', () => void drawNextTokens().catch(fail));
document.querySelector('#live-save')!.addEventListener('click', () => {
  if (reading === null) return;
  const { ids, tokens: texts, k, values, indices } = reading;
  const fired = ids.map((id, i) => ({
    id,
    text: texts[i]!,
    latents: Array.from({ length: k }, (_, slot) => i * k + slot)
      .filter((slot) => values[slot]! > 0)
      .map((slot) => [indices[slot]!, values[slot]!]),
  }));
  const json = JSON.stringify({ sae: page.sha256, tokens: fired, next: effect }, null, 1);
  saveFile(new Blob([json], { type: 'application/json' }), 'latents.json');
});
