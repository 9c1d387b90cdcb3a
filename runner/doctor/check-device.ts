/** Body of a process that examines one device: a line of JSON for each finding. A driver that crashes ends it alone. */

import type { DeviceFacts } from '../onnx/device-facts.ts';
import { parseDevice } from '../onnx/devices.ts';
import { examine } from './checks.ts';

const [name = 'cpu', facts = '{}'] = process.argv.slice(2);
for await (const finding of examine(parseDevice(name), JSON.parse(facts) as DeviceFacts)) {
  process.stdout.write(`${JSON.stringify(finding)}\n`);
}
