/** The whole road of explaining latents, from a finished run to the files of the report, as a transcript that is kept. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../../runner/commands/explain.ts';
import { UnavailableError } from '../../../runner/errors.ts';
import { type Explanations, explanations } from '../../../runner/report/explanations.ts';
import { writeFeatures } from '../../../runner/report/feature-files.ts';
import { finishedRun } from '../../e2e/finished-run.ts';
import { knownEvidence } from '../explain/evidence.ts';
import { type StandIn, startExplainer } from '../explain/stand-in.ts';

const kept = fileURLToPath(new URL('../../fixtures/explain/transcript.jsonl', import.meta.url));

let folder: string;
let server: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-explain-'));
  const at = await finishedRun(join(folder, 'runs'), 'known');
  await writeFeatures(join(at, 'features'), new Map([['known-l0', knownEvidence(4)]]));
  server = await startExplainer({ kind: 'perfect' });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function explain(...words: string[]): Promise<{ code: number; out: string }> {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  try {
    const code = await run([
      ...['known', `--runs=${join(folder, 'runs')}`, `--content=${join(folder, 'content')}`, '--no-site'],
      ...[`--endpoint=${server.url}`, `--explainer=stand-in/${process.pid}`, ...words],
    ]);
    return { code, out: write.mock.calls.map(([text]) => String(text)).join('') };
  } finally {
    write.mockRestore();
  }
}

const read = async (place: string): Promise<Explanations> =>
  explanations.parse(JSON.parse(await readFile(join(folder, place, 'known-l0/explanations.json'), 'utf8')));

describe('explain', () => {
  it('says what it would take and asks nothing', async () => {
    const { code, out } = await explain('--dry-run');
    expect([code, server.requests.length]).toEqual([0, 0]);
    expect(out).toMatch(/at 127\.0\.0\.1:\d+: at most \d+ requests, about [\d,]+ tokens of prompts/);
    await expect(read('content/features/known')).rejects.toThrow(/ENOENT/);
  });

  it('asks the questions of the transcript, and nothing more', async () => {
    const transcript = join(folder, 'transcript.jsonl');
    const { code } = await explain('--latent=2', '--parallel=1', `--transcript=${transcript}`);
    expect(code).toBe(0);
    const found = await readFile(transcript, 'utf8');
    if (process.env.WRITE_TRANSCRIPT === '1') await writeFile(kept, found);
    expect(found).toBe(await readFile(kept, 'utf8'));
    expect(found.split('\n').map((line) => line && JSON.parse(line).task)).toEqual([
      ...['explain', 'detection', 'detection', 'detection', 'detection'],
      ...['fuzzing', 'fuzzing', 'fuzzing', 'fuzzing', 'autointerp', ''],
    ]);
  });

  it('writes what was said and its scores, and takes answers that came before from the cache', async () => {
    const before = server.requests.length;
    const { code, out } = await explain('--latents=4');
    expect(code).toBe(0);
    const found = await read('content/features/known');
    expect(await read('runs/known/features')).toEqual(found);
    expect(found.latents.map(({ latent, explanation }) => explanation === `The word w${latent}`)).toEqual([
      ...[true, true, true, true],
    ]);
    expect(found.scores.map(({ protocol, score }) => [protocol, score?.value])).toEqual([
      ['detection', 1],
      ['fuzzing', 1],
      ['autointerp', 1],
    ]);
    expect([found.unreadable, found.left_out]).toEqual([0, []]);
    expect(server.requests.length - before).toBe(found.requests - 10);
    expect(out).toContain('10 answers were in the cache');
    expect(out).toMatch(/detection +1\.000 \(0\.\d{3}–1\.000\), of another latent’s explanation 0\.\d/);
    // Nothing of the server is in what is published.
    expect(JSON.stringify(found)).not.toContain('127.0.0.1');
  });

  it('refuses runs without evidence, and records that are not there', async () => {
    await finishedRun(join(folder, 'runs'), 'bare');
    await expect(
      run(['bare', `--runs=${join(folder, 'runs')}`, `--endpoint=${server.url}`, '--explainer=x']),
    ).rejects.toThrow(/no evidence of latents; expected a run of the suite features/);
    await expect(explain('--record=other')).rejects.toThrow(/--record "other".*expected known-l0/);
    await expect(explain('--latents=none')).rejects.toThrow(/--latents: found "none"/);
    await expect(explain('--latents=10001')).rejects.toThrow(/expected a whole number from 1 to 10,000/);
    await expect(explain('--parallel=65')).rejects.toThrow(/expected a whole number from 1 to 64/);
    const nowhere = join(folder, 'runs/known/run.json/transcript.jsonl');
    await expect(explain('--latents=1', `--transcript=${nowhere}`)).rejects.toThrow(UnavailableError);
  });
});
