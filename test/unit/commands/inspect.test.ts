import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../../runner/commands/inspect.ts';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { MalformedError, UserError } from '../../../runner/errors.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

afterEach(() => vi.restoreAllMocks());

async function inspect(...args: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await run(args)).toBe(0);
  const text = log.mock.calls.map(([line]) => line).join('\n');
  log.mockRestore();
  return text;
}

describe('inspect', () => {
  it('prints the embedded model', async () => {
    const text = await inspect();
    const rows = text.split('\n').slice(1).join('\n');
    expect(rows).toMatch(/^family {6}qwen3$/m);
    expect(rows).toMatch(/^heads {7}4 of 32, 2 for keys and values$/m);
    expect(rows).toMatch(/^vocabulary {2}2,048, head tied to the embedding$/m);
    expect(rows).toMatch(/^hooks {7}blocks\.0\.hook_resid_post … blocks\.5\.hook_resid_post \(6\)$/m);
    expect(rows).toMatch(/^parameters {2}1,296,384$/m);
    expect(rows).toMatch(/^types {7}F16 {3}68 tensors, 1,296,384 numbers, 2\.47 MiB$/m);
    expect(rows).toMatch(/^files {7}"model\.safetensors" {2}2\.48 MiB, 68 tensors$/m);
    expect(rows).toMatch(/^tokenizer {3}BPE, byte-level, NFC$/m);
    expect(rows).toMatch(/^ {2}named {5}bos none, eos 2045 "<\|im_end\|>", pad 2043 "<\|endoftext\|>"$/m);
    expect(rows).toMatch(/^ {2}chat {6}has a chat template$/m);
    expect(rows).not.toContain('not read');
  });

  it('prints a cross-layer transcoder', async () => {
    const clt = join(fixtures, 'clt');
    const text = await inspect(clt);
    expect(text).toMatch(/^architecture jumprelu, from every layer to it and all later ones$/m);
    expect(text).toMatch(/^layers {7}6, of 24 latents each, 144 in all$/m);
    expect(text).toMatch(/^hooks {8}"hook_resid_mid" to "hook_mlp_out" of every layer$/m);
    const facts = JSON.parse(await inspect(clt, '--hash', '--json'));
    expect(facts).toMatchObject({ format: 'cross-layer-transcoder', d_model: 128, d_sae: Array(6).fill(24) });
    expect(facts.files.map((file: { sha256: string }) => file.sha256.length)).toEqual(Array(13).fill(64));
    await expect(run([clt, '--latents', '1'])).rejects.toThrow(UserError);
  });

  it('prints a crosscoder of two models, and one of several hooks', async () => {
    const two = `${join(fixtures, 'crosscoder/replication')}#normScales=0.5+0.25`;
    const text = await inspect(two);
    expect(text).toMatch(/^places {7}2, of 128 numbers a token each$/m);
    expect(text).toMatch(/^scaled {7}by 0\.5000, 0\.2500$/m);
    expect(text).toMatch(
      /^decoders {5}of the first place alone 2, shared 20, of the second alone 2, between 0, none 0$/m,
    );
    const facts = JSON.parse(await inspect(two, '--hash', '--json'));
    expect(facts).toMatchObject({ d_in: 128, d_sae: 24, scales: [0.5, 0.25], centred: false });
    expect(facts.files.map((file: { sha256: string }) => file.sha256.length)).toEqual([64, 64]);
    await expect(run([two, '--latents', '1'])).rejects.toThrow(UserError);
    const several = await inspect(join(fixtures, 'crosscoder/layers'));
    expect(several).toMatch(/^architecture batchtopk, k 6$/m);
    expect(several).toMatch(/^scaled {7}by 0\.\d+, .*, means taken off$/m);
    expect(several).toMatch(/^decoders {5}longest at 1: 14, 2: 8, 3: 2; none 0$/m);
  });

  it('prints what matching pursuit encodes with, and no encoder, of which its file has none', async () => {
    const pursuit = join(fixtures, 'sae/sae-lens/matching-pursuit');
    const text = await inspect(pursuit);
    expect(text).toMatch(/^encodes by {3}selection matching pursuit\n {13}residual_threshold 1\.5$/m);
    expect(text).toMatch(/^ {13}max_iterations 12$/m);
    expect(text).not.toContain('W_enc');
    expect(JSON.parse(await inspect(pursuit, '--json')).encoding).toMatchObject({
      residual_threshold: 1.5,
      max_iterations: 12,
      stop_on_duplicate_support: true,
    });
  });

  it('prints both hooks of a transcoder, and that signed latents become two', async () => {
    const text = await inspect(join(fixtures, 'sae/circuit-tracer/plain/layer_3.safetensors'));
    expect(text).toMatch(/^transcoder /);
    expect(text).toMatch(/^reads {8}"blocks\.3\.mlp\.hook_in"\nreconstructs "blocks\.3\.hook_mlp_out"$/m);
    expect(text).not.toMatch(/^hook /m);
    expect(await inspect(join(fixtures, 'sae/sae-lens/abstopk'))).toMatch(
      /^conversions {2}"abstopk: each of the 40 signed latents/m,
    );
  });

  it('gives the same as JSON', async () => {
    const { folder, model, tokenizer } = JSON.parse(await inspect(demoModelFolder, '--json'));
    expect(folder).toBe(demoModelFolder);
    expect(model.parameters).toBe(1_296_384);
    expect(model.hooks).toHaveLength(model.blocks);
    expect(tokenizer).toMatchObject({
      vocabulary: 2048,
      bosTokenId: null,
      around: { before: [], after: [] },
    });
  });

  it.each([
    [
      'gpt2',
      { family: 'gpt2', blocks: 2, tiedHead: true, rope: {}, heads: { query: 2, keyValue: 2, size: 12 } },
    ],
    [
      'llama',
      {
        family: 'llama',
        tiedHead: false,
        rope: { rope_theta: 500_000 },
        heads: { query: 3, keyValue: 1, size: 16 },
      },
    ],
    [
      'qwen3_5',
      { family: 'qwen3_5', dModel: 24, contextLength: 256, heads: { query: 2, keyValue: 1, size: 32 } },
    ],
    ['gemma2-bf16', { tiedHead: true, types: [{ type: 'BF16', tensors: 24 }] }],
  ])('%s, from a folder without a tokenizer', async (name, expected) => {
    const { model, tokenizer } = JSON.parse(await inspect(join(fixtures, 'lm', name), '--json'));
    expect(model).toMatchObject(expected);
    expect(model.unread.tensors).toBe(0);
    expect(model.parameters).toBe(model.types[0].parameters);
    expect(tokenizer).toBeNull();
  });
});

describe('inspect of files by strangers', () => {
  let folder: string;
  let config: Record<string, unknown>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function lay(): Promise<string> {
    const place = await mkdtemp(join(folder, 'case-'));
    const from = join(fixtures, 'lm', 'llama');
    config = JSON.parse(await readFile(join(from, 'config.json'), 'utf8'));
    await copyFile(join(from, 'config.json'), join(place, 'config.json'));
    await copyFile(join(from, 'model.safetensors'), join(place, 'model.safetensors'));
    return place;
  }

  it('counts tensors that the model does not read, and prints their names safely', async () => {
    const place = await lay();
    const bytes = await readFile(join(place, 'model.safetensors'));
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    const end = bytes.length - 8 - length;
    header['vision.\u001b[31m\n"tower"'] = { dtype: 'U8', shape: [2, 3], data_offsets: [end, end + 6] };
    const text = Buffer.from(JSON.stringify(header));
    const lead = Buffer.alloc(8);
    lead.writeBigUInt64LE(BigInt(text.length));
    const whole = Buffer.concat([lead, text, bytes.subarray(8 + length), Buffer.alloc(6)]);
    await writeFile(join(place, 'model.safetensors'), whole);
    const out = await inspect(place);
    expect(out).toMatch(/^not read {4}1 tensors, 6 B, the first "vision\.\\u001b\[31m\\n\\"tower\\""$/m);
    expect(out).not.toContain('\u001b');
    const { model } = JSON.parse(await inspect(place, '--json'));
    expect(model.unread).toMatchObject({ tensors: 1, parameters: 6, bytes: 6 });
    expect(model.parameters).toBe(model.types[0].parameters);
  });

  it('prints the facts of a tokenizer larger than its model', async () => {
    const place = await lay();
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      await copyFile(join(fixtures, 'tokenizer', 'families', 'gemma', file), join(place, file));
    }
    const out = await inspect(place);
    expect(out).toMatch(/^tokenizer {3}BPE, byte fallback$/m);
    expect(out).toMatch(/^ {2}entries {3}\d+ \(\d+ more than the model has\)$/m);
    expect(out).toMatch(/^ {2}around {4}before a text 2 "<bos>", after it nothing$/m);
    expect(out).toMatch(/^ {2}chat {6}no chat template$/m);
  });

  it('is malformed where the tensors are not what config.json says', async () => {
    const place = await lay();
    await writeFile(join(place, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: 3 }));
    await expect(run([place])).rejects.toBeInstanceOf(MalformedError);
    await expect(run([place])).rejects.toThrow(/"model\.layers\.2\..*: found no such tensor/);
  });

  it('is malformed where a file is cut short', async () => {
    const place = await lay();
    await truncate(join(place, 'model.safetensors'), 60_000);
    await expect(run([place])).rejects.toThrow(/a whole file \(this one is cut short\)/);
  });

  it('is the user’s to correct where there is no model, two folders or an option that is none', async () => {
    for (const args of [[join(folder, 'nowhere')], ['a', 'b'], ['--nonsense']]) {
      const failure = run(args);
      await expect(failure).rejects.toBeInstanceOf(UserError);
      await expect(failure).rejects.toThrow(/^[^\n]+$/);
    }
  });
});
