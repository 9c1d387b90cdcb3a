import { expect, test } from 'vitest';
import { sideBySide } from '../../../runner/onnx/side-by-side.ts';

/** Devices by the first letter of what lies there. */
const laneOf = (item: string) => item[0];

test('what lies on one device is done in turn, and devices do not wait for each other', async () => {
  const events: string[] = [];
  let begun = 0;
  let both: () => void;
  const together = new Promise<void>((resolve) => {
    both = resolve;
  });
  const found = await sideBySide(['a1', 'b1', 'a2', 'a3'], laneOf, async (item, index) => {
    events.push(`${item} begins`);
    // Ends when both devices have begun: taken in turn, none would.
    if (++begun === 2) both();
    await together;
    events.push(`${item} ends`);
    return `${index} ${item}`;
  });
  expect(found).toEqual(['0 a1', '1 b1', '2 a2', '3 a3']);
  expect(events.slice(0, 2)).toEqual(['a1 begins', 'b1 begins']);
  const onA = events.filter((event) => event.startsWith('a'));
  expect(onA).toEqual(['a1', 'a2', 'a3'].flatMap((item) => [`${item} begins`, `${item} ends`]));
});

test('what fails is said when the other devices are done, and ends its own', async () => {
  const done: string[] = [];
  const going = sideBySide(['a1', 'a2', 'b1', 'b2'], laneOf, async (item) => {
    if (item === 'a1') throw new Error('a1 failed');
    await new Promise(setImmediate);
    done.push(item);
  });
  await expect(going).rejects.toThrow('a1 failed');
  expect(done).toEqual(['b1', 'b2']);
});
