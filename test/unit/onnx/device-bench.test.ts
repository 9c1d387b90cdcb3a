import { expect, it } from 'vitest';
import { measure, sizes, tableOf } from '../../bench/device.ts';

it('the benchmark of a device says what passes between it and the host, and leaves out what does not fit', async () => {
  const said: string[] = [];
  const lines = await measure(
    {
      device: 'cpu',
      precision: 'auto',
      seconds: 0,
      size: { ...sizes.tiny, saes: [...sizes.tiny.saes, [1_000_000, 1_000_000, 4, 16]] },
    },
    (line) => said.push(line),
  );
  expect(said[0]).toBe('cpu, the language model in float32');
  expect(said[1]).toMatch(
    /^training, both at once: \d+\.\d\d times as fast as in turn \(median of 1 pairs\)$/,
  );
  expect(said[2]).toMatch(/^training step 1000000\/1000000\/4, 16 tokens: left out, /);
  expect(lines).toHaveLength(9);
  const [prefix, losses, , , pass, picked, inTurn, atOnce, step] = lines;
  const ids = 4 * 16;
  const residual = 4 * 16 * 16;
  expect(prefix).toMatchObject({ given: ids, taken: residual, theirs: null, tokens: 16 });
  // Ids and targets there; the hook’s activations and the losses back.
  expect(losses).toMatchObject({ given: 2 * ids, taken: residual + ids });
  // The activations, step size and root correction, whether AuxK is on and how many it keeps.
  expect(step).toMatchObject({ given: 4 * 16 * 8 + 4 + 4 + 1 + 8 });
  // Of training ids and the numbers of tokens: activations stay. Back come a pass's sum of squares, and a step's squares, scalars and latents.
  const controls = 4 + 4 + 1 + 8;
  expect(pass).toMatchObject({ given: ids, taken: 4 });
  expect(picked).toMatchObject({ given: ids + controls, taken: 2 * 4 * 16 + 4 * 4 + 64 });
  expect(inTurn).toMatchObject({ given: 2 * ids + controls, taken: picked!.taken + 4 });
  expect(atOnce).toMatchObject({ given: inTurn!.given, taken: inTurn!.taken });
  const table = tableOf(lines).split('\n');
  expect(table[0]).toMatch(/ms +tokens\/s +to the device +back +PyTorch ms +ratio$/);
  expect(table).toHaveLength(10);
});
