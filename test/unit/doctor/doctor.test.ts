import { describe, expect, it } from 'vitest';
import { type Check, examine, quarters, quarterTensors } from '../../../runner/doctor/checks.ts';
import { diagnose, verdictOf } from '../../../runner/doctor/diagnose.ts';
import { readMachine } from '../../../runner/doctor/machine.ts';
import { allKernels } from '../../../runner/onnx/kernels.ts';

async function checksOnCpu(): Promise<Check[]> {
  const checks: Check[] = [];
  for await (const finding of examine('cpu', {
    kernels: allKernels,
    bfloat16: allKernels,
    operationsPerSecond: 0,
  })) {
    if ('rate' in finding) break;
    checks.push(finding.check);
  }
  return checks;
}

describe('doctor', () => {
  it('finds that the CPU computes what plain operators and the reference compute', async () => {
    const checks = await checksOnCpu();
    expect(checks.map(({ name }) => name)).toEqual([
      'language model: rotary attention, grouped keys',
      'language model: neighbours turned together',
      'language model: sliding window',
      'language model: soft-capped attention',
      'language model: layer norm, learned positions',
      'language model: experts',
      'language model: gated delta nets',
      'language model in bfloat16: rotary attention, grouped keys',
      'language model in bfloat16: neighbours turned together',
      'language model in bfloat16: sliding window',
      'language model in bfloat16: soft-capped attention',
      'language model in bfloat16: layer norm, learned positions',
      'language model in bfloat16: experts',
      'language model in bfloat16: gated delta nets',
      'SAE: encode and decode',
      'SAE: training step',
    ]);
    for (const { name, difference, failed, rounding = 1e-5 } of checks) {
      expect(failed, name).toBeUndefined();
      expect(difference, name).toBeLessThan(rounding);
    }
    expect(verdictOf(checks)).toBe('right');
  }, 600_000);

  it('checks SAEs by numbers that TF32 has, of which no two latents of a token come out equal', () => {
    const [shape, tokens] = [{ d_in: 128, d_sae: 1_024 }, 16];
    const { W_enc, W_dec, b_enc, b_dec } = quarterTensors(shape);
    const x = quarters(tokens * shape.d_in, 'x');
    // A mantissa of 10 bits and one before them.
    const fits = (value: number): boolean =>
      value === 0 || Number.isInteger(value * 2 ** (10 - Math.floor(Math.log2(Math.abs(value)))));
    for (const values of [W_enc, W_dec, b_enc!, b_dec, x]) expect(values.every(fits)).toBe(true);
    for (let token = 0; token < tokens; token++) {
      const pre = b_enc!.map((bias, latent) => {
        let sum = bias;
        for (let i = 0; i < shape.d_in; i++)
          sum += (x[token * shape.d_in + i]! - b_dec[i]!) * W_enc[i * shape.d_sae + latent]!;
        return sum;
      });
      expect(new Set(pre).size).toBe(shape.d_sae);
    }
  });

  it('tells rounding, fewer digits and wrong answers apart', () => {
    expect(verdictOf([{ difference: 3e-7 }, { difference: 2e-5 }])).toBe('right');
    expect(verdictOf([{ difference: 3e-7 }, { difference: 2e-3 }])).toBe('reduced precision');
    expect(verdictOf([{ difference: 3e-7 }, { difference: 0.3 }])).toBe('wrong');
    expect(verdictOf([{ difference: 3e-7 }, { difference: 0.02, rounding: 0.05 }])).toBe('right');
    expect(verdictOf([{ difference: 3e-7 }, { difference: 0.06, rounding: 0.05 }])).toBe('wrong');
    expect(verdictOf([{ difference: 3e-7 }, { difference: Number.NaN }])).toBe('wrong');
    expect(verdictOf([{ difference: 3e-7 }, { difference: null }])).toBe('wrong');
  });

  it('names what a device lacks that no machine has', async () => {
    const found: unknown[] = [];
    const diagnosis = await diagnose('cuda:99', (finding) => found.push(finding));
    expect(diagnosis).toMatchObject({ device: 'cuda:99', there: false });
    expect(found).toEqual([]);
  }, 600_000);

  it('says nothing of user, host or folder', async () => {
    const text = JSON.stringify(await readMachine());
    expect(text).not.toContain(process.cwd());
    expect(text).toContain(process.versions.node);
  });
});
